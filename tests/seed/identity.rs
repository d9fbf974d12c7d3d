//! How rows are recognised again.

use pretty_assertions::assert_eq;

use crate::support::{Site, counts};

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_may_change_places() {
    let mut site = Site::new().await;
    let thing = |name: &str, maker: &str, size: i32| {
        format!("[[things]]\nname = \"{name}\"\nmaker = \"{maker}\"\nsize = {size}\n")
    };
    let (a, b, c) = (thing("A", "x", 1), thing("B", "x", 2), thing("A", "y", 3));
    site.write("things.toml", &[a.as_str(), &b, &c].concat());
    assert_eq!(counts(&site.mirror().await), (3, 0, 0, 0));
    let ids = "select string_agg(id::text, ',' order by name, maker) from things";
    let before = site.value(ids).await;
    site.write("things.toml", &[b.as_str(), &a, &c].concat());
    assert_eq!(counts(&site.mirror().await), (0, 0, 3, 0));
    // One more of the same name, and one gone.
    site.write("things.toml", &[a.as_str(), &c, &thing("A", "z", 9)].concat());
    assert_eq!(counts(&site.mirror().await), (1, 0, 2, 1));
    site.write("things.toml", &[a.as_str(), &b, &c].concat());
    assert_eq!(counts(&site.mirror().await), (1, 0, 2, 1));
    assert_eq!(site.value(ids).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_say_the_same_are_two_rows() {
    let mut site = Site::new().await;
    site.write("things.toml", "[[things]]\nname = \"A\"\n[[things]]\nname = \"A\"\n[[things]]\nsize = 1\n[[things]]\nsize = 2\n");
    assert_eq!(counts(&site.mirror().await), (4, 0, 0, 0));
    assert_eq!(counts(&site.mirror().await), (0, 0, 4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_one_row_is_known_by_its_name() {
    let mut site = Site::new().await;
    site.write("things/a.toml", "name = \"A\"").write("things/b.toml", "name = \"A\"");
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    site.write("things/a.toml", "name = \"C\"");
    assert_eq!(counts(&site.mirror().await), (0, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_make_the_same_ids() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut site = Site::new().await;
        site.write("things.toml", "[[things]]\nname = \"A\"\n");
        site.write("posts/a.md", "+++\ntitle = \"A\"\nslug = \"a\"\n+++\n");
        site.mirror().await;
        ids.push(site.value("select things.id || ' ' || posts.id from things, posts").await);
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_columns_may_be_unique_together() {
    let mut site = Site::new().await;
    site.write("layouts/home.toml", "page = \"home\"\nversion = 1\n[layout]\na = 1\n");
    site.write("layouts/draft.toml", "page = \"home\"\nversion = 2\n[layout]\na = 2\n");
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    site.write("layouts/draft.toml", "page = \"home\"\nversion = 2\n[layout]\na = 3\n");
    assert_eq!(counts(&site.mirror().await), (0, 1, 1, 0));
    site.write("layouts/again.toml", "page = \"home\"\nversion = 2\n[layout]\na = 3\n");
    assert_eq!(
        site.refused().await,
        "error: content/layouts/draft.toml:1: content/layouts/again.toml:1 already has a row of layouts with page = \"home\", version = 2\n  help: give one of the two another value, or remove it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_written_twice_is_one_identity() {
    let mut site = Site::new().await;
    let id = "6f1c2a3e-8c1d-4b6a-9a57-0d2f4c9b1e77";
    let row = |id: &str| format!("[[things]]\nname = \"A\"\nid = \"{id}\"\n");
    site.write("things.toml", &(row(id) + &row(&id.to_uppercase())));
    let report = site.refused().await;
    assert!(report.starts_with("error: content/things.toml:6:"), "{report}");
    site.write("things.toml", &row(id));
    site.mirror().await;
    site.write("things.toml", &(row(id) + &row(&id.to_uppercase())));
    assert!(
        site.refused()
            .await
            .starts_with("error: content/things.toml:6: content/things.toml:3 already has")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_taken_by_a_renamed_row_is_left_to_it() {
    let mut site = Site::new().await;
    site.write("posts/a.md", "+++\ntitle = \"A\"\nslug = \"a\"\n+++\n");
    site.push().await;
    site.run("update posts set slug = 'theirs'").await;
    assert_eq!(counts(&site.push().await), (1, 0, 0, 0));
    assert_eq!(
        site.value("select string_agg(slug, ',' order by slug) from posts").await,
        "a,theirs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_names_no_row_is_refused() {
    let mut site = Site::new().await;
    site.write("unnamed.toml", "[[unnamed]]\nname = \"A\"\n");
    assert_eq!(
        site.refused().await,
        "error: content/unnamed.toml:1: nothing tells this row from the others\n  help: give the row id"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_outside_public_is_named_with_its_schema() {
    let mut site = Site::new().await;
    site.run("create schema archive; create table archive.letters (slug text primary key, n int)")
        .await;
    site.write("archive.letters.toml", "[[\"archive.letters\"]]\nslug = \"a\"\n");
    site.write("archive.letters/b.json", "{\"slug\": \"b\", \"n\": 1}");
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    site.remove("archive.letters.toml").remove("archive.letters/b.json");
    assert_eq!(counts(&site.mirror().await), (0, 0, 0, 2));
}
