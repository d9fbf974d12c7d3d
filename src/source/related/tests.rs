//! What is near what, found at once or bit by bit, and what is kept of it.

use super::nearest::{Vectors, nearest};
use super::*;

/// Numbers that look like chance and are the same every time.
fn vectors(count: usize, salt: u64) -> Vec<Vec<f32>> {
    let mut state = salt;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
    };
    (0..count).map(|_| (0..40).map(|_| next()).collect()).collect()
}

fn of(vectors: &[Vec<f32>]) -> Vectors {
    Vectors::new(vectors.iter().map(Vec::as_slice))
}

fn uuid(number: usize) -> Uuid {
    Uuid::from_u128(number as u128)
}

/// Rows whose stamp is told by their vector, and what would be fetched of them.
type Rows = Vec<Vector>;

fn rows(vectors: &[(usize, Vec<f32>)]) -> Rows {
    let row = |(id, vector): &(usize, Vec<f32>)| {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        let stamp = *blake3::hash(&bytes).as_bytes().first_chunk::<16>().unwrap();
        (uuid(*id), Uuid::from_bytes(stamp), vector.clone())
    };
    vectors.iter().map(row).collect()
}

fn wanted_of(rows: &Rows) -> Wanted {
    let stamps: Vec<_> = rows.iter().map(|(id, stamp, _)| (*id, *stamp)).collect();
    Wanted {
        name: "notes".to_owned(),
        of: "notes".to_owned(),
        limit: 3,
        model: "m".to_owned(),
        from: stamps.clone(),
        to: stamps,
    }
}

/// A build with these vectors: what it found, and how many it had to fetch.
fn build(file: &Path, rows: &Rows) -> (Vec<Vec<u32>>, usize) {
    let wanted = wanted_of(rows);
    let mut kept = Kept::open(file);
    if let Some(found) = kept.result(&wanted) {
        return (found.rows, 0);
    }
    let has = kept.stamps("notes", "m");
    let fresh: Rows =
        rows.iter().filter(|(id, stamp, _)| has.get(id) != Some(stamp)).cloned().collect();
    let fetched = fresh.len();
    kept.take_in(&("notes".to_owned(), "m".to_owned()), fresh);
    let found = compare(&wanted, &kept);
    kept.keep(file, &[wanted], vec![found.clone()]).unwrap();
    (found.rows, fetched)
}

fn anew(rows: &Rows) -> Vec<Vec<u32>> {
    let folder = tempfile::tempdir().unwrap();
    build(&folder.path().join("vectors"), rows).0
}

#[test]
fn the_nearest_come_first_and_equals_in_order() {
    let all = vec![
        vec![1.0, 0.0],
        vec![0.9, 0.1],
        vec![2.0, 0.0],
        vec![3.0, 0.0],
        vec![-1.0, 0.0],
        vec![0.0],
    ];
    let all = of(&all);
    let found = nearest(&all, &all, true, 3, None);
    assert_eq!(found[0], [2, 3, 1], "the length of a vector does not count");
    assert_eq!(found[1], [0, 2, 3]);
    assert!(found[4].is_empty(), "what points elsewhere is not near");
    assert!(found[5].is_empty(), "nor is what points nowhere");
    assert_eq!(nearest(&of(&[vec![1.0]]), &all, false, 2, None), [[0, 2]]);
}

#[test]
fn what_is_found_bit_by_bit_is_what_is_found_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vectors");
    let mut all: Vec<(usize, Vec<f32>)> = vectors(100, 7).into_iter().enumerate().collect();
    let first = rows(&all);
    assert_eq!(build(&file, &first), (anew(&first), 100));
    assert_eq!(build(&file, &first), (anew(&first), 0), "nothing is compared again");
    // One changes, two are new, one goes.
    let mut more = vectors(3, 8).into_iter();
    all[40].1 = more.next().unwrap();
    all.extend(more.zip(200..).map(|(vector, id)| (id, vector)));
    all.remove(11);
    let second = rows(&all);
    assert_eq!(build(&file, &second), (anew(&second), 3));
    assert_ne!(anew(&first), anew(&second));
    all.drain(5..);
    let third = rows(&all);
    assert_eq!(build(&file, &third), (anew(&third), 0));
}

#[test]
fn a_damaged_file_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vectors");
    let all: Vec<(usize, Vec<f32>)> = vectors(20, 7).into_iter().enumerate().collect();
    let mut all = rows(&all);
    build(&file, &all);
    let whole = std::fs::read(&file).unwrap();
    for at in [3, 20, 40, 200, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        // With another row, so that the numbers are needed too.
        let last = all.pop().unwrap();
        assert_eq!(build(&file, &all).0, anew(&all), "byte {at}");
        all.push(last);
    }
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(build(&file, &all).0, anew(&all));
}

#[test]
fn of_two_models_the_one_that_more_rows_have_is_taken() {
    let related = crate::config::Related { limit: 3, of: "notes".to_owned() };
    let line = |row: usize, model: &str, updated: &str| stored::Line::of(uuid(row), model, updated);
    let chosen = |lines: &[stored::Line]| wanted("notes", &related, lines, lines).unwrap();
    let lines = [line(1, "old", "1"), line(2, "old", "1"), line(1, "new", "2")];
    let one = chosen(&lines);
    assert_eq!((one.model.as_str(), one.from.len()), ("old", 2));
    let lines =
        [line(1, "old", "1"), line(2, "old", "1"), line(1, "new", "2"), line(2, "new", "2")];
    assert_eq!(chosen(&lines).model, "new", "the newer of two that are complete");
    assert!(wanted("notes", &related, &[], &[]).is_none());
}
