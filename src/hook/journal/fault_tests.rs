//! Disks that are full or do not sync, and clocks that are set: what is acknowledged is there.

use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::disk::Paper;
use super::tests::{change, count};
use super::*;
use crate::config::Hook;
use crate::hook::clock::wall;
use crate::hook::rule::{DAY, Rule};

/// A disk with room for so many more bytes, and whose folders are synced or not.
#[derive(Clone)]
struct Small {
    room: Arc<AtomicU64>,
    /// So many more syncs of a folder fail.
    unsynced: Arc<AtomicU64>,
    /// Not even cutting a file works.
    is_stiff: bool,
}

struct Sheet(Box<dyn Paper>, Small);

impl Small {
    fn new(is_stiff: bool) -> Self {
        let (room, unsynced) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::default());
        Self { room, unsynced, is_stiff }
    }
}

impl Disk for Small {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Paper>> {
        Ok(Box::new(Sheet(Real.create(path)?, self.clone())))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        Real.rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        let less = |left: u64| left.checked_sub(1);
        if self.unsynced.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Err(io::Error::other("too many open files"));
        }
        Real.sync_folder(folder)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        Real.remove(path)
    }
}

impl Paper for Sheet {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.1.room.load(Ordering::SeqCst);
        let fits = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.0.write_all(&bytes[..fits])?;
        self.1.room.store(room.saturating_sub(fits as u64), Ordering::SeqCst);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.1.is_stiff { Err(io::Error::other("stiff")) } else { self.0.cut(length) }
    }
}

/// At whatever byte the disk is full, and however often: what was acknowledged is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    for room in (0..400).step_by(7) {
        for is_stiff in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let disk = Small::new(is_stiff);
            let open = || Journal::open_on(folder.path(), Box::new(disk.clone()), Clock::new());
            let journal = open().unwrap();
            let (mut acknowledged, mut refused, mut id) = (0, 0, 0);
            for _ in 0..3 {
                for room in [u64::MAX, room, u64::MAX] {
                    disk.room.store(room, Ordering::SeqCst);
                    for _ in 0..2 {
                        id += 1;
                        match journal.write(change(Some(id))).await {
                            Written::Durably => acknowledged += 1,
                            written => {
                                assert_eq!((written, room == u64::MAX), (Written::Not, false));
                                refused += 1;
                            }
                        }
                    }
                }
            }
            assert_eq!(count(&journal), acknowledged);
            journal.close();
            let journal = open().unwrap();
            let tables = journal.look(|state, _| state.pending.clone().unwrap().tables);
            assert_eq!(tables.len(), 1, "nothing is damaged: {tables:?}");
            assert_eq!(tables["public.t"], acknowledged, "room for {room}, {refused} refused");
            journal.close();
        }
    }
}

/// A full disk, and then an end: what follows the last acknowledged line may be there or not.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_on_a_full_disk_loses_nothing_either() {
    for is_stiff in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Small::new(is_stiff);
        let journal =
            Journal::open_on(folder.path(), Box::new(disk.clone()), Clock::new()).unwrap();
        assert_eq!(journal.write(change(Some(1))).await, Written::Durably);
        disk.room.store(20, Ordering::SeqCst);
        assert_eq!(journal.write(change(Some(2))).await, Written::Not);
        assert_eq!(journal.write(change(Some(3))).await, Written::Not);
        journal.close();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(count(&journal), 1);
        assert_eq!(journal.write(change(Some(2))).await, Written::Durably, "it may be sent again");
        journal.close();
    }
}

/// The new file is the journal from the moment it has the name.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_synced_is_synced_before_the_next_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Small::new(false);
    let journal = Journal::open_on(folder.path(), Box::new(disk.clone()), Clock::new()).unwrap();
    disk.room.store(0, Ordering::SeqCst);
    assert_eq!(journal.write(change(Some(1))).await, Written::Not);
    disk.room.store(u64::MAX, Ordering::SeqCst);
    disk.unsynced.store(2, Ordering::SeqCst);
    assert_eq!(journal.write(change(Some(2))).await, Written::Not, "made anew, and not synced");
    assert_eq!(journal.write(change(Some(3))).await, Written::Not, "still not");
    assert_eq!(journal.write(change(Some(4))).await, Written::Durably);
    journal.close();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(count(&journal), 1);
    journal.close();
}

fn wait(journal: &Journal, hook: &Hook) -> i64 {
    journal.look(|state, now| Rule::of(hook).due(state).unwrap() - now)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_makes_nobody_wait_and_frees_no_budget() {
    let hook = crate::hook::tests::config("[hook]\ndeploys_per_day = 2\n").hook;
    let folder = tempfile::tempdir().unwrap();
    let set = Arc::new(AtomicI64::new(0));
    let by = Arc::clone(&set);
    let clock = Clock::of(move || wall() + by.load(Ordering::SeqCst));
    let journal = Journal::open_on(folder.path(), Box::new(Real), clock).unwrap();
    for by in [DAY, -DAY, 0] {
        set.store(by, Ordering::SeqCst);
        journal.write(change(None)).await;
        assert!((0..=60_000).contains(&wait(&journal, &hook)), "{}", wait(&journal, &hook));
        set.store(-by, Ordering::SeqCst);
        journal.follow_clock().await;
        let (clock, here) = journal.look(|_, now| (now, wall() - by));
        assert!((clock - here).abs() < 5_000, "it follows");
        assert!((0..=60_000).contains(&wait(&journal, &hook)), "{}", wait(&journal, &hook));
    }
    for _ in 0..2 {
        journal.write(Entry::Begun { at: 0 }).await;
        journal.write(Entry::Ended { at: 0, ok: true, counts: true }).await;
        journal.write(change(None)).await;
    }
    set.store(5 * DAY, Ordering::SeqCst);
    journal.follow_clock().await;
    assert!(wait(&journal, &hook) > DAY - 60_000, "the day is no sooner over");
    let before = journal.look(|state, _| state.clone());
    journal.close();
    let later = Clock::of(|| wall() + 5 * DAY);
    let journal = Journal::open_on(folder.path(), Box::new(Real), later).unwrap();
    assert_eq!(journal.look(|state, _| state.clone()), before, "what was moved is written down");
    journal.close();
}
