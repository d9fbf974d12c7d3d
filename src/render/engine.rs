//! The template engine: every template parsed once, and its errors told with file and line.

use std::borrow::Cow;
use std::error::Error as _;
use std::sync::Arc;

use rayon::prelude::*;
use tera::{ErrorKind, Tera};

use super::{Shared, filters, functions, minify};
use crate::config::Config;
use crate::error::{Error, Result, nearest};
use crate::model::Site;
use crate::theme::Theme;

/// Parsed templates with their functions and filters, before any site is known.
pub struct Engine(pub(super) Tera);

impl Engine {
    /// Templates are minified while they are loaded; their errors are told by their own lines.
    pub fn load(theme: &Theme, shared: &Arc<Shared>, minified: bool) -> Result<Self> {
        if minified && let Ok(engine) = Self::parse(theme, shared, minify::template) {
            return Ok(engine);
        }
        Self::parse(theme, shared, Cow::Borrowed)
    }

    fn parse<'t>(
        theme: &'t Theme,
        shared: &Arc<Shared>,
        prepare: impl Fn(&'t str) -> Cow<'t, str> + Sync,
    ) -> Result<Self> {
        let mut tera = Tera::new();
        functions::register(&mut tera, shared);
        filters::register(&mut tera, shared);
        tera.autoescape_on([".html", ".xml"]);
        let templates: Vec<_> =
            theme.templates.iter().filter(|(name, _)| !name.ends_with(".toml")).collect();
        let prepared: Vec<_> = templates
            .into_par_iter()
            .map(|(name, template)| (name.as_str(), prepare(&template.text)))
            .collect();
        tera.add_raw_templates(prepared).map_err(|error| explain(&error))?;
        Ok(Self(tera))
    }
}

/// Every template that pages name must exist; found out before anything is rendered.
pub fn check_templates(tera: &Tera, config: &Config, site: &Site) -> Result<()> {
    let missing = site.pages.iter().find(|page| !tera.contains_template(&page.template));
    let Some(page) = missing else { return Ok(()) };
    let near = nearest(&page.template, tera.get_template_names());
    let near = near.map_or_else(String::new, |near| format!(", or use \"{near}\""));
    let folder = config.build.templates.display();
    Err(Error::template(format!("there is no template \"{}\" for {}", page.template, page.label()))
        .help(format!("create {folder}/{}{near}", page.template)))
}

/// What an error says whose place stands only in its text: `error: what`, then `--> file:line:…`.
fn placed(text: &str) -> Option<String> {
    let (what, rest) = text.split_once('\n')?;
    let (_, place) = rest.split_once("--> ")?;
    let mut parts = place.lines().next()?.split(':');
    let (name, line) = (parts.next()?, parts.next()?.parse::<usize>().ok()?);
    let what = what.trim_start_matches("error: ");
    Some(format!("template {name} line {line}: {what}"))
}

/// A template error as ours: file and line in the message, the marked source as its cause.
pub fn explain(error: &tera::Error) -> Error {
    let (what, report) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let line = report.span().start_line;
            (format!("template {} line {line}: {}", report.filename(), report.message()), true)
        }
        _ => match placed(&error.to_string()) {
            Some(what) => (what, true),
            None => (format!("template error: {error}"), false),
        },
    };
    let mut explained = Error::template(what);
    if report {
        explained = explained.because(Error::template(error.to_string().trim_end().to_owned()));
    } else if let Some(cause) = error.source() {
        explained = explained.because(Error::template(cause.to_string()));
    }
    explained.help("mend the template; a site's own file in templates/ replaces the built-in one of the same name")
}
