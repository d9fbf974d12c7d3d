//! The second site: posts with tags, an archive and a feed on the same engine, which knows nothing
//! of either site.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/site.rs"]
mod site;

use site::Site;

#[test]
fn a_blog_is_built_by_the_same_program() {
    let site = Site::copy_of("examples/blog");
    site.build();
    let dist = site.dist();
    let below = |folder: &str| dist.keys().filter(|path| path.starts_with(folder)).count();
    assert_eq!(below("posts/"), 12);
    assert!(below("tags/") > 4);
    assert!(dist.contains_key("archive/index.html"));
    assert_eq!(site.page("atom.xml").matches("<entry>").count(), 12);
    let post = site.page("posts/links-are-promises/index.html").replace('"', "");
    assert!(post.contains("href=/tags/"), "a post links to its tags");
    let tag = post.split("href=/tags/").nth(1).unwrap().split('/').next().unwrap();
    assert!(site.page(&format!("tags/{tag}/index.html")).contains("/posts/links-are-promises/"));
}

#[test]
fn lists_are_cut_into_numbered_pages() {
    let site = Site::copy_of("examples/blog");
    site.edit("frieze.toml", "per_page = 50", "per_page = 5");
    site.build();
    let second = site.page("archive/page/2/index.html").replace('"', "");
    assert!(
        second.contains("href=/archive/>") || second.contains("href=/archive/ "),
        "no way back to the first page: {second}"
    );
    assert!(second.contains("href=/archive/page/3/"), "no way on to the third page");
    assert!(!site.root.join("dist/archive/page/4").exists());
}

#[test]
fn the_engine_knows_no_site() {
    let words = ["testimonial", "skills", "experience", "solutions", "\"posts\"", "\"projects\""];
    let mut files = vec![std::path::PathBuf::from("src")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        // The shape of the kit is data, and held to what its migrations make by a test.
        if path.file_name().is_some_and(|name| name == "tests.rs" || name == "shape.txt") {
            continue;
        }
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // A task type is called so, whatever the table is.
            let line = line.replace("\"update_skills\"", "");
            for word in words {
                assert!(!line.contains(word), "{} knows {word}: {line}", path.display());
            }
        }
    }
}
