//! Photographs for tests: gradients with grain, the same every time.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// The left is dark in blue and the right is not; the top is red and the bottom is not.
pub fn picture(width: u32, height: u32) -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = state.to_be_bytes()[0] / 16;
        let part = |of: u32, all: u32| u8::try_from(of * 220 / all).unwrap();
        Rgb([235 - part(y, height) - grain, 80 + grain, 15 + part(x, width) + grain])
    })
}

/// As a camera saves it: far larger than anybody sees.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&picture(width, height), 98, None)
}

/// As a phone saves it that was held upside down, with the place where it was.
pub fn upside_down(width: u32, height: u32) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"GPS 43.2965 N");
    encoded(&image::imageops::rotate180(&picture(width, height)), 98, Some(exif))
}

pub fn encoded(picture: &RgbImage, quality: u8, exif: Option<Vec<u8>>) -> Vec<u8> {
    use image::ImageEncoder as _;
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).unwrap();
    }
    encoder.encode_image(picture).unwrap();
    bytes
}

/// Whether a file shows the picture as it was seen, in this size.
pub fn assert_upright(bytes: &[u8], width: u32, height: u32) {
    let shown = image::load_from_memory(bytes).unwrap().into_rgb8();
    assert_eq!(shown.dimensions(), (width, height));
    let [left, right] = [8, width - 8].map(|x| shown.get_pixel(x, height / 2).0[2]);
    let [top, bottom] = [8, height - 8].map(|y| shown.get_pixel(width / 2, y).0[0]);
    assert!(left < 60 && right > 200 && top > 200 && bottom < 60);
}

pub fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
