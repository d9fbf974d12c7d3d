//! A collection's groups after a row came or went.

use std::collections::HashSet;

use crate::config;
use crate::error::Result;
use crate::model::collection_pages::{group_of, keys_of};
use crate::model::{Group, GroupIndex, Row};

/// Groups as they will be, beside those that are.
pub struct Change {
    pub groups: Vec<Group>,
    /// The new position of each former group that stays.
    moved: Vec<Option<usize>>,
    /// The positions of the groups that a row which comes is in.
    joins: Vec<usize>,
}

impl Change {
    /// Without the row at a position.
    pub fn without(of: &GroupIndex, row: usize) -> Self {
        let (mut groups, mut moved) = (Vec::with_capacity(of.groups.len()), Vec::new());
        for group in &of.groups {
            let rows = group.rows.iter().filter(|other| **other != row);
            let rows: Vec<usize> =
                rows.map(|other| if *other > row { other - 1 } else { *other }).collect();
            moved.push((!rows.is_empty()).then_some(groups.len()));
            if !rows.is_empty() {
                groups.push(like(group, rows));
            }
        }
        Self { groups, moved, joins: Vec::new() }
    }

    /// With a row put in at a position.
    pub fn with(
        of: &GroupIndex,
        config: &config::Collection,
        group: &config::Group,
        at: usize,
        row: &Row,
    ) -> Result<Self> {
        let keys = keys_of(config, group, row)?;
        let mut new: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let mut groups: Vec<Group> = Vec::with_capacity(of.groups.len() + keys.len());
        for former in &of.groups {
            let shifted = |other: &usize| if *other >= at { other + 1 } else { *other };
            let mut rows: Vec<usize> = former.rows.iter().map(shifted).collect();
            if new.remove(former.key.as_str()) {
                let place = rows.partition_point(|other| *other < at);
                rows.insert(place, at);
            }
            groups.push(like(former, rows));
        }
        for key in keys.iter().filter(|key| new.contains(key.as_str())) {
            groups.push(group_of(config, group, key.clone(), vec![at])?);
        }
        groups.sort_by(|a, b| a.key.cmp(&b.key));
        let find = |key: &str| groups.binary_search_by(|group| group.key.as_str().cmp(key)).ok();
        let moved = of.groups.iter().map(|former| find(&former.key)).collect();
        let joins = keys.iter().filter_map(|key| find(key)).collect();
        Ok(Self { groups, moved, joins })
    }

    /// Puts them in the place of the former: `gone` is the row that went, `come` the one that came.
    pub fn apply(self, of: &mut GroupIndex, gone: Option<usize>, come: Option<usize>) {
        if let Some(row) = gone {
            of.of_row.remove(row);
        }
        let stay = self.moved.iter().enumerate().all(|(old, new)| *new == Some(old));
        if !stay {
            for groups in &mut of.of_row {
                let new = groups.iter().filter_map(|old| self.moved.get(*old).copied().flatten());
                *groups = new.collect();
            }
        }
        if let Some(row) = come {
            of.of_row.insert(row, self.joins);
        }
        of.groups = self.groups;
    }
}

fn like(group: &Group, rows: Vec<usize>) -> Group {
    Group { key: group.key.clone(), path: group.path.clone(), rows }
}
