use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder as _, ImageFormat, Rgb, RgbImage};

use super::*;

/// Numbers that look like chance and are the same every time.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_be_bytes()[0]
    }
}

/// Something like a photograph: gradients with a little grain. Left is dark in blue, top red.
fn photograph(width: u32, height: u32) -> RgbImage {
    let mut noise = Noise(1);
    RgbImage::from_fn(width, height, |x, y| {
        let grain = noise.next() / 16;
        let part = |of: u32, all: u32| u8::try_from(of * 220 / all).unwrap();
        Rgb([235 - part(y, height) - grain, 80 + grain, 15 + part(x, width) + grain])
    })
}

fn chance(width: u32, height: u32) -> RgbImage {
    let mut noise = Noise(7);
    RgbImage::from_fn(width, height, |_, _| Rgb([noise.next(), noise.next(), noise.next()]))
}

fn jpeg(image: &RgbImage, quality: u8, exif: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).unwrap();
    }
    encoder.encode_image(image).unwrap();
    bytes
}

/// Exif data with an orientation, and a place nobody shall learn of.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend_from_slice(b"GPS 43.2965 N");
    exif
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn webp_lossless(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    encoder.write_image(image, width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn pixels(image: &RgbImage) -> Pixels {
    Pixels::from(DynamicImage::ImageRgb8(image.clone()))
}

#[test]
fn a_large_photograph_shrinks_is_upright_and_tells_no_place() {
    // Stored lying on its side: to be turned a quarter to the right.
    let upright = photograph(300, 400);
    let stored = image::imageops::rotate270(&upright);
    let original = jpeg(&stored, 98, Some(exif(6)));
    assert!(memchr::memmem::find(&original, b"GPS 43").is_some());
    let lighter = recompress(&original, 200, u64::MAX).unwrap();
    assert_eq!((lighter.width, lighter.height, lighter.media_type), (200, 267, "image/jpeg"));
    assert!(lighter.bytes.len() * 2 < original.len());
    for trace in [&b"GPS 43"[..], b"Exif"] {
        assert!(memchr::memmem::find(&lighter.bytes, trace).is_none());
    }
    assert_eq!(image::guess_format(&lighter.bytes).unwrap(), ImageFormat::Jpeg);
    let shown = image::load_from_memory(&lighter.bytes).unwrap().into_rgb8();
    assert_eq!(shown.dimensions(), (200, 267));
    let [left, right] = [shown.get_pixel(4, 133), shown.get_pixel(195, 133)];
    let [top, bottom] = [shown.get_pixel(100, 4), shown.get_pixel(100, 262)];
    assert!(left.0[2] < 60 && right.0[2] > 200 && top.0[0] > 200 && bottom.0[0] < 60);
}

#[test]
fn what_is_narrower_keeps_its_size() {
    let original = jpeg(&photograph(400, 300), 98, None);
    let lighter = recompress(&original, 3200, u64::MAX).unwrap();
    assert_eq!((lighter.width, lighter.height), (400, 300));
}

#[test]
fn what_is_small_already_stays() {
    let original = jpeg(&photograph(400, 300), 98, None);
    let once = recompress(&original, 3200, u64::MAX).unwrap();
    let reason = recompress(&once.bytes, 3200, u64::MAX).unwrap_err();
    assert!(reason.contains("smaller"), "{reason}");
}

#[test]
fn a_drawing_that_would_grow_stays() {
    // Two grey levels: one bit a pixel says it all, and colour takes more.
    let drawing = image::GrayImage::from_fn(200, 200, |x, y| {
        image::Luma([if (x * x + y * y * 3) % 97 < 40 { 0 } else { 255 }])
    });
    let original = png(&DynamicImage::ImageLuma8(drawing));
    assert_eq!(recompress(&original, 3200, u64::MAX).unwrap_err(), "would not get smaller");
}

#[test]
fn png_stays_png_and_webp_stays_webp() {
    let wide = png(&DynamicImage::ImageRgb8(photograph(400, 300)));
    let lighter = recompress(&wide, 100, u64::MAX).unwrap();
    assert_eq!(image::guess_format(&lighter.bytes).unwrap(), ImageFormat::Png);
    assert_eq!((lighter.width, lighter.height, lighter.media_type), (100, 75, "image/png"));
    let lighter = recompress(&webp_lossless(&photograph(400, 300)), 3200, u64::MAX).unwrap();
    assert_eq!(image::guess_format(&lighter.bytes).unwrap(), ImageFormat::WebP);
    assert_eq!((lighter.width, lighter.media_type), (400, "image/webp"));
}

#[test]
fn what_would_look_worse_stays() {
    // Every pixel another colour: WebP with loss has a quarter of the colours.
    let original = webp_lossless(&chance(160, 120));
    let reason = recompress(&original, 3200, u64::MAX).unwrap_err();
    assert!(reason.starts_with("would look worse (SSIMULACRA 2 score "), "{reason}");
}

#[test]
fn a_new_file_is_not_trusted() {
    let picture = photograph(160, 120);
    let (kind, pixels, old) = (Kind::Jpeg, pixels(&picture), vec![0; 1_000_000]);
    let good = jpeg(&picture, 85, None);
    assert_eq!(judge(&old, kind, &pixels, &good), Ok(()));
    for (wrong, word) in [
        (jpeg(&photograph(160, 121), 85, None), "came out wrong"),
        (jpeg(&picture, 85, Some(exif(3))), "came out wrong"),
        (png(&DynamicImage::ImageRgb8(picture.clone())), "came out wrong"),
        (good[..good.len() / 2].to_vec(), "cut off"),
        (jpeg(&photograph(160, 120), 5, None), "would look worse"),
        (jpeg(&chance(160, 120), 85, None), "would look worse"),
    ] {
        let reason = judge(&old, kind, &pixels, &wrong).unwrap_err();
        assert!(reason.contains(word), "{reason}");
    }
}

#[test]
fn nine_tenths_are_small_enough_and_no_more() {
    let picture = photograph(160, 120);
    let new = jpeg(&picture, 85, None);
    let judged = |old: usize| judge(&vec![0; old], Kind::Jpeg, &pixels(&picture), &new);
    let nine_tenths = new.len() * 10 / 9;
    assert_eq!(judged(nine_tenths + 1), Ok(()));
    assert_eq!(judged(nine_tenths - 1).unwrap_err(), "would get only 9 % smaller");
    assert_eq!(judged(new.len()).unwrap_err(), "would not get smaller");
}

#[test]
fn only_still_images_of_three_formats_are_taken() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 10'/>";
    let reason = recompress(svg, 3200, u64::MAX).unwrap_err();
    assert_eq!(reason, "is an SVG: only JPEG, PNG and WebP are recompressed");
    let moving = Header { animated: true, ..Header::read(svg, 1).unwrap() };
    assert!(media_type(&Header { kind: Kind::Webp, ..moving }).unwrap_err().starts_with("moves"));
    let large = jpeg(&photograph(400, 300), 98, None);
    assert!(recompress(&large, 3200, 1_000).unwrap_err().contains("max_megapixels"));
    let cut = recompress(&large[..large.len() / 2], 3200, u64::MAX).unwrap_err();
    assert!(cut.contains("cut off"), "{cut}");
    assert!(recompress(b"", 3200, u64::MAX).unwrap_err().contains("empty"));
}

#[test]
fn colours_that_are_not_followed_stay() {
    // The frame header of a JPEG with four components.
    let mut cmyk = jpeg(&photograph(16, 16), 98, None);
    let frame = memchr::memmem::find(&cmyk, &[0xff, 0xc0]).unwrap();
    assert!(!has_other_colours(Kind::Jpeg, &cmyk));
    cmyk[frame + 9] = 4;
    assert!(has_other_colours(Kind::Jpeg, &cmyk));
    let plain = png(&DynamicImage::ImageRgb8(photograph(16, 16)));
    let with = |kind: [u8; 4], contents: &[u8]| {
        let mut png = Png::from_bytes(Bytes::copy_from_slice(&plain)).unwrap();
        let chunk = img_parts::png::PngChunk::new(kind, Bytes::copy_from_slice(contents));
        png.chunks_mut().insert(1, chunk);
        has_other_colours(Kind::Png, &png.encoder().bytes())
    };
    assert!(!with(*b"gAMA", &45_455_u32.to_be_bytes()));
    assert!(with(*b"gAMA", &100_000_u32.to_be_bytes()));
    assert!(with(*b"cICP", &[9, 16, 0, 1]));
}
