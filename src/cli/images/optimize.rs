//! `frieze images --optimize-storage`: each original with what became of it, and what was saved.

use serde_json::{Value, json};

use super::Args;
use crate::assets::images::Images;
use crate::assets::storage::{self, Facts, Fate, Original, Wish};
use crate::cli::output::{self, count, size};
use crate::cli::{Global, error_value};
use crate::config::Config;
use crate::error::{Error, Result};

pub fn run(global: &Global, args: &Args, config: &Config, images: &Images) -> Result<()> {
    let wish = Wish { max_width: args.max_width, dry_run: args.dry_run, remote: args.yes };
    let env = |name: &str| std::env::var(name).ok();
    let mut total = Total::default();
    storage::optimize(config, images, wish, &env, &mut |original| {
        let told = if global.json { Ok(()) } else { output::line(&line(&original)) };
        total.add(original);
        told
    })?;
    if global.json {
        output::json(&total.value(args.dry_run))?;
    } else {
        output::line(&total.summary())?;
    }
    total.failure().map_or(Ok(()), Err)
}

/// What a run came to.
#[derive(Default)]
struct Total {
    originals: Vec<Original>,
    replaced: usize,
    saved: u64,
    proposed: usize,
    would_save: u64,
    /// Those that only leave is wanted for.
    waiting: usize,
}

impl Total {
    fn add(&mut self, original: Original) {
        let saved = |new: &Facts| original.bytes.saturating_sub(new.bytes);
        match &original.fate {
            Fate::Replaced { new, .. } => {
                self.replaced += 1;
                self.saved += saved(new);
            }
            Fate::Proposed { new, waits } => {
                self.proposed += 1;
                self.would_save += saved(new);
                self.waiting += usize::from(*waits);
            }
            Fate::Stays(_) | Fate::Failed(_) | Fate::Absent(_) => {}
        }
        self.originals.push(original);
    }

    fn summary(&self) -> String {
        if self.originals.is_empty() {
            return super::list::NONE.to_owned();
        }
        let all = count(self.originals.len(), "image");
        let mut lines = Vec::new();
        if self.replaced > 0 {
            lines.push(format!(
                "Recompressed {} of {all} and saved {}; the originals are in .frieze/originals",
                self.replaced,
                size(self.saved)
            ));
        }
        if self.proposed > 0 {
            let would = format!("{} of {all} would save {}", self.proposed, size(self.would_save));
            lines.push(would + "; nothing was changed about them");
        }
        if self.waiting > 0 {
            let hint = "  next: say --yes to replace images in the project's storage";
            lines.push(hint.to_owned());
        }
        if lines.is_empty() {
            lines.push(format!("Nothing was recompressed ({all})"));
        }
        lines.join("\n")
    }

    fn value(&self, dry_run: bool) -> Value {
        json!({
            "dry_run": dry_run,
            "replaced": self.replaced,
            "saved": self.saved,
            "proposed": self.proposed,
            "would_save": self.would_save,
            "failed": self.failed().count(),
            "images": self.originals.iter().map(value).collect::<Vec<_>>(),
        })
    }

    fn failed(&self) -> impl Iterator<Item = &str> {
        let failed = self.originals.iter().filter(|it| matches!(it.fate, Fate::Failed(_)));
        failed.map(|original| original.image.as_str())
    }

    fn failure(&self) -> Option<Error> {
        let names: Vec<_> = self.failed().collect();
        let images = count(names.len(), "image");
        let what = format!("{images} could not be recompressed: {}", names.join(", "));
        let help = "the report says of each what is wrong and what to do; the others are done";
        (!names.is_empty()).then(|| Error::output(what).help(help))
    }
}

fn line(original: &Original) -> String {
    let Original { image, bytes, size, fate } = original;
    match fate {
        Fate::Stays(reason) => format!("{image}\n  stays: it {reason}"),
        Fate::Absent(reason) => format!("{image}\n  is not there: {reason}"),
        Fate::Proposed { new, waits } => {
            let leave = if *waits { " with --yes" } else { "" };
            format!("{image}\n  would be replaced{leave}: {}", change(*bytes, *size, new))
        }
        Fate::Replaced { new, copy } => {
            let change = change(*bytes, *size, new);
            format!("{image}\n  replaced: {change}\n  original: {}", copy.display())
        }
        Fate::Failed(error) => format!("{image}\n  {}", error.report().replace('\n', "\n  ")),
    }
}

/// `5.1 MB, 4000 × 3000 to 890 kB, 3200 × 2400`.
fn change(bytes: u64, from: Option<(u32, u32)>, new: &Facts) -> String {
    let pixels = |(width, height)| format!(", {width} × {height}");
    let before = from.filter(|from| *from != new.size).map(pixels).unwrap_or_default();
    let after = if before.is_empty() { String::new() } else { pixels(new.size) };
    format!("{}{before} to {}{after}", size(bytes), size(new.bytes))
}

fn value(original: &Original) -> Value {
    let Original { image, bytes, size, fate } = original;
    let (width, height) = size.unzip();
    let mut value = json!({"image": image, "bytes": bytes, "width": width, "height": height});
    let facts =
        |new: &Facts| json!({"bytes": new.bytes, "width": new.size.0, "height": new.size.1});
    let (fate, more) = match fate {
        Fate::Stays(reason) => ("stays", json!({"reason": reason})),
        Fate::Absent(reason) => ("absent", json!({"reason": reason})),
        Fate::Proposed { new, waits } => {
            ("proposed", json!({"new": facts(new), "needs_yes": waits}))
        }
        Fate::Replaced { new, copy } => ("replaced", json!({"new": facts(new), "copy": copy})),
        Fate::Failed(error) => ("failed", error_value(error)),
    };
    value["fate"] = fate.into();
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}
