//! The status page: how the site stands, what was done last, and what it is made of.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::contents;
use super::desk::{Desk, Facts};
use super::overlay;
use super::table::{Column, figures, table};
use crate::pipeline::live::Live;
use crate::render::escaped;

/// So many changes are listed.
const LISTED: usize = 20;

pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The page; of the site's pages those whose path holds `find`.
pub fn page(desk: &Desk, find: &str) -> String {
    let facts = desk.facts();
    let live = desk.live.blocking_read();
    let mut body = format!(
        "<header><h1>{}</h1><p>{}</p></header>",
        escaped(live.as_ref().map_or("frieze", |live| live.config.site.title.as_str())),
        escaped(&facts.database),
    );
    for (_, error) in desk.faults.all() {
        body.push_str(&overlay::fault(&error, live.as_ref()));
    }
    if let Some(live) = live.as_ref() {
        figures(&mut body, counts(live, &facts));
        if !facts.queue.is_empty() {
            let queue = facts.queue.iter().map(|(state, n)| format!("{n} {}", escaped(state)));
            let queue = queue.collect::<Vec<_>>().join(", ");
            let _ = write!(body, "<p class=\"soft\">Tasks for models: {queue}.</p>");
        }
        changes(&mut body, desk);
        contents::pages(&mut body, live, find);
        contents::collections(&mut body, live, &facts.watching);
        contents::sections(&mut body, live);
        contents::timings(&mut body, live);
    }
    overlay::page("frieze", &body, Some(&desk.at()))
}

fn counts(live: &Live, facts: &Facts) -> [(&'static str, String); 7] {
    let built = last_build(live);
    let site = live.site();
    let rows: usize = site.collections.values().map(|it| it.rows.len()).sum();
    [
        ("pages", site.pages.len().to_string()),
        ("collections", site.collections.len().to_string()),
        ("rows", rows.to_string()),
        ("files", live.assets().files().count().to_string()),
        ("waiting for models", waiting(facts).to_string()),
        ("ready after", format!("{:.2} s", facts.started_in.as_secs_f64())),
        (if built.same { "last build, of these rows" } else { "last build" }, built.label()),
    ]
}

fn waiting(facts: &Facts) -> i64 {
    facts.queue.iter().filter(|(state, _)| state == "pending").map(|(_, n)| n).sum()
}

/// The finished site in the output folder.
struct Built {
    /// None where there is none.
    age: Option<Duration>,
    /// Whether it was made of the rows there are now.
    same: bool,
}

fn last_build(live: &Live) -> Built {
    let file = live.config.build.output.join("health.json");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let health: Value = serde_json::from_str(&text).unwrap_or_default();
    let now = blake3::Hash::from_bytes(live.fingerprint()).to_hex().to_string();
    let same = health["fingerprint"].as_str() == Some(now.as_str());
    let modified = std::fs::metadata(&file).and_then(|file| file.modified()).ok();
    Built { age: modified.map(|time| time.elapsed().unwrap_or_default()), same }
}

impl Built {
    fn label(&self) -> String {
        let Some(age) = self.age.map(|age| age.as_secs()) else { return "none".to_owned() };
        match age {
            0..120 => format!("{age} s ago"),
            120..7200 => format!("{} min ago", age / 60),
            7200..172_800 => format!("{} h ago", age / 3600),
            _ => format!("{} days ago", age / 86400),
        }
    }
}

fn changes(body: &mut String, desk: &Desk) {
    let log = desk.log();
    if log.is_empty() {
        return;
    }
    body.push_str("<section><h2>Changes</h2>");
    let rows = log.iter().take(LISTED).map(|it| vec![escaped(&it.what), millis(it.took)]);
    table(body, "Changes", &[Column::Text("What"), Column::Figure("Served after")], rows);
    body.push_str("</section>");
}

/// The same for programs.
pub fn json(desk: &Desk) -> String {
    let facts = desk.facts();
    let live = desk.live.blocking_read();
    let faults = desk.faults.all();
    let faults: Vec<_> =
        faults.iter().map(|(of, error)| json!({"of": of, "chain": error.chain()})).collect();
    let changes: Vec<_> = desk
        .log()
        .into_iter()
        .map(|note| json!({"what": note.what, "milliseconds": note.took.as_secs_f64() * 1000.0}))
        .collect();
    let collections = live.as_ref().map(|live| {
        let rows =
            live.site().collections.iter().map(|(name, it)| (name.clone(), it.rows.len().into()));
        rows.collect::<serde_json::Map<_, _>>()
    });
    let built = live.as_ref().map(last_build).filter(|built| built.age.is_some());
    let built = built.map(
        |built| json!({"seconds_ago": built.age.map(|age| age.as_secs()), "same_rows": built.same}),
    );
    json!({
        "at": desk.at(),
        "database": facts.database,
        "pages": live.as_ref().map(|live| live.site().pages.len()),
        "collections": collections,
        "queue": facts.queue.into_iter().map(|(state, n)| (state, n.into())).collect::<serde_json::Map<_, _>>(),
        "seconds_to_start": facts.started_in.as_secs_f64(),
        "last_build": built,
        "faults": faults,
        "changes": changes,
    })
    .to_string()
}
