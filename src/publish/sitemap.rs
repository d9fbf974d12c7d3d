//! The sitemap: every page with its last change, in parts where there are too many for one file.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::times::zoned;
use super::xml::clean;
use crate::error::{Error, Result};

/// How many pages search engines read from one file, and how many bytes, with some to spare.
const MOST_PAGES: usize = 50_000;
const MOST_BYTES: usize = 48 << 20;

const NAMESPACE: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitemapEntry {
    /// Absolute.
    pub url: String,
    /// The last change, as RFC 3339 or as a date.
    pub updated: Option<String>,
}

/// The files of the sitemap by path: `sitemap.xml` with all entries in their order, or, where they
/// are too many, an index of that name and `sitemap-1.xml`, …. `base_url` is the site's, without a
/// slash at the end.
pub fn sitemap(base_url: &str, entries: &[SitemapEntry]) -> Result<Vec<(String, Vec<u8>)>> {
    let parts = parts(entries);
    if let [] | [_] = parts[..] {
        return Ok(vec![("sitemap.xml".to_owned(), list("urlset", "url", entries)?)]);
    }
    let mut index = Vec::new();
    let mut files = Vec::new();
    for (number, part) in (1..).zip(parts) {
        let path = format!("sitemap-{number}.xml");
        let updated = part.iter().filter_map(|entry| entry.updated.clone()).max();
        index.push(SitemapEntry { url: format!("{base_url}/{path}"), updated });
        files.push((path, list("urlset", "url", part)?));
    }
    files.insert(0, ("sitemap.xml".to_owned(), list("sitemapindex", "sitemap", &index)?));
    Ok(files)
}

/// The entries cut into what fits one file.
fn parts(entries: &[SitemapEntry]) -> Vec<&[SitemapEntry]> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, entry) in entries.iter().enumerate() {
        // An ampersand takes five times its room.
        let size = 100 + 5 * entry.url.len();
        if at - start == MOST_PAGES || bytes + size > MOST_BYTES {
            parts.push(&entries[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    parts.push(&entries[start..]);
    parts
}

fn list(root: &str, item: &str, entries: &[SitemapEntry]) -> Result<Vec<u8>> {
    write(root, item, entries)
        .map_err(|error| Error::output("cannot write the sitemap").because(error))
}

fn write(root: &str, item: &str, entries: &[SitemapEntry]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::with_capacity(200 + entries.len() * 120));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let list = writer.create_element(root).with_attribute(("xmlns", NAMESPACE));
    list.write_inner_content(|writer| {
        entries.iter().try_for_each(|entry| write_entry(writer, item, entry))
    })?;
    Ok(writer.into_inner())
}

fn write_entry(writer: &mut Writer<Vec<u8>>, item: &str, entry: &SitemapEntry) -> io::Result<()> {
    writer.create_element(item).write_inner_content(|writer| {
        text(writer, "loc", &entry.url)?;
        entry.updated.iter().try_for_each(|updated| text(writer, "lastmod", &zoned(updated)))
    })?;
    Ok(())
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&clean(text)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn entry(url: &str, updated: Option<&str>) -> SitemapEntry {
        SitemapEntry { url: url.to_owned(), updated: updated.map(str::to_owned) }
    }

    fn texts(files: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
        files.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
    }

    #[test]
    fn a_small_site_has_one_file() {
        let entries = [
            entry("https://a.org/", Some("2024-03-01T00:00:00Z")),
            entry("https://a.org/?a=1&b=<2>", None),
        ];
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
            <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\
            <url><loc>https://a.org/</loc><lastmod>2024-03-01T00:00:00Z</lastmod></url>\
            <url><loc>https://a.org/?a=1&amp;b=&lt;2&gt;</loc></url></urlset>";
        let files = texts(sitemap("https://a.org", &entries).unwrap());
        assert_eq!(files, [("sitemap.xml".to_owned(), expected.to_owned())]);
    }

    #[test]
    fn a_large_site_has_an_index_of_parts() {
        let mut entries: Vec<_> =
            (0..120_000).map(|i| entry(&format!("https://a.org/{i}/"), None)).collect();
        entries[60_000].updated = Some("2024-01-02".into());
        entries[60_001].updated = Some("2024-01-01".into());
        let files = texts(sitemap("https://a.org", &entries).unwrap());
        let paths: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["sitemap.xml", "sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]);
        let index = &files[0].1;
        assert!(index.contains("<sitemapindex"), "{index}");
        assert!(
            index.contains(
                "<sitemap><loc>https://a.org/sitemap-2.xml</loc><lastmod>2024-01-02</lastmod>"
            ),
            "{index}"
        );
        let pages = |file: &str| file.matches("<url>").count();
        assert_eq!(
            files[1..].iter().map(|(_, file)| pages(file)).collect::<Vec<_>>(),
            [50_000, 50_000, 20_000]
        );
        assert!(files[2].1.contains("<loc>https://a.org/50000/</loc>"));
    }

    #[test]
    fn no_part_is_larger_than_search_engines_read() {
        let long = "x".repeat(4_000);
        let entries = vec![entry(&format!("https://a.org/{long}/"), None); 20_000];
        let files = sitemap("https://a.org", &entries).unwrap();
        assert!(files.len() > 2 && files.iter().all(|(_, file)| file.len() < 50 << 20));
    }
}
