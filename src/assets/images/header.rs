//! What an image says of itself: format by content, size as shown, whether it moves. Read from its
//! first bytes, before anything is decoded.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageFormat};

use super::gif;
use crate::assets::dimensions;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
    Gif,
    Webp,
    Avif,
    Svg,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// In pixels, as it is shown: after its orientation is applied.
    pub width: u32,
    pub height: u32,
    pub orientation: Orientation,
    pub animated: bool,
    pub alpha: bool,
}

impl Kind {
    /// The ending of a file that holds it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Avif => "avif",
            Self::Svg => "svg",
        }
    }
}

impl Header {
    /// Reads the header; the error is a sentence about the file.
    pub fn read(bytes: &[u8], max_pixels: u64) -> Result<Self, String> {
        let header = Self::any(bytes)?;
        let pixels = u64::from(header.width) * u64::from(header.height);
        if header.kind != Kind::Svg && pixels > max_pixels {
            return Err(format!(
                "has {} × {} pixels, more than images.max_megapixels allows ({})",
                header.width,
                header.height,
                max_pixels / 1_000_000
            ));
        }
        Ok(header)
    }

    fn any(bytes: &[u8]) -> Result<Self, String> {
        let broken = |error: image::ImageError| format!("cannot be read: {error}");
        match image::guess_format(bytes) {
            Ok(ImageFormat::Jpeg) => JpegDecoder::new(Cursor::new(bytes))
                .map(|d| of(Kind::Jpeg, d, false))
                .map_err(broken),
            Ok(ImageFormat::Png) => {
                let decoder = PngDecoder::new(Cursor::new(bytes)).map_err(broken)?;
                let animated = decoder.is_apng().map_err(broken)?;
                Ok(of(Kind::Png, decoder, animated))
            }
            Ok(ImageFormat::WebP) => {
                let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
                let animated = decoder.has_animation();
                Ok(of(Kind::Webp, decoder, animated))
            }
            Ok(ImageFormat::Gif) => gif::header(bytes),
            Ok(ImageFormat::Avif) => sized(Kind::Avif, imagesize::blob_size(bytes).ok()),
            _ => svg(bytes),
        }
    }

    fn still(kind: Kind, width: u32, height: u32) -> Self {
        let orientation = Orientation::NoTransforms;
        Self { kind, width, height, orientation, animated: false, alpha: true }
    }
}

fn of(kind: Kind, mut decoder: impl ImageDecoder, animated: bool) -> Header {
    let (width, height) = decoder.dimensions();
    // Metadata that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = if sideways(orientation) { (height, width) } else { (width, height) };
    let alpha = matches!(
        decoder.color_type(),
        ColorType::La8 | ColorType::Rgba8 | ColorType::La16 | ColorType::Rgba16
    );
    Header { kind, width, height, orientation, animated, alpha }
}

/// Whether width and height change places.
pub fn sideways(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn sized(kind: Kind, size: Option<imagesize::ImageSize>) -> Result<Header, String> {
    let pixels = |side: usize| u32::try_from(side).ok().filter(|side| *side > 0);
    let size = size.and_then(|size| Some((pixels(size.width)?, pixels(size.height)?)));
    let (width, height) = size.ok_or("does not say how large it is")?;
    Ok(Header::still(kind, width, height))
}

fn svg(bytes: &[u8]) -> Result<Header, String> {
    let start = &bytes[..bytes.len().min(1024)];
    if memchr::memmem::find(start, b"<svg").is_none() {
        return Err(format!("is no image that browsers show: {}", guess(bytes)));
    }
    let (width, height) =
        dimensions::svg(bytes).ok_or("is an SVG without width and height and without a viewBox")?;
    Ok(Header::still(Kind::Svg, width, height))
}

/// What a file that is none of ours seems to be.
fn guess(bytes: &[u8]) -> &'static str {
    let heic = [&b"heic"[..], b"heix", b"mif1", b"hevc"];
    match bytes {
        [] => "it is empty",
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..]
            if heic.iter().any(|h| rest.starts_with(h)) =>
        {
            "it is HEIC; export it as JPEG"
        }
        [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => {
            "it is TIFF; export it as JPEG or PNG"
        }
        [b'B', b'M', ..] => "it is BMP; export it as PNG",
        [b'%', b'P', b'D', b'F', ..] => "it is a PDF",
        [b'<', ..] => "it is HTML or XML",
        _ => "its content is none of JPEG, PNG, GIF, WebP, AVIF and SVG",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_and_not_the_name() {
        let svg = b"<?xml version=\"1.0\"?><svg viewBox='0 0 20 10'/>";
        let header = Header::read(svg, 100).unwrap();
        assert_eq!((header.kind, header.width, header.height), (Kind::Svg, 20, 10));
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"\0\0\0\x18ftypheic", "HEIC"),
            (b"<html>", "HTML"),
            (b"%PDF-1.7", "PDF"),
            (b"just text", "none of"),
            (b"\xff\xd8\xff\xe0\0\x10JF", "cannot be read"),
            (b"<svg/>", "viewBox"),
        ] {
            let error = Header::read(bytes, 100).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_header_of_sixty_thousand_pixels_a_side_is_enough_to_refuse() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend_from_slice(&60_000_u32.to_be_bytes());
        png.extend_from_slice(&60_000_u32.to_be_bytes());
        png.extend_from_slice(&[8, 2, 0, 0, 0]);
        let mut crc = 0xffff_ffff_u32;
        for byte in &png[12..] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        png.extend_from_slice(&(!crc).to_be_bytes());
        png.extend_from_slice(b"\0\0\0\x01IDAT\0\0\0\0\0");
        let error = Header::read(&png, 100_000_000).unwrap_err();
        assert!(error.contains("60000 × 60000") && error.contains("max_megapixels"), "{error}");
    }
}
