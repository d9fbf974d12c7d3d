//! Where rows go that no file holds.

use pretty_assertions::assert_eq;

use crate::support::{Place, nothing_done, nothing_written};

#[tokio::test(flavor = "multi_thread")]
async fn each_table_has_its_form() {
    let mut place = Place::copy_of(".").await;
    std::fs::remove_dir_all(place.site.root.join("content")).unwrap();
    place.run("
        insert into projects (id, created_at, updated_at, title, slug, description, technologies) values
            ('00000000-0000-4000-8000-000000000001', '2024-01-01', '2024-01-02 03:04:05.6', 'Sea Wall', 'sea-wall', E'# Text\n\nof it.', '{Rust}');
        insert into skills (id, created_at, updated_at, name, category) values
            ('00000000-0000-4000-8000-000000000002', '2024-01-02', '2024-01-02', 'Second', 'AI'),
            ('00000000-0000-4000-8000-000000000003', '2024-01-01', '2024-01-01', 'First', 'AI');
        insert into page_layouts (id, created_at, updated_at, page_name, layout_json, version, is_published) values
            ('00000000-0000-4000-8000-000000000004', '2024-01-01', '2024-01-01', 'home', '{\"sections\": []}', 7, true)").await;
    let report = place.export().await;
    assert_eq!(
        report.written,
        ["page_layouts/home-v7.json", "projects/sea-wall.md", "skills.toml"]
    );
    assert_eq!(
        place.file("projects/sea-wall.md"),
        "+++\ntitle = \"Sea Wall\"\nslug = \"sea-wall\"\ntechnologies = [\"Rust\"]\ncreated_at = \"2024-01-01T00:00:00Z\"\nupdated_at = \"2024-01-02T03:04:05.6Z\"\nid = \"00000000-0000-4000-8000-000000000001\"\n+++\n\n# Text\n\nof it.\n"
    );
    assert_eq!(
        place.file("skills.toml"),
        "[[skills]]\nname = \"First\"\ncategory = \"AI\"\ncreated_at = \"2024-01-01T00:00:00Z\"\nupdated_at = \"2024-01-01T00:00:00Z\"\nid = \"00000000-0000-4000-8000-000000000003\"\n\n[[skills]]\nname = \"Second\"\ncategory = \"AI\"\ncreated_at = \"2024-01-02T00:00:00Z\"\nupdated_at = \"2024-01-02T00:00:00Z\"\nid = \"00000000-0000-4000-8000-000000000002\"\n"
    );
    assert_eq!(
        place.file("page_layouts/home-v7.json"),
        "{\n  \"page_name\": \"home\",\n  \"layout_json\": {\n    \"sections\": []\n  },\n  \"is_published\": true,\n  \"version\": 7,\n  \"created_at\": \"2024-01-01T00:00:00Z\",\n  \"updated_at\": \"2024-01-01T00:00:00Z\",\n  \"id\": \"00000000-0000-4000-8000-000000000004\"\n}\n"
    );
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_safe_and_told_apart() {
    let mut place = Place::copy_of(".").await;
    std::fs::remove_dir_all(place.site.root.join("content")).unwrap();
    place.site.write("content/projects/taken.jpg", "");
    place.run("insert into projects (title, slug, created_at) select 'T', slug, timestamptz '2024-01-01' + n * interval '1 day'
        from unnest(array['../../evil', '/etc/passwd', 'a', 'A', 'README', 'Taken', E'..\\\\x', '.', 'con', repeat('long', 99)]) with ordinality as x(slug, n)").await;
    let report = place.export().await;
    let long = format!("projects/{}.md", "long".repeat(25));
    assert_eq!(
        report.written,
        [
            "projects/a-2.md",
            "projects/a.md",
            "projects/con-row.md",
            "projects/etc-passwd.md",
            "projects/evil.md",
            &long,
            "projects/readme-row.md",
            "projects/row.md",
            "projects/taken-2.md",
            "projects/x.md"
        ]
    );
    nothing_written(&place.export().await);
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_ones_own_are_written_too_and_the_engines_are_not() {
    let mut place = Place::small("[collections.letters]\ntable = \"archive.letters\"\n").await;
    place.run("create schema archive; create table archive.letters (no int primary key, t text);
        insert into archive.letters values (1, 'x'); create table notes (id serial primary key, t text);
        insert into notes (t) values ('a'); create table strange (t text); create view seen as select t from notes;
        insert into site_admins values ('00000000-0000-4000-8000-000000000001');
        insert into task_queue (task_type) values ('enrich')").await;
    let config = std::fs::read_to_string(place.site.root.join("frieze.toml")).unwrap();
    place.site.write("frieze.toml", format!("{config}[collections.strange]\n[collections.seen]\n"));
    place.site.write("content/notes.toml", "[[notes]]\nid = 9\nt = \"z\"\n");
    place.site.write(
        "content/site_admins.toml",
        "[[site_admins]]\nuser_id = \"00000000-0000-4000-8000-000000000009\"\n",
    );
    let report = place.export().await;
    assert_eq!(report.written, ["archive.letters.toml"]);
    assert_eq!(report.changed, ["notes.toml"]);
    assert_eq!(place.file("archive.letters.toml"), "[[\"archive.letters\"]]\nno = 1\nt = \"x\"\n");
    assert_eq!(
        place.file("notes.toml"),
        "[[notes]]\nid = 9\nt = \"z\"\n\n[[notes]]\nid = 1\nt = \"a\"\n"
    );
    assert_eq!(report.tables.keys().collect::<Vec<_>>(), ["archive.letters", "notes"]);
    assert_eq!(report.left_out.len(), 1);
    assert_eq!(report.left_out[0].table, "strange");
    assert_eq!(place.content().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_table_counts_on_from_its_largest_number() {
    let mut place = Place::small("[collections.notes]\n[collections.memos]\n").await;
    let tables = "create table notes (id serial primary key, t text);
        create table memos (\"No\" bigint generated by default as identity primary key, t text)";
    place.run(tables).await;
    let more =
        "insert into notes (t) values ('a'), ('b'); insert into memos (t) values ('a'), ('b')";
    place.run(more).await;
    place.export().await;
    let mut restored = place.restored().await;
    restored.run(tables).await;
    restored.push().await;
    assert_eq!(restored.rows(&["notes", "memos"]).await, place.rows(&["notes", "memos"]).await);
    restored.run(more).await;
    place.run(more).await;
    assert_eq!(restored.rows(&["notes", "memos"]).await, place.rows(&["notes", "memos"]).await);
}

/// Nobody has to migrate a database that already has its tables.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_never_seeded_can_be_exported() {
    let mut place = Place::small("[collections.notes]\n").await;
    place
        .run(
            "drop table seed_state; create table notes (id int primary key, t text);
        insert into notes values (1, 'a')",
        )
        .await;
    assert_eq!(place.export().await.written, ["notes.toml"]);
    nothing_written(&place.export().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_say_the_same_and_rows_without_a_word_have_their_files() {
    let mut place =
        Place::small("[collections.things]\nmarkdown = [\"body\"]\n[collections.bare]\n").await;
    let tables =
        "create table things (id uuid primary key default gen_random_uuid(), name text, body text);
        create table bare (id uuid primary key default gen_random_uuid(), name text)";
    place.run(tables).await;
    place.run("insert into things (name) values ('A'), ('A'), (null); insert into bare (name) values (null), (null), ('B'), ('B')").await;
    place.export().await;
    let rows = place.rows(&["things", "bare"]).await;
    nothing_written(&place.export().await);
    let mut restored = place.restored().await;
    restored.run(tables).await;
    restored.push().await;
    assert_eq!(restored.rows(&["things", "bare"]).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tells_a_row_from_others_is_written_though_it_is_the_default() {
    let mut place = Place::small("[collections.words]\n").await;
    let table = "create table words (slug text, locale text default 'en', t text, primary key (slug, locale))";
    place.run(table).await;
    place.run("insert into words values ('a', 'en', 'x'), ('a', 'fr', 'y')").await;
    place.export().await;
    assert_eq!(
        place.file("words.toml"),
        "[[words]]\nslug = \"a\"\nlocale = \"en\"\nt = \"x\"\n\n[[words]]\nslug = \"a\"\nlocale = \"fr\"\nt = \"y\"\n"
    );
    place.push().await;
    place.run("delete from words where locale = 'en'; update words set locale = 'en'").await;
    place.export().await;
    let rows = place.rows(&["words"]).await;
    let mut restored = place.restored().await;
    restored.run(table).await;
    restored.push().await;
    assert_eq!(restored.rows(&["words"]).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nothing_tells_from_others_are_named_and_the_rest_is_exported() {
    let mut place =
        Place::small("[collections.counted]\n[collections.pairs]\n[collections.codes]\n").await;
    place
        .run(
            "create table counted (id int generated always as identity primary key, t text);
        create table pairs (id int generated always as identity primary key, slug text unique default 's', t text);
        create table codes (code text unique, t text);
        insert into counted (t) values ('x'); insert into pairs (t) values ('x');
        insert into codes values ('a', 'x'), (null, 'y'), (null, 'z')",
        )
        .await;
    let report = place.export().await;
    assert_eq!(report.written, ["codes.toml", "pairs.toml"]);
    assert_eq!(place.file("pairs.toml"), "[[pairs]]\nslug = \"s\"\nt = \"x\"\n");
    assert_eq!(place.file("codes.toml"), "[[codes]]\ncode = \"a\"\nt = \"x\"\n");
    let left: Vec<_> =
        report.left_out.iter().map(|it| (it.table.as_str(), it.reason.as_str())).collect();
    let counted = "the database computes what tells its rows apart, so no file can give it";
    let codes = "2 rows have no code: nothing tells such a row from the others";
    assert_eq!(left, [("counted", counted), ("codes", codes)]);
    nothing_written(&place.export().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_that_was_never_called_goes_past_its_first_number() {
    let mut place = Place::small("[collections.notes]\n[collections.falls]\n").await;
    let tables = "create table notes (id serial primary key, t text); create table falls (t text,
        id int primary key generated by default as identity (increment -1 minvalue 1 maxvalue 99 start 50))";
    place.run(tables).await;
    place.run("insert into notes (t) values ('a'); insert into falls values ('a', 80)").await;
    place.export().await;
    let mut restored = place.restored().await;
    restored.run(tables).await;
    restored.push().await;
    restored.run("insert into notes (t) values ('b'); insert into falls (t) values ('b')").await;
    assert_eq!(restored.value("select id::text from notes where t = 'b'").await, "2");
    assert_eq!(restored.value("select id::text from falls where t = 'b'").await, "50");
}
