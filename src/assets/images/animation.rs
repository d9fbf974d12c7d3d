//! Moving images: every frame scaled, and put together again as an animated WebP.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, Frames};
use webp::{AnimEncoder, AnimFrame, PixelLayout};

use super::encode::webp_config;
use super::header::{Header, Kind};
use super::pixels::Pixels;

/// A decoded animation.
pub struct Animation {
    /// Frames with the time each begins, in milliseconds.
    frames: Vec<(Pixels, i32)>,
    /// 0 for ever.
    loops: i32,
}

impl Animation {
    /// Decodes all frames; `None` where they hold more pixels in all than `max_pixels`.
    pub fn decode(bytes: &[u8], header: &Header, max_pixels: u64) -> Result<Option<Self>, String> {
        let broken = |error: image::ImageError| format!("cannot be decoded: {error}");
        match header.kind {
            Kind::Gif => {
                let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(broken)?;
                let loops = loops(decoder.loop_count());
                Self::gather(decoder.into_frames(), loops, max_pixels)
            }
            Kind::Webp => {
                let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
                let loops = loops(decoder.loop_count());
                Self::gather(decoder.into_frames(), loops, max_pixels)
            }
            _ => Err("moves in a format whose frames cannot be read".to_owned()),
        }
    }

    fn gather(decoded: Frames<'_>, loops: i32, max_pixels: u64) -> Result<Option<Self>, String> {
        let (mut frames, mut time, mut pixels) = (Vec::new(), 0_u32, 0_u64);
        for frame in decoded {
            let frame = frame.map_err(|error| format!("cannot be decoded: {error}"))?;
            let (numerator, denominator) = frame.delay().numer_denom_ms();
            let begins = i32::try_from(time).map_err(|_| "runs too long")?;
            let image = frame.into_buffer();
            pixels += u64::from(image.width()) * u64::from(image.height());
            if pixels > max_pixels {
                return Ok(None);
            }
            time = time.saturating_add(numerator / denominator.max(1));
            let (width, height) = (image.width(), image.height());
            let data = DynamicImage::ImageRgba8(image).into_bytes();
            frames.push((Pixels { data, width, height, alpha: true }, begins));
        }
        if frames.is_empty() {
            Err("has no frames".into())
        } else {
            Ok(Some(Self { frames, loops }))
        }
    }

    /// All frames at a width, as an animated WebP.
    pub fn webp(&self, width: u32, quality: u8) -> Result<Vec<u8>, String> {
        let scaled = self.frames.iter().map(|(pixels, time)| Ok((pixels.scaled(width)?, *time)));
        let scaled = scaled.collect::<Result<Vec<_>, String>>()?;
        let config = webp_config(quality)?;
        let (width, height) = (scaled[0].0.width, scaled[0].0.height);
        let mut encoder = AnimEncoder::new(width, height, &config);
        encoder.set_loop_count(self.loops);
        for (pixels, time) in &scaled {
            let frame = AnimFrame::new(&pixels.data, PixelLayout::Rgba, width, height, *time, None);
            encoder.add_frame(frame);
        }
        let encoded = encoder.try_encode();
        Ok(encoded.map_err(|error| format!("cannot be encoded as WebP: {error:?}"))?.to_vec())
    }

    /// Its first frame, for cards on other sites.
    pub fn first(&self) -> &Pixels {
        &self.frames[0].0
    }
}

fn loops(count: image::metadata::LoopCount) -> i32 {
    match count {
        image::metadata::LoopCount::Infinite => 0,
        image::metadata::LoopCount::Finite(count) => i32::try_from(count.get()).unwrap_or(0),
    }
}
