//! The Atom feed of a collection. Its dates are the content's own, so the same rows make the same
//! bytes.

use atom_syndication::{Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text};

use super::times::zoned;
use super::xml::clean;
use crate::error::{Error, Result};

/// What a feed says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedMeta {
    pub title: String,
    pub description: String,
    pub author: String,
    pub language: String,
    /// The site's address, absolute: what relative links in the entries start from.
    pub site_url: String,
    /// The feed's own, absolute; it is the feed's identity too.
    pub feed_url: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedEntry {
    pub title: String,
    /// Absolute.
    pub url: String,
    /// What stays the same when title and address change; empty for the address.
    pub id: String,
    /// RFC 3339, or a date.
    pub published: Option<String>,
    /// Likewise; without it, `published` stands.
    pub updated: Option<String>,
    /// Plain text.
    pub summary: Option<String>,
    /// Safe HTML.
    pub content_html: Option<String>,
}

/// The feed as XML, entries in the order given. An entry without any date is an error, since Atom
/// demands one and the time of the build would make every build differ.
pub fn feed(meta: &FeedMeta, entries: &[FeedEntry]) -> Result<Vec<u8>> {
    let entries = entries.iter().map(entry).collect::<Result<Vec<_>>>()?;
    let feed = Feed {
        title: plain(&meta.title),
        subtitle: some_text(&meta.description).map(plain),
        id: clean(&meta.feed_url).into_owned(),
        updated: entries.iter().map(|entry| entry.updated).max().unwrap_or_default(),
        authors: some_text(&meta.author).map(person).into_iter().collect(),
        generator: Some(Generator { value: "frieze".to_owned(), ..Generator::default() }),
        links: vec![
            link("self", "application/atom+xml", &meta.feed_url),
            link("alternate", "text/html", &meta.site_url),
        ],
        base: some_text(&meta.site_url).map(|url| clean(url).into_owned()),
        lang: some_text(&meta.language).map(|lang| clean(lang).into_owned()),
        entries,
        ..Feed::default()
    };
    feed.write_to(Vec::new()).map_err(|error| {
        Error::output(format!("cannot write the feed {}", meta.feed_url)).because(error)
    })
}

fn entry(entry: &FeedEntry) -> Result<Entry> {
    let published = date(entry, entry.published.as_deref())?;
    let updated = date(entry, entry.updated.as_deref())?.or(published);
    let id = some_text(&entry.id).unwrap_or(&entry.url);
    let html = |html: &String| Content {
        value: Some(clean(html).into_owned()),
        content_type: Some("html".to_owned()),
        ..Content::default()
    };
    Ok(Entry {
        title: plain(&entry.title),
        id: clean(id).into_owned(),
        updated: updated.ok_or_else(|| undated(entry))?,
        published,
        links: vec![link("alternate", "text/html", &entry.url)],
        summary: entry.summary.as_deref().map(plain),
        content: entry.content_html.as_ref().map(html),
        ..Entry::default()
    })
}

fn date(entry: &FeedEntry, text: Option<&str>) -> Result<Option<FixedDateTime>> {
    let parse = |text: &str| {
        FixedDateTime::parse_from_rfc3339(&zoned(text))
            .or_else(|_| FixedDateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")))
            .map_err(|error| {
                let what = format!("feed entry {}: \"{text}\" is not a date", entry.url);
                Error::content(what).because(error).help("write it like 2024-03-01T09:00:00Z")
            })
    };
    text.map(parse).transpose()
}

fn undated(entry: &FeedEntry) -> Error {
    Error::content(format!(
        "feed entry {} has neither a date of change nor of publication",
        entry.url
    ))
    .help("fill one of the columns that the collection takes its dates from")
}

fn plain(text: &str) -> Text {
    Text::plain(clean(text))
}

fn person(name: &str) -> Person {
    Person { name: clean(name).into_owned(), ..Person::default() }
}

fn link(rel: &str, mime: &str, href: &str) -> Link {
    Link {
        href: clean(href).into_owned(),
        rel: rel.to_owned(),
        mime_type: Some(mime.to_owned()),
        ..Link::default()
    }
}

fn some_text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn meta() -> FeedMeta {
        FeedMeta {
            title: "Posts & more".into(),
            author: "Ann".into(),
            language: "en".into(),
            site_url: "https://a.org/".into(),
            feed_url: "https://a.org/atom.xml".into(),
            ..FeedMeta::default()
        }
    }

    fn post(name: &str, published: Option<&str>, updated: Option<&str>) -> FeedEntry {
        FeedEntry {
            title: format!("<{name}>"),
            url: format!("https://a.org/{name}/"),
            id: format!("urn:uuid:{name}"),
            published: published.map(str::to_owned),
            updated: updated.map(str::to_owned),
            summary: Some("1 < 2 & \u{b}3".into()),
            content_html: Some("<p>a &amp; b</p>".into()),
        }
    }

    fn text(entries: &[FeedEntry]) -> String {
        String::from_utf8(feed(&meta(), entries).unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let xml = text(&[post("one", Some("2024-03-01"), Some("2024-04-02T10:00:00+02:00"))]);
        let read = Feed::read_from(xml.as_bytes()).unwrap();
        assert_eq!(
            (read.id.as_str(), read.title.as_str()),
            ("https://a.org/atom.xml", "Posts & more")
        );
        assert_eq!(read.lang.as_deref(), Some("en"));
        assert_eq!(read.base.as_deref(), Some("https://a.org/"));
        let links: Vec<_> =
            read.links.iter().map(|link| (link.rel.as_str(), link.href.as_str())).collect();
        assert_eq!(links, [("self", "https://a.org/atom.xml"), ("alternate", "https://a.org/")]);
        let entry = &read.entries[0];
        assert_eq!((entry.id.as_str(), entry.title.as_str()), ("urn:uuid:one", "<one>"));
        assert_eq!(entry.published.unwrap().to_rfc3339(), "2024-03-01T00:00:00+00:00");
        assert_eq!(entry.updated.to_rfc3339(), "2024-04-02T10:00:00+02:00");
        assert_eq!(entry.summary.as_ref().unwrap().as_str(), "1 < 2 & 3");
        let content = entry.content.as_ref().unwrap();
        assert_eq!(content.content_type.as_deref(), Some("html"));
        assert_eq!(content.value.as_deref(), Some("<p>a &amp; b</p>"));
    }

    #[test]
    fn the_feed_is_as_new_as_its_newest_entry() {
        let posts = [
            post("a", Some("2024-03-01"), None),
            post("b", Some("2023-01-01"), Some("2024-05-01T00:00:00Z")),
            // Later on the clock, earlier in time.
            post("c", Some("2024-05-01T01:00:00+09:00"), None),
        ];
        let read = Feed::read_from(text(&posts).as_bytes()).unwrap();
        assert_eq!(read.updated.to_rfc3339(), "2024-05-01T00:00:00+00:00");
        let order: Vec<_> = read.entries.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(order, ["urn:uuid:a", "urn:uuid:b", "urn:uuid:c"]);
    }

    #[test]
    fn the_same_rows_make_the_same_bytes_and_so_do_none() {
        let posts = [post("a", Some("2024-03-01T09:30:00"), None)];
        assert!(text(&posts).contains("<published>2024-03-01T09:30:00+00:00</published>"));
        assert_eq!(text(&posts), text(&posts));
        assert!(text(&[]).contains("<updated>1970-01-01T00:00:00+00:00</updated>"));
    }

    #[test]
    fn an_entry_without_an_identity_has_its_address() {
        let post = FeedEntry { id: String::new(), ..post("a", Some("2024-03-01"), None) };
        assert!(text(&[post]).contains("<id>https://a.org/a/</id>"));
    }

    #[test]
    fn an_entry_without_a_date_or_with_a_wrong_one_is_named() {
        for (published, what) in
            [(None, "has neither a date"), (Some("soon"), "\"soon\" is not a date")]
        {
            let error = feed(&meta(), &[post("a", published, None)]).unwrap_err().report();
            assert!(
                error.contains("feed entry https://a.org/a/") && error.contains(what),
                "{error}"
            );
        }
    }
}
