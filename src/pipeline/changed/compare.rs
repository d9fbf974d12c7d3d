//! Two sites by their hashes: what differs between them.

use std::collections::BTreeMap;

use super::{Changed, Collection};
use crate::config::{Config, From};
use crate::pipeline::inputs::{Inputs, Pages};

pub fn compare(config: &Config, live: &Inputs, here: &Inputs) -> Changed {
    if live.format != here.format {
        let doubt = "the live site was made by a frieze that hashes in another way".to_owned();
        return Changed::doubtful(doubt);
    }
    let parts = [
        ("program", &live.program, &here.program),
        ("configuration", &live.configuration, &here.configuration),
        ("templates", &live.templates, &here.templates),
        ("assets", &live.assets, &here.assets),
        ("host", &live.host, &here.host),
    ];
    let inputs = parts.iter().filter(|(_, live, here)| live != here).map(|part| part.0).collect();
    let names = here.collections.keys();
    let names =
        names.chain(live.collections.keys().filter(|it| !here.collections.contains_key(*it)));
    let collections = names.filter_map(|name| {
        let (was, now) = (live.collections.get(name), here.collections.get(name));
        (was != now).then(|| Collection {
            name: name.clone(),
            table: config.collections.get(name).and_then(|it| match &it.from {
                From::Table(table) => Some(table.clone()),
                From::Query { .. } => None,
            }),
            rows: now.map(|it| it.rows),
            live_rows: was.map(|it| it.rows),
        })
    });
    let (changed, new, gone) = differences(&live.layouts, &here.layouts);
    Changed {
        inputs,
        collections: collections.collect(),
        layouts: [changed, new, gone].concat(),
        ..Changed::default()
    }
}

/// Keys whose values differ, that are new, and that are gone.
fn differences(
    live: &BTreeMap<String, String>,
    here: &BTreeMap<String, String>,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let names = |from: &BTreeMap<String, String>, is: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
        from.iter().filter(|(name, value)| is(name, value)).map(|it| it.0.clone()).collect()
    };
    let changed = names(here, &|name, value| live.get(name).is_some_and(|was| was != value));
    let new = names(here, &|name, _| !live.contains_key(name));
    let gone = names(live, &|name, _| !here.contains_key(name));
    (changed, new, gone)
}

/// Which pages differ.
pub fn pages(changed: &mut Changed, live: &Pages, here: &Pages) {
    let (other, new, gone) = differences(&live.pages, &here.pages);
    (changed.pages_changed, changed.pages_new, changed.pages_gone) = (other, new, gone);
}
