//! What HTML may hold, whoever wrote it: one policy, built once, read by every thread.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};
use url::{ParseError, Url};

const TAGS: &[&str] = &[
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Elements that go with everything in them.
const REMOVED_WHOLE: &[&str] = &["iframe", "math", "object", "script", "style", "svg", "template"];

const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["href", "hreflang", "id", "aria-label"]),
    ("blockquote", &["cite"]),
    ("code", &["class"]),
    ("col", &["span"]),
    ("colgroup", &["span"]),
    ("data", &["value"]),
    ("del", &["cite", "datetime"]),
    ("details", &["open"]),
    ("div", &["aria-label"]),
    ("h1", &["id"]),
    ("h2", &["id"]),
    ("h3", &["id"]),
    ("h4", &["id"]),
    ("h5", &["id"]),
    ("h6", &["id"]),
    ("img", &["alt", "height", "src", "width"]),
    ("input", &["aria-label", "checked"]),
    ("ins", &["cite", "datetime"]),
    ("li", &["id", "value"]),
    ("ol", &["reversed", "start"]),
    ("q", &["cite"]),
    ("span", &["class"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan"]),
    ("time", &["datetime"]),
];

/// Attributes that may have these values and no others.
const VALUES: &[(&str, &str, &[&str])] = &[
    ("a", "role", &["doc-backlink", "doc-noteref"]),
    ("div", "role", &["doc-endnotes", "group"]),
    ("div", "tabindex", &["0"]),
    ("pre", "tabindex", &["0"]),
    ("th", "scope", &["col", "colgroup", "row", "rowgroup"]),
];

/// Classes our own Markdown uses. Highlighting's and languages' are told by their beginning.
const CLASSES: &[(&str, &[&str])] = &[
    ("a", &["anchor", "footnote-back"]),
    ("div", &["footnotes", "table"]),
    ("li", &["task"]),
    ("pre", &["code"]),
    ("sup", &["footnote-ref"]),
    ("td", &["align-center", "align-right"]),
    ("th", &["align-center", "align-right"]),
];

const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

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
            !value.is_empty() && value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => true,
    }
}

/// True for what may follow `language-` in a class.
pub fn is_language(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_#.".contains(&byte);
    !name.is_empty() && name.bytes().all(known)
}

/// Whether a link may lead there: relative, or by one of the schemes that run nothing. The same
/// rule the sanitiser applies, for text that does not pass through it.
pub fn is_safe_url(url: &str) -> bool {
    if is_plainly_relative(url) {
        return true;
    }
    match Url::parse(url) {
        Ok(absolute) => SCHEMES.contains(&absolute.scheme()),
        Err(error) => error == ParseError::RelativeUrlWithoutBase,
    }
}

/// True for what cannot have a scheme however a browser reads it, without asking a whole parser.
fn is_plainly_relative(url: &str) -> bool {
    let starts = url.bytes().next().is_none_or(|byte| b"/#?.".contains(&byte));
    starts && !url.bytes().any(|byte| byte <= b' ')
}
