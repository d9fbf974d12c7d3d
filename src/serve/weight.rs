//! What a page weighs: its HTML and every file it names, images with their variants.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::overlay;
use super::table::Column::{Figure, Text};
use super::table::{bytes, figures, table};
use super::{squeeze, types};
use crate::error::Result;
use crate::pipeline::live::Live;
use crate::render::{encoded, escaped};

/// A file that a page names.
struct Named {
    url: String,
    bytes: Option<u64>,
    /// As it goes over the network.
    squeezed: Option<u64>,
    /// Of an image, and how many variants of its source there are in all.
    source: Option<String>,
}

/// The report on one page, as a page.
pub fn report(live: &Live, at: &str, path: &str, html: &[u8]) -> Result<String> {
    let mut urls = urls(html);
    let sheets: Vec<String> = urls.iter().filter(|url| url.ends_with(".css")).cloned().collect();
    for sheet in sheets {
        // Fonts and pictures that style sheets name are loaded, too.
        if let Some(asset) = live.assets().at(&sheet) {
            urls.extend(self::urls(&asset.bytes()?));
        }
    }
    let named: Vec<Named> = urls.into_iter().filter_map(|url| named(live, url)).collect();
    let (images, files): (Vec<&Named>, Vec<&Named>) =
        named.iter().partition(|one| one.source.is_some());
    let whole = |size: fn(&Named) -> Option<u64>| -> u64 {
        files.iter().filter_map(|file| size(file)).sum()
    };
    let squeezed = squeeze::length(html);
    let mut body = format!(
        "<header><h1>{}</h1><p><a href=\"{}\">The page</a> · <a href=\"/_frieze/\">all of the site</a></p></header>",
        escaped(path),
        escaped(&encoded(path)),
    );
    figures(
        &mut body,
        [
            ("HTML", bytes(html.len() as u64)),
            ("HTML, compressed", bytes(squeezed)),
            ("with all files, compressed", bytes(squeezed + whole(|file| file.squeezed))),
            ("images, the largest of each", bytes(largest(&images))),
            ("requests without images", (files.len() + 1).to_string()),
        ],
    );
    if !files.is_empty() {
        body.push_str("<section><h2>Files</h2>");
        let rows = files.iter().map(|it| vec![file(&it.url), size(it.bytes), size(it.squeezed)]);
        table(&mut body, "Files", &[Text("File"), Figure("Size"), Figure("Compressed")], rows);
        body.push_str("</section>");
    }
    pictures(&mut body, live, &images);
    Ok(overlay::page(&format!("{path} · frieze"), &body, Some(at)))
}

fn size(size: Option<u64>) -> String {
    size.map_or_else(|| "not made yet".to_owned(), bytes)
}

fn file(url: &str) -> String {
    format!("<a href=\"{0}\"><code>{0}</code></a>", escaped(url))
}

/// The images by their sources, each with what browsers choose from.
fn pictures(body: &mut String, live: &Live, images: &[&Named]) {
    let mut sources: BTreeMap<&str, Vec<&Named>> = BTreeMap::new();
    for image in images {
        sources.entry(image.source.as_deref().unwrap_or_default()).or_default().push(image);
    }
    if sources.is_empty() {
        return;
    }
    body.push_str("<section><h2>Images</h2><p class=\"soft\">Browsers load one file of each.</p>");
    for (name, mut variants) in sources {
        variants.sort_by_key(|it| it.bytes);
        let header = live.assets().images.source(name).and_then(|it| it.header.as_ref().ok());
        let of = header.map_or_else(String::new, |it| format!(" · {} × {}", it.width, it.height));
        let _ = write!(body, "<h3>{}<span class=\"soft\">{of}</span></h3>", escaped(name));
        let rows = variants.iter().map(|it| vec![file(&it.url), size(it.bytes)]);
        table(body, name, &[Text("File"), Figure("Size")], rows);
    }
    body.push_str("</section>");
}

/// Browsers load one variant of a source: at most the largest.
fn largest(images: &[&Named]) -> u64 {
    let sources: BTreeSet<_> = images.iter().filter_map(|image| image.source.as_deref()).collect();
    let of = |source: &str| {
        let variants = images.iter().filter(|image| image.source.as_deref() == Some(source));
        variants.filter_map(|image| image.bytes).max().unwrap_or(0)
    };
    sources.into_iter().map(of).sum()
}

fn named(live: &Live, url: String) -> Option<Named> {
    if let Some(variant) = live.assets().images.variant(&url) {
        let bytes = live.assets().images.weight(&variant);
        return Some(Named { url, bytes, squeezed: bytes, source: Some(variant.source) });
    }
    let asset = live.assets().at(&url)?;
    let content = asset.bytes().ok();
    let bytes = content.as_ref().map(|bytes| bytes.len() as u64);
    let squeezed = content.filter(|_| squeeze::is_text_type(types::of(&url)));
    let squeezed = squeezed.map(|content| squeeze::length(&content)).or(bytes);
    let source = asset.on_demand.then(|| url.clone());
    Some(Named { url, bytes, squeezed, source })
}

/// Paths that stand in attributes or in `url()`.
fn urls(text: &[u8]) -> BTreeSet<String> {
    let ends = |byte: &u8| b"\"' <>()[]{},;&\\\n\r\t".contains(byte);
    let begins = |at: usize| at == 0 || b"\"'=( ,".contains(&text[at - 1]);
    let starts = memchr::memchr_iter(b'/', text).filter(|at| begins(*at));
    let found = starts.filter_map(|start| {
        let rest = &text[start..];
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        std::str::from_utf8(&rest[..end]).ok().map(str::to_owned)
    });
    found.filter(|url| url.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::urls;

    #[test]
    fn paths_are_found_wherever_pages_name_files() {
        let found = urls(b"<img src=\"/a.webp\" srcset=\"/a-1.webp 1w,/a-2.webp 2w\"><link href=/b.css><a href='https://x.y/c'>");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["/a-1.webp", "/a-2.webp", "/a.webp", "/b.css"]
        );
    }
}
