//! Encoders: pixels in, a file of one format out.

use std::io::Cursor;

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use webp::{PixelLayout, WebPConfig};

use super::pixels::Pixels;
use crate::config::Format;

/// How hard libwebp tries, 0 to 6. 4 gives the same within 0.2 % of the bytes; below 3 the same image
/// takes an eighth more. docs/images.md has the measurements.
const METHOD: i32 = 3;
/// The strength of the deblocking filter, 0 to 100. libwebp's own 60 is a little less like the
/// original by structural similarity.
const FILTER: i32 = 80;

/// Encodes at a quality of 1 to 100; `graphic` images are tried without loss as well.
pub fn encode(
    pixels: &Pixels,
    format: Format,
    quality: u8,
    graphic: bool,
) -> Result<Vec<u8>, String> {
    match format {
        Format::Webp if graphic => {
            let (lossy, lossless) = (webp(pixels, quality)?, webp_lossless(pixels)?);
            Ok(if lossless.len() <= lossy.len() { lossless } else { lossy })
        }
        Format::Webp => webp(pixels, quality),
        Format::Jpeg => jpeg(pixels, quality),
        Format::Avif => avif(pixels, quality),
    }
}

/// Whether a format can hold an image of this size at all.
pub fn fits(pixels: &Pixels, format: Format) -> bool {
    let most = if format == Format::Webp { 16_383 } else { 65_535 };
    pixels.width.max(pixels.height) <= most
}

pub fn webp_config(quality: u8) -> Result<WebPConfig, String> {
    let mut config = WebPConfig::new().map_err(|()| "libwebp refuses its own settings")?;
    config.quality = f32::from(quality);
    config.method = METHOD;
    config.filter_strength = FILTER;
    Ok(config)
}

pub fn webp(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, String> {
    webp_with(pixels, &webp_config(quality)?)
}

fn webp_lossless(pixels: &Pixels) -> Result<Vec<u8>, String> {
    webp_with(pixels, &WebPConfig { lossless: 1, ..webp_config(75)? })
}

fn webp_with(pixels: &Pixels, config: &WebPConfig) -> Result<Vec<u8>, String> {
    let layout = if pixels.alpha { PixelLayout::Rgba } else { PixelLayout::Rgb };
    let encoder = webp::Encoder::new(&pixels.data, layout, pixels.width, pixels.height);
    let encoded = encoder.encode_advanced(config);
    Ok(encoded.map_err(|error| format!("cannot be encoded as WebP: {error:?}"))?.to_vec())
}

/// Transparency becomes white: JPEG has none.
pub fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let image = on_white(pixels).into_image().ok_or("has lost pixels")?;
    let encoder = JpegEncoder::new_with_quality(&mut out, quality);
    image
        .write_with_encoder(encoder)
        .map_err(|error| format!("cannot be encoded as JPEG: {error}"))?;
    Ok(out)
}

pub fn png(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let mut out = Cursor::new(Vec::new());
    let image = pixels.clone().into_image().ok_or("has lost pixels")?;
    image
        .write_to(&mut out, ImageFormat::Png)
        .map_err(|error| format!("cannot be encoded as PNG: {error}"))?;
    Ok(out.into_inner())
}

fn on_white(pixels: &Pixels) -> Pixels {
    if !pixels.alpha {
        return pixels.clone();
    }
    let data = pixels.data.chunks_exact(4).flat_map(|pixel| {
        let alpha = u16::from(pixel[3]);
        let blend = |channel: u8| (u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255;
        [blend(pixel[0]), blend(pixel[1]), blend(pixel[2])]
    });
    #[expect(clippy::cast_possible_truncation, reason = "a mean of two bytes is a byte")]
    let data = data.map(|channel| channel as u8).collect();
    Pixels { data, alpha: false, ..*pixels }
}

#[cfg(feature = "avif")]
fn avif(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, String> {
    use ravif::{Encoder, Img, RGB8, RGBA8};
    /// 1 is slowest and smallest, 10 fastest.
    const SPEED: u8 = 6;
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let encoder = Encoder::new().with_quality(f32::from(quality)).with_speed(SPEED);
    let encoder = encoder.with_num_threads(Some(1));
    let encoded = if pixels.alpha {
        let data = pixels.data.chunks_exact(4).map(|p| RGBA8::new(p[0], p[1], p[2], p[3]));
        encoder.encode_rgba(Img::new(&data.collect::<Vec<_>>(), width, height))
    } else {
        let data = pixels.data.chunks_exact(3).map(|p| RGB8::new(p[0], p[1], p[2]));
        encoder.encode_rgb(Img::new(&data.collect::<Vec<_>>(), width, height))
    };
    encoded
        .map(|encoded| encoded.avif_file)
        .map_err(|error| format!("cannot be encoded as AVIF: {error}"))
}

#[cfg(not(feature = "avif"))]
fn avif(_: &Pixels, _: u8) -> Result<Vec<u8>, String> {
    Err("cannot be encoded as AVIF: this frieze was built without it".to_owned())
}
