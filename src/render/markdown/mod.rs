//! stub
pub trait ImageResolver: Sync { fn resolve(&self, src: &str) -> Result<Option<ResolvedImage>, String>; }
pub struct ResolvedImage { pub url: String, pub width: Option<u32>, pub height: Option<u32> }
pub struct Markdown;
#[derive(Debug)]
pub struct MarkdownError { pub message: String }
impl Markdown {
    pub fn new(_highlight: bool) -> Self { Self }
    pub fn render(&self, source: &str, _i: &dyn ImageResolver) -> Result<String, MarkdownError> {
        let mut out = String::new();
        pulldown_cmark::html::push_html(&mut out, pulldown_cmark::Parser::new(source));
        Ok(out)
    }
    pub fn sanitize(&self, html: &str, _i: &dyn ImageResolver) -> Result<String, MarkdownError> { Ok(html.to_owned()) }
}
impl From<MarkdownError> for crate::error::Error { fn from(e: MarkdownError) -> Self { crate::error::Error::content(e.message) } }
pub fn plain_text(html: &str) -> String { html.to_owned() }
