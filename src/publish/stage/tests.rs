//! What a build does to the folder: tests through the public interface.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use rayon::prelude::*;
use tempfile::TempDir;

use super::{Report, Reused, Stage};

pub const KEY: [u8; 32] = [1; 32];
pub const SIGNED: &str = r#"{"generator":"frieze","version":"0"}"#;

pub struct Site {
    pub dir: TempDir,
}

impl Site {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn dist(&self) -> PathBuf {
        self.dir.path().join("dist")
    }

    pub fn tree(&self) -> PathBuf {
        self.dir.path().join(".dist.frieze/tree")
    }

    pub fn open(&self) -> Stage {
        Stage::open(&self.dist()).unwrap()
    }

    pub fn refusal(&self) -> String {
        Stage::open(&self.dist()).err().expect("the target must be refused").report()
    }

    /// Publishes these files, with the signature that every build writes.
    pub fn build(&self, files: &[(&str, &str)]) -> Report {
        let stage = self.open();
        stage.write("health.json", None, SIGNED.as_bytes(), vec![]).unwrap();
        files.par_iter().for_each(|(path, text)| {
            stage.write(path, Some(KEY), text.as_bytes(), vec![(*text).to_owned()]).unwrap();
        });
        stage.commit().unwrap()
    }

    /// All files of the live site but the signature.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for entry in walkdir::WalkDir::new(self.dist()) {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(self.dist()).unwrap().to_str().unwrap();
            assert!(entry.file_type().is_dir() || entry.file_type().is_file(), "{path}");
            if entry.file_type().is_file() && path != "health.json" {
                files.insert(path.to_owned(), fs::read_to_string(entry.path()).unwrap());
            }
        }
        files
    }

    pub fn check(&self, files: &[(&str, &str)]) {
        let expected = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        assert_eq!(self.files(), expected.collect::<BTreeMap<_, _>>());
    }
}

pub fn ino(path: impl AsRef<Path>) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_first_build_makes_the_target() {
    let site = Site::new();
    let report = site.build(&[("index.html", "home"), ("a/b/index.html", "deep")]);
    site.check(&[("index.html", "home"), ("a/b/index.html", "deep")]);
    let bytes = (SIGNED.len() + 8) as u64;
    assert_eq!(report, Report { files: 3, bytes, written: 3, unchanged: 0, removed: 0 });
}

#[test]
fn only_what_changed_is_written() {
    let site = Site::new();
    for build in ["one", "two", "three", "four"] {
        let before = site.dist().join("same.html").metadata().ok().map(|meta| meta.ino());
        let report = site.build(&[("same.html", "same"), ("a/index.html", build)]);
        site.check(&[("same.html", "same"), ("a/index.html", build)]);
        if let Some(before) = before {
            assert_eq!((report.written, report.unchanged, report.removed), (1, 2, 0), "{build}");
            assert_eq!(ino(site.dist().join("same.html")), before, "{build}");
        }
    }
}

#[test]
fn an_unchanged_build_touches_nothing() {
    let site = Site::new();
    let files = [("index.html", "home"), ("a/index.html", "a")];
    site.build(&files);
    let root = ino(site.dist());
    let report = site.build(&files);
    assert_eq!((report.written, report.unchanged, report.removed), (0, 3, 0));
    assert_eq!(ino(site.dist()), root);
}

#[test]
fn a_file_of_the_same_input_is_reused_with_what_came_with_it() {
    let site = Site::new();
    site.build(&[("a/index.html", "text")]);
    for _ in 0..3 {
        let stage = site.open();
        assert_eq!(stage.reuse("a/index.html", [2; 32]), None);
        assert_eq!(stage.reuse("b/index.html", KEY), None);
        let reused = Reused { len: 4, extra: vec!["text".into()] };
        assert_eq!(stage.reuse("a/index.html", KEY), Some(reused));
        assert_eq!(stage.reuse("a/index.html", KEY), None, "a path is adopted once");
        stage.write("new.html", None, rand().as_bytes(), vec![]).unwrap();
        stage.write("health.json", None, SIGNED.as_bytes(), vec![]).unwrap();
        stage.commit().unwrap();
        assert_eq!(site.files()["a/index.html"], "text");
    }
}

/// Content that no build had before.
fn rand() -> String {
    format!("{:?}", std::time::SystemTime::now())
}

#[test]
fn a_key_that_changes_alone_is_remembered() {
    let site = Site::new();
    site.build(&[("a.html", "text")]);
    let stage = site.open();
    stage.write("health.json", None, SIGNED.as_bytes(), vec![]).unwrap();
    stage.write("a.html", Some([9; 32]), b"text", vec![]).unwrap();
    assert_eq!(stage.commit().unwrap().written, 0);
    assert!(site.open().reuse("a.html", [9; 32]).is_some());
    assert!(site.open().reuse("a.html", KEY).is_none());
}

#[test]
fn a_file_edited_by_hand_is_noticed_and_written_again() {
    let site = Site::new();
    let files = [("a.html", "as built"), ("b.html", "b")];
    for _ in 0..3 {
        site.build(&files);
        // In place, and of the same length: both trees may share the inode.
        fs::write(site.dist().join("a.html"), "tampered").unwrap();
        assert!(site.open().reuse("a.html", KEY).is_none());
        let report = site.build(&files);
        assert_eq!((report.written, report.unchanged), (1, 2));
        site.check(&files);
    }
}

#[test]
fn files_removed_or_added_by_hand_are_put_right() {
    let site = Site::new();
    let files = [("a/index.html", "a"), ("b/index.html", "b")];
    site.build(&files);
    for round in 0..4 {
        fs::write(site.dist().join("b/stray.html"), "stray").unwrap();
        fs::create_dir_all(site.dist().join("empty/folder")).unwrap();
        fs::remove_file(site.dist().join("a/index.html")).unwrap();
        symlink("/etc/hostname", site.dist().join("a/index.html")).unwrap();
        let report = site.build(&files);
        assert_eq!((report.written, report.removed), (1, 1), "{round}");
        site.check(&files);
        assert!(!site.dist().join("empty").exists());
    }
    // Nor does any of it come back from the staging tree.
    for text in ["one", "two", "three"] {
        site.build(&[("a/index.html", "a"), ("b/index.html", text)]);
        site.check(&[("a/index.html", "a"), ("b/index.html", text)]);
        assert!(!site.dist().join("empty").exists());
    }
}

#[test]
fn what_the_last_build_changed_is_carried_on() {
    let site = Site::new();
    site.build(&[("a.html", "old"), ("b.html", "1")]);
    site.build(&[("a.html", "new"), ("b.html", "2")]);
    // The staging tree has the old one still. The new one comes by a link, not a copy.
    let a = ino(site.dist().join("a.html"));
    site.build(&[("a.html", "new"), ("b.html", "3")]);
    site.check(&[("a.html", "new"), ("b.html", "3")]);
    assert_eq!(ino(site.dist().join("a.html")), a);
}

#[test]
fn an_unchanged_build_still_clears_away_what_is_not_its_own() {
    let site = Site::new();
    let files = [("a/index.html", "a")];
    for stray in ["empty", "link"] {
        site.build(&files);
        fs::create_dir(site.dist().join("empty")).unwrap();
        if stray == "link" {
            fs::remove_dir(site.dist().join("empty")).unwrap();
            symlink("/etc/hostname", site.dist().join("link")).unwrap();
        }
        assert_eq!(site.build(&files).written, 0);
        assert!(site.dist().join(stray).symlink_metadata().is_err(), "{stray}");
    }
}

#[test]
fn removed_files_vanish_with_their_folders() {
    let site = Site::new();
    site.build(&[("a/b/c/index.html", "c"), ("a/index.html", "a"), ("x.html", "x")]);
    let report = site.build(&[("a/index.html", "a")]);
    assert_eq!((report.files, report.unchanged, report.removed), (2, 2, 2));
    site.check(&[("a/index.html", "a")]);
    assert!(!site.dist().join("a/b").exists());
    site.build(&[("y.html", "y")]);
    site.check(&[("y.html", "y")]);
    assert!(!site.dist().join("a").exists());
}

#[test]
fn a_file_may_become_a_folder_and_a_folder_a_file() {
    let site = Site::new();
    let (file, folder): (&[_], &[_]) =
        (&[("a", "file"), ("b", "b")], &[("a/x/index.html", "in"), ("a/y.html", "y")]);
    // Every order of the two, with and without a rest of each in the staging tree.
    for (round, files) in
        [file, folder, file, folder, folder, file, file, folder].iter().enumerate()
    {
        site.build(files);
        site.check(files);
        if round % 3 == 2 {
            drop_a_build(&site, &[("a", "another")]);
        }
    }
}

/// A build that begins to write and fails.
fn drop_a_build(site: &Site, files: &[(&str, &str)]) {
    let stage = site.open();
    for (path, text) in files {
        stage.write(path, None, text.as_bytes(), vec![]).unwrap();
    }
}

#[test]
fn a_dropped_stage_leaves_the_site_and_taints_the_staging_tree() {
    let site = Site::new();
    site.build(&[("a.html", "1"), ("b.html", "b")]);
    site.build(&[("a.html", "2"), ("b.html", "b")]);
    drop_a_build(&site, &[("a.html", "3"), ("c.html", "c"), ("d/e.html", "e")]);
    site.check(&[("a.html", "2"), ("b.html", "b")]);
    let states = fs::read_dir(site.dir.path().join(".dist.frieze")).unwrap();
    let names = states.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains(".state")).count(), 1);
    // What the dropped build left is neither trusted nor published.
    fs::write(site.tree().join("b.html"), "x").unwrap();
    fs::remove_file(site.tree().join("b.html")).unwrap();
    fs::write(site.tree().join("b.html"), "x").unwrap();
    site.build(&[("a.html", "4"), ("b.html", "b")]);
    site.check(&[("a.html", "4"), ("b.html", "b")]);
}

#[test]
fn what_a_dropped_stage_had_linked_stays_linked() {
    let site = Site::new();
    site.build(&[("a.html", "1"), ("b.html", "b")]);
    site.build(&[("a.html", "2"), ("b.html", "b")]);
    drop_a_build(&site, &[("a.html", "3")]);
    // Linking or unlinking would change it.
    let touched = || {
        let meta = fs::metadata(site.dist().join("b.html")).unwrap();
        (meta.ctime(), meta.ctime_nsec())
    };
    let before = touched();
    site.build(&[("a.html", "4"), ("b.html", "b")]);
    assert_eq!(touched(), before);
}

#[test]
fn a_damaged_state_costs_time_and_nothing_else() {
    let site = Site::new();
    for text in ["1", "2", "3", "4"] {
        site.build(&[("a/b.html", text), ("same.html", "same")]);
        site.check(&[("a/b.html", text), ("same.html", "same")]);
        for entry in fs::read_dir(site.dir.path().join(".dist.frieze")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "state") {
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
        }
    }
}

#[test]
fn an_empty_folder_and_a_site_without_its_state_are_replaced() {
    let site = Site::new();
    fs::create_dir(site.dist()).unwrap();
    site.build(&[("a.html", "a"), ("b.html", "b")]);
    fs::remove_dir_all(site.dir.path().join(".dist.frieze")).unwrap();
    let report = site.build(&[("a.html", "a")]);
    assert_eq!((report.written, report.removed), (2, 1));
    site.check(&[("a.html", "a")]);
}

#[test]
fn the_companion_may_lie_further_up() {
    let site = Site::new();
    let output = site.dir.path().join(".vercel/output");
    for text in ["1", "2", "3"] {
        let stage = Stage::open_beside(&output.join("static"), &output).unwrap();
        stage.write("health.json", None, text.as_bytes(), vec![]).unwrap();
        stage.commit().unwrap();
        assert_eq!(fs::read_to_string(output.join("static/health.json")).unwrap(), text);
        assert_eq!(fs::read_dir(&output).unwrap().count(), 1);
        assert!(site.dir.path().join(".vercel/.output.frieze").is_dir());
    }
}

#[test]
fn many_threads_write_many_files() {
    let site = Site::new();
    for round in 0..4 {
        let stage = site.open();
        stage.write("health.json", None, SIGNED.as_bytes(), vec![]).unwrap();
        (0..600).into_par_iter().for_each(|i| {
            let path = format!("{}/{}/{i}/index.html", i % 7, i % 31);
            let text = format!("{i} {}", if i % 5 == 0 { round } else { 0 });
            stage.write(&path, None, text.as_bytes(), vec![]).unwrap();
        });
        let report = stage.commit().unwrap();
        assert_eq!(report.written, if round == 0 { 601 } else { 120 });
        assert_eq!(site.files().len(), 600);
    }
}

#[test]
fn pages_are_told_from_files_that_came_as_they_are() {
    let site = Site::new();
    assert_eq!(site.open().published_pages().unwrap(), 0);
    let stage = site.open();
    stage.write("health.json", None, SIGNED.as_bytes(), vec![]).unwrap();
    for (path, key) in [("index.html", Some(KEY)), ("a/index.html", Some(KEY)), ("old.html", None)]
    {
        stage.write(path, key, b"x", vec![]).unwrap();
    }
    stage.commit().unwrap();
    assert_eq!(site.open().published_pages().unwrap(), 2);
}
