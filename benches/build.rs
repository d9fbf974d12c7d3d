//! A whole build without its database, and its parts: rendering a page, with and without minifying.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frieze::assets;
use frieze::cache::Cache;
use frieze::config::{Config, Overrides};
use frieze::model::{self, Manifests};
use frieze::pipeline::{self, Quiet};
use frieze::render::{Engine, Press, Shared, Sources};
use frieze::source::{Row, Snapshot};
use frieze::theme::Theme;

const POSTS: usize = 1_000;

const SITE: &str = r#"
[site]
title = "Bench"
base_url = "https://bench.example"
[[pages]]
path = "/"
template = "pages/404.html"
[collections.posts]
markdown = ["body"]
page = { path = "/posts/{slug}/", template = "pages/project.html" }
list = { path = "/archive/", template = "pages/list.html" }
group = { by = "tags", path = "/tags/{key}/", template = "pages/group.html" }
"#;

/// A post of about 600 words; no two are alike.
fn post(number: usize) -> Row {
    let sentence = format!("Stone {number} keeps *what* was cut into it, and `nothing` else. ");
    let paragraph = sentence.repeat(8);
    let body = format!(
        "{paragraph}\n\n## Cutting {number}\n\n{paragraph}\n\n- one\n- two\n\n{paragraph}\n\n\
         | a | b |\n|---|---|\n| 1 | {number} |\n\n```rust\nfn cut(depth: u32) -> u32 {{ depth + {number} }}\n```\n\n\
         ### Setting\n\n{paragraph}\n\n{paragraph}\n"
    );
    let fields = serde_json::json!({
        "title": format!("Post {number}"), "slug": format!("post-{number}"), "body": body,
        "summary": "What a stone keeps.", "technologies": null, "description": body,
        "thumbnail_url": null, "demo_link": null, "repo_link": null,
        "tags": [format!("tag-{}", number % 40), format!("tag-{}", number % 7)],
    });
    let hash = blake3::hash(fields.to_string().as_bytes()).into();
    let fields = fields.as_object().cloned().unwrap_or_default();
    Row { fields: fields.into(), hash, content: hash, ..Row::default() }
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.collections.insert("posts".to_owned(), (0..POSTS).map(post).collect());
    snapshot
}

fn config(root: &Path, minify: bool) -> Config {
    let site = format!("{SITE}\n[build]\nminify = {minify}\n");
    std::fs::write(root.join("frieze.toml"), site).unwrap();
    Config::load(root, &Overrides::default(), &|_| None).unwrap()
}

fn whole(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), true);
    let mut group = criterion.benchmark_group("build 1,000 posts");
    group.sample_size(10).throughput(Throughput::Elements(POSTS as u64));
    group.bench_function("cold", |bencher| {
        bencher.iter_with_setup(
            || {
                let _ = std::fs::remove_dir_all(folder.path().join("dist"));
                let _ = std::fs::remove_dir_all(folder.path().join(".dist.frieze"));
                snapshot()
            },
            |snapshot| pipeline::build_from(&config, snapshot, &Quiet).unwrap(),
        );
    });
    group.bench_function("one row edited", |bencher| {
        let mut edit = 0;
        bencher.iter_with_setup(
            || {
                edit += 1;
                let mut snapshot = snapshot();
                let rows = &mut snapshot.collections["posts"];
                rows[7] = Row { hash: [edit; 32], ..rows[7].clone() };
                snapshot
            },
            |snapshot| pipeline::build_from(&config, snapshot, &Quiet).unwrap(),
        );
    });
    group.finish();
}

fn pages(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("page");
    for (name, minify) in [("render", false), ("render and minify", true)] {
        let config = config(folder.path(), minify);
        let theme = Theme::load(&config).unwrap();
        let files = theme.manifests();
        let files = files.map(|(name, file)| (name, file.origin.as_str(), file.text.as_str()));
        let manifests = Manifests::parse(files).unwrap();
        let cache = Arc::new(Cache::open(&folder.path().join("cache")).unwrap());
        let shared = Shared::new(&config, assets::plan(&config, &theme, &cache).unwrap());
        let engine = Engine::load(&theme, &shared, minify).unwrap();
        let site = model::assemble(snapshot(), &config, &manifests).unwrap();
        let from = Sources {
            config: &config,
            theme: &theme,
            site: &site,
            manifests: &manifests,
            shared: &shared,
        };
        let press = Press::new(engine, from).unwrap();
        let renderer = press.renderer(from);
        let page = site.pages.iter().find(|page| page.path == "/posts/post-7/").unwrap();
        group.bench_function(name, |bencher| bencher.iter(|| renderer.page(page).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, whole, pages);
criterion_main!(benches);
