//! Every kind of column takes what the files say.

use pretty_assertions::assert_eq;

use crate::support::{Site, counts};

const THING: &str = r#"
name = "Lathe"
is_big = false
size = 7
price = 12.5
made = 2001-02-03
seen = 2024-05-06T07:08:09
mood = "keen"
labels = ["a", "b, c"]
numbers = [1, 2]
order = 4
"Odd \"name's" = "yes"
raw = { b = 1, a = [true] }

[data]
deep = { list = [1, { x = "é" }] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_type_arrives() {
    let mut site = Site::new().await;
    site.write("things/lathe.toml", THING);
    assert_eq!(counts(&site.mirror().await), (1, 0, 0, 0));
    let row = "select concat_ws('|', name, is_big, size, price, made, seen at time zone 'UTC', mood, data, raw, labels, numbers, \"order\", \"Odd \"\"name's\", double) from things";
    assert_eq!(
        site.value(row).await,
        "Lathe|f|7|12.50|2001-02-03|2024-05-06 07:08:09|keen|{\"deep\": {\"list\": [1, {\"x\": \"é\"}]}}|{\"b\":1,\"a\":[true]}|{a,\"b, c\"}|{1,2}|4|yes|14"
    );
    // Compared as stored, so what Postgres writes otherwise (12.50) is no change.
    assert_eq!(counts(&site.push().await), (0, 0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_changes() {
    let mut site = Site::new().await;
    let mut text = format!("id = \"6f1c2a3e-8c1d-4b6a-9a57-0d2f4c9b1e77\"\n{THING}");
    site.write("things/lathe.toml", &text);
    site.mirror().await;
    for (old, new) in [
        ("is_big = false", "is_big = true"),
        ("12.5", "12.51"),
        ("2001-02-03", "2001-02-04"),
        ("keen", "calm"),
        ("b, c", "b"),
        ("[1, 2]", "[2, 1]"),
        ("[true]", "[false]"),
        ("\"é\"", "\"è\""),
        ("\"yes\"", "\"no\""),
    ] {
        text = text.replace(old, new);
        site.write("things/lathe.toml", &text);
        assert_eq!(counts(&site.push().await), (0, 1, 0, 0), "{new}");
        assert_eq!(counts(&site.push().await), (0, 0, 1, 0), "{new}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_keys_get_defaults_and_null_is_null() {
    let mut site = Site::new().await;
    site.write("things.json", r#"[{"name": "A", "data": {"a": 1}, "size": null}, {"name": "B", "is_big": false, "size": 2}]"#);
    site.mirror().await;
    let rows = "select string_agg(concat_ws(' ', name, is_big, data, coalesce(size, 0)), '|' order by name) from things";
    assert_eq!(site.value(rows).await, "A t {\"a\": 1} 0|B f {} 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_take_several_statements() {
    let mut site = Site::new().await;
    let rows: Vec<_> = (0..3000)
        .map(|n| serde_json::json!({"slug": format!("p{n}"), "title": "T", "body": "x".repeat(4000)}))
        .collect();
    site.write("posts.json", &serde_json::Value::from(rows).to_string());
    assert_eq!(counts(&site.mirror().await), (3000, 0, 0, 0));
    assert_eq!(counts(&site.mirror().await), (0, 0, 3000, 0));
    assert_eq!(
        site.value("select count(*) || ' ' || sum(length(body)) from posts").await,
        "3000 12000000"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_does_not_name_a_column_of_a_domain_gets_the_domains_default() {
    let mut site = Site::new().await;
    site.run(
        "create domain colour as text default 'red'; create table doors (no int primary key, a colour)",
    )
    .await;
    site.write("doors.toml", "[[doors]]\nno = 1\na = \"blue\"\n\n[[doors]]\nno = 2\n");
    assert_eq!(counts(&site.mirror().await), (2, 0, 0, 0));
    assert_eq!(site.value("select string_agg(a, ',' order by no) from doors").await, "blue,red");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_counts_on_after_a_single_row_with_the_first_number() {
    let mut site = Site::new().await;
    site.write("unnamed.toml", "[[unnamed]]\nid = 1\nname = \"A\"\n");
    assert_eq!(counts(&site.mirror().await), (1, 0, 0, 0));
    site.run("insert into unnamed (name) values ('B')").await;
    assert_eq!(site.value("select max(id)::text from unnamed").await, "2");
}
