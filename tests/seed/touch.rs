//! Single files taken while the rest is known to stand, as dev mode does.

use frieze::db::seed::{Mode, Touched};
use pretty_assertions::assert_eq;

use crate::support::Site;

fn post(slug: &str, body: &str) -> String {
    format!("+++\ntitle = \"T\"\nslug = \"{slug}\"\n+++\n\n{body}\n")
}

/// How many rows were told of, and which tables.
fn told(touched: &Touched) -> (usize, Vec<String>) {
    (touched.rows.iter().map(|(_, keys)| keys.len()).sum(), touched.tables.clone())
}

const BODIES: &str = "select string_agg(slug || ' ' || body, ',' order by slug) from posts";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_keeps_no_other_back() {
    let mut site = Site::new().await;
    for slug in ["a", "b", "c", "d"] {
        site.write(&format!("posts/{slug}.md"), &post(slug, "one"));
    }
    let mut held = site.held().await;
    // One that cannot be read, and one that the database refuses.
    site.write("posts/a.md", &post("a", "two")).write("posts/b.md", "+++\nslug = \n+++\n");
    site.write("posts/c.md", &post("c", "two").replace("title", "stars = 9\ntitle"));
    site.write("posts/d.md", &post("d", "two"));
    let all = ["posts/a.md", "posts/b.md", "posts/c.md", "posts/d.md"];
    let (touched, error) = site.touch(&mut held, &all).await;
    assert!(error.unwrap().contains("posts/b.md:2"));
    assert_eq!(told(&touched), (2, vec![]));
    assert_eq!(site.value(BODIES).await, "a two,b one,c one,d two");
    // What is mended is all that is left to do.
    site.write("posts/b.md", &post("b", "two"));
    let (touched, error) = site.touch(&mut held, &all).await;
    assert!(error.unwrap().contains("posts/c.md"));
    assert_eq!(told(&touched), (1, vec![]));
    site.write("posts/c.md", &post("c", "two"));
    let (touched, error) = site.touch(&mut held, &all).await;
    assert_eq!((told(&touched), error), ((1, vec![]), None));
    assert_eq!(site.value(BODIES).await, "a two,b two,c two,d two");
    assert_eq!(site.sync(Mode::Mirror).await.unwrap().total().unchanged, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_are_taken_together_but_for_those_that_cannot_be_read() {
    let mut site = Site::new().await;
    let names: Vec<String> = (0..60).map(|n| format!("posts/p-{n:02}.md")).collect();
    for (n, name) in names.iter().enumerate() {
        site.write(name, &post(&format!("p-{n:02}"), "one"));
    }
    let mut held = site.held().await;
    for (n, name) in names.iter().enumerate() {
        site.write(name, &post(&format!("p-{n:02}"), "two"));
    }
    site.write("posts/p-30.md", "broken");
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let (touched, error) = site.touch(&mut held, &files).await;
    assert!(error.unwrap().contains("posts/p-30.md"));
    assert_eq!(told(&touched), (0, vec!["posts".to_owned()]));
    let written = "select count(*)::text from posts where body = 'two'";
    assert_eq!(site.value(written).await, "59");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_may_exchange_what_tells_their_rows_apart() {
    let mut site = Site::new().await;
    site.write("posts/1.md", &post("a", "one")).write("posts/2.md", &post("b", "two"));
    let mut held = site.held().await;
    site.write("posts/1.md", &post("b", "one")).write("posts/2.md", &post("a", "two"));
    let (touched, error) = site.touch(&mut held, &["posts/1.md", "posts/2.md"]).await;
    assert_eq!((told(&touched).1, error), (vec!["posts".to_owned()], None));
    assert_eq!(site.value(BODIES).await, "a two,b one");
}

/// The new name may be told of before the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_file_is_the_same_row() {
    let mut site = Site::new().await;
    site.write("posts/old.md", &post("a", "one")).write("posts/other.md", &post("b", "one"));
    let mut held = site.held().await;
    let id = "select id::text from posts where slug = 'a'";
    let before = site.value(id).await;
    site.write("posts/new.md", &post("a", "two")).remove("posts/old.md");
    let (_, error) = site.touch(&mut held, &["posts/new.md"]).await;
    assert_eq!((error, site.value(BODIES).await.as_str()), (None, "a two,b one"));
    assert_eq!(site.value(id).await, before);
    let (touched, error) = site.touch(&mut held, &["posts/old.md"]).await;
    assert_eq!((told(&touched), error), ((0, vec![]), None));
}

/// Both names are told of at once where something else was being done.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_file_is_the_same_row_where_both_names_are_told_of() {
    let mut site = Site::new().await;
    site.write("posts/old.md", &post("a", "one")).write("posts/other.md", &post("b", "one"));
    let mut held = site.held().await;
    // What only the database has.
    let made = "select created_at::text from posts where slug = 'a'";
    let before = site.value(made).await;
    site.write("posts/new.md", &post("a", "two")).remove("posts/old.md");
    site.write("posts/other.md", &post("b", "two"));
    let files = ["posts/new.md", "posts/old.md", "posts/other.md"];
    let (_, error) = site.touch(&mut held, &files).await;
    assert_eq!((error, site.value(BODIES).await.as_str()), (None, "a two,b two"));
    assert_eq!(site.value(made).await, before);
    // Over another file, which is gone by that.
    site.write("posts/other.md", &post("a", "three")).remove("posts/new.md");
    let (_, error) = site.touch(&mut held, &["posts/new.md", "posts/other.md"]).await;
    assert_eq!((error, site.value(BODIES).await.as_str()), (None, "a three"));
    assert_eq!(site.value(made).await, before);
}

/// A whole reading would stumble over the file that nobody named.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_files_that_changed_are_read() {
    let mut site = Site::new().await;
    site.write("posts/a.md", &post("a", "one"));
    site.write("things.toml", "[[things]]\nname = \"X\"\n\n[[things]]\nname = \"Y\"\n");
    site.write("countries.toml", "[[countries]]\ncode = \"nl\"\nname = \"N\"\n\n[[countries]]\ncode = \"de\"\nname = \"D\"\n");
    site.write("cities.toml", "[[cities]]\nname = \"Delft\"\ncountry = \"nl\"\n");
    let mut held = site.held().await;
    site.write("posts/a.md", "broken");
    // Rows that go by their names, in a file of several.
    site.write("things.toml", "[[things]]\nname = \"Y\"\nsize = 3\n\n[[things]]\nname = \"Z\"\n");
    let (touched, error) = site.touch(&mut held, &["things.toml"]).await;
    assert_eq!((told(&touched).1, error), (vec!["things".to_owned()], None));
    let names = "select string_agg(name || coalesce(size, 0), ',' order by name) from things";
    assert_eq!(site.value(names).await, "Y3,Z0");
    // A row that others may refer to, and one that another does.
    site.write("countries.toml", "[[countries]]\ncode = \"nl\"\nname = \"N\"\n");
    let (touched, error) = site.touch(&mut held, &["countries.toml"]).await;
    assert_eq!((told(&touched).1, error), (vec!["countries".to_owned()], None));
    site.write("countries.toml", "[[countries]]\ncode = \"de\"\nname = \"D\"\n");
    let (_, error) = site.touch(&mut held, &["countries.toml"]).await;
    assert!(error.unwrap().contains("others refer to it"));
    // The first file of a table, and the last.
    site.write("layouts/home.json", r#"{"page": "home", "layout": {}}"#);
    let (touched, error) = site.touch(&mut held, &["layouts/home.json"]).await;
    assert_eq!((told(&touched), error), ((1, vec![]), None));
    site.remove("layouts/home.json");
    let (touched, error) = site.touch(&mut held, &["layouts/home.json"]).await;
    assert_eq!((told(&touched), error), ((1, vec![]), None));
    assert_eq!(site.value("select count(*)::text from layouts").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_build_refuses_or_passes_over_are_refused_or_passed_over() {
    let mut site = Site::new().await;
    site.write("posts/a.md", &post("a", "one"));
    let mut held = site.held().await;
    site.write("posts/b.yaml", "slug: b").write("homeless.md", &post("h", "one"));
    let (_, error) = site.touch(&mut held, &["posts/b.yaml"]).await;
    assert!(error.unwrap().contains("posts/b.yaml is not a row"));
    let (_, error) = site.touch(&mut held, &["homeless.md"]).await;
    assert!(error.unwrap().contains("belongs to no table"));
    site.remove("posts/b.yaml").remove("homeless.md");
    site.write("posts/.drafts/c.md", &post("c", "one")).write("posts/README.md", "About");
    let files = ["posts/b.yaml", "homeless.md", "posts/.drafts/c.md", "posts/README.md"];
    let (touched, error) = site.touch(&mut held, &files).await;
    assert_eq!((told(&touched), error), ((0, vec![]), None));
    assert_eq!(site.value(BODIES).await, "a one");
}
