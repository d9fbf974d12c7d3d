//! Quality by what is seen: the SSIMULACRA 2 score of an encoded image against its pixels, and the
//! lowest quality that reaches a wanted score.

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use super::pixels::{Decoded, Pixels};

/// Qualities that are tried: below, nothing looks right; above, nothing looks better.
const LOWEST: u8 = 30;
const HIGHEST: u8 = 95;

/// Encodes at the lowest quality whose score reaches `wanted`, by bisection; at the highest if none
/// does.
pub fn reach(
    pixels: &Pixels,
    wanted: u8,
    encode: impl Fn(u8) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let (mut low, mut high) = (LOWEST, HIGHEST);
    let mut best = None;
    while low <= high {
        let quality = low.midpoint(high);
        let encoded = encode(quality)?;
        if score(pixels, &encoded)? >= f64::from(wanted) {
            best = Some(encoded);
            high = quality - 1;
        } else {
            low = quality + 1;
        }
    }
    best.map_or_else(|| encode(HIGHEST), Ok)
}

/// 100 is no difference; 90 is hard to see, 70 is good, 50 is middling.
pub fn score(pixels: &Pixels, encoded: &[u8]) -> Result<f64, String> {
    let shown = Decoded::new(encoded)?.to_width(pixels.width)?;
    if pixels.width < 8 || pixels.height < 8 {
        return Ok(100.0);
    }
    compute_frame_ssimulacra2(frame(pixels)?, frame(&shown)?)
        .map_err(|error| format!("cannot be scored: {error}"))
}

fn frame(pixels: &Pixels) -> Result<Rgb, String> {
    let channels = if pixels.alpha { 4 } else { 3 };
    let unit = |channel: u8| f32::from(channel) / 255.0;
    let data = pixels.data.chunks_exact(channels).map(|p| [unit(p[0]), unit(p[1]), unit(p[2])]);
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let (transfer, primaries) = (TransferCharacteristic::SRGB, ColorPrimaries::BT709);
    Rgb::new(data.collect(), width, height, transfer, primaries)
        .map_err(|error| format!("cannot be scored: {error}"))
}
