//! The kit's seven tables there and back again.

use pretty_assertions::assert_eq;

use crate::support::{KIT, Place, nothing_done, nothing_written};

/// What people do to a hosted site: every table is edited, and gets rows of theirs.
const EDITS: &str = r#"
update profile set bio = E'<p>One</p>\n\n<p>Two "quoted" \\ and a\ttab</p>  \n', phone = null,
    social_links = '{"mail": null, "deep": {"b": [1, 2.50, {"x": "y"}], "a": "é"}}';
insert into profile (name, social_links) values ('Second', '{}');
update skills set proficiency = 1, glow_hex = null where name = 'pgvector';
insert into skills (name, category) values ('pgvector', 'Other'), ('', 'Other'), ('+++', 'AI');
delete from skills where name = 'Model evaluation';
update projects set description = E'\n\nLeading lines', title = E'Line one\r\nline two' where slug = 'tidebook';
update projects set slug = 'the-lectern', description = description || E'\n+++\nMore' where slug = 'lectern';
update projects set description = E'    indented code\n\n+++\ntext' where slug = 'ridgeway';
insert into projects (title, slug, description) values
    ('A', '../evil', E'Trailing   \n'), ('B', 'CON', ''), ('C', 'Tidebook', null), ('D', 'tide-book', E'\r'),
    ('E', 'README', E'+++\n'), ('F', 'é', 'x'), ('G', 'e', E'Text\n\n'), ('H', E'nl\n', E' \u00a0'),
    ('I', 'technologies', '"""');
update projects set technologies = array['a', null, '', '{x}', E'q"\'\\'] where slug = 'technologies';
update experience set end_date = 'infinity' where company = 'Nappe & Source';
insert into experience (company, role, start_date, description) values
    ('Old', 'x', '0044-03-15 BC', E'a\u0001\u007f\u0085\u2028b'), ('Far', 'y', '12024-01-01', E'"""\n\'\'\'\n\\"');
update solutions set items = '[{"label": "New", "status": "live"}, {"label": null}, 7, [], {}]', "order" = -1 where "order" = 1;
insert into solutions (title, items) values ('Numbers', '[1.50, 12345678901234567890, 0.1, 1e400, -0, 123456789.123456789123456789]');
update testimonials set is_visible = not is_visible;
insert into testimonials (author_name, content, is_visible) values ('Hidden', 'Not shown', false);
update page_layouts set layout_json = layout_json || '{"note": {"$json": "x"}, "n": null}' where page_name = 'about';
insert into page_layouts (page_name, layout_json, version) values ('home', '{"sections": []}', 3), ('x/../y', '[]', 1),
    ('null', 'null', 1), ('odd', '{"$json": "x"}', 1), ('odd', '{"$null": true}', 2);
"#;

async fn edited() -> Place {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    place.run(EDITS).await;
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_seeded_changes_no_file() {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    let before = place.content();
    let report = place.export().await;
    nothing_written(&report);
    assert_eq!(report.unchanged, before.len());
    assert_eq!(report.tables.len(), 7);
    assert_eq!(report.tables["projects"], 6);
    assert_eq!(place.content(), before);
}

/// The time of an edit is not one that a seed made, whatever was seeded since.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_a_file_gave_once_comes_back() {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    let before = place.content();
    place.run("update profile set phone = '1'").await;
    place.export().await;
    place.push().await;
    place.site.write("content/profile.toml", &before["profile.toml"]);
    place.run("update profile set phone = '2'").await;
    place.export_by_force().await;
    place.push().await;
    let with_times = place.file("profile.toml");
    place
        .site
        .write("content/profile.toml", before["profile.toml"].replace("+33 4 65 71 20 84", "2"));
    place.export_by_force().await;
    assert_eq!(place.file("profile.toml"), with_times);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_goes_there_and_back() {
    let mut place = edited().await;
    let rows = place.rows(&KIT).await;
    let report = place.export().await;
    assert_eq!(report.only_in_files, []);
    assert_eq!(report.left_out, []);
    let files = place.content();
    nothing_written(&place.export().await);
    assert_eq!(place.content(), files);
    nothing_done(&place.push().await);
    assert_eq!(place.rows(&KIT).await, rows);
    nothing_written(&place.export().await);
    assert_eq!(place.content(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_export_restores_every_value_of_every_row() {
    let mut place = edited().await;
    place.export_full().await;
    let files = place.content();
    let mut restored = place.restored().await;
    restored.push().await;
    assert_eq!(restored.rows(&KIT).await, place.rows(&KIT).await);
    nothing_written(&restored.export_full().await);
    assert_eq!(restored.content(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_to_an_empty_folder_is_a_whole_backup() {
    let mut place = edited().await;
    let dir = place.site.root.join("backup");
    let report = place.export_to(dir.clone(), false).await.unwrap();
    assert_eq!((report.changed.len(), report.removed.len(), report.unchanged), (0, 0, 0));
    assert!(!place.site.root.join("content/backup").exists());
    let mut restored = place.restored().await;
    std::fs::remove_dir_all(restored.site.root.join("content")).unwrap();
    std::fs::rename(restored.site.root.join("backup"), restored.site.root.join("content")).unwrap();
    restored.push().await;
    assert_eq!(restored.rows(&KIT).await, place.rows(&KIT).await);
    nothing_written(&place.export_to(dir, false).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_gives_the_same_site_byte_for_byte() {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    place.run("update projects set title = 'Renamed', slug = 'renamed' where slug = 'lectern';
        insert into projects (title, slug, description, featured_order) values ('Theirs', 'theirs', E'Text\n\n+++\n', 2);
        insert into skills (name, category) values ('Theirs', 'Other'), ('Theirs', 'AI');
        delete from experience where company = 'Nappe & Source';
        update testimonials set is_visible = true;
        update page_layouts set updated_at = '2027-01-01T00:00:00.123456Z' where page_name = 'about'").await;
    place.export().await;
    place.site.build();
    let mut restored = place.restored().await;
    restored.push().await;
    restored.site.build();
    let (before, after) = (place.site.dist(), restored.site.dist());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{path} differs");
    }
    assert!(before.contains_key("projects/theirs/index.html"));
    assert!(!before.contains_key("projects/lectern/index.html"));
}

/// Its files name no times, and the database's reach the sitemap.
#[tokio::test(flavor = "multi_thread")]
async fn times_that_the_site_shows_are_part_of_the_backup() {
    let mut place = Place::copy_of("examples/blog").await;
    place.push().await;
    let report = place.export().await;
    assert_eq!(report.changed.len(), report.tables["posts"]);
    place.site.build();
    let mut restored = place.restored().await;
    restored.push().await;
    assert_eq!(restored.rows(&["posts"]).await, place.rows(&["posts"]).await);
    restored.site.build();
    assert!(place.site.dist() == restored.site.dist());
    nothing_written(&restored.export().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn mirroring_an_export_changes_nothing() {
    let mut place = Place::copy_of(".").await;
    place.mirror().await;
    place
        .run(
            "insert into skills (name, category) values ('Theirs', 'Other');
        update projects set title = 'T' where slug = 'lectern'",
        )
        .await;
    place.export().await;
    let rows = place.rows(&KIT).await;
    nothing_done(&place.mirror().await);
    nothing_written(&place.export().await);
    nothing_done(&place.mirror().await);
    assert_eq!(place.rows(&KIT).await, rows);
}
