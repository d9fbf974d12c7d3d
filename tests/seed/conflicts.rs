//! Rows that people changed in the database after their file was written.

use frieze::db::seed::Mode;
use pretty_assertions::assert_eq;

use crate::support::{Site, counts};

const A: &str = "+++\ntitle = \"A\"\nslug = \"a\"\n+++\n\nText of A.\n";
const B: &str = "+++\ntitle = \"B\"\nslug = \"b\"\n+++\n\nText of B.\n";
const BODIES: &str = "select string_agg(body, ',' order by slug) from posts";

/// The front matter with a time.
fn dated(text: &str, time: &str) -> String {
    text.replacen("slug", &format!("updated_at = \"{time}\"\nslug"), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_touched_since_the_last_seed_is_kept_and_named() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    site.push().await;
    site.run("update posts set body = 'Theirs' where slug = 'a'").await;
    site.write("posts/a.md", &A.replace("Text", "New"))
        .write("posts/b.md", &B.replace("Text", "New"));
    let report = site.push().await;
    assert_eq!((counts(&report), report.total().skipped), ((0, 1, 0, 0), 1));
    assert_eq!(report.tables["posts"].skipped, 1);
    assert_eq!(site.value(BODIES).await, "Theirs,New of B.");
    let conflict = &report.conflicts[0];
    let id = site.value("select id::text from posts where slug = 'a'").await;
    let time = site.value("select to_json(updated_at)::text from posts where slug = 'a'").await;
    assert_eq!(conflict.table, "posts");
    assert_eq!(conflict.key, serde_json::json!({"id": id}));
    assert!(conflict.file.ends_with("content/posts/a.md"), "{}", conflict.file);
    assert_eq!(conflict.line, 2);
    assert_eq!(conflict.in_file, None);
    let in_database = conflict.in_database.as_ref().unwrap();
    assert_eq!(in_database[..19], time[1..20]);
    // It stays a conflict until somebody decides.
    assert_eq!(site.push().await.conflicts.len(), 1);
    let forced = site.sync(Mode::Force).await.unwrap();
    assert_eq!((counts(&forced), forced.conflicts.len()), ((0, 1, 1, 0), 0));
    assert_eq!(site.value(BODIES).await, "New of A.,New of B.");
    // What a forced run left is ours again.
    site.write("posts/a.md", A);
    assert_eq!(counts(&site.push().await), (0, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_decide_where_the_file_has_one() {
    let mut site = Site::new().await;
    site.run(
        "insert into posts (title, slug, body, updated_at) values \
        ('A', 'a', 'Theirs', '2024-05-01T00:00:00Z'), ('B', 'b', 'Theirs', '2024-05-01T00:00:00Z')",
    )
    .await;
    site.write("posts/a.md", &dated(A, "2024-04-30T23:59:59.999999Z"));
    site.write("posts/b.md", &dated(B, "2024-05-01T02:00:00+02:00"));
    let report = site.push().await;
    assert_eq!((counts(&report), report.total().skipped), ((0, 1, 0, 0), 1));
    assert_eq!(report.conflicts[0].in_database.as_deref(), Some("2024-05-01T00:00:00+00:00"));
    assert_eq!(report.conflicts[0].in_file.as_deref(), Some("2024-04-30T23:59:59.999999+00:00"));
    assert_eq!(site.value(BODIES).await, "Theirs,Text of B.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_no_seed_of_ours_left_is_kept_unless_it_says_the_same() {
    let mut site = Site::new().await;
    site.run("insert into posts (title, slug, body) values ('A', 'a', 'Text of A.'), ('B', 'b', 'Theirs')")
        .await;
    site.write("posts/a.md", A).write("posts/b.md", B);
    let report = site.push().await;
    assert_eq!((counts(&report), report.total().skipped), ((0, 0, 1, 0), 1));
    assert!(report.conflicts[0].file.ends_with("b.md"));
    // Both sides said the same once, so a later change of the file is no conflict.
    site.write("posts/a.md", &A.replace("Text", "New"));
    assert_eq!(counts(&site.push().await), (0, 1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_time_in_a_file_is_neither_a_change_nor_a_conflict() {
    let mut site = Site::new().await;
    let old = "2024-05-01T00:00:00Z";
    site.write("posts/a.md", &dated(A, old));
    assert_eq!(counts(&site.push().await), (1, 0, 0, 0));
    let time = "select (extract(epoch from updated_at)::bigint)::text from posts";
    assert_eq!(site.value(time).await, "1714521600");
    for word in ["One", "Two"] {
        site.write("posts/a.md", &dated(A, old).replace("Text", word));
        assert_eq!(counts(&site.push().await), (0, 1, 0, 0), "{word}");
        assert_eq!(
            site.value("select (updated_at > now() - interval '1 hour')::text from posts").await,
            "true"
        );
        assert_eq!(counts(&site.push().await), (0, 0, 1, 0), "{word}");
    }
    // The record gone, as in a database restored from elsewhere: still nothing differs.
    site.run("delete from seed_state").await;
    assert_eq!(counts(&site.push().await), (0, 0, 1, 0));
    // A later time is one that somebody wrote on purpose.
    site.write("posts/a.md", &dated(A, "2124-05-01T00:00:00Z").replace("Text", "Two"));
    site.run("drop trigger touch on posts").await;
    assert_eq!(counts(&site.push().await), (0, 1, 0, 0));
    assert_eq!(site.value("select to_char(updated_at, 'YYYY') from posts").await, "2124");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_times_goes_by_what_the_last_seed_left() {
    let mut site = Site::new().await;
    let names = |fr: &str, it: &str| {
        format!(r#"[{{"code": "fr", "name": "{fr}"}}, {{"code": "it", "name": "{it}"}}]"#)
    };
    site.write("countries.json", &names("France", "Italia"));
    site.push().await;
    site.run("update countries set name = 'Theirs' where code = 'fr'").await;
    site.write("countries.json", &names("Gaul", "Italy"));
    let report = site.push().await;
    assert_eq!((counts(&report), report.total().skipped), ((0, 1, 0, 0), 1));
    assert_eq!(report.conflicts[0].key, serde_json::json!({"code": "fr"}));
    assert_eq!((&report.conflicts[0].in_database, &report.conflicts[0].in_file), (&None, &None));
    assert_eq!(
        site.value("select string_agg(name, ',' order by code) from countries").await,
        "Theirs,Italy"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mirroring_has_no_conflicts() {
    let mut site = Site::new().await;
    site.write("posts/a.md", A);
    site.mirror().await;
    site.run("update posts set body = 'Theirs'").await;
    let report = site.mirror().await;
    assert_eq!((counts(&report), report.total().skipped), ((0, 1, 0, 0), 0));
    assert_eq!(site.value(BODIES).await, "Text of A.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_has_no_words_for_is_written_as_such() {
    let mut site = Site::new().await;
    let exact = r#"{ "b" : 1.50,  "a": 12345678901234567890.125, "n": null }"#;
    site.write("things.toml", &format!(
        "[[things]]\nname = \"A\"\nsize = {{ \"$null\" = true }}\nis_big = false\nraw = {{ \"$json\" = '{exact}' }}\n\
         data = {{ \"$json\" = 'null' }}\n[[things]]\nname = \"B\"\ndata = {{ \"$json\" = '{exact}' }}\n",
    ));
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    assert_eq!(site.value("select raw::text from things where name = 'A'").await, exact);
    assert_eq!(site.value("select data::text from things where name = 'A'").await, "null");
    assert_eq!(
        site.value("select data::text from things where name = 'B'").await,
        r#"{"a": 12345678901234567890.125, "b": 1.50, "n": null}"#
    );
    site.run("delete from seed_state").await;
    assert_eq!(counts(&site.push().await), (0, 0, 2, 0));
    site.write("things.toml", "[[things]]\nname = \"A\"\ndata = { \"$json\" = \"{nul\" }\n");
    assert!(
        site.refused()
            .await
            .starts_with("error: content/things.toml:3: data: the text of $json is not valid JSON")
    );
}
