//! Programs that use one store at the same moment, or are killed while they do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use super::{Cache, Key, entry};

const DIR: &str = "FRIEZE_TEST_CACHE_DIR";
const KEYS: usize = 24;
const KILLS: u64 = 40;
const PROGRAMS: usize = 3;
const ROUNDS: usize = 150;

fn key(number: usize) -> Key {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

/// What belongs to a key; from nothing up to what takes a while to write.
fn payload(number: usize) -> Vec<u8> {
    key(number).repeat(number * number * 40)
}

fn the_dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

fn start(test: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("cache::kill_tests::{test}"), "--ignored"])
        .env(DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn temp_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Looks at the files themselves, without the store's own checks on the way.
fn check_files(cache: &Cache) -> usize {
    let there = (0..KEYS).filter(|number| {
        let Ok(file) = fs::read(cache.folder.entry(&key(*number))) else { return false };
        assert!(entry::is_whole(&key(*number), &file), "entry {number} is torn");
        assert_eq!(file.len(), payload(*number).len() + 32, "entry {number}");
        true
    });
    there.count()
}

/// Not a test: what the test below starts and kills.
#[test]
#[ignore = "runs only as a child of the kill test"]
fn writes_until_killed() {
    let Some(dir) = the_dir() else { return };
    let cache = Cache::open(&dir).unwrap();
    for number in (0..KEYS).cycle() {
        cache.put(&key(number), &payload(number)).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_whole_entries() {
    let dir = temp_dir();
    let cache = Cache::open(dir.path()).unwrap();
    let new = dir.path().join("new");
    let left_over = || fs::read_dir(&new).map_or(0, Iterator::count);
    // A kill between two writes shows nothing: with patience, up to a bound, some will be within.
    let seen_enough = |kill| kill >= KILLS && left_over() >= 5;
    for kill in (0..10 * KILLS).take_while(|kill| !seen_enough(*kill)) {
        let mut child = start("writes_until_killed", dir.path());
        std::thread::sleep(Duration::from_micros(5_000 + kill * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        check_files(&cache);
    }
    assert!(left_over() >= 5, "no kill hit a write");
    assert_eq!(check_files(&cache), KEYS);
    for file in fs::read_dir(&new).unwrap() {
        let file = fs::File::options().write(true).open(file.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
    }
    cache.prune(u64::MAX).unwrap();
    assert_eq!(left_over(), 0);
}

/// Not a test: one of the programs of the test below, with threads of its own.
#[test]
#[ignore = "runs only as a child of the test with many programs"]
fn uses_the_store() {
    let Some(dir) = the_dir() else { return };
    let cache = Cache::open(&dir).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let cache = &cache;
            scope.spawn(move || {
                (0..ROUNDS).for_each(|round| look_up_all(cache, round * 7 + thread));
            });
        }
    });
}

fn look_up_all(cache: &Cache, offset: usize) {
    for number in (0..KEYS).map(|number| (number + offset) % KEYS) {
        let (key, expected) = (key(number), payload(number));
        match cache.get(&key) {
            Some(found) => assert!(found == expected, "entry {number} has the wrong content"),
            None => cache.put(&key, &expected).unwrap(),
        }
    }
}

/// What a failing disk may do to an entry.
fn damage(cache: &Cache, number: usize) {
    let path = cache.folder.entry(&key(number));
    if let Ok(file) = fs::File::options().write(true).open(path) {
        file.set_len(payload(number).len() as u64 / 2).unwrap();
    }
}

#[test]
fn many_programs_share_a_store_that_is_pruned_and_damaged() {
    let dir = temp_dir();
    let mut programs: Vec<_> = (0..PROGRAMS).map(|_| start("uses_the_store", dir.path())).collect();
    let (mut removed, mut round) = (0, 0);
    while programs.iter_mut().any(|program| program.try_wait().unwrap().is_none()) {
        // Only a store opened anew takes away what was used before.
        removed += Cache::open(dir.path()).unwrap().prune(0).unwrap().removed;
        damage(&Cache::open(dir.path()).unwrap(), round % KEYS);
        round += 1;
    }
    for program in &mut programs {
        assert!(program.wait().unwrap().success(), "a program saw something wrong");
    }
    assert!(removed > KEYS, "only {removed} entries were pruned");
}
