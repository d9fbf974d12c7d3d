//! Files and folders as people keep them: years, hidden ones, links, some good and some bad at once.

use std::fs;

use crate::kit::Server;
use crate::site::Site;

fn row(title: &str, body: &str) -> String {
    format!("+++\ntitle = {title:?}\nslug = {title:?}\n+++\n{body}\n")
}

/// Moves a folder with files into the site at one stroke.
fn move_in(site: &Site, files: &[(&str, String)], to: &str) {
    for (name, text) in files {
        site.write(&format!("elsewhere/{name}"), text);
    }
    fs::rename(site.root.join("elsewhere"), site.root.join(to)).unwrap();
}

#[test]
fn good_files_are_taken_where_one_of_them_is_bad() {
    let site = Site::small();
    site.project("first", "first", "body-first");
    let server = Server::dev(&site, &[]);
    let refused = row("c", "").replace("title", "no_such_column = 1\ntitle");
    let files = [
        ("a.md", row("a", "body-a")),
        ("b.md", "+++\n".to_owned()),
        ("c.md", refused),
        ("d.md", row("d", "body-d")),
    ];
    move_in(&site, &files, "content/projects/set");
    server.until_holds("/projects/a/", "body-a");
    server.until_holds("/projects/d/", "body-d");
    assert!(server.fault("/").contains("content/projects/set/b.md"));
    site.write("content/projects/set/b.md", row("b", "body-b"));
    server.until_holds("/projects/b/", "body-b");
    site.write("content/projects/set/c.md", row("c", "body-c"));
    server.until_holds("/projects/c/", "body-c");
    server.told("mended");
    for name in ["a", "b", "c", "d", "first"] {
        assert!(server.text(&format!("/projects/{name}/")).contains(&format!("body-{name}")));
    }
}

#[test]
fn folders_of_years_are_watched() {
    let site = Site::small();
    site.write("content/projects/2024/a.md", row("a", "body-a"));
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    let year = |name: &str| site.root.join("content/projects").join(name);
    fs::rename(year("2024/a.md"), year("2024/07.md")).unwrap();
    server.until_holds("/_frieze/status.json", "content/projects/2024/07.md");
    site.edit("content/projects/2024/07.md", "body-a", "renamed");
    server.until_holds("/projects/a/", "renamed");
    site.write("content/projects/2025/01/b.md", row("b", "body-b"));
    server.until_holds("/projects/b/", "body-b");
    fs::rename(year("2024"), year("2023")).unwrap();
    server.until_holds("/_frieze/status.json", "content/projects/2023/07.md");
    site.edit("content/projects/2023/07.md", "renamed", "in another year");
    server.until_holds("/projects/a/", "in another year");
    fs::remove_file(year("2023/07.md")).unwrap();
    server.until("/projects/a/", |answer| answer.status == 404);
    fs::remove_dir_all(year("2025")).unwrap();
    server.until("/projects/b/", |answer| answer.status == 404);
    let told = server.all_told();
    assert!(told.iter().all(|line| line.get("error").is_none()), "{told:?}");
}

#[test]
fn what_a_build_passes_over_is_passed_over_and_what_it_publishes_is_watched() {
    let site = Site::small();
    site.project("a", "a", "body-a");
    let published = ["notes.tmp", "letter.orig", "4913", "deep/2024/#x", ".well-known/y"];
    let put = |text: &str| {
        for name in published {
            site.write(&format!("static/{name}"), text);
        }
    };
    put("before");
    let server = Server::dev(&site, &[]);
    site.write("content/projects/.obsidian/workspace.json", "{broken");
    site.write("content/projects/.drafts/x.md", row("x", "body-x"));
    site.write("content/.trash/y.md", "broken");
    site.write("static/.git/config", "secret");
    site.write("templates/.idea/base.html", "{% broken");
    put("after");
    for name in published {
        server.until_holds(&format!("/{}", name.replace('#', "%23")), "after");
    }
    site.project("a", "a", "body-b");
    server.until_holds("/projects/a/", "body-b");
    for path in ["/.git/config", "/projects/x/"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let told = server.all_told();
    assert!(told.iter().all(|line| line.get("error").is_none()), "{told:?}");
    // What a build refuses is told, until it is gone.
    site.write("content/projects/b.yaml", "title: b");
    let told = server.told("error");
    assert!(told["error"]["message"].as_str().unwrap().contains("b.yaml is not a row"), "{told}");
    fs::remove_file(site.root.join("content/projects/b.yaml")).unwrap();
    server.told("mended");
}

#[test]
fn folders_that_are_not_there_yet_are_seen_wherever_they_come() {
    let mut site = Site::small();
    site.edit(
        "frieze.toml",
        "[layouts]",
        "[build]\ntemplates = \"theme/own/templates\"\n\n[layouts]",
    );
    #[cfg(unix)]
    {
        // The site is reached by a link, as temporary folders often are.
        let link = site.root.with_file_name("link");
        std::os::unix::fs::symlink(&site.root, &link).unwrap();
        site.root = link;
    }
    let server = Server::dev(&site, &[]);
    let page = "theme/own/templates/pages/404.html";
    for round in ["one", "two", "three"] {
        site.write(page, format!("made-{round}"));
        server.until_holds("/nowhere/", &format!("made-{round}"));
        site.write(page, format!("saved-{round}"));
        server.until_holds("/nowhere/", &format!("saved-{round}"));
        let gone = if round == "one" { "theme" } else { "theme/own/templates" };
        fs::remove_dir_all(site.root.join(gone)).unwrap();
        server.until_lacks("/nowhere/", "saved-");
    }
    // Moved away and back, with another file in it.
    site.write(page, "here-again");
    server.until_holds("/nowhere/", "here-again");
    fs::rename(site.root.join("theme"), site.root.join("away")).unwrap();
    server.until_lacks("/nowhere/", "here-again");
    site.write("away/own/templates/pages/404.html", "back-again");
    fs::rename(site.root.join("away"), site.root.join("theme")).unwrap();
    server.until_holds("/nowhere/", "back-again");
    // The system lends few watchers: one does.
    #[cfg(target_os = "linux")]
    {
        let open = fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
        let open = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        assert_eq!(open.filter(|file| file.ends_with("anon_inode:inotify")).count(), 1);
    }
}
