//! Many random changes, each compared with assembling the site anew.

use indexmap::IndexMap;
use serde_json::json;

use super::PageIndex;
use crate::config::{Config, Overrides};
use crate::model::{self, Hash, Manifests, Row, Site};
use crate::source::{LayoutRow, Notes, Snapshot};

const SITE: &str = r#"
[site]
title = "x"
base_url = "https://x.example"
[[pages]]
path = "/"
template = "pages/404.html"
[collections.first]
page = { path = "/first/{slug}/", template = "a" }
[collections.posts]
images = ["cover", "face"]
page = { path = "/posts/{slug}/", template = "a" }
list = { path = "/archive/", template = "b", per_page = 4 }
[[collections.posts.group]]
by = "tags"
path = "/tags/{key}/"
template = "c"
per_page = 3
[[collections.posts.group]]
by = "year"
path = "/years/{key}/"
template = "c"
[collections.last]
group = { by = "kind", path = "/kinds/{key}/", template = "c" }
related = { in = "posts" }
"#;

fn config() -> Config {
    let folder = tempfile::tempdir().unwrap();
    crate::fs::write(&folder.path().join("frieze.toml"), SITE.as_bytes()).unwrap();
    Config::load(folder.path(), &Overrides::default(), &|_| None).unwrap()
}

fn row(slug: &str, tags: &[String], random: &mut fastrand::Rng) -> Row {
    let fields = json!({
        "slug": slug, "title": random.u8(..).to_string(), "tags": tags, "kind": "k",
        "year": random.u8(0..4), "cover": if random.bool() { "/a.jpg" } else { "" }, "face": "/b.jpg",
    });
    let hash: Hash = blake3::hash(fields.to_string().as_bytes()).into();
    let fields = fields.as_object().cloned().unwrap_or_default().into();
    Row { fields, hash, content: hash, ..Row::default() }
}

fn any(random: &mut fastrand::Rng) -> Row {
    let slug = format!("p{}", random.u8(0..60));
    let tags: Vec<String> = (0..random.u8(0..4)).map(|_| format!("t{}", random.u8(0..9))).collect();
    row(&slug, &tags, random)
}

/// A site as text, its images in any order.
fn told(site: &Site) -> String {
    let mut images: Vec<String> = site.images.iter().map(|image| format!("{image:?}")).collect();
    images.sort();
    format!("{:#?}\n{:#?}\n{images:#?}", site.pages, site.collections)
}

const SECTION: &str = r#"
label = "Picture"
[fields.picture]
type = "image"
label = "Picture"
"#;

fn manifests() -> Manifests {
    Manifests::parse([("picture", "picture.toml", SECTION)].into_iter()).unwrap()
}

/// Some layouts: of pages that have their path to themselves, and of others; some of them wrong.
fn layouts(random: &mut fastrand::Rng) -> Vec<LayoutRow> {
    let names = ["about", "contact", "help", "news", "archive", "home", "404.html"];
    let count = if random.bool() { 4 } else { names.len() };
    let mut layouts = Vec::new();
    for name in &names[..count] {
        if random.bool() {
            continue;
        }
        let picture = format!("/{}.jpg", random.u8(0..3));
        let kind = if random.u8(0..20) == 0 { "unknown" } else { "picture" };
        let section = json!({"id": kind, "config": {"picture": picture}});
        let sections = vec![section; random.usize(1..3)];
        let json = json!({"props": {"title": random.u8(..).to_string()}, "sections": sections});
        let hash: Hash = blake3::hash(json.to_string().as_bytes()).into();
        let page = (*name).to_owned();
        layouts.push(LayoutRow { page, version: 1, json, updated: None, hash });
    }
    random.shuffle(&mut layouts);
    layouts
}

fn assembled(
    rows: &IndexMap<String, Vec<Row>>,
    layouts: &[LayoutRow],
    config: &Config,
) -> Option<Site> {
    let (collections, layouts) = (rows.clone(), layouts.to_vec());
    let snapshot = Snapshot { collections, layouts, ..Snapshot::default() };
    model::assemble(snapshot, config, &manifests()).ok()
}

#[test]
fn a_change_in_place_is_what_assembling_anew_makes() {
    let config = config();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut done, mut laid) = (0, 0);
    for _ in 0..40 {
        let mut rows: IndexMap<String, Vec<Row>> = IndexMap::new();
        for name in ["first", "posts", "last"] {
            rows.insert(name.to_owned(), vec![row("p60", &["t1".to_owned()], &mut random)]);
        }
        let mut laid_out = Vec::new();
        let mut site = assembled(&rows, &laid_out, &config).unwrap();
        let mut index = PageIndex::new(&site);
        for _ in 0..40 {
            let name = ["first", "posts", "posts", "last"][random.usize(0..4)];
            let count = rows[name].len();
            if random.u8(0..4) == 0 {
                let wanted = layouts(&mut random);
                let is_well = assembled(&rows, &wanted, &config).is_some();
                let done = site.lay_out(&config, &manifests(), &mut index, wanted.clone());
                assert_eq!(done, is_well);
                if done {
                    (laid_out, laid) = (wanted, laid + 1);
                }
            } else if random.u8(0..3) == 0 && count > 1 {
                let at = random.usize(0..count);
                let taken = site.take_out(&config, &mut index, name, at).unwrap().unwrap();
                assert_eq!(taken.hash, rows[name].remove(at).hash);
            } else if count == 1 && random.bool() {
                // The last one stays: whatever came then could not be put in.
                assert!(site.take_out(&config, &mut index, name, 0).unwrap().is_none());
            } else {
                let (at, new) = (random.usize(0..=count), any(&mut random));
                let mut wanted = rows.clone();
                wanted[name].insert(at, new.clone());
                let is_well = assembled(&wanted, &laid_out, &config).is_some();
                assert_eq!(site.put_in(&config, &mut index, name, at, new).unwrap(), is_well);
                if is_well {
                    rows = wanted;
                }
            }
            let anew = assembled(&rows, &laid_out, &config).unwrap();
            assert_eq!(told(&site), told(&anew));
            for (at, page) in site.pages.iter().enumerate() {
                assert_eq!(index.find(&site, &page.path), Some(at), "{}", page.path);
            }
            assert_eq!(format!("{:?}", PageIndex::new(&site)).len(), format!("{index:?}").len());
            done += 1;
        }
    }
    assert_eq!(done, 1600);
    assert!(laid > 100, "{laid}");
}

#[test]
fn a_site_keeps_its_home_page() {
    let text = SITE.replace("path = \"/\"\n", "path = \"/fixed/\"\n");
    let folder = tempfile::tempdir().unwrap();
    crate::fs::write(&folder.path().join("frieze.toml"), text.as_bytes()).unwrap();
    let config = Config::load(folder.path(), &Overrides::default(), &|_| None).unwrap();
    let json = json!({"sections": [{"id": "picture", "config": {"picture": "/a.jpg"}}]});
    let layout = |page: &str| LayoutRow {
        page: page.to_owned(),
        version: 1,
        json: json.clone(),
        updated: None,
        hash: blake3::hash(page.as_bytes()).into(),
    };
    let mut site = assembled(&IndexMap::new(), &[layout("home")], &config).unwrap();
    let mut index = PageIndex::new(&site);
    assert!(!site.lay_out(&config, &manifests(), &mut index, vec![layout("about")]));
    let both = vec![layout("about"), layout("home")];
    assert!(site.lay_out(&config, &manifests(), &mut index, both));
    assert_eq!(index.find(&site, "/"), Some(1));
    assert_eq!(index.find(&site, "/fixed/"), Some(2));
    assert_eq!(site.layout_images().len(), 2);
}

#[test]
fn what_is_known_of_rows_moves_with_them() {
    let mut notes: Notes = serde_json::from_value(json!({
        "related": {"of": "posts", "rows": [[1, 2], [0], [0, 1]]},
        "written": {"1": {"alt": {"model": "m", "provider": "p", "at": "x"}}},
    }))
    .unwrap();
    notes.with(1, true, "posts");
    let found = serde_json::to_value(&notes).unwrap();
    assert_eq!(found["related"]["rows"], json!([[2, 3], [], [0], [0, 2]]));
    assert!(found["written"]["2"].is_object());
    notes.without(0, true, "posts");
    let found = serde_json::to_value(&notes).unwrap();
    assert_eq!(found["related"]["rows"], json!([[], [], [1]]));
    assert!(found["written"]["1"].is_object());
    notes.without(0, false, "elsewhere");
    assert_eq!(serde_json::to_value(&notes).unwrap(), found);
}
