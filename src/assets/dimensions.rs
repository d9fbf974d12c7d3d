//! Which files are images, by their names; and how large an SVG is.

use quick_xml::events::{BytesStart, Event};

pub fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

/// Whether a file is an image that pages may show.
pub fn is_image(name: &str) -> bool {
    ["png", "jpg", "jpeg", "webp", "avif", "gif", "svg"].iter().any(|ext| has_extension(name, ext))
}

/// Width and height of an SVG, by its attributes or by its view box.
pub fn svg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == b"svg" => {
                return svg_size(&tag);
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn svg_size(tag: &BytesStart) -> Option<(u32, u32)> {
    let attribute = |name: &str| {
        let value = tag.try_get_attribute(name).ok().flatten()?;
        String::from_utf8(value.value.into_owned()).ok()
    };
    let pixels =
        |name: &str| attribute(name)?.trim_end_matches("px").parse().ok().and_then(rounded);
    if let (Some(width), Some(height)) = (pixels("width"), pixels("height")) {
        return Some((width, height));
    }
    let view_box = attribute("viewBox")?;
    let numbers: Vec<f64> = view_box
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .map_while(|part| part.parse().ok())
        .collect();
    match numbers[..] {
        [_, _, width, height] => Some((rounded(width)?, rounded(height)?)),
        _ => None,
    }
}

fn rounded(pixels: f64) -> Option<u32> {
    let pixels = pixels.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked range")]
    (1.0..=100_000.0).contains(&pixels).then_some(pixels as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_svg_is_as_large_as_it_says_or_as_its_view_box() {
        assert_eq!(svg(b"<svg width='20' height='10px'/>"), Some((20, 10)));
        assert_eq!(svg(b"<?xml version='1.0'?><svg viewBox='0 0 24 12.4'>"), Some((24, 12)));
        assert_eq!(svg(b"<svg/>"), None);
        assert_eq!(svg(b"not xml <<<"), None);
    }
}
