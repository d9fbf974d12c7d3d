//! Embeddings: what a text is for, and the built-in ones for when no provider makes any.

pub mod lexical;

/// What becomes of an embedding. Some models want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is kept, to be found.
    Document,
    /// It is what is looked for.
    Query,
}

/// The text as a model wants it.
pub fn prefixed(model: &str, purpose: Purpose, text: &str) -> String {
    if !model.to_ascii_lowercase().contains("nomic-embed") {
        return text.to_owned();
    }
    match purpose {
        Purpose::Document => format!("search_document: {text}"),
        Purpose::Query => format!("search_query: {text}"),
    }
}
