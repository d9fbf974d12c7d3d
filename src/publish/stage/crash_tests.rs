//! Builds killed at many moments, while a reader checks that it always sees one whole site.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rayon::prelude::*;

use super::Stage;

const DIR: &str = "FRIEZE_TEST_CRASH_DIR";
const FILES: usize = 40;
const KILLS: u64 = 60;
const ENOUGH: u64 = 10;

/// Every generation has its number in most files; some never change, and some are a file in one
/// generation and a folder in the next.
fn files(generation: u64) -> Vec<(String, String)> {
    let number = generation.to_string();
    let mut files: Vec<_> = (0..FILES)
        .map(|i| {
            (
                format!("{}/{i}/index.html", i % 3),
                if i % 4 == 0 { "same".into() } else { number.clone() },
            )
        })
        .collect();
    let odd = if generation.is_multiple_of(2) { "odd" } else { "odd/index.html" };
    files.push((odd.to_owned(), number.clone()));
    files.push(("generation".to_owned(), number));
    files.push(("health.json".to_owned(), r#"{"generator":"frieze"}"#.to_owned()));
    files
}

fn build(dist: &Path, generation: u64) {
    let stage = Stage::open(dist).unwrap();
    files(generation).par_iter().for_each(|(path, text)| {
        let key = *blake3::hash(text.as_bytes()).as_bytes();
        if stage.reuse(path, key).is_none() {
            stage.write(path, Some(key), text.as_bytes(), vec![]).unwrap();
        }
    });
    stage.commit().unwrap();
}

/// Not a test: what the test below starts and kills.
#[test]
#[ignore = "runs only as a child of the crash test"]
fn builds_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dist = PathBuf::from(dir).join("dist");
    for generation in generation(&dist) + 1..u64::MAX {
        build(&dist, generation);
    }
}

fn generation(dist: &Path) -> u64 {
    fs::read_to_string(dist.join("generation")).unwrap().parse().unwrap()
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "publish::stage::crash_tests::builds_until_killed", "--ignored"])
        .env(DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Reads the whole site through one handle on its root; `None` where it was exchanged meanwhile.
fn read_site(dist: &Path) -> Option<(u64, Vec<(String, String)>)> {
    let root = File::open(dist).expect("the site must always be there");
    let held = PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd()));
    let generation = || fs::read_to_string(held.join("generation")).ok();
    let before = generation();
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(held.join(".")).sort_by_file_name() {
        let entry = entry.ok()?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&held).ok()?.to_str()?.to_owned();
            found.push((path, fs::read_to_string(entry.path()).ok()?));
        }
    }
    let same = fs::metadata(dist).unwrap().ino() == root.metadata().unwrap().ino();
    let after = generation();
    if !same || before != after {
        return None;
    }
    Some((after.expect("a site has its number").parse().unwrap(), found))
}

fn check_whole(dist: &Path) -> bool {
    let Some((generation, mut found)) = read_site(dist) else { return false };
    let mut expected = files(generation);
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "generation {generation} is not whole");
    true
}

fn temp_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_kill_at_any_moment_leaves_a_whole_site() {
    let dir = temp_dir();
    let dist = dir.path().join("dist");
    build(&dist, 1);
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                looks.fetch_add(usize::from(check_whole(&dist)), Ordering::Relaxed);
            }
        });
        // A busy machine makes few generations: then with more patience, up to a bound.
        let seen_enough = |kill| kill >= KILLS && generation(&dist) > ENOUGH;
        for kill in (0..10 * KILLS).take_while(|kill| !seen_enough(*kill)) {
            let mut child = start(dir.path());
            std::thread::sleep(Duration::from_micros(3_000 + kill * 700));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(check_whole(&dist));
    let (last, looks) = (generation(&dist), looks.into_inner());
    println!("{last} generations, {looks} looks");
    assert!(last > ENOUGH && looks > 10, "the test saw too little: {last} and {looks}");
    // The lock and the staging tree of the last victim are no obstacle.
    build(&dist, last + 1);
    assert!(check_whole(&dist));
}
