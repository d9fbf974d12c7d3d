//! Every kind of file broken and mended: the last good page stays, what is wrong is shown over it
//! and told once, and it goes when it is mended.

use crate::kit::Server;
use crate::site::Site;

fn one_fault(server: &Server) -> String {
    let told = server.told("error");
    let error = &told["error"];
    format!("{} {}", error["message"], error["causes"])
}

#[test]
fn a_broken_template_leaves_the_last_good_page() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    site.write("templates/pages/project.html", "<p>good</p>\n<p>{{ row.title }}</p>\n");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("<p>good"));
    let mut open = server.open("/projects/a/");
    // It cannot be read at all.
    site.write("templates/pages/project.html", "<p>bad</p>\n<p>{{ row.title </p>\n<script>");
    let told = one_fault(&server);
    assert!(told.contains("pages/project.html line 2"), "{told}");
    open.next();
    let fault = server.fault("/projects/a/");
    assert!(fault.contains("<mark><i>2</i>&lt;p&gt;{{ row.title &lt;/p&gt;"), "{fault}");
    assert!(fault.contains("templates/pages/project.html:2"), "{fault}");
    assert!(!fault.contains("<script>"), "{fault}");
    assert!(server.text("/projects/a/").contains("<p>good"));
    // It can be read, and not rendered: only this page is wrong.
    site.write("templates/pages/project.html", "<p>bad</p>\n\n<p>{{ row.nothing.at.all }}</p>\n");
    open.next();
    server.until("/_frieze/fault?path=/projects/a/", |answer| {
        let page = server.text("/projects/a/");
        page.contains("<p>good") && answer.text().contains("<mark><i>3</i>")
    });
    assert_eq!(server.fault("/"), "", "the home page is well");
    // A filter that there is not is found when the template is read.
    site.write("templates/pages/project.html", "<p>bad</p>\n{{ row.title | nosuch }}\n");
    server.until("/_frieze/fault?path=/projects/a/", |answer| {
        answer.text().contains("nosuch") && answer.text().contains("<mark><i>2</i>")
    });
    site.write("templates/pages/project.html", "<p>mended</p>");
    server.until_holds("/projects/a/", "<p>mended");
    server.until("/_frieze/fault?path=/projects/a/", |answer| answer.status == 204);
    server.told("mended");
}

#[test]
fn each_kind_of_file_breaks_and_mends() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    site.write("static/_assets/css/own.css", "a { color: red }");
    let server = Server::dev(&site, &[]);
    let layout =
        |config: &str| format!(r#"{{"sections": [{{"id": "heading", "config": {config}}}]}}"#);
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let cases: [(&str, String, String, &str); 6] = [
        (
            "content/projects/a.md",
            "+++\ntitle = \"a\nslug = 3\n+++\n".to_owned(),
            "+++\ntitle = \"a\"\nslug = \"a\"\n+++\nbody-b\n".to_owned(),
            "content/projects/a.md",
        ),
        (
            "content/projects/b.md",
            "+++\ntitle = \"b\"\nslug = \"b\"\nno_such_column = 1\n+++\n".to_owned(),
            "+++\ntitle = \"b\"\nslug = \"b\"\n+++\n".to_owned(),
            "no_such_column",
        ),
        (
            "content/page_layouts/home.json",
            row(&layout(r#"{"text": 3, "levl": 1}"#)),
            row(&layout(r#"{"text": "Hello again"}"#)),
            "levl",
        ),
        (
            "static/_assets/css/own.css",
            "a { background: url(no.png) }".to_owned(),
            "a { color: blue }".to_owned(),
            "url(no.png)",
        ),
        (
            "templates/sections/mine.toml",
            "label = \"Mine\"\nfeilds = 1\n".to_owned(),
            "label = \"Mine\"\n".to_owned(),
            "sections/mine.toml",
        ),
        ("frieze.toml", format!("{config}\n[sit]\n"), config.clone(), "frieze.toml is not valid"),
    ];
    for (file, broken, mended, what) in cases {
        site.write(file, &broken);
        let told = one_fault(&server);
        assert!(told.contains(what), "{file}: {told}");
        let fault = server.fault("/");
        assert!(fault.contains("class=\"fault\""), "{file}: {fault}");
        assert_eq!(server.get("/").status, 200, "{file}");
        site.write(file, &mended);
        server.told("mended");
        server.until("/_frieze/fault?path=/", |answer| answer.status == 204);
    }
    server.until_holds("/projects/a/", "body-b");
    server.until_holds("/", "Hello again");
}

fn row(layout: &str) -> String {
    format!(
        r#"{{"page_name": "home", "version": 1, "is_published": true, "layout_json": {layout}}}"#
    )
}

#[test]
fn two_rows_with_one_path_are_told_and_the_site_stands() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let server = Server::dev(&site, &[]);
    site.write("content/projects/b.md", "+++\ntitle = \"b\"\nslug = \"A\"\n+++\nbody-b\n");
    let told = one_fault(&server);
    assert!(told.contains("same path"), "{told}");
    assert!(server.text("/projects/a/").contains("body-a"));
    // The next edit finds the rows as they are in the files.
    site.write("content/projects/b.md", "+++\ntitle = \"b\"\nslug = \"b\"\n+++\nbody-b\n");
    server.until_holds("/projects/b/", "body-b");
    server.told("mended");
}

#[test]
fn a_site_that_is_broken_from_the_start_comes_up_when_mended() {
    let site = Site::small();
    site.write("templates/pages/layout.html", "{% block %}");
    let server = Server::dev(&site, &[]);
    let page = server.get("/");
    assert_eq!(page.status, 503);
    assert!(page.text().contains("pages/layout.html"), "{}", page.text());
    std::fs::remove_file(site.root.join("templates/pages/layout.html")).unwrap();
    server.until_holds("/", "Hello");
}

#[test]
fn a_row_that_names_a_picture_waits_for_it() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let server = Server::dev(&site, &[]);
    let row = |picture: &str| {
        format!(
            "+++\ntitle = \"a\"\nslug = \"a\"\nthumbnail_url = \"images/{picture}\"\n+++\nbody-b\n"
        )
    };
    site.write("content/projects/a.md", row("later.jpg"));
    let told = one_fault(&server);
    assert!(told.contains("later.jpg"), "{told}");
    // Another row changes meanwhile: what is wrong stays wrong.
    site.project("b", "b", "body-b");
    server.until_holds("/projects/b/", "body-b");
    assert!(server.fault("/").contains("later.jpg"));
    site.write("content/images/later.jpg", std::fs::read("content/images/about.jpg").unwrap());
    server.told("mended");
    server.until_holds("/projects/a/", "later-");
}
