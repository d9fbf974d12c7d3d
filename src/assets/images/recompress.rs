//! An original made lighter: the same picture in the same format, upright, in sRGB, without metadata
//! and no wider than asked. Only what is much smaller and looks the same is taken.

use img_parts::Bytes;
use img_parts::jpeg::{Jpeg, markers};
use img_parts::png::Png;

use super::encode;
use super::header::{Header, Kind};
use super::pixels::{Decoded, Pixels};
use super::score::score;
use crate::config::Format;

/// Originals are kept for variants yet to come: better than what pages show.
const QUALITY: u8 = 85;
/// A new file is at most so many hundredths of the old one.
const MOST: u64 = 90;
/// The lowest SSIMULACRA 2 score; 70 is a difference that is seen only side by side.
const SCORE: f64 = 70.0;

/// A file that can take the place of an original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lighter {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub media_type: &'static str,
}

/// The lighter file, or why the original stays, as the rest of a sentence about it.
pub fn recompress(bytes: &[u8], max_width: u32, max_pixels: u64) -> Result<Lighter, String> {
    let header = Header::read(bytes, max_pixels)?;
    let media_type = media_type(&header)?;
    if has_other_colours(header.kind, bytes) {
        return Err("has colours that would not be the same in sRGB".to_owned());
    }
    let pixels = Decoded::new(bytes)?.to_width(header.width.min(max_width))?;
    let new = encoded(header.kind, &pixels)?;
    judge(bytes, header.kind, &pixels, &new)?;
    Ok(Lighter { bytes: new, width: pixels.width, height: pixels.height, media_type })
}

/// What the format is called on the web, if it is one that is recompressed.
fn media_type(header: &Header) -> Result<&'static str, String> {
    match header.kind {
        _ if header.animated => Err("moves: only still images are recompressed".to_owned()),
        Kind::Jpeg => Ok("image/jpeg"),
        Kind::Png => Ok("image/png"),
        Kind::Webp => Ok("image/webp"),
        Kind::Gif => Err(other("a GIF")),
        Kind::Avif => Err(other("an AVIF")),
        Kind::Svg => Err(other("an SVG")),
    }
}

fn other(kind: &str) -> String {
    format!("is {kind}: only JPEG, PNG and WebP are recompressed")
}

fn encoded(kind: Kind, pixels: &Pixels) -> Result<Vec<u8>, String> {
    match kind {
        Kind::Jpeg => encode::jpeg(pixels, QUALITY),
        Kind::Webp => encode::encode(pixels, Format::Webp, QUALITY, pixels.is_graphic()),
        _ => encode::png(pixels),
    }
}

/// Whether a new file may take the old one's place. What is cheap to know is asked first.
fn judge(old: &[u8], kind: Kind, pixels: &Pixels, new: &[u8]) -> Result<(), String> {
    let (before, after) = (old.len() as u64, new.len() as u64);
    if after >= before {
        return Err("would not get smaller".to_owned());
    }
    if after * 100 > before * MOST {
        return Err(format!("would get only {} % smaller", (before - after) * 100 / before));
    }
    let same = |header: &Header| {
        let size = (header.width, header.height) == (pixels.width, pixels.height);
        size && header.kind == kind && header.stands() && !header.animated
    };
    if !Header::read(new, u64::MAX).as_ref().is_ok_and(same) {
        return Err("came out wrong".to_owned());
    }
    let score = score(pixels, new)?;
    // Written so that a score that is no number is refused too.
    if score >= SCORE {
        return Ok(());
    }
    Err(format!("would look worse (SSIMULACRA 2 score {score:.0}, at least {SCORE:.0} is wanted)"))
}

/// Whether a file tells colours in a way that decoding it does not follow: CMYK, HDR, and gammas of
/// its own. Pages show their variants; the original is not worth the risk.
fn has_other_colours(kind: Kind, bytes: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(bytes);
    match kind {
        Kind::Jpeg => Jpeg::from_bytes(bytes).is_ok_and(|jpeg| is_cmyk(&jpeg)),
        Kind::Png => Png::from_bytes(bytes).is_ok_and(|png| is_unlike_srgb(&png)),
        _ => false,
    }
}

/// A frame header says how many colour components there are; other markers lie among theirs.
fn is_cmyk(jpeg: &Jpeg) -> bool {
    let frame = jpeg.segments().iter().find(|segment| {
        let others = [markers::DHT, markers::JPG, markers::DAC];
        let marker = segment.marker();
        (markers::SOF0..=markers::SOF15).contains(&marker) && !others.contains(&marker)
    });
    frame.is_some_and(|frame| frame.contents().get(5) == Some(&4))
}

/// `sRGB` and `iCCP` go before `gAMA`; without them, a gamma of 1/2.2 is as good as none.
fn is_unlike_srgb(png: &Png) -> bool {
    let has = |kind: &[u8; 4]| png.chunk_by_type(*kind).is_some();
    let gamma = png.chunk_by_type(*b"gAMA").and_then(|it| Some(*it.contents().first_chunk()?));
    let strange = gamma.is_some_and(|it| !(45_000..=46_000).contains(&u32::from_be_bytes(it)));
    has(b"cICP") || (strange && !has(b"sRGB") && !has(b"iCCP"))
}

#[cfg(test)]
mod tests;
