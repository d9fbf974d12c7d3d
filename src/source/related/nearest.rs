//! The nearest vectors by cosine, exactly. The same vectors give the same answer on every machine:
//! sums are made in one order, and of two that are as near the one that comes first is taken.

use rayon::prelude::*;

/// Vectors of one length each, one after the other, all as long as 1.
#[derive(Debug, Default)]
pub struct Vectors {
    pub width: usize,
    pub numbers: Vec<f32>,
    /// How many there are.
    pub count: usize,
}

/// What was found before, and for which rows it is still of use.
#[derive(Debug, Default)]
pub struct Before {
    /// For each row the nearest ones as positions of today; none, if it has to be found anew.
    pub rows: Vec<Option<Vec<u32>>>,
    /// The ones that are new: they may be nearer than what was found.
    pub new: Vec<u32>,
}

/// Rows that are compared in one go, so that what they are compared with is fetched once.
const TOGETHER: usize = 16;
/// Sums that are made beside each other.
const LANES: usize = 16;

impl Vectors {
    /// Vectors may differ in length: what a shorter one lacks is zero.
    pub fn new<'v>(vectors: impl ExactSizeIterator<Item = &'v [f32]> + Clone) -> Self {
        let widest = vectors.clone().map(<[f32]>::len).max().unwrap_or_default();
        let width = widest.next_multiple_of(LANES);
        let mut numbers = Vec::with_capacity(width * vectors.len());
        let count = vectors.len();
        for vector in vectors {
            let norm = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
            #[allow(clippy::cast_possible_truncation, reason = "it was one before")]
            let one = |number: &f32| {
                if norm > 0.0 { (f64::from(*number) / norm) as f32 } else { 0.0 }
            };
            numbers.extend(vector.iter().map(one));
            numbers.resize(numbers.len() + width - vector.len(), 0.0);
        }
        Self { width, numbers, count }
    }

    fn get(&self, index: usize) -> &[f32] {
        &self.numbers[index * self.width..(index + 1) * self.width]
    }
}

/// For each vector of `from` the nearest of `to`. If both are the same, none is near itself. What
/// has nothing in common with a vector is not near it.
pub fn nearest(
    from: &Vectors,
    to: &Vectors,
    is_same: bool,
    limit: usize,
    before: Option<&Before>,
) -> Vec<Vec<u32>> {
    let all: Vec<u32> = (0..to.count).filter_map(|index| u32::try_from(index).ok()).collect();
    let former = |row: usize| before.and_then(|before| before.rows.get(row)?.as_ref());
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); from.count];
    found.par_chunks_mut(TOGETHER).enumerate().for_each(|(chunk, found)| {
        let first = chunk * TOGETHER;
        let mut tops: Vec<Top> = found.iter().map(|_| Top::new(limit)).collect();
        // Those for which everything is looked at, and those for which little is.
        let (whole, part): (Vec<usize>, Vec<usize>) =
            (0..found.len()).partition(|row| former(first + row).is_none());
        for candidate in if whole.is_empty() { &[][..] } else { &all } {
            let vector = to.get(*candidate as usize);
            for row in &whole {
                if !(is_same && first + row == *candidate as usize) {
                    tops[*row].offer(dot(from.get(first + row), vector), *candidate);
                }
            }
        }
        for row in part {
            let new = before.map_or(&[][..], |before| &before.new);
            for candidate in former(first + row).into_iter().flatten().chain(new) {
                if !(is_same && first + row == *candidate as usize) {
                    let near = dot(from.get(first + row), to.get(*candidate as usize));
                    tops[row].offer(near, *candidate);
                }
            }
        }
        for (found, top) in found.iter_mut().zip(tops) {
            *found = top.rows.into_iter().map(|(_, row)| row).collect();
        }
    });
    found
}

/// The nearest so far.
struct Top {
    limit: usize,
    rows: Vec<(f32, u32)>,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self { limit, rows: Vec::with_capacity(limit + 1) }
    }

    fn offer(&mut self, near: f32, row: u32) {
        let is_full = self.rows.len() == self.limit;
        let is_behind = |(other, before): &(f32, u32)| {
            near < *other || (near.total_cmp(other).is_eq() && row > *before)
        };
        if near <= 0.0 || (is_full && self.rows.last().is_some_and(is_behind)) {
            return;
        }
        let at = self.rows.partition_point(is_behind_of(near, row));
        self.rows.insert(at, (near, row));
        self.rows.truncate(self.limit);
    }
}

/// Whether another stands before this one.
fn is_behind_of(near: f32, row: u32) -> impl FnMut(&(f32, u32)) -> bool {
    move |(other, before)| other.total_cmp(&near).then(row.cmp(before)).is_gt()
}

/// Written so that a processor does many at once; always in the same order.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}
