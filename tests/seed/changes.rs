//! What changes in the database when files do, and what does not.

use frieze::db::seed::Mode;
use pretty_assertions::assert_eq;

use crate::support::{Site, counts};

const A: &str = "+++\ntitle = \"A\"\nslug = \"a\"\nstars = 3\ntags = [\"x\"]\n+++\n\nText of A.\n";
const B: &str = "+++\ntitle = \"B\"\nslug = \"b\"\n+++\n\nText of B.\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sync_writes_nothing() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    let versions =
        "select string_agg(slug || ' ' || xmin || ' ' || updated_at, ',' order by slug) from posts";
    let before = site.value(versions).await;
    assert_eq!(counts(&site.mirror().await), (0, 0, 2, 0));
    assert_eq!(site.value(versions).await, before);
    assert_eq!(counts(&site.push().await), (0, 0, 2, 0));
    assert_eq!(site.value(versions).await, before);
    assert_eq!(site.value("select body from posts where slug = 'a'").await, "Text of A.");
    assert_eq!(site.value("select tags::text from posts where slug = 'b'").await, "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_file_is_one_update() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.mirror().await;
    let b = "select xmin::text || updated_at from posts where slug = 'b'";
    let before = site.value(b).await;
    site.write("posts/a.md", &A.replace("Text of A", "New text"));
    let report = site.mirror().await;
    assert_eq!(counts(&report), (0, 1, 1, 0));
    assert_eq!(report.tables["posts"].updated, 1);
    assert_eq!(site.value("select body from posts where slug = 'a'").await, "New text.");
    assert_eq!(
        site.value("select (updated_at > created_at)::text from posts where slug = 'a'").await,
        "true"
    );
    assert_eq!(site.value(b).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_database_is_undone() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.mirror().await;
    site.run("update posts set stars = 1 where slug = 'a'; delete from posts where slug = 'b'")
        .await;
    assert_eq!(counts(&site.mirror().await), (1, 1, 0, 0));
    assert_eq!(site.value("select stars::text from posts where slug = 'a'").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_file_is_a_deleted_row_unless_pushing() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.mirror().await;
    site.run("insert into posts (title, slug) values ('Theirs', 'theirs')").await;
    site.remove("posts/a.md");
    assert_eq!(counts(&site.push().await), (0, 0, 1, 0));
    let slugs = "select string_agg(slug, ',' order by slug) from posts";
    assert_eq!(site.value(slugs).await, "a,b,theirs");
    assert_eq!(counts(&site.mirror().await), (0, 0, 1, 1));
    assert_eq!(site.value(slugs).await, "b,theirs");
    site.remove("posts/b.md");
    assert_eq!(counts(&site.mirror().await), (0, 0, 0, 1));
    assert_eq!(site.value(slugs).await, "theirs");
    assert_eq!(site.value("select count(*)::text from seed_state").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_key_goes_back_to_its_default_unless_pushing() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.mirror().await;
    let short = "+++\ntitle = \"A\"\nslug = \"a\"\n+++\n";
    site.write("posts/a.md", short);
    let row = "select concat_ws(' ', stars, tags, body) from posts where slug = 'a'";
    assert_eq!(counts(&site.push().await), (0, 0, 2, 0));
    assert_eq!(site.value(row).await, "3 {x} Text of A.");
    assert_eq!(counts(&site.mirror().await), (0, 1, 1, 0));
    assert_eq!(site.value(row).await, "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_file_ever_set_stays() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.mirror().await;
    // Somebody else fills in a column of one row that the files set in another.
    site.run("update posts set stars = 5 where slug = 'b'").await;
    assert_eq!(counts(&site.mirror().await), (0, 0, 2, 0));
    site.write("posts/b.md", &B.replace("Text", "More"));
    assert_eq!(counts(&site.mirror().await), (0, 1, 1, 0));
    assert_eq!(site.value("select stars::text from posts where slug = 'b'").await, "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_slug_is_another_row() {
    let mut site = Site::new().await;
    site.run("create unique index on posts (title)").await;
    site.write("posts/a.md", A);
    site.mirror().await;
    site.write("posts/a.md", &A.replace("\"a\"", "\"c\""));
    assert_eq!(counts(&site.mirror().await), (1, 0, 0, 1));
    assert_eq!(site.value("select string_agg(slug, ',') from posts").await, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_each_other_come_and_go_in_order() {
    let mut site = Site::new().await;
    let city = "[[cities]]\nname = \"Sète\"\ncountry = \"fr\"\n";
    site.write("cities.toml", city);
    site.write(
        "countries.json",
        r#"[{"code": "fr", "name": "France"}, {"code": "it", "name": "Italia"}]"#,
    );
    assert_eq!(counts(&site.mirror().await), (3, 0, 0, 0));
    // The country leaves while its city moves: the city has to go first.
    site.write("cities.toml", &city.replace("fr", "it"));
    site.write("countries.json", r#"[{"code": "it", "name": "Italia"}]"#);
    assert_eq!(counts(&site.mirror().await), (0, 1, 1, 1));
    site.remove("cities.toml").remove("countries.json");
    assert_eq!(counts(&site.mirror().await), (0, 0, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_leaves_everything_as_it_was() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A);
    site.mirror().await;
    site.write("posts/a.md", &A.replace("Text of A", "New"))
        .write("posts/b.md", &B.replace("+++\n\n", "stars = 9\n+++\n"));
    assert!(site.sync(Mode::Mirror).await.is_err());
    assert_eq!(site.value("select string_agg(body, ',') from posts").await, "Text of A.");
    site.write("posts/b.md", B);
    assert_eq!(counts(&site.mirror().await), (1, 1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_is_compared_anew() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A);
    site.mirror().await;
    site.run("alter table posts rename column stars to points").await;
    assert!(site.refused().await.contains("posts has no column stars"));
}
