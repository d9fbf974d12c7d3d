use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;
use crate::error::Kind;

struct Store {
    dir: TempDir,
    cache: Cache,
}

fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("some/cache")).unwrap();
    Store { dir, cache }
}

impl Store {
    fn path(&self) -> PathBuf {
        self.dir.path().join("some/cache")
    }

    /// As another build sees it.
    fn reopen(&self) -> Cache {
        Cache::open(&self.path()).unwrap()
    }

    fn file(&self, number: u8) -> PathBuf {
        self.cache.folder.entry(&key(number))
    }

    fn left_over(&self) -> usize {
        fs::read_dir(self.path().join("new")).unwrap().count()
    }
}

fn key(number: u8) -> Key {
    *blake3::hash(&[number]).as_bytes()
}

/// Some time in the past, in whole seconds, which every file system keeps exactly.
fn ago(hours: u64) -> SystemTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs() - hours * 3600)
}

fn set_mark(path: &Path, mark: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(mark).unwrap();
}

fn mark(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn what_was_put_is_there_with_its_length() {
    let store = store();
    assert_eq!((store.cache.get(&key(1)), store.cache.len(&key(1))), (None, None));
    store.cache.put(&key(1), b"one").unwrap();
    assert_eq!(store.cache.get(&key(1)).as_deref(), Some(&b"one"[..]));
    assert_eq!(store.cache.len(&key(1)), Some(3));
    assert_eq!(store.reopen().get(&key(1)).as_deref(), Some(&b"one"[..]));
    assert_eq!(store.cache.get(&key(2)), None);
    assert_eq!(store.left_over(), 0);
}

#[test]
fn an_entry_may_be_empty() {
    let store = store();
    store.cache.put(&key(1), b"").unwrap();
    assert_eq!(store.cache.get(&key(1)), Some(Vec::new()));
    assert_eq!(store.cache.len(&key(1)), Some(0));
    assert!(store.cache.touch(&key(1)));
}

#[test]
fn a_later_entry_takes_the_place_of_an_earlier_one() {
    let store = store();
    store.cache.put(&key(1), b"a long first one").unwrap();
    store.cache.put(&key(1), b"second").unwrap();
    assert_eq!(store.cache.get(&key(1)).as_deref(), Some(&b"second"[..]));
}

#[test]
fn a_damaged_entry_is_missing_and_goes() {
    let whole = [&b"payload"[..], &entry::checksum(&key(1), b"payload")].concat();
    let mut bent = whole.clone();
    bent[3] ^= 1;
    for damaged in [&bent, &whole[..whole.len() - 1], &whole[..3], &[]] {
        let store = store();
        store.cache.put(&key(1), b"payload").unwrap();
        fs::write(store.file(1), damaged).unwrap();
        assert_eq!(store.cache.get(&key(1)), None);
        assert!(!store.file(1).exists() && store.left_over() == 0);
        assert_eq!(store.cache.len(&key(1)), None);
        store.cache.put(&key(1), b"payload").unwrap();
        assert_eq!(store.cache.get(&key(1)).as_deref(), Some(&b"payload"[..]));
    }
}

#[test]
fn a_file_too_short_to_be_an_entry_has_no_length() {
    let store = store();
    store.cache.put(&key(1), b"payload").unwrap();
    fs::write(store.file(1), [0; 31]).unwrap();
    assert_eq!(store.cache.len(&key(1)), None);
    assert!(!store.cache.touch(&key(1)));
}

#[test]
fn a_whole_entry_that_took_a_damaged_ones_place_stays() {
    let store = store();
    store.cache.put(&key(1), b"new").unwrap();
    // As when the damaged one was read just before.
    store.cache.folder.discard(&key(1));
    assert_eq!(store.cache.get(&key(1)).as_deref(), Some(&b"new"[..]));
    assert_eq!(store.left_over(), 0);
}

#[test]
fn the_whole_store_may_be_removed_while_it_is_open() {
    let store = store();
    store.cache.put(&key(1), b"one").unwrap();
    fs::remove_dir_all(store.path()).unwrap();
    assert_eq!((store.cache.get(&key(1)), store.cache.len(&key(1))), (None, None));
    assert_eq!(store.cache.prune(0).unwrap(), Pruned::default());
    store.cache.put(&key(1), b"one").unwrap();
    assert_eq!(store.cache.get(&key(1)).as_deref(), Some(&b"one"[..]));
}

#[test]
fn what_is_no_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cache");
    fs::write(&file, "").unwrap();
    let error = Cache::open(&file).unwrap_err();
    assert_eq!(error.kind(), Kind::Output);
    assert!(error.to_string().contains(file.to_str().unwrap()) && error.help_text().is_some());
}

#[test]
fn an_entry_that_cannot_be_written_names_its_file_and_leaves_nothing() {
    let store = store();
    fs::create_dir_all(store.file(1).join("in the way")).unwrap();
    let error = store.cache.put(&key(1), b"one").unwrap_err();
    assert_eq!(error.kind(), Kind::Output);
    assert!(error.to_string().contains(store.file(1).to_str().unwrap()), "{error}");
    assert!(error.help_text().unwrap().contains("may be removed at any time"));
    assert_eq!(store.left_over(), 0);
    assert_eq!((store.cache.get(&key(1)), store.cache.len(&key(1))), (None, None));
}

#[test]
fn every_use_renews_the_mark() {
    let uses: [fn(&Cache); 4] = [
        |cache| assert!(cache.get(&key(1)).is_some()),
        |cache| assert!(cache.len(&key(1)).is_some()),
        |cache| assert!(cache.touch(&key(1))),
        |cache| cache.put(&key(1), b"one").unwrap(),
    ];
    for used in uses {
        let store = store();
        store.cache.put(&key(1), b"one").unwrap();
        set_mark(&store.file(1), ago(48));
        let cache = store.reopen();
        let before = SystemTime::now();
        used(&cache);
        assert!(mark(&store.file(1)) >= before);
    }
}

#[test]
fn a_mark_of_this_build_is_left_alone_and_one_of_the_far_future_is_not() {
    let mut store = store();
    store.cache.put(&key(1), b"one").unwrap();
    store.cache.marks = Marks::opened_at(ago(3));
    for (set, expected) in
        [(ago(2), true), (ago(4), false), (SystemTime::now() + Duration::from_hours(9), false)]
    {
        set_mark(&store.file(1), set);
        assert!(store.cache.touch(&key(1)));
        assert_eq!(mark(&store.file(1)) == set, expected);
    }
}

#[test]
fn missing_and_damaged_entries_get_no_mark() {
    let store = store();
    assert!(!store.cache.touch(&key(1)));
    assert!(!store.path().exists());
}

/// Four entries of 100 bytes in their files; the higher its number, the longer ago it was used.
fn pruning() -> Store {
    let store = store();
    for number in 1..=4 {
        store.cache.put(&key(number), &[number; 68]).unwrap();
        set_mark(&store.file(number), ago(u64::from(number) * 24));
    }
    store
}

fn there(store: &Store) -> Vec<u8> {
    (1..=4).filter(|number| store.file(*number).exists()).collect()
}

#[test]
fn pruning_removes_the_least_recently_used_until_the_rest_fits() {
    for (max, left, removed) in
        [(400, &[1, 2, 3, 4][..], 0), (399, &[1, 2, 3], 1), (100, &[1], 3), (0, &[], 4)]
    {
        let store = pruning();
        let pruned = store.reopen().prune(max).unwrap();
        assert_eq!(there(&store), left);
        let (kept, bytes) = (left.len(), left.len() as u64 * 100);
        assert_eq!(pruned, Pruned { removed, freed: 400 - bytes, kept, bytes });
    }
}

#[test]
fn pruning_spares_what_anybody_used_since_the_store_was_opened() {
    let store = pruning();
    let cache = store.reopen();
    assert!(cache.touch(&key(4)));
    assert!(store.reopen().get(&key(3)).is_some());
    let pruned = cache.prune(0).unwrap();
    assert_eq!(there(&store), [3, 4]);
    assert_eq!(pruned, Pruned { removed: 2, freed: 200, kept: 2, bytes: 200 });
    // For the next build they are as old as any.
    assert_eq!(store.reopen().prune(0).unwrap().removed, 2);
}

#[test]
fn pruning_spares_what_is_put_right_after_opening() {
    let store = store();
    for number in 0..50 {
        let cache = store.reopen();
        cache.put(&key(number), b"new").unwrap();
        assert_eq!(cache.prune(0).unwrap().kept, 1, "entry {number}");
    }
}

#[test]
fn a_mark_of_the_far_future_protects_nothing() {
    let store = pruning();
    set_mark(&store.file(1), SystemTime::now() + Duration::from_hours(9));
    assert_eq!(store.reopen().prune(300).unwrap().removed, 1);
    assert_eq!(there(&store), [2, 3, 4]);
}

#[test]
fn pruning_touches_only_entries_and_old_temporaries() {
    let store = pruning();
    let path = store.path();
    let foreign =
        [path.join("notes.txt"), path.join("00/notes.txt"), path.join("zz").join("0".repeat(62))];
    let temporaries = [path.join("new/old"), path.join("new/young")];
    for file in foreign.iter().chain(&temporaries) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "mine").unwrap();
        set_mark(file, ago(2));
    }
    set_mark(&temporaries[1], ago(0));
    assert_eq!(store.reopen().prune(0).unwrap().removed, 4);
    assert!(foreign.iter().all(|file| file.exists()));
    assert!(!temporaries[0].exists() && temporaries[1].exists());
}

#[test]
fn two_that_prune_at_once_do_not_disturb_each_other() {
    let store = store();
    for number in 0..200 {
        store.cache.put(&key(number), b"one").unwrap();
    }
    let prune = || store.reopen().prune(0).unwrap().removed;
    let removed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(prune)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(removed, 200);
}
