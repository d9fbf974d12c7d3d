//! What is acknowledged is there after a restart.

use super::writer::MOST;
use super::*;

pub fn change(id: Option<u64>) -> Entry {
    Entry::change("public.t".to_owned(), id)
}

pub fn count(journal: &Journal) -> u64 {
    journal.look(|state, _| state.pending.as_ref().map_or(0, |pending| pending.count))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    for id in 0..50 {
        assert_eq!(journal.write(change(Some(id))).await, Written::Durably);
    }
    assert_eq!(journal.write(change(Some(7))).await, Written::Before);
    journal.close();
    assert_eq!(journal.write(change(None)).await, Written::Not);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(count(&journal), 50);
    assert_eq!(journal.write(change(Some(7))).await, Written::Before);
    journal.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_is_forgotten_and_a_damaged_one_counts_as_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let journal = Journal::open(folder.path()).unwrap();
    journal.write(change(None)).await;
    journal.write(change(None)).await;
    journal.close();
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let lines = bytes[..cut].split(|byte| *byte == b'\n').count() as u64 - 1;
        assert_eq!(count(&journal), lines.saturating_sub(2), "cut at {cut}");
        journal.close();
    }
    let mut damaged = bytes.clone();
    let at = damaged.len() - 40;
    damaged[at] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let tables = journal.look(|state, _| state.pending.clone().unwrap().tables);
    assert_eq!(tables["(unknown)"], 1);
    journal.close();
}

/// Damage in any one line is no reason to deploy more than a day's budget.
#[tokio::test(flavor = "multi_thread")]
async fn damage_does_not_free_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let journal = Journal::open(folder.path()).unwrap();
    for _ in 0..3 {
        journal.write(change(None)).await;
        journal.write(Entry::Begun { at: 0 }).await;
        journal.write(Entry::Ended { at: 0, ok: true, counts: true }).await;
    }
    journal.close();
    Journal::open(folder.path()).unwrap().close();
    let bytes = std::fs::read(&path).unwrap();
    let lines: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).collect();
    assert_eq!(lines.len(), 2, "{}", String::from_utf8_lossy(&bytes));
    for end in lines {
        let mut damaged = bytes.clone();
        damaged[end - 3] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!((count(&journal), journal.look(State::spent_by)), (1, 3));
        journal.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(folder.path()).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move {
            for _ in 0..500 {
                assert_eq!(journal.write(change(None)).await, Written::Durably);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(count(&journal), 32_000);
    let length = std::fs::metadata(folder.path().join(NAME)).unwrap().len();
    assert!(length < 2 * MOST, "{length}");
    journal.close();
}

#[test]
fn one_receiver_at_a_time_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let report = Journal::open(folder.path()).err().unwrap().report();
    assert!(report.contains("another receiver uses"), "{report}");
    journal.close();
    Journal::open(folder.path()).unwrap().close();
}
