//! What HTML may hold, whoever wrote it: one policy, built once, read by every thread.

mod lists;
mod urls;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};

pub use urls::is_safe_url;

use lists::{ATTRIBUTES, CLASSES, REMOVED_WHOLE, TAGS, VALUES};
use urls::SCHEMES;

/// The policy, ready to use from any thread.
pub struct Sanitizer(Builder<'static>);

impl Sanitizer {
    pub fn new() -> Self {
        let mut builder = Builder::empty();
        builder
            .tags(set(TAGS))
            .clean_content_tags(set(REMOVED_WHOLE))
            .generic_attributes(set(&["dir", "lang", "title"]))
            .tag_attributes(ATTRIBUTES.iter().map(|(tag, names)| (*tag, set(names))).collect())
            .tag_attribute_values(values())
            .allowed_classes(CLASSES.iter().map(|(tag, names)| (*tag, set(names))).collect())
            // The one form control there is: a task's box, which nobody can tick.
            .set_tag_attribute_value("input", "type", "checkbox")
            .set_tag_attribute_value("input", "disabled", "")
            .url_schemes(SCHEMES.into())
            .url_relative(UrlRelative::PassThrough)
            .link_rel(None)
            .attribute_filter(|tag, name, value| {
                keep(tag, name, value).then_some(Cow::Borrowed(value))
            });
        Self(builder)
    }

    /// Any HTML at all -> HTML that is safe to put into a page, serialised by the HTML standard's
    /// rules: every attribute in double quotes, every other `<` escaped.
    pub fn clean(&self, html: &str) -> String {
        self.0.clean(html).to_string()
    }
}

impl Default for Sanitizer {
    fn default() -> Self {
        Self::new()
    }
}

fn set(names: &[&'static str]) -> HashSet<&'static str> {
    names.iter().copied().collect()
}

fn values() -> HashMap<&'static str, HashMap<&'static str, HashSet<&'static str>>> {
    let mut map: HashMap<_, HashMap<_, _>> = HashMap::new();
    for (tag, name, allowed) in VALUES {
        map.entry(*tag).or_default().insert(*name, set(allowed));
    }
    map
}

/// Rules about values that are not lists.
fn keep(tag: &str, name: &str, value: &str) -> bool {
    match (tag, name) {
        ("code", "class") => value.strip_prefix("language-").is_some_and(is_language),
        ("span", "class") => value.strip_prefix("hl-").is_some_and(is_language),
        (_, "width" | "height" | "span" | "colspan" | "rowspan" | "start") => {
            !value.is_empty() && value.len() < 10 && value.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => true,
    }
}

/// True for what may follow `language-` in a class.
pub fn is_language(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_#.".contains(&byte);
    !name.is_empty() && name.bytes().all(known)
}
