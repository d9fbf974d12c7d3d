//! A site whose texts lie outside memory is the same site.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Quiet, build_from};
use crate::config::{Config, Overrides};
use crate::source::{Row, Snapshot, push_far};

const SITE: &str = r#"
[site]
title = "Far"
base_url = "https://far.example"
[[pages]]
path = "/"
template = "pages/home.html"
collections = ["posts"]
[collections.posts]
markdown = ["description"]
html = ["aside"]
page = { path = "/posts/{slug}/", template = "pages/post.html" }
list = { path = "/archive/", template = "pages/all.html", per_page = 3 }
group = { by = "tags", path = "/tags/{key}/", template = "pages/all.html" }
feed = { path = "/atom.xml", content = "description", published = "day" }
[json."/posts.json"]
posts = { collection = "posts" }
"#;

fn post(number: usize) -> Row {
    let text = format!("Stone *{number}* keeps `what` was cut into it.\n\n## Part {number}\n\n");
    let fields = serde_json::json!({
        "title": format!("Post {number}"), "slug": format!("post-{number}"), "summary": "s",
        "description": text.repeat(12 + number), "day": "2024-03-01",
        "aside": format!("<p onclick=x>{}</p>", "long ".repeat(200 + number)),
        "tags": [format!("tag-{}", number % 2)],
    });
    let hash = blake3::hash(fields.to_string().as_bytes()).into();
    let fields = fields.as_object().cloned().unwrap_or_default().into();
    Row { fields, hash, content: hash, ..Row::default() }
}

fn built(root: &Path, far: bool) -> BTreeMap<String, Vec<u8>> {
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("frieze.toml", SITE);
    write("templates/pages/home.html", "{% for post in posts %}{{ post.description }}{% endfor %}");
    write("templates/pages/post.html", "{{ row.title }} {{ row.description }} {{ row.aside }}");
    let all =
        "{% for row in rows %}{{ row.title }}{{ row.description }}{{ row.aside }}{% endfor %}";
    write("templates/pages/all.html", all);
    let config = Config::load(root, &Overrides::default(), &|_| None).unwrap();
    let mut rows: Vec<Row> = (0..8).map(post).collect();
    if far {
        push_far(&mut rows, &config.collections["posts"]);
        assert!(rows.iter().all(|row| row.far.len() == 2));
    }
    let mut snapshot = Snapshot::default();
    snapshot.collections.insert("posts".to_owned(), rows);
    build_from(&config, snapshot, &Quiet).unwrap();
    let files = crate::fs::files_below(&root.join("dist")).unwrap();
    let read = |path: std::path::PathBuf| {
        let bytes = std::fs::read(root.join("dist").join(&path)).unwrap();
        (path.display().to_string(), bytes)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn texts_outside_memory_make_the_same_site() {
    let [near, far] = [false, true].map(|far| {
        let folder = tempfile::tempdir().unwrap();
        built(folder.path(), far)
    });
    assert!(near.len() > 15, "{:?}", near.keys());
    let page = String::from_utf8_lossy(&near["posts/post-7/index.html"]).into_owned();
    assert!(page.contains("<em>7</em>") && !page.contains("onclick"), "{page}");
    assert_eq!(near.keys().collect::<Vec<_>>(), far.keys().collect::<Vec<_>>());
    for (path, bytes) in &near {
        assert!(far[path] == *bytes, "{path} differs");
    }
}
