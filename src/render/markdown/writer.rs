//! Writes Markdown's events as HTML without a byte to spare. What it writes is safe as long as no
//! raw HTML comes by: text is escaped, and links lead where `is_safe_url` lets them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::render::highlight::Highlighter;
use crate::render::markdown::blocks::Heading;
use crate::render::markdown::footnotes::Footnotes;
use crate::render::markdown::ids::Ids;
use crate::render::markdown::tables::Tables;
use crate::render::markdown::{ImageResolver, MarkdownError, escape};

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_SMART_PUNCTUATION);

/// Why there is no HTML.
pub enum Stop {
    /// The text holds raw HTML, and the result has to pass the sanitiser: begin again without
    /// resolving images, which is done after it.
    RawHtml,
    Image(MarkdownError),
}

pub struct Writer<'a> {
    pub(super) events: Parser<'a>,
    pub(super) out: String,
    /// None lets raw HTML and every image through as they are.
    pub(super) images: Option<&'a dyn ImageResolver>,
    /// How many links the current text is in.
    pub(super) links: usize,
    pub(super) highlighter: Option<&'a Highlighter>,
    pub(super) ids: Ids,
    pub(super) heading: Option<Heading>,
    tables: Tables,
    footnotes: Footnotes,
}

impl<'a> Writer<'a> {
    pub fn new(
        source: &'a str,
        scope: &str,
        highlighter: Option<&'a Highlighter>,
        images: Option<&'a dyn ImageResolver>,
    ) -> Self {
        let ids = Ids::new(scope);
        Self {
            events: Parser::new_ext(source, OPTIONS),
            out: String::with_capacity(source.len() + source.len() / 2),
            images,
            links: 0,
            highlighter,
            footnotes: Footnotes::new(ids.scope()),
            ids,
            heading: None,
            tables: Tables::default(),
        }
    }

    pub fn write(mut self) -> Result<String, Stop> {
        while let Some(event) = self.events.next() {
            self.event(event)?;
        }
        self.footnotes.write(&mut self.out);
        Ok(self.out)
    }

    fn event(&mut self, event: Event<'a>) -> Result<(), Stop> {
        match event {
            Event::Start(tag) => return self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::Code(code) => {
                self.out.push_str("<code>");
                self.text(&code);
                self.out.push_str("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => return self.raw(&html),
            Event::FootnoteReference(label) => {
                self.footnotes.refer(&mut self.out, &label, self.links == 0);
            }
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.task(done),
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'a>) -> Result<(), Stop> {
        match tag {
            Tag::Heading { .. } => self.begin_heading(),
            Tag::CodeBlock(kind) => self.code_block(&kind),
            Tag::List(first) => self.list(first),
            Tag::FootnoteDefinition(label) => self.footnotes.begin(&mut self.out, &label),
            Tag::Table(columns) => self.tables.begin(&mut self.out, columns),
            Tag::TableHead => self.tables.begin_head(&mut self.out),
            Tag::TableRow => self.tables.begin_row(&mut self.out),
            Tag::TableCell => self.tables.begin_cell(&mut self.out),
            Tag::Link { link_type, dest_url, title, .. } => {
                self.begin_link(link_type, &dest_url, &title);
            }
            Tag::Image { dest_url, title, .. } => return self.image(&dest_url, &title),
            other => self.out.push_str(simple(other.to_end(), false)),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::List(ordered) => self.out.push_str(if ordered { "</ol>" } else { "</ul>" }),
            TagEnd::FootnoteDefinition => self.footnotes.end(&mut self.out),
            TagEnd::Table => Tables::end(&mut self.out),
            TagEnd::TableHead => self.tables.end_head(&mut self.out),
            TagEnd::TableCell => self.tables.end_cell(&mut self.out),
            TagEnd::Link => self.end_link(),
            other => self.out.push_str(simple(other, true)),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.words.push_str(text);
        }
        escape::text(&mut self.out, text);
    }

    fn raw(&mut self, html: &str) -> Result<(), Stop> {
        if self.images.is_some() {
            return Err(Stop::RawHtml);
        }
        self.out.push_str(html);
        Ok(())
    }
}

/// Tags without attributes.
fn simple(tag: TagEnd, end: bool) -> &'static str {
    let [open, close] = match tag {
        TagEnd::Paragraph => ["<p>", "</p>"],
        TagEnd::BlockQuote(_) => ["<blockquote>", "</blockquote>"],
        TagEnd::Item => ["<li>", "</li>"],
        TagEnd::TableRow => ["<tr>", "</tr>"],
        TagEnd::Emphasis => ["<em>", "</em>"],
        TagEnd::Strong => ["<strong>", "</strong>"],
        TagEnd::Strikethrough => ["<del>", "</del>"],
        TagEnd::Superscript => ["<sup>", "</sup>"],
        TagEnd::Subscript => ["<sub>", "</sub>"],
        TagEnd::DefinitionList => ["<dl>", "</dl>"],
        TagEnd::DefinitionListTitle => ["<dt>", "</dt>"],
        TagEnd::DefinitionListDefinition => ["<dd>", "</dd>"],
        _ => ["", ""],
    };
    if end { close } else { open }
}
