//! What an edit in the database changes in a file, and what it leaves.

use pretty_assertions::assert_eq;

use crate::support::{Place, nothing_done, nothing_written, row};

const CONFIG: &str =
    "[collections.posts]\ntable = \"posts\"\nmarkdown = [\"body\"]\n[collections.things]\n";
const TABLES: &str = "
    create table posts (id uuid primary key default gen_random_uuid(), slug text not null unique,
        title text, body text, tags text[] not null default '{}', day date, note jsonb);
    create table things (id uuid primary key default gen_random_uuid(), name text, size int,
        data jsonb not null default '{}', made date);
";

async fn place() -> Place {
    let mut place = Place::small(CONFIG).await;
    place.run(TABLES).await;
    place
}

async fn pushed(files: &[(&str, &str)]) -> Place {
    let mut place = place().await;
    for (name, text) in files {
        place.site.write(&format!("content/{name}"), text);
    }
    place.push().await;
    place
}

const LIST: &str = "# Things.\n\n# The first.\n[[things]]\nname = 'A' # its name\nsize = 0x10\n\n\
    # The second.\n[[things]]\n\"name\" = \"B\"\nmade = 2024-01-02 # a day\n\n[things.data]\n# deep\nkeep = 1\n\
    drop = 2\n\n[[things.data.rows]]\nx = 1 # one\n\n[[things.data.rows]]\nx = 2\n\n[[things]]\nname = \"C\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_toml_list_keeps_comments_order_and_what_did_not_change() {
    let mut place = pushed(&[("things.toml", LIST)]).await;
    place.run(r#"update things set size = 17 where name = 'A';
        update things set made = '2024-01-03', data = '{"keep": 1, "new": {"a": [1]}, "rows": [{"x": 1}, {"x": 3}]}' where name = 'B';
        insert into things (id, name, data) values ('00000000-0000-4000-8000-000000000001', 'D', '{"k": "v"}');
        delete from things where name = 'C'"#).await;
    let report = place.export().await;
    assert_eq!(report.changed, ["things.toml"]);
    assert_eq!(
        place.file("things.toml"),
        "# Things.\n\n# The first.\n[[things]]\nname = 'A' # its name\nsize = 17\n\n\
         # The second.\n[[things]]\n\"name\" = \"B\"\nmade = 2024-01-03 # a day\n\n[things.data]\n# deep\nkeep = 1\n\
         new = { a = [1] }\n\n[[things.data.rows]]\nx = 1 # one\n\n[[things.data.rows]]\nx = 3\n\n\
         [[things]]\nname = \"D\"\nid = \"00000000-0000-4000-8000-000000000001\"\n\n[things.data]\nk = \"v\"\n"
    );
    nothing_written(&place.export().await);
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_file_stays_when_its_first_row_goes() {
    let mut place = pushed(&[("things.toml", LIST)]).await;
    place.run("delete from things where name = 'A'").await;
    place.export().await;
    let text = place.file("things.toml");
    assert!(
        text.starts_with("# Things.\n\n# The second.\n[[things]]\n\"name\" = \"B\"\n"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_markdown_file_keeps_its_front_matter_and_its_text() {
    let text = "+++\n# About.\nslug = \"a\" # sic\ntitle = 'A'\ntags = [\n  \"x\",\n]\n+++\n\n\nText.  \n\nMore.\n\n\n";
    let mut place = pushed(&[("posts/a.md", text)]).await;
    place.run("update posts set title = E'B \"quoted\"'").await;
    place.export().await;
    let titled = text.replace("'A'", "\"B \\\"quoted\\\"\"");
    assert_eq!(place.file("posts/a.md"), titled);
    place.run("update posts set body = E'New.\\n\\n+++\\n\\nEnd.'").await;
    place.export().await;
    let new = titled.replace("Text.  \n\nMore.", "New.\n\n+++\n\nEnd.");
    assert_eq!(place.file("posts/a.md"), new);
    // No text, and one that would not survive below the front matter.
    place.run("update posts set body = null").await;
    place.export().await;
    let bare = titled.split_once("+++\n\n").unwrap().0.to_owned() + "+++\n";
    assert_eq!(place.file("posts/a.md"), bare);
    place.run("update posts set body = E'\\n trailing \\n'").await;
    place.export().await;
    assert_eq!(
        place.file("posts/a.md"),
        bare.replace("]\n+++", "]\nbody = \"\\n trailing \\n\"\n+++")
    );
    place.run("update posts set body = 'Text'").await;
    place.export().await;
    assert_eq!(place.file("posts/a.md"), format!("{bare}\nText\n"));
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_file_keeps_its_spaces() {
    let text = "[ {\"name\" : \"A\" ,\"size\":  10, \"data\": {\"x\":1.50 } },\n  {\"name\": \"B\", \"size\": null\n} ]\n\n";
    let mut place = pushed(&[
        ("things.json", text),
        ("posts/a.json", "{\n\t\"slug\": \"a\",\n\t\"tags\": [ ]\n}"),
    ])
    .await;
    nothing_written(&place.export().await);
    place
        .run(
            "update things set size = 2, made = '2024-01-01' where name = 'B';
        update posts set tags = '{x,y}', title = 'T';
        insert into things (id, name) values ('00000000-0000-4000-8000-000000000001', 'C')",
        )
        .await;
    place.export().await;
    assert_eq!(
        place.file("things.json"),
        "[ {\"name\" : \"A\" ,\"size\":  10, \"data\": {\"x\":1.50 } },\n  {\"name\": \"B\", \"size\": 2, \"made\": \"2024-01-01\"\n},\n  {\n    \"name\": \"C\",\n    \"id\": \"00000000-0000-4000-8000-000000000001\"\n  } ]\n\n"
    );
    assert_eq!(
        place.file("posts/a.json"),
        "{\n\t\"slug\": \"a\",\n\t\"tags\": [\n\t  \"x\",\n\t  \"y\"\n\t],\n\t\"title\": \"T\"\n}"
    );
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn line_ends_and_byte_order_marks_stay() {
    let text = "\u{feff}+++\r\nslug = \"a\"\r\n+++\r\n\r\nOne\r\ntwo\r\n";
    let mut place = pushed(&[("posts/a.md", text)]).await;
    nothing_written(&place.export().await);
    place.run("update posts set title = 'T', body = E'One\\nthree'").await;
    place.export().await;
    assert_eq!(
        place.file("posts/a.md"),
        "\u{feff}+++\r\nslug = \"a\"\r\ntitle = \"T\"\r\n+++\r\n\r\nOne\r\nthree\r\n"
    );
    nothing_done(&place.push().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_renamed_stays_in_its_file() {
    let mut place = pushed(&[
        ("posts/a.md", "+++\nslug = \"a\"\n+++\n\nText of A.\n"),
        ("posts/b.md", "+++\nslug = \"b\"\n+++\n"),
        ("things.toml", LIST),
    ])
    .await;
    let id = place.value("select id::text from posts where slug = 'a'").await;
    place.run("update posts set slug = 'c' where slug = 'a'; update things set name = 'Z' where name = 'A'").await;
    let report = place.export().await;
    assert_eq!(report.changed, ["posts/a.md", "things.toml"]);
    assert_eq!(
        place.file("posts/a.md"),
        format!("+++\nslug = \"c\"\nid = \"{id}\"\n+++\n\nText of A.\n")
    );
    let rows = place.rows(&["posts", "things"]).await;
    let mut restored = place.restored().await;
    restored.run(TABLES).await;
    restored.push().await;
    assert_eq!(restored.rows(&["posts", "things"]).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_made_anew_stays_in_its_file() {
    let old = "00000000-0000-4000-8000-000000000001";
    let mut place = place().await;
    place.site.write("content/posts/a.md", format!("+++\nslug = \"a\"\nid = \"{old}\"\n+++\n"));
    place.run("insert into posts (slug, title) values ('a', 'New')").await;
    let report = place.export().await;
    assert_eq!((report.changed, report.written), (vec!["posts/a.md".to_owned()], vec![]));
    assert_eq!(report.only_in_files, []);
    let new = place.value("select id::text from posts").await;
    assert_eq!(
        place.file("posts/a.md"),
        format!("+++\nslug = \"a\"\nid = \"{new}\"\ntitle = \"New\"\n+++\n")
    );
    nothing_done(&place.push().await);
}

/// The database gave a row the slug that a file not yet seeded has: a person has to decide.
#[tokio::test(flavor = "multi_thread")]
async fn two_files_that_claim_one_row_are_named() {
    let mut place = place().await;
    let post = |slug: &str, n: u32| {
        format!("+++\nslug = \"{slug}\"\nid = \"00000000-0000-4000-8000-00000000000{n}\"\n+++\n")
    };
    place.site.write("content/posts/ours.md", post("ours", 1));
    place.site.write("content/posts/theirs.md", post("theirs", 2));
    place
        .run("insert into posts (slug, id) values ('ours', '00000000-0000-4000-8000-000000000002')")
        .await;
    let error = place.export_to(place.site.root.join("content"), false).await.unwrap_err();
    assert_eq!(error.kind(), frieze::error::Kind::Content);
    let message = error.to_string();
    assert!(message.contains("posts/ours.md:2 already has a row of posts"), "{message}");
    assert_eq!(place.file("posts/theirs.md"), post("theirs", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_rows_that_were_in_the_database_leave_the_files() {
    let mut place = pushed(&[
        ("posts/gone.md", "+++\nslug = \"gone\"\n+++\n"),
        ("posts/stays.md", "+++\nslug = \"stays\"\n+++\n"),
        ("things.toml", "[[things]]\nname = \"A\"\n"),
    ])
    .await;
    place.run("delete from posts where slug = 'gone'; delete from things").await;
    place.site.write("content/posts/new.md", "+++\nslug = \"new\"\n+++\n\nNot seeded yet.\n");
    place.site.write(
        "content/things.toml",
        "# Two.\n[[things]]\nname = \"A\"\n[[things]]\nname = \"N\"\n",
    );
    let report = place.export().await;
    assert_eq!(report.removed, ["posts/gone.md"]);
    assert_eq!(report.changed, ["things.toml"]);
    assert_eq!(
        report.only_in_files,
        [row("posts", "posts/new.md", 2), row("things", "things.toml", 4)]
    );
    assert_eq!(place.file("things.toml"), "[[things]]\nname = \"N\"\n");
    assert_eq!(place.file("posts/new.md"), "+++\nslug = \"new\"\n+++\n\nNot seeded yet.\n");
    assert!(!place.content().contains_key("posts/gone.md"));
    // A database that knows nothing of these files takes none away.
    let mut other = place.restored().await;
    other.run(TABLES).await;
    let report = other.export().await;
    assert_eq!((report.removed.len(), report.only_in_files.len()), (0, 3));
    assert_eq!(other.content(), place.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_edited_after_an_export_is_seeded_and_gets_a_new_time() {
    let mut place = Place::copy_of(".").await;
    place.run("insert into projects (title, slug, description) values ('T', 't', 'One')").await;
    place.export().await;
    place.push().await;
    let time = "select updated_at::text from projects where slug = 't'";
    for (old, new) in [("One", "Two"), ("Two", "Three")] {
        let before = place.value(time).await;
        place.site.edit("content/projects/t.md", old, new);
        let report = place.push().await;
        assert_eq!((report.tables["projects"].updated, report.conflicts.len()), (1, 0));
        assert!(place.value(time).await > before);
        nothing_done(&place.push().await);
    }
    // Edited on both sides: both stay, until an export takes the database's by force.
    place.run("update projects set description = 'Theirs' where slug = 't'").await;
    place.site.edit("content/projects/t.md", "Three", "Four");
    let report = place.push().await;
    assert_eq!((report.tables["projects"].skipped, report.conflicts.len()), (1, 1));
    let report = place.export().await;
    assert_eq!(report.conflicts, [row("projects", "projects/t.md", 2)]);
    assert!(place.file("projects/t.md").ends_with("+++\n\nFour\n"));
    place.export_by_force().await;
    assert!(place.file("projects/t.md").ends_with("+++\n\nTheirs\n"));
    nothing_done(&place.push().await);
}

const TWO: &str = "[[things]]\nname = \"A\"\nsize = 1\n\n[[things]]\nname = \"B\"\nsize = 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_not_seeded_yet_stays_in_its_file() {
    let post = "+++\nslug = \"a\"\ntitle = \"A\"\n+++\n";
    let mut place = pushed(&[("things.toml", TWO), ("posts/a.md", post)]).await;
    let edited = TWO.replacen("size = 1", "size = 7", 1);
    place.site.write("content/things.toml", &edited);
    place.site.write("content/posts/a.md", post.replace("\"A\"", "\"Mine\""));
    place.run("update things set size = 2 where name = 'B'").await;
    let report = place.export().await;
    assert_eq!(report.not_seeded, [row("posts", "posts/a.md", 2), row("things", "things.toml", 1)]);
    assert_eq!((report.conflicts, report.changed), (vec![], vec!["things.toml".to_owned()]));
    assert_eq!(place.file("things.toml"), edited.replace("B\"\nsize = 1", "B\"\nsize = 2"));
    assert!(place.file("posts/a.md").contains("Mine"));
    // It is the same the next time, and once it is seeded there is nothing to say.
    assert_eq!(place.export().await.not_seeded.len(), 2);
    assert_eq!(place.push().await.total().updated, 2);
    let report = place.export().await;
    assert_eq!((report.not_seeded.len(), report.changed.len()), (0, 0));
    // What says the same in other words is no edit to report.
    place.site.edit(
        "content/posts/a.md",
        "slug = \"a\"\ntitle = \"Mine\"",
        "title = 'Mine'\nslug = 'a'",
    );
    let report = place.export().await;
    assert_eq!((report.not_seeded.len(), report.unchanged), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_edited_on_both_sides_is_a_conflict_until_force_decides() {
    let mut place = pushed(&[("things.toml", TWO)]).await;
    place.site.edit("content/things.toml", "A\"\nsize = 1", "A\"\nsize = 7");
    place.run("update things set size = 2").await;
    for _ in 0..2 {
        let report = place.export().await;
        assert_eq!(report.conflicts, [row("things", "things.toml", 1)]);
        assert_eq!(report.not_seeded, []);
        let text = TWO.replace("A\"\nsize = 1", "A\"\nsize = 7");
        assert_eq!(place.file("things.toml"), text.replace("B\"\nsize = 1", "B\"\nsize = 2"));
    }
    let report = place.export_by_force().await;
    assert_eq!((report.conflicts.len(), report.changed.len()), (0, 1));
    assert_eq!(place.file("things.toml"), TWO.replace("size = 1", "size = 2"));
}

/// A daily backup: nothing is seeded in between, and the files change under its own hands.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_an_export_wrote_are_not_edited_ones() {
    let mut place = pushed(&[("things.toml", TWO)]).await;
    for size in [2, 3, 4] {
        place.run(&format!("update things set size = {size} where name = 'A'")).await;
        let report = place.export().await;
        assert_eq!((report.conflicts.len(), report.changed.len()), (0, 1), "{size}");
    }
    place.site.edit("content/things.toml", "size = 4", "size = 9");
    place.run("update things set size = 5").await;
    let report = place.export().await;
    assert_eq!(report.conflicts, [row("things", "things.toml", 1)]);
    assert!(place.file("things.toml").contains("size = 9"));
    // The list is hidden, and written only if it differs.
    let list = place.site.root.join("content/.exported");
    let text = std::fs::read_to_string(&list).unwrap();
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 1, "{text}");
    let written = std::fs::metadata(&list).unwrap().modified().unwrap();
    place.export().await;
    assert_eq!(std::fs::metadata(&list).unwrap().modified().unwrap(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_shape_or_a_file_that_moved_is_no_edit() {
    let post = "+++\nslug = \"a\"\n+++\n\nText.\n";
    let mut place = pushed(&[("things.toml", TWO), ("posts/a.md", post)]).await;
    place.run("alter table things add column more int; update things set size = 2, more = 3").await;
    std::fs::rename(
        place.site.root.join("content/posts/a.md"),
        place.site.root.join("content/posts/b.md"),
    )
    .unwrap();
    place.run("update posts set body = 'Theirs'").await;
    let report = place.export().await;
    assert_eq!((report.conflicts.len(), report.not_seeded.len()), (0, 0));
    assert_eq!(report.changed, ["posts/b.md", "things.toml"]);
    assert_eq!(place.file("things.toml"), TWO.replace("size = 1", "size = 2\nmore = 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_edited_since_stays_though_its_row_is_gone() {
    let post = |slug: &str| format!("+++\nslug = \"{slug}\"\n+++\n\nText.\n");
    let (a, b, c) = (post("a"), post("b"), post("c"));
    let mut place = pushed(&[("posts/a.md", &a), ("posts/b.md", &b), ("posts/c.md", &c)]).await;
    // An export wrote the second, a person the third.
    place.run("update posts set title = 'B' where slug = 'b'").await;
    assert_eq!(place.export().await.changed, ["posts/b.md"]);
    place.site.edit("content/posts/c.md", "Text", "Rewritten");
    place.run("delete from posts").await;
    let report = place.export().await;
    assert_eq!(report.removed, ["posts/a.md", "posts/b.md"]);
    assert_eq!(report.only_in_files, [row("posts", "posts/c.md", 2)]);
    assert_eq!(place.file("posts/c.md"), c.replace("Text", "Rewritten"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_file_that_gives_a_key_twice_is_changed_too() {
    let text = "{\n  \"slug\": \"a\",\n  \"note\": {\"a\":1,\"b\":2,\"a\":3}\n}\n";
    let mut place = pushed(&[("posts/a.json", text)]).await;
    nothing_written(&place.export().await);
    place.run(r#"update posts set note = '{"a": 4, "b": 2}'"#).await;
    place.export().await;
    let new = text.replace("{\"a\":1,\"b\":2,\"a\":3}", "{\n    \"a\": 4,\n    \"b\": 2\n  }");
    assert_eq!(place.file("posts/a.json"), new);
    nothing_done(&place.push().await);
}
