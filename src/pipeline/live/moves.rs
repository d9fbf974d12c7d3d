//! Where rows that come or move belong, without asking for the order of all: the database compares
//! them with a few that stand far apart, and then with those between two of these.

use std::collections::HashMap;

use serde_json::Value;

use super::RowChange as Change;
use crate::config::Collection;
use crate::error::Result;
use crate::model::Row;
use crate::source::some::{self, Reader, Shape};

/// More rows than these are read with all others.
pub const MOST: usize = 50;

/// So many rows that stand far apart are compared with those that come.
const MARKS: usize = 100;

/// Rows that go and rows that come. A row that moves does both.
#[derive(Default)]
pub struct Moves {
    /// Positions among the rows there are.
    pub gone: Vec<usize>,
    pub come: Vec<Row>,
}

impl Moves {
    /// As changes, one after the other; none where the rows there are do not explain the order.
    pub async fn changes(
        mut self,
        reader: &mut Reader<'_>,
        held: &[Row],
        collection: &Collection,
        shape: &Shape,
    ) -> Result<Option<Vec<Change>>> {
        if self.gone.len() > MOST || self.come.len() > MOST {
            return Ok(None);
        }
        self.gone.sort_unstable_by(|a, b| b.cmp(a));
        let name = &collection.name;
        let gone = self.gone.iter().map(|&index| Change::Gone { collection: name.clone(), index });
        let mut changes: Vec<Change> = gone.collect();
        if self.come.is_empty() {
            return Ok(Some(changes));
        }
        if !some::is_placed_by_itself(collection) {
            return Ok(None);
        }
        let rest = held.iter().enumerate().filter(|(index, _)| !self.gone.contains(index));
        let rest: Vec<&Row> = rest.map(|(_, row)| row).collect();
        let Some(places) = self.places(reader, &rest, collection, shape).await? else {
            return Ok(None);
        };
        let mut come: Vec<(usize, Row)> = places.into_iter().zip(self.come).collect();
        come.sort_by_key(|(place, _)| *place);
        let come = come.into_iter().map(|(index, row)| Change::Come {
            collection: name.clone(),
            index,
            row,
        });
        changes.extend(come);
        Ok(Some(changes))
    }

    /// The final position of each row that comes.
    async fn places(
        &self,
        reader: &mut Reader<'_>,
        rest: &[&Row],
        collection: &Collection,
        shape: &Shape,
    ) -> Result<Option<Vec<usize>>> {
        let step = rest.len().div_ceil(MARKS).max(1);
        let marks: Vec<usize> = (0..rest.len()).step_by(step).collect();
        let Some(first) = self.among(reader, rest, &marks, collection, shape).await? else {
            return Ok(None);
        };
        // Behind which mark each of them is, and so which rows are left to compare it with.
        let near = first.iter().flat_map(|place| {
            let end = place.next.map_or(rest.len(), |mark| marks[mark]);
            end.saturating_sub(step)..end
        });
        let mut near: Vec<usize> = near.collect();
        near.sort_unstable();
        near.dedup();
        let Some(last) = self.among(reader, rest, &near, collection, shape).await? else {
            return Ok(None);
        };
        let behind = |place: &Place| match place.next {
            Some(next) => Some(near[next]),
            // Behind the last that was compared: the end, or the next mark.
            None => near.last().map(|last| last + 1),
        };
        let places = last.iter().zip(&first).map(|(place, first)| {
            let end = first.next.map_or(rest.len(), |mark| marks[mark]);
            let next = behind(place).map_or(end, |next| next.min(end));
            next + place.before
        });
        Ok(Some(places.collect()))
    }

    /// Each row that comes, among some that are there.
    async fn among(
        &self,
        reader: &mut Reader<'_>,
        rest: &[&Row],
        some: &[usize],
        collection: &Collection,
        shape: &Shape,
    ) -> Result<Option<Vec<Place>>> {
        let there = some.iter().filter_map(|at| rest.get(*at).map(|row| shape.key_of(row)));
        let there: Vec<Vec<Value>> = there.collect();
        let come: Vec<Vec<Value>> = self.come.iter().map(|row| shape.key_of(row)).collect();
        let keys: Vec<Vec<Value>> = there.iter().chain(&come).cloned().collect();
        let order = reader.in_order(collection, shape, &keys).await?;
        let text = |keys: &[Vec<Value>]| -> HashMap<String, usize> {
            keys.iter().enumerate().map(|(at, key)| (Shape::text(key), at)).collect()
        };
        let (known, new) = (text(&there), text(&come));
        let mut places = vec![None; come.len()];
        let (mut passed, mut before) = (0, 0);
        for key in order.iter().map(|key| Shape::text(key)) {
            if let Some(at) = new.get(&key) {
                let next = (passed < there.len()).then_some(passed);
                places[*at] = Some(Place { next, before });
                before += 1;
            } else if known.get(&key) == Some(&passed) {
                passed += 1;
            } else {
                return Ok(None);
            }
        }
        Ok(if passed == there.len() { places.into_iter().collect() } else { None })
    }
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which of those it was compared with comes next.
    next: Option<usize>,
    /// How many others that come are before it.
    before: usize,
}
