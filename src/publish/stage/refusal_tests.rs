//! What is refused, and what bad input cannot do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Stage;
use super::tests::{KEY, Site, ino};

#[test]
fn a_folder_moved_away_and_linked_back_is_not_the_site() {
    let site = Site::new();
    let files = [("a/index.html", "a"), ("b.html", "b")];
    site.build(&files);
    let outside = site.dir.path().join("outside");
    fs::rename(site.dist().join("a"), &outside).unwrap();
    symlink(&outside, site.dist().join("a")).unwrap();
    assert!(site.open().reuse("a/index.html", KEY).is_none());
    site.build(&files);
    site.check(&files);
    assert_ne!(ino(site.dist().join("a/index.html")), ino(outside.join("index.html")));
}

#[test]
fn a_folder_that_frieze_did_not_make_is_refused() {
    let site = Site::new();
    fs::create_dir(site.dist()).unwrap();
    fs::write(site.dist().join("thesis.odt"), "years of work").unwrap();
    for health in [None, Some("{}"), Some("not json"), Some(r#"{"generator":"other"}"#)] {
        if let Some(health) = health {
            fs::write(site.dist().join("health.json"), health).unwrap();
        }
        let refusal = site.refusal();
        assert!(refusal.contains("holds files frieze did not write"), "{refusal}");
        assert!(refusal.contains("help: move them away or choose another output"), "{refusal}");
        assert_eq!(fs::read_dir(site.dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
    assert!(site.dist().join("thesis.odt").exists());
}

#[test]
fn a_foreign_folder_is_refused_even_where_a_site_was() {
    let site = Site::new();
    site.build(&[("a.html", "a")]);
    fs::remove_dir_all(site.dist()).unwrap();
    fs::create_dir(site.dist()).unwrap();
    fs::write(site.dist().join("notes.txt"), "mine").unwrap();
    assert!(site.refusal().contains("holds files frieze did not write"));
    assert!(site.dist().join("notes.txt").exists());
}

#[test]
fn a_target_that_is_no_folder_is_refused() {
    let site = Site::new();
    fs::write(site.dist(), "file").unwrap();
    assert!(site.refusal().contains("dist is a file, not a folder"));
    fs::remove_file(site.dist()).unwrap();
    fs::create_dir(site.dir.path().join("elsewhere")).unwrap();
    symlink("elsewhere", site.dist()).unwrap();
    assert!(site.refusal().contains("dist is a symbolic link"));
    for target in ["/", "..", "dist/.."] {
        let refusal = Stage::open(Path::new(target)).err().unwrap().report();
        assert!(refusal.contains("cannot be the output folder"), "{refusal}");
    }
}

#[test]
fn a_git_work_tree_is_refused() {
    let site = Site::new();
    site.build(&[("a.html", "a")]);
    fs::write(site.dist().join(".git"), "gitdir: ../.git/worktrees/dist").unwrap();
    assert!(site.refusal().contains("is a git work tree"));
}

#[test]
fn a_second_build_is_told_who_has_the_lock() {
    let site = Site::new();
    let stage = site.open();
    let refusal = site.refusal();
    let pid = std::process::id();
    assert!(refusal.contains(&format!("another build (process {pid}) is writing")), "{refusal}");
    assert!(refusal.contains("help: wait until it is done, or stop it"), "{refusal}");
    drop(stage);
    site.open();
}

#[test]
fn output_never_leaves_the_output_folder() {
    let site = Site::new();
    site.build(&[("a/index.html", "a")]);
    let stage = site.open();
    for path in ["../escape", "a/../../escape", "/escape", "", "a//b", "a/\0b", "./a", "a\\b"] {
        let error = stage.write(path, None, b"x", vec![]).unwrap_err();
        assert!(error.to_string().contains("cannot be published"), "{error}");
        assert_eq!(stage.reuse(path, KEY), None);
    }
    drop(stage);
    assert!(!site.dir.path().join("escape").exists());
}

#[test]
fn symbolic_links_in_either_tree_are_not_followed() {
    let site = Site::new();
    let outside = site.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("index.html"), "precious").unwrap();
    site.build(&[("a/index.html", "1"), ("b/index.html", "1"), ("c.html", "1")]);
    for text in ["2", "3", "4", "5"] {
        for tree in [site.dist(), site.tree()] {
            for name in ["a", "b"] {
                let _ = fs::remove_dir_all(tree.join(name));
                let _ = fs::remove_file(tree.join(name));
                let _ = symlink(&outside, tree.join(name));
            }
            let _ = fs::remove_file(tree.join("c.html"));
            let _ = symlink(outside.join("index.html"), tree.join("c.html"));
        }
        let files = [("a/index.html", text), ("b/index.html", "1"), ("c.html", text)];
        site.build(&files);
        site.check(&files);
    }
    assert_eq!(fs::read_to_string(outside.join("index.html")).unwrap(), "precious");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn two_files_with_one_path_are_an_error() {
    let site = Site::new();
    let stage = site.open();
    stage.write("a/index.html", None, b"one", vec![]).unwrap();
    let error = stage.write("a/index.html", None, b"two", vec![]).unwrap_err();
    assert_eq!(error.to_string(), "a/index.html is written twice");
}

#[test]
fn a_file_that_is_also_a_folder_is_an_error() {
    for (before, paths) in
        ["a/b.html", "index.html"].into_iter().zip([["a", "a/b.html"], ["a/b.html", "a"]])
    {
        let site = Site::new();
        site.build(&[(before, "1")]);
        site.build(&[(before, "2")]);
        let stage = site.open();
        let written = paths.map(|path| stage.write(path, None, b"x", vec![]));
        let failed = written.into_iter().find_map(Result::err);
        let error = failed.unwrap_or_else(|| stage.commit().unwrap_err()).report();
        assert!(error.contains("a is written both as a file and as a folder"), "{error}");
        site.check(&[(before, "2")]);
    }
}

#[test]
fn a_site_without_a_file_is_not_published() {
    let site = Site::new();
    site.build(&[("index.html", "home")]);
    assert!(site.open().commit().is_err());
    site.check(&[("index.html", "home")]);
}

#[test]
fn a_failed_write_cannot_be_committed() {
    let site = Site::new();
    let stage = site.open();
    let long = format!("{}.html", "x".repeat(300));
    stage.write("ok.html", None, b"ok", vec![]).unwrap();
    stage.write(&long, None, b"x", vec![]).unwrap_err();
    assert!(stage.commit().unwrap_err().to_string().contains("was not written"));
    assert!(!site.dist().exists());
}
