//! What is wrong and how it goes: each kind of file broken and mended on one server, and what is
//! mended by another file than the one that broke it.

use std::fs;

use serde_json::Value;

use crate::kit::Server;
use crate::site::Site;

const LAYOUT: &str = "content/page_layouts/home.json";

fn layout(section: &str) -> String {
    format!(
        r#"{{"page_name": "home", "version": 1, "is_published": true, "layout_json": {{"sections": [{section}]}}}}"#
    )
}

fn row(slug: &str, more: &str) -> String {
    format!("+++\ntitle = \"{slug}\"\nslug = \"{slug}\"\n{more}\n+++\nbody-{slug}\n")
}

fn faults(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("error").is_some()).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;").replace('<', "&lt;")
}

/// A file, broken and mended, and what is told of it.
struct Case {
    file: &'static str,
    broken: Vec<u8>,
    mended: Option<Vec<u8>>,
    told: &'static str,
}

fn case(file: &'static str, broken: &str, mended: &str, told: &'static str) -> Case {
    let mended = Some(mended.as_bytes().to_vec());
    Case { file, broken: broken.as_bytes().to_vec(), mended, told }
}

fn cases(site: &Site) -> Vec<Case> {
    let config = fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let query = |sql: &str| format!("{config}\n[collections.counted]\nquery = \"{sql}\"\n");
    let photo = fs::read("content/images/about.jpg").unwrap();
    let hero = r#"{"id": "heading", "config": {"text": "Hello again"}}"#;
    let wrong = r#"{"id": "heading", "config": {"text": "Hello", "levl": 1}}"#;
    let json = |more: &str| format!("{{\"title\": \"d\", \"slug\": \"d\"{more}}}");
    vec![
        case(
            "templates/pages/project.html",
            "<p>\n{{ row.title",
            "<p>{{ row.title }}</p>",
            "project.html",
        ),
        case(
            "templates/sections/mine.toml",
            "feilds = 1\n",
            "label = \"Mine\"\n",
            "sections/mine.toml",
        ),
        case(
            "static/_assets/css/own.css",
            "a { background: url(no.png) }",
            "a { color: red }",
            "no.png",
        ),
        Case {
            file: "static/_assets/icons/own.svg",
            broken: vec![0xff, 0xfe],
            mended: Some(b"<svg/>".to_vec()),
            told: "own.svg",
        },
        case(
            "content/projects/b.md",
            &row("b", "no_such_column = 1"),
            &row("b", ""),
            "no_such_column",
        ),
        case(
            "content/projects/b.md",
            "+++\ntitle = \"b\n+++\n",
            &row("b", ""),
            "content/projects/b.md",
        ),
        Case {
            file: "content/projects/c.yaml",
            broken: b"title: c\nslug: c\n".to_vec(),
            mended: None,
            told: "content/projects/c.yaml",
        },
        case(
            "content/projects/c.toml",
            "title = [",
            "title = \"c\"\nslug = \"c\"\n",
            "content/projects/c.toml",
        ),
        case("content/projects/d.json", &json(","), &json(""), "content/projects/d.json"),
        case("frieze.toml", &format!("{config}\n[sit]\n"), &config, "frieze.toml is not valid"),
        case(
            "migrations/20300101000000_more.up.sql",
            "create tabel x ()",
            "create table more (id int)",
            "20300101000000_more",
        ),
        Case {
            file: "content/images/photo.jpg",
            broken: b"this is no picture".to_vec(),
            mended: Some(photo),
            told: "photo.jpg",
        },
        case(LAYOUT, &layout(wrong), &layout(hero), "levl"),
        case(
            "frieze.toml",
            &query("select nothing from projects"),
            &query("select title from projects"),
            "nothing",
        ),
    ]
}

#[test]
fn every_kind_of_file_breaks_and_mends_on_one_server() {
    let site = Site::small();
    site.write("content/images/photo.jpg", fs::read("content/images/about.jpg").unwrap());
    site.write("content/projects/a.md", row("a", "thumbnail_url = \"images/photo.jpg\""));
    let server = Server::dev(&site, &[]);
    assert!(server.text("/").contains("Hello"));
    assert!(server.text("/projects/a/").contains("body-a"));
    for Case { file, broken, mended, told } in cases(&site) {
        println!("{file}");
        site.write(file, &broken);
        let error = server.told("error").to_string();
        assert!(error.contains(told), "{file}: {error}");
        server.until_fault("/", &escaped(told));
        for page in ["/", "/projects/a/"] {
            let page = server.get(page);
            assert_eq!(page.status, 200, "{file}: the last good page stays");
        }
        match &mended {
            Some(text) => site.write(file, text),
            None => fs::remove_file(site.root.join(file)).unwrap(),
        }
        server.until_well("/");
        let before = until_mended(&server);
        assert!(faults(&before).is_empty(), "{file} was told twice: {before:?}");
        server.until_well("/projects/a/");
    }
    for slug in ["b", "c", "d"] {
        server.until(&format!("/projects/{slug}/"), |answer| answer.status == 200);
    }
    server.until_holds("/", "Hello again");
    assert_eq!(server.stop(), Some(0));
}

/// What was told before the end of what is wrong.
fn until_mended(server: &Server) -> Vec<Value> {
    let mut before = Vec::new();
    loop {
        let line = server.line();
        if line.get("mended").is_some() {
            return before;
        }
        before.push(line);
    }
}

#[test]
fn a_configuration_waits_for_the_template_it_names_and_other_edits_do_not() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    site.edit("frieze.toml", "pages/project.html", "pages/own.html");
    let told = server.told("error").to_string();
    assert!(told.contains("pages/own.html"), "{told}");
    // What is edited meanwhile is shown by the site as it was.
    site.project("a", "a", "body-b");
    server.until_holds("/projects/a/", "body-b");
    assert!(server.fault("/").contains("pages/own.html"));
    site.write("templates/pages/own.html", "<p>own {{ row.title }}</p>");
    server.until_holds("/projects/a/", "<p>own a</p>");
    server.told("mended");
    server.until_well("/");
    site.write("templates/pages/own.html", "<p>again {{ row.title }}</p>");
    server.until_holds("/projects/a/", "<p>again a</p>");
}

#[test]
fn what_comes_with_a_configuration_that_cannot_be_taken_is_not_lost() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    site.write("templates/pages/project.html", "<p>first</p>{{ row.description }}");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    let config = fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    for (config, word) in [(format!("{config}\n[sit]\n"), "second"), (config, "third")] {
        // At once, as a version control system does.
        site.write("frieze.toml", config);
        site.write(
            "templates/pages/project.html",
            format!("<p>{word}</p>{{{{ row.description }}}}"),
        );
        site.project("a", "a", &format!("body-{word}"));
        server.until("/projects/a/", |answer| {
            answer.text().contains(&format!("body-{word}"))
                && answer.text().contains(&format!("<p>{word}</p>"))
        });
    }
    server.told("mended");
    server.until_well("/");
}

#[test]
fn a_field_that_got_another_name_is_mended_by_the_row() {
    let site = Site::small();
    site.write("templates/sections/mine.html", "<p>{{ section.config }}</p>");
    site.write(
        "templates/sections/mine.toml",
        "label = \"Mine\"\n[fields.text]\ntype = \"text\"\nlabel = \"Text\"\n",
    );
    let mine =
        |field: &str| layout(&format!(r#"{{"id": "mine", "config": {{"{field}": "mine"}}}}"#));
    site.write(LAYOUT, mine("text"));
    let server = Server::dev(&site, &[]);
    assert!(server.text("/").contains("mine"));
    site.write(
        "templates/sections/mine.toml",
        "label = \"Mine\"\n[fields.words]\ntype = \"text\"\nlabel = \"Text\"\n",
    );
    let told = server.told("error").to_string();
    assert!(told.contains("text"), "{told}");
    site.write(LAYOUT, mine("words"));
    server.told("mended");
    server.until_well("/");
    server.until_holds("/", "words");
}

#[test]
fn a_picture_that_is_gone_is_mended_by_the_row() {
    let site = Site::small();
    site.write("content/images/photo.jpg", fs::read("content/images/about.jpg").unwrap());
    site.write("content/projects/a.md", row("a", "thumbnail_url = \"images/photo.jpg\""));
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    fs::remove_file(site.root.join("content/images/photo.jpg")).unwrap();
    let told = server.told("error").to_string();
    assert!(told.contains("photo.jpg"), "{told}");
    site.write("content/projects/a.md", row("a", ""));
    server.told("mended");
    server.until_well("/");
    server.until_well("/projects/a/");
}

#[test]
fn a_feed_is_wrong_until_it_is_mended_and_told_each_time() {
    let site = Site::copy_of("examples/blog");
    site.edit("frieze.toml", "limit = 20,", "limit = 20, content = \"body\",");
    let server = Server::dev(&site, &[]);
    let post = |body: &str| {
        site.write(
            "content/posts/new.md",
            format!(
                "+++\ntitle = \"New\"\nslug = \"new\"\npublished_at = 2031-01-01T00:00:00Z\n+++\n{body}\n"
            ),
        );
    };
    post("well");
    server.until_holds("/atom.xml", "well");
    for round in 1..3 {
        post(&format!("![x](images/none-{round}.jpg)"));
        server.until("/atom.xml", |answer| answer.status == 500);
        let told = server.told("error").to_string();
        assert!(told.contains(&format!("none-{round}.jpg")), "{told}");
        // Something else changes: it is wrong as before.
        let file = "static/_assets/css/own.css";
        site.write(file, format!("a {{ z-index: {round} }}"));
        server.until_holds("/_frieze/status.json", "\"/atom.xml\"");
        post(&format!("mended {round}"));
        server.told("mended");
        server.until("/_frieze/status.json", |answer| answer.text().contains("\"faults\":[]"));
        assert!(server.text("/atom.xml").contains(&format!("mended {round}")));
    }
}

#[test]
fn a_page_for_what_is_missing_is_missing_even_when_it_is_broken() {
    let site = Site::small();
    site.write("templates/pages/404.html", "<p>nothing here</p>");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/nowhere/").contains("nothing here"));
    site.write("templates/pages/404.html", "{{ page.nothing.at.all }}");
    server.until("/nowhere/", |_| server.fault("/nowhere/").contains("404.html"));
    let page = server.get("/nowhere/");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("nothing here"), "the last good one");
    assert_eq!(server.fault("/"), "", "the home page is well");
    site.write("templates/pages/404.html", "<p>again</p>");
    server.until_holds("/nowhere/", "again");
    server.until_well("/nowhere/");
    server.told("mended");
}

#[test]
fn a_mistake_of_ours_is_a_fault_and_the_server_goes_on() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    // A program that is being tested stumbles over this name.
    site.write("templates/frieze-stumbles.html", "");
    let told = server.told("error").to_string();
    assert!(told.contains("frieze stumbled"), "{told}");
    server.told("mended");
    site.project("a", "a", "body-b");
    server.until_holds("/projects/a/", "body-b");
    site.write("templates/pages/project.html", "<p>afterwards</p>");
    server.until_holds("/projects/a/", "<p>afterwards");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_script_that_no_page_holds_any_more_is_not_allowed() {
    let site = Site::small();
    site.write("templates/pages/project.html", "<script>{{ row.title | safe }}</script>");
    let title = |title: &str| {
        let row = format!("+++\ntitle = {title:?}\nslug = \"a\"\n+++\n");
        site.write("content/projects/a.md", row);
    };
    title("first()");
    let server = Server::dev(&site, &[]);
    let hashes = |holds: &str| {
        let page = server.until_holds("/projects/a/", holds);
        page.header("content-security-policy").unwrap().matches("'sha256-").count()
    };
    // Its own and that of the other pages, which are looked at while nobody waits.
    let until_two = |holds: &str| {
        let begun = std::time::Instant::now();
        while hashes(holds) != 2 {
            assert!(begun.elapsed() < crate::kit::PATIENCE, "{} with {holds}", hashes(holds));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    until_two("first()");
    for number in 0..5 {
        title(&format!("number{number}()"));
        until_two(&format!("number{number}()"));
    }
}

#[test]
fn a_template_that_cannot_be_read_keeps_no_other_back_and_is_wrong_until_it_is_mended() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let (one, other) = ("templates/pages/project.html", "templates/sections/heading.html");
    let server = Server::dev(&site, &[]);
    site.write(other, [0xff, 0xfe]);
    server.until_fault("/", "heading.html");
    // As version control writes them, the bad one first in the order of names, and last.
    for (round, bad) in [other, "templates/a.html"].into_iter().enumerate() {
        site.write(bad, [0xff]);
        site.write(one, format!("<p>round {round}</p>"));
        server.until_holds("/projects/a/", &format!("<p>round {round}</p>"));
        assert!(server.fault("/").contains("heading.html") || server.fault("/").contains("a.html"));
    }
    site.write("templates/a.html", "");
    site.write(other, "<h1>mended</h1>");
    server.until_well("/");
    server.until_holds("/", "<h1>mended");
}

#[test]
fn a_bad_asset_keeps_no_other_back() {
    let site = Site::small();
    let photo = fs::read("content/images/about.jpg").unwrap();
    site.write("content/projects/a.md", row("a", ""));
    let server = Server::dev(&site, &[]);
    site.write("static/_assets/css/own.css", "@import \"missing.css\";");
    server.until_fault("/", "missing.css");
    site.write("static/plain.txt", "well");
    server.until_holds("/plain.txt", "well");
    site.write("content/images/photo.jpg", photo);
    site.write("content/projects/a.md", row("a", "thumbnail_url = \"images/photo.jpg\""));
    server.until_holds("/projects/a/", "<img");
    assert!(server.fault("/").contains("missing.css"), "it is as wrong as before");
    // What mends it mends it, though it is itself well.
    site.write("static/_assets/css/missing.css", "a { color: red }");
    server.until_well("/");
}

#[test]
fn good_rows_are_shown_while_everything_cannot_be_read_again_for_a_bad_one() {
    let site = Site::small();
    for slug in ["a", "b"] {
        site.write(&format!("content/projects/{slug}.md"), row(slug, ""));
    }
    let server = Server::dev(&site, &[]);
    site.write("content/projects/a.md", "+++\ntitle = [");
    server.until_fault("/", "content/projects/a.md");
    let config = fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", config.replacen("title = \"Small\"", "title = \"Other\"", 1));
    site.write(
        "migrations/20300101000000_more.up.sql",
        "alter table projects add column more text; grant select on projects to anon",
    );
    for round in 0..3 {
        let text = row("b", "").replace("body-b", &format!("round-{round}"));
        site.write("content/projects/b.md", text);
        server.until_holds("/projects/b/", &format!("round-{round}"));
        assert!(server.fault("/").contains("content/projects/a.md"));
    }
    site.write("content/projects/a.md", row("a", "more = \"x\""));
    server.until_well("/");
    server.until_holds("/", "Other");
    assert_eq!(server.get("/projects/a/").status, 200);
}
