use std::fs;

use pretty_assertions::assert_eq;

use super::*;
use crate::config::Overrides;
use crate::source::cells::{self, Cells};
use crate::source::layouts::Stored;
use crate::source::{Row, Snapshot};

const SITE: &str = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"\n\
    [layouts]\ntable = \"page_layouts\"\n\
    [collections.posts]\norder_by = \"slug\"\nmarkdown = [\"body\"]\n[collections.tags]\n";

fn config(toml: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("frieze.toml"), toml).unwrap();
    Config::load(folder.path(), &Overrides::default(), &|_| None).unwrap()
}

struct Texts(Vec<Vec<Option<String>>>);

impl Cells for Texts {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, row: usize, column: usize) -> crate::error::Result<Option<&str>> {
        Ok(self.0[row][column].as_deref())
    }
}

fn columns() -> [Column; 3] {
    [("slug", true), ("body", true), ("tags", false)].map(|(name, is_text)| Column {
        name: name.to_owned(),
        is_text,
        is_touch: matches!(name, "created_at" | "updated_at"),
    })
}

fn posts(from: usize) -> Texts {
    let row = |n: usize| {
        let body = (!n.is_multiple_of(3)).then(|| format!("Größe {n} ").repeat(n));
        vec![Some(format!("post-{n}")), body, Some(format!("[\"a\", {n}.50]"))]
    };
    Texts((from..from + 40).map(row).collect())
}

/// What a read of two pieces would leave; the rows are returned.
fn recorded(path: &Path, config: &Config) -> Vec<Row> {
    let origin = Origin::now("db.example.com:5432/postgres".to_owned(), "anon");
    let mut recorder = Recorder::start(path, origin).unwrap();
    let mut rows = Vec::new();
    recorder.collection(&config.collections["posts"], &columns());
    for piece in [posts(0), posts(40)] {
        let block = frames::block(&piece, &columns()).unwrap();
        recorder.block(piece.rows(), &block);
        rows.extend(cells::parse(&piece, &columns()).unwrap());
    }
    recorder.collection(&config.collections["tags"], &[]);
    let layout = r#"{"page":"home","version":2,"json":"{\"sections\": []}","updated":null}"#;
    let layout: Stored = serde_json::from_str(layout).unwrap();
    recorder.layouts(config.layouts.clone(), vec![layout]);
    recorder.finish().unwrap().keep(12).unwrap();
    rows
}

fn same(snapshot: &Snapshot, rows: &[Row]) {
    let read = &snapshot.collections["posts"];
    assert_eq!(read.len(), rows.len());
    for (read, row) in read.iter().zip(rows) {
        assert_eq!((&read.fields, read.hash, read.content), (&row.fields, row.hash, row.content));
    }
}

#[test]
fn what_was_read_comes_back() {
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    let rows = recorded(&file, &config);
    let (snapshot, said) = load(&file, &config).unwrap();
    same(&snapshot, &rows);
    assert_eq!(snapshot.collections.keys().collect::<Vec<_>>(), ["posts", "tags"]);
    assert_eq!(snapshot.collections["tags"].len(), 0);
    assert_eq!((&*snapshot.layouts[0].page, snapshot.layouts[0].version), ("home", 2));
    assert_eq!((said.pages, said.rows["posts"], said.rows["tags"]), (12, 80, 0));
    assert_eq!(about(&file), Some(said));
    let plain: usize = rows.iter().map(|row| format!("{:?}", row.fields["body"]).len()).sum();
    let size = fs::metadata(&file).unwrap().len();
    assert!(size < plain as u64 / 4, "{size} bytes of {plain}");
    assert!(fs::read_dir(cache.path().join("new")).unwrap().next().is_none());
}

#[test]
fn an_unfinished_one_leaves_the_last() {
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    let rows = recorded(&file, &config);
    let origin = Origin::now("elsewhere".to_owned(), "anon");
    drop(Recorder::start(&file, origin.clone()).unwrap());
    drop(Recorder::start(&file, origin).unwrap().finish());
    same(&load(&file, &config).unwrap().0, &rows);
    assert!(fs::read_dir(cache.path().join("new")).unwrap().next().is_none());
}

#[test]
fn damage_anywhere_is_found() {
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    recorded(&file, &config);
    let whole = fs::read(&file).unwrap();
    for place in (0..whole.len()).step_by(97).chain([0, whole.len() - 1]) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x20;
        fs::write(&file, &damaged).unwrap();
        let error = load(&file, &config).unwrap_err().report();
        assert!(error.contains("is damaged"), "byte {place}: {error}");
    }
    for length in [0, 10, 16, 60, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        let error = load(&file, &config).unwrap_err().report();
        assert!(error.contains("is damaged"), "{length} bytes: {error}");
        assert!(length > 0 || about(&file).is_none());
    }
}

#[test]
fn none_is_said_with_where_it_would_be() {
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    let error = load(&file, &config).unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Database);
    let place = file.display().to_string();
    assert!(error.report().contains(&place), "{}", error.report());
    assert!(error.report().contains("DATABASE_URL"), "{}", error.report());
}

#[test]
fn another_configuration_needs_another_read() {
    let (cache, before) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    let rows = recorded(&file, &before);
    for (change, to, says) in [
        ("order_by = \"slug\"", "order_by = \"slug desc\"", "collection \"posts\" than"),
        ("[collections.tags]", "[collections.people]", "no rows for the collection \"people\""),
        ("\"page_layouts\"", "\"layouts\"", "layouts of another table"),
        ("[layouts]", "[database]\nrole = \"web\"\n[layouts]", "as the role \"anon\""),
    ] {
        let error = load(&file, &config(&SITE.replace(change, to))).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Config, "{error}");
        assert!(error.report().contains(says), "{}", error.report());
    }
    // What only says how rows are shown may change, and fewer collections are fine.
    let less = SITE.replace("markdown", "html").replace("[collections.tags]\n", "");
    let (snapshot, _) = load(&file, &config(&less)).unwrap();
    same(&snapshot, &rows);
    assert_eq!(snapshot.collections.len(), 1);
}

#[test]
fn sites_that_share_a_cache_have_a_snapshot_each() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, shared] = ["a", "b", "shared"].map(|name| folder.path().join(name));
    let own = a.join(".frieze/cache");
    for made in [&own, &b, &shared] {
        fs::create_dir_all(made).unwrap();
    }
    assert_eq!(path(&own, &a), own.join("snapshot"), "wherever the site's folder is moved to");
    assert_ne!(path(&shared, &a), path(&shared, &b));
    assert_eq!(path(&shared, &a), path(&shared, &folder.path().join("b/../a")));
}

#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    recorded(&file, &config);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// `/dev/full` is a disk without room.
#[test]
fn one_that_cannot_be_written_is_given_up_and_nothing_else() {
    let (cache, config) = (tempfile::tempdir().unwrap(), config(SITE));
    let file = cache.path().join("snapshot");
    let rows = recorded(&file, &config);
    let origin = Origin::now("elsewhere".to_owned(), "anon");
    let mut recorder = Recorder::start(&file, origin).unwrap().on("/dev/full");
    recorder.collection(&config.collections["posts"], &columns());
    let block = frames::block(&posts(0), &columns()).unwrap();
    for _ in 0..100 {
        recorder.block(40, &block);
    }
    assert!(recorder.finish().is_none());
    same(&load(&file, &config).unwrap().0, &rows);
}
