//! Which class a query's capture becomes. The left side is what grammars call things, the right
//! side is what style sheets are promised.

use tree_sitter_highlight::Highlight;

/// Captures by their dotted name; the longest that fits a capture decides. An empty class means
/// plain text: most words of a program are variables, and a span around each says nothing.
pub const CAPTURES: &[(&str, &str)] = &[
    ("attribute", "attribute"),
    ("boolean", "constant"),
    ("comment", "comment"),
    ("conditional", "keyword"),
    ("constant", "constant"),
    ("constructor", "constructor"),
    ("embedded", "embedded"),
    ("escape", "constant"),
    ("field", "property"),
    ("float", "number"),
    ("function", "function"),
    ("keyword", "keyword"),
    ("label", "label"),
    ("module", "module"),
    ("number", "number"),
    ("operator", "operator"),
    ("parameter", "variable"),
    ("property", "property"),
    ("punctuation", "punctuation"),
    ("storageclass", "keyword"),
    ("string", "string"),
    ("string.special.key", "property"),
    ("tag", "tag"),
    ("text", ""),
    ("type", "type"),
    ("type.qualifier", "keyword"),
    ("variable", ""),
    ("variable.builtin", "variable"),
    ("variable.parameter", "variable"),
];

pub fn names() -> Vec<&'static str> {
    CAPTURES.iter().map(|(name, _)| *name).collect()
}

pub fn class(capture: Highlight) -> &'static str {
    CAPTURES[capture.0].1
}
