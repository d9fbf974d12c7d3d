//! `frieze changed`: for hosts that ask whether a build is worth it.

use super::{Global, output};
use crate::config::Overrides;
use crate::error::Result;
use crate::pipeline::{self, Changed};

/// Exit code of "build".
const BUILD: u8 = 1;

/// Most paths of one kind that are listed.
const MOST: usize = 20;

/// Tell whether a build would make another site than the one that is live: exit code 0 means that
/// there is nothing to do, 1 means build; whatever cannot be told means build
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_name = "URL", help = "Where the live site is, instead of site.base_url")]
    url: Option<String>,
    #[arg(long, value_name = "URL", help = "Where the site will live, instead of site.base_url")]
    base_url: Option<String>,
    /// Whose rules would be written beside the pages
    #[arg(long, value_enum)]
    target: Option<crate::config::Target>,
}

/// Every failure means build: the build says better what is wrong.
pub fn run(global: &Global, args: &Args) -> Result<u8> {
    let changed = compare(global, args).unwrap_or_else(|error| Changed {
        changed: true,
        doubt: Some(error.chain().join(": ")),
        ..Changed::default()
    });
    if global.json {
        output::json(&changed)?;
    } else {
        output::line(&text(&changed))?;
    }
    Ok(if changed.changed { BUILD } else { 0 })
}

fn compare(global: &Global, args: &Args) -> Result<Changed> {
    let overrides =
        Overrides { base_url: args.base_url.clone(), target: args.target, ..Overrides::default() };
    let config = global.config(&overrides)?;
    let url = args.url.as_ref().unwrap_or(&config.site.base_url);
    pipeline::changed(&config, url)
}

fn text(changed: &Changed) -> String {
    if let Some(doubt) = &changed.doubt {
        return format!("Build: it cannot be told what changed\n  {doubt}");
    }
    if !changed.changed {
        let took = output::seconds(changed.seconds);
        return format!("Nothing to do: the live site is what a build would make ({took})");
    }
    let mut lines = vec!["Build: the live site is out of date".to_owned()];
    for name in &changed.inputs {
        lines.push(format!("  {name}"));
    }
    for one in &changed.collections {
        let table = one.table.as_deref().filter(|table| *table != one.name);
        let table = table.map(|table| format!(" (table {table})")).unwrap_or_default();
        let rows = match (one.rows, one.live_rows) {
            (Some(rows), Some(live)) if rows == live => output::count(rows, "row"),
            (Some(rows), Some(live)) => format!("{live} → {}", output::count(rows, "row")),
            (Some(rows), None) => format!("new, {}", output::count(rows, "row")),
            (None, _) => "gone".to_owned(),
        };
        lines.push(format!("  collection {}{table}: {rows}", one.name));
    }
    for page in &changed.layouts {
        lines.push(format!("  layout of \"{page}\""));
    }
    for (what, paths) in [
        ("changed", &changed.pages_changed),
        ("new", &changed.pages_new),
        ("gone", &changed.pages_gone),
    ] {
        if paths.is_empty() {
            continue;
        }
        lines.push(format!("{} {what}:", output::count(paths.len(), "page")));
        lines.extend(paths.iter().take(MOST).map(|path| format!("  {path}")));
        if paths.len() > MOST {
            lines.push(format!("  … and {} more", paths.len() - MOST));
        }
    }
    lines.join("\n")
}
