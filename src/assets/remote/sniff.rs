//! Whether what came is an image, by its content: a server may call anything one.

use imagesize::ImageType;
use quick_xml::events::Event;

/// Whether these bytes are an image of a kind that pages may show.
pub fn is_image(bytes: &[u8]) -> bool {
    let raster = is_avif(bytes)
        || matches!(
            imagesize::image_type(bytes),
            Ok(ImageType::Png | ImageType::Jpeg | ImageType::Gif | ImageType::Webp)
        );
    if raster { imagesize::blob_size(bytes).is_ok() } else { is_svg(bytes) }
}

/// AVIF says so among the brands in its first box.
fn is_avif(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0);
    let first_box = &rest[..rest.len().min(length.saturating_sub(4))];
    let Some(brands) = first_box.strip_prefix(b"ftyp") else { return false };
    brands.chunks(4).any(|brand| matches!(brand, b"avif" | b"avis"))
}

/// An SVG's first element is `svg`; a web page with a drawing in it begins with another.
fn is_svg(bytes: &[u8]) -> bool {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                return tag.local_name().as_ref() == b"svg";
            }
            Ok(Event::Text(text)) if text.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_content() {
        assert!(is_image(b"GIF89a\x03\x00\x02\x00\x00\x00\x00"));
        assert!(is_image(b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!DOCTYPE svg>\n<!-- x --><svg/>"));
        assert!(is_image(b" <s:svg xmlns:s='http://www.w3.org/2000/svg'></s:svg>"));
    }

    #[test]
    fn an_avif_is_known_by_any_of_its_brands() {
        let size = b"\0\0\0\x14ispe\0\0\0\0\0\0\0\x02\0\0\0\x03";
        let boxes = [b"\0\0\0\x40meta\0\0\0\0\0\0\0\x30iprp\0\0\0\x28ipco", &size[..]].concat();
        for head in [&b"\0\0\0\x14ftypavif\0\0\0\0mif1"[..], b"\0\0\0\x18ftypmif1\0\0\0\0miafavif"]
        {
            assert!(is_image(&[head, &boxes].concat()));
        }
        assert!(!is_image(&[&b"\0\0\0\x14ftypheic\0\0\0\0mif1"[..], &boxes].concat()));
    }

    #[test]
    fn what_only_looks_like_an_image_is_none() {
        let page = b"<!doctype html><html><body><svg></svg></body></html>";
        for bytes in [&page[..], b"", b"<", b"svg", b"text <svg/>", b"{\"error\":404}"] {
            assert!(!is_image(bytes), "{}", String::from_utf8_lossy(bytes));
        }
        // The beginning of a picture alone, and a kind that browsers do not show.
        assert!(!is_image(b"\x89PNG\r\n\x1a\n\0\0\0\0"));
        assert!(!is_image(b"II*\0\x08\0\0\0\0\0\0\0\0\0"));
    }
}
