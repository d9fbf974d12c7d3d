//! An original as it may be published: the same pixels, without metadata and without anything that
//! follows its end.

use img_parts::Bytes;
use img_parts::jpeg::{Jpeg, markers};
use img_parts::png::Png;
use img_parts::webp::{CHUNK_VP8X, WebP};

use super::gif;
use super::header::Kind;

/// PNG chunks that change what is seen.
const PNG: [&[u8; 4]; 14] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT",
    b"acTL", b"fcTL", b"fdAT", b"cICP",
];
/// WebP chunks that change what is seen.
const WEBP: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// The bits of a VP8X chunk that announce Exif and XMP.
const WEBP_METADATA: u8 = 0b0000_1100;

/// `None` where the file cannot be taken apart.
pub fn stripped(kind: Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::Jpeg => jpeg(bytes),
        Kind::Png => png(bytes),
        Kind::Webp => webp(bytes),
        Kind::Gif => gif::stripped(bytes),
        Kind::Svg => svg(bytes),
        // Its metadata are items among others in one container: it passes as it is.
        Kind::Avif => Some(bytes.to_vec()),
    }
}

fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut jpeg = Jpeg::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    jpeg.segments_mut().retain(|segment| match segment.marker() {
        // JFIF and Adobe say how colours are coded.
        markers::APP0 | markers::APP14 => true,
        markers::APP2 => segment.contents().starts_with(b"ICC_PROFILE\0"),
        markers::APP1..=markers::APP15 | markers::COM => false,
        _ => true,
    });
    let mut out = jpeg.encoder().bytes().to_vec();
    // The last end-of-image marker that entropy-coded data can hold is the image's own.
    out.truncate(memchr::memmem::rfind(&out, &[0xff, 0xd9]).map_or(out.len(), |end| end + 2));
    Some(out)
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut png = Png::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    png.chunks_mut().retain(|chunk| PNG.contains(&&chunk.kind()));
    Some(png.encoder().bytes().to_vec())
}

fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut webp = WebP::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    webp.chunks_mut().retain(|chunk| WEBP.contains(&&chunk.id()));
    let extended = webp.has_chunk(CHUNK_VP8X);
    let mut out = webp.encoder().bytes().to_vec();
    if extended
        && let Some(at) = memchr::memmem::find(&out, &CHUNK_VP8X)
        && let Some(flags) = out.get_mut(at + 8)
    {
        *flags &= !WEBP_METADATA;
    }
    Some(out)
}

/// Without scripts, event handlers and anything from elsewhere.
fn svg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut filter = svg_hush::Filter::new();
    filter.set_data_url_filter(svg_hush::data_url_filter::allow_standard_images);
    let mut out = Vec::with_capacity(bytes.len());
    filter.filter(bytes, &mut out).ok()?;
    Some(out)
}
