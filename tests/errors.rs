//! Bad input: a clear error that names the place and the remedy, an exit code to branch on, and the
//! last site untouched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/site.rs"]
mod site;

use site::Site;

/// Breaks a small site that was built, and checks what the next build says.
fn broken(code: i32, says: &[&str], break_it: impl FnOnce(&Site)) {
    let site = Site::small();
    site.build();
    let before = site.dist();
    break_it(&site);
    let run = site.run(&["build"]);
    assert_eq!(run.code, code, "{}", run.stderr);
    for words in says {
        assert!(run.stderr.contains(words), "no {words:?} in:\n{}", run.stderr);
    }
    assert!(run.stderr.contains("help: "), "no remedy in:\n{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert_eq!(site.dist(), before, "the last site was touched");
}

#[test]
fn broken_toml_in_the_configuration() {
    broken(3, &["frieze.toml is not valid", "line 2", "docs/configuration.md"], |site| {
        site.edit("frieze.toml", "title = \"Small\"", "title = \"Small");
    });
}

#[test]
fn an_unknown_key_in_the_configuration() {
    broken(3, &["frieze.toml is not valid", "titel", "unknown field"], |site| {
        site.edit("frieze.toml", "title = \"Small\"", "title = \"Small\"\ntitel = \"x\"");
    });
}

#[test]
fn a_missing_base_url() {
    broken(3, &["site.base_url: missing", "FRIEZE_BASE_URL"], |site| {
        site.edit("frieze.toml", "base_url = \"https://small.example\"", "");
    });
}

#[test]
fn a_section_type_that_does_not_exist() {
    let says =
        &["page \"home\" version 1", "section \"herro\"", "did you mean \"hero\"?", "known: "];
    broken(5, says, |site| site.layout("home", r#"{"sections": [{"id": "herro"}]}"#));
}

#[test]
fn a_wrong_field_type() {
    let says =
        &["page \"home\" version 1", "section \"heading\"", "the field \"text\" is a number"];
    broken(5, says, |site| {
        site.layout("home", r#"{"sections": [{"id": "heading", "config": {"text": 7}}]}"#);
    });
}

#[test]
fn a_malformed_layout() {
    broken(5, &["page \"home\" version 1", "neither \"sections\" nor \"content\""], |site| {
        site.layout("home", r#"{"blocks": []}"#);
    });
}

#[test]
fn a_layout_without_a_visible_section() {
    broken(5, &["page \"home\"", "no visible section"], |site| {
        site.layout("home", r#"{"sections": [{"id": "heading", "visible": false}]}"#);
    });
}

#[test]
fn slugs_that_are_no_path_segment() {
    for slug in ["..", "a/b", "a\\b", "%2e%2e", ".hidden", "_assets", "con", ""] {
        broken(5, &["projects", "column slug", "the slug"], |site| {
            site.project("bad", slug, "Text");
        });
    }
}

#[test]
fn two_rows_with_one_path() {
    broken(5, &["slug \"one\"", "slug \"ONE\"", "the same path"], |site| {
        site.project("first", "one", "Text");
        site.project("second", "ONE", "Text");
    });
    let says = &["the same path", "Unicode form", "change the slug"];
    broken(5, says, |site| {
        site.project("first", "\u{fc}ber", "Text");
        site.project("second", "\u{dc}ber", "Text");
    });
}

#[test]
fn a_row_and_a_layout_with_one_path() {
    broken(5, &["page \"about\" version 1", "slug \"about\"", "the same path /about/"], |site| {
        site.layout("about", r#"{"sections": [{"id": "heading", "config": {"text": "A"}}]}"#);
        site.edit("frieze.toml", "/projects/{slug}/", "/{slug}/");
        site.project("about", "about", "Text");
    });
}

#[test]
fn a_template_with_a_syntax_error() {
    broken(6, &["template pages/project.html line 2", "mend the template"], |site| {
        site.write("templates/pages/project.html", "<h1>x</h1>\n{% if %}");
        site.project("one", "one", "Text");
    });
}

#[test]
fn a_template_that_fails_while_a_page_is_rendered() {
    broken(6, &["page /projects/one/", "template pages/project.html line 2", "nothing"], |site| {
        site.write("templates/pages/project.html", "<h1>x</h1>\n{{ nothing.at_all }}");
        site.project("one", "one", "Text");
    });
}

#[test]
fn a_template_that_does_not_exist() {
    broken(6, &["there is no template \"pages/projekt.html\"", "pages/project.html"], |site| {
        site.edit("frieze.toml", "pages/project.html", "pages/projekt.html");
        site.project("one", "one", "Text");
    });
}

#[test]
fn an_asset_that_does_not_exist() {
    let says = &[
        "page /projects/one/",
        "template pages/project.html line 1",
        "css/mane.css",
        "css/main.css",
    ];
    broken(6, says, |site| {
        site.write("templates/pages/project.html", "{{ asset(path=\"css/mane.css\") }}");
        site.project("one", "one", "Text");
    });
}

#[test]
fn an_image_that_does_not_exist() {
    broken(5, &["the row with slug \"one\"", "column thumbnail_url", "images/gone.png"], |site| {
        let text =
            "+++\ntitle = \"One\"\nslug = \"one\"\nthumbnail_url = \"images/gone.png\"\n+++\n";
        site.write("content/projects/one.md", text);
    });
}

#[test]
fn a_content_file_that_is_not_utf8() {
    broken(5, &["content/projects/one.md:3", "not valid UTF-8"], |site| {
        site.write("content/projects/one.md", b"+++\ntitle = \"One\"\nslug = \"\xff\"\n+++\n");
    });
}

#[test]
fn a_value_that_the_database_refuses() {
    broken(5, &["content/skills.toml:", "glow_hex"], |site| {
        site.write(
            "content/skills.toml",
            "[[skills]]\nname = \"Rust\"\ncategory = \"AI\"\nglow_hex = \"orange\"\n",
        );
    });
}

#[test]
fn a_database_that_cannot_be_reached() {
    let mut site = Site::small();
    site.database_url = Some("postgres://someone:s3cr3t@127.0.0.1:1/nothing".to_owned());
    let run = site.run(&["build"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("127.0.0.1:1"), "{}", run.stderr);
    assert!(run.stderr.contains("DATABASE_URL"), "{}", run.stderr);
    assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
    assert!(!site.root.join("dist").exists());
}

#[test]
fn errors_are_json_where_asked() {
    let site = Site::small();
    site.edit("frieze.toml", "https://small.example", "ftp://small.example");
    let run = site.run(&["build", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "config");
    assert_eq!(error["error"]["code"], run.code);
    assert!(error["error"]["message"].as_str().unwrap().contains("ftp://small.example"));
}
