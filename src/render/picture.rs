//! The markup of images: candidates for every screen, room kept for them, and what is seen until
//! they have come. Templates, Markdown and HTML columns all show images this way.

use std::fmt::Write as _;

use super::markdown::{ResolvedImage, escape};
use crate::assets::images::{Candidates, Picture};

/// What an `<img>` says beside where its image is.
#[derive(Debug, Default)]
pub struct Attributes<'a> {
    pub alt: &'a str,
    pub class: &'a str,
    pub title: &'a str,
    /// The first thing to be seen: loaded at once, and before others.
    pub priority: bool,
}

/// Marks a page that shows an image of which not everything is known yet.
pub const PENDING: &str = " data-frieze-pending";

/// Shown where there is no image, and room is kept for one of this shape.
const MISSING: (&str, u32, u32) = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 6 4'%3E%3Cpath fill='%23999' fill-opacity='.3' d='M0 0h6v4H0z'/%3E%3Cpath stroke='%23999' stroke-width='.1' d='m2 1 2 2m0-2L2 3'/%3E%3C/svg%3E",
    1200,
    800,
);

/// A picture for a place whose width `sizes` tells, as in the attribute of that name.
pub fn resolved(picture: &Picture, sizes: &str) -> ResolvedImage {
    let Some((last, better)) = picture.formats.split_last() else {
        let (url, width, height) = MISSING;
        let (width, height) = (Some(width), Some(height));
        return ResolvedImage { url: url.to_owned(), width, height, ..ResolvedImage::default() };
    };
    let (width, height) = picture.size.unzip();
    let media_type = |one: &Candidates| one.format.map(crate::config::Format::media_type);
    ResolvedImage {
        url: picture.src().to_owned(),
        width,
        height,
        srcset: srcset(last),
        sizes: sizes.to_owned(),
        sources: better.iter().filter_map(|one| Some((media_type(one)?, srcset(one)))).collect(),
        placeholder: picture.placeholder.clone(),
        pending: picture.pending,
    }
}

/// `/a-480.webp 480w,/a-960.webp 960w`; nothing where there is nothing to choose from.
fn srcset(candidates: &Candidates) -> String {
    if candidates.urls.len() < 2 && candidates.format.is_none() {
        return String::new();
    }
    let one = |(url, width): &(String, u32)| format!("{url} {width}w");
    candidates.urls.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Appends the image's element.
pub fn write(out: &mut String, image: &ResolvedImage, attributes: &Attributes<'_>) {
    if let Some(placeholder) = &image.placeholder {
        out.push_str("<span class=\"lq\">");
        let stand_in = ResolvedImage {
            url: String::from(&**placeholder),
            width: image.width,
            height: image.height,
            ..ResolvedImage::default()
        };
        let quiet = Attributes { class: attributes.class, ..Attributes::default() };
        img(out, &stand_in, &quiet);
        out.push('>');
    }
    picture(out, image, attributes);
    if image.placeholder.is_some() {
        out.push_str("</span>");
    }
}

fn picture(out: &mut String, image: &ResolvedImage, attributes: &Attributes<'_>) {
    if !image.sources.is_empty() {
        out.push_str("<picture>");
        for (media_type, srcset) in &image.sources {
            let _ = write!(out, "<source type=\"{media_type}\"");
            choices(out, srcset, &image.sizes);
            out.push('>');
        }
    }
    img(out, image, attributes);
    choices(out, &image.srcset, &image.sizes);
    out.push_str(if attributes.priority {
        " fetchpriority=\"high\" decoding=\"async\""
    } else {
        " loading=\"lazy\" decoding=\"async\""
    });
    out.push_str(if image.pending { PENDING } else { "" });
    out.push('>');
    if !image.sources.is_empty() {
        out.push_str("</picture>");
    }
}

/// An `<img` without its end.
fn img(out: &mut String, image: &ResolvedImage, attributes: &Attributes<'_>) {
    out.push_str("<img src=\"");
    escape::url(out, &image.url);
    out.push_str("\" alt=\"");
    escape::attribute(out, attributes.alt);
    out.push('"');
    for (name, value) in [("class", attributes.class), ("title", attributes.title)] {
        if !value.is_empty() {
            let _ = write!(out, " {name}=\"");
            escape::attribute(out, value);
            out.push('"');
        }
    }
    for (name, pixels) in [("width", image.width), ("height", image.height)] {
        if let Some(pixels) = pixels {
            // Writing to a string cannot fail.
            let _ = write!(out, " {name}=\"{pixels}\"");
        }
    }
}

fn choices(out: &mut String, srcset: &str, sizes: &str) {
    if !srcset.is_empty() {
        let _ = write!(out, " srcset=\"{srcset}\"");
        if !sizes.is_empty() {
            out.push_str(" sizes=\"");
            escape::attribute(out, sizes);
            out.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;

    fn picture(formats: &[Format]) -> Picture {
        let urls = |format: &Format| {
            let end = format.extension();
            vec![(format!("/a-480.{end}"), 480), (format!("/a-960.{end}"), 960)]
        };
        let formats =
            formats.iter().map(|format| Candidates { format: Some(*format), urls: urls(format) });
        Picture {
            formats: formats.collect(),
            size: Some((2400, 1600)),
            placeholder: None,
            pending: false,
        }
    }

    fn html(picture: &Picture, attributes: &Attributes<'_>) -> String {
        let mut out = String::new();
        write(&mut out, &resolved(picture, "50vw"), attributes);
        out
    }

    #[test]
    fn one_format_needs_no_picture_element() {
        let attributes =
            Attributes { alt: "A \"quoted\" tide", class: "cover", ..Attributes::default() };
        assert_eq!(
            html(&picture(&[Format::Webp]), &attributes),
            "<img src=\"/a-960.webp\" alt=\"A &quot;quoted&quot; tide\" class=\"cover\" width=\"2400\" \
             height=\"1600\" srcset=\"/a-480.webp 480w,/a-960.webp 960w\" sizes=\"50vw\" \
             loading=\"lazy\" decoding=\"async\">"
        );
    }

    #[test]
    fn the_last_format_is_for_every_browser() {
        let attributes = Attributes { priority: true, ..Attributes::default() };
        let html = html(&picture(&[Format::Avif, Format::Webp, Format::Jpeg]), &attributes);
        assert!(
            html.starts_with("<picture><source type=\"image/avif\" srcset=\"/a-480.avif"),
            "{html}"
        );
        assert!(html.contains("<source type=\"image/webp\""), "{html}");
        assert!(html.contains("<img src=\"/a-960.jpg\""), "{html}");
        assert!(html.contains("fetchpriority=\"high\"") && !html.contains("lazy"), "{html}");
        assert!(html.ends_with("</picture>"), "{html}");
    }

    #[test]
    fn a_placeholder_lies_below_and_a_pending_page_is_marked() {
        let placeholder = Some("data:image/webp;base64,AA==".into());
        let image = Picture { placeholder, pending: true, ..picture(&[Format::Webp]) };
        let html = html(&image, &Attributes { class: "c", ..Attributes::default() });
        assert!(html.starts_with("<span class=\"lq\"><img src=\"data:image/webp;base64,AA==\" alt=\"\" class=\"c\" width=\"2400\""), "{html}");
        assert!(html.contains(PENDING) && html.ends_with("</span>"), "{html}");
    }

    #[test]
    fn what_is_missing_is_seen_to_be_missing() {
        let html = html(&Picture::default(), &Attributes { alt: "Tide", ..Attributes::default() });
        assert!(
            html.contains("src=\"data:image/svg+xml,") && html.contains("alt=\"Tide\""),
            "{html}"
        );
    }
}
