//! The languages that can be coloured: their names, grammars and queries.

use tree_sitter::QueryError;
use tree_sitter_highlight::HighlightConfiguration;
use tree_sitter_language::LanguageFn;

use crate::render::highlight::captures;

pub struct Language {
    /// What `class="language-…"` says.
    pub name: &'static str,
    aliases: &'static [&'static str],
    grammar: LanguageFn,
    /// Parts of one query: the grammar's own first, then ours; a later pattern wins.
    queries: &'static [&'static str],
    injections: &'static str,
}

macro_rules! language {
    ($name:literal, [$($alias:literal),*], $grammar:expr, [$($query:expr),+ $(,)?]) => {
        language!($name, [$($alias),*], $grammar, [$($query),+], "")
    };
    ($name:literal, [$($alias:literal),*], $grammar:expr, [$($query:expr),+ $(,)?], $injections:expr) => {
        Language {
            name: $name,
            aliases: &[$($alias),*],
            grammar: $grammar,
            queries: &[$($query),+],
            injections: $injections,
        }
    };
}

macro_rules! ours {
    ($file:literal) => {
        include_str!(concat!("queries/", $file, ".scm"))
    };
}

use tree_sitter_javascript as js;
use tree_sitter_typescript as ts;

pub static LANGUAGES: [Language; 15] = [
    language!(
        "bash",
        ["sh", "shell", "zsh"],
        tree_sitter_bash::LANGUAGE,
        [tree_sitter_bash::HIGHLIGHT_QUERY, ours!("bash")]
    ),
    language!(
        "css",
        [],
        tree_sitter_css::LANGUAGE,
        [tree_sitter_css::HIGHLIGHTS_QUERY, ours!("css")]
    ),
    language!("diff", ["patch"], tree_sitter_diff::LANGUAGE, [tree_sitter_diff::HIGHLIGHTS_QUERY]),
    language!(
        "go",
        ["golang"],
        tree_sitter_go::LANGUAGE,
        [tree_sitter_go::HIGHLIGHTS_QUERY, ours!("go")]
    ),
    language!(
        "html",
        ["htm", "xhtml"],
        tree_sitter_html::LANGUAGE,
        [tree_sitter_html::HIGHLIGHTS_QUERY, ours!("html")],
        tree_sitter_html::INJECTIONS_QUERY
    ),
    language!(
        "javascript",
        ["js", "mjs", "cjs", "jsx", "node"],
        js::LANGUAGE,
        [js::HIGHLIGHT_QUERY, js::JSX_HIGHLIGHT_QUERY, ours!("ecmascript"), ours!("javascript")]
    ),
    language!(
        "json",
        ["jsonc", "json5", "webmanifest"],
        tree_sitter_json::LANGUAGE,
        [tree_sitter_json::HIGHLIGHTS_QUERY, ours!("json")]
    ),
    language!(
        "python",
        ["py", "python3"],
        tree_sitter_python::LANGUAGE,
        [tree_sitter_python::HIGHLIGHTS_QUERY, ours!("python")]
    ),
    language!(
        "rust",
        ["rs"],
        tree_sitter_rust::LANGUAGE,
        [tree_sitter_rust::HIGHLIGHTS_QUERY, ours!("rust")]
    ),
    language!(
        "sql",
        ["postgres", "postgresql", "pgsql", "psql"],
        tree_sitter_sequel::LANGUAGE,
        [tree_sitter_sequel::HIGHLIGHTS_QUERY, ours!("sql")]
    ),
    language!("toml", [], tree_sitter_toml_ng::LANGUAGE, [tree_sitter_toml_ng::HIGHLIGHTS_QUERY]),
    language!(
        "tsx",
        [],
        ts::LANGUAGE_TSX,
        [
            js::HIGHLIGHT_QUERY,
            js::JSX_HIGHLIGHT_QUERY,
            ts::HIGHLIGHTS_QUERY,
            ours!("ecmascript"),
            ours!("typescript")
        ]
    ),
    language!(
        "typescript",
        ["ts", "mts", "cts"],
        ts::LANGUAGE_TYPESCRIPT,
        [js::HIGHLIGHT_QUERY, ts::HIGHLIGHTS_QUERY, ours!("ecmascript"), ours!("typescript")]
    ),
    language!("yaml", ["yml"], tree_sitter_yaml::LANGUAGE, [tree_sitter_yaml::HIGHLIGHTS_QUERY]),
    language!("c", ["h"], tree_sitter_c::LANGUAGE, [tree_sitter_c::HIGHLIGHT_QUERY, ours!("c")]),
];

/// A language's place in [`LANGUAGES`], by any of its names in any case.
pub fn index(name: &str) -> Option<usize> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    LANGUAGES.iter().position(|language| is(&language.name) || language.aliases.iter().any(is))
}

/// Compiles the queries. Fails if they do not fit the grammar, which a test rules out.
pub fn configure(index: usize) -> Result<HighlightConfiguration, QueryError> {
    let Language { name, grammar, queries, injections, .. } = &LANGUAGES[index];
    let query = queries.join("\n");
    let mut configuration =
        HighlightConfiguration::new((*grammar).into(), *name, &query, injections, "")?;
    configuration.configure(&captures::names());
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_queries_that_fit_its_grammar() {
        for (index, language) in LANGUAGES.iter().enumerate() {
            if let Err(error) = configure(index) {
                panic!("{}: {error}", language.name);
            }
        }
    }

    #[test]
    fn names_and_aliases_are_found_once_and_in_any_case() {
        let mut names: Vec<_> =
            LANGUAGES.iter().flat_map(|l| l.aliases.iter().copied().chain([l.name])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(index("RS"), index("rust"));
        assert_eq!(index("klingon"), None);
    }
}
