//! Placeholders: an image in a few dozen bytes, written into the page and seen until the real one
//! has come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::encode;
use super::pixels::Pixels;

/// Its longer side, in pixels: the browser blurs it to the full size.
const SIDE: u32 = 16;
const QUALITY: u8 = 20;

/// A `data:` URL, or nothing for what has transparency: it would show through.
pub fn of(pixels: &Pixels) -> Result<String, String> {
    if pixels.alpha || pixels.width < SIDE || pixels.height < SIDE {
        return Ok(String::new());
    }
    let longer = pixels.width.max(pixels.height);
    let width = (pixels.width * SIDE / longer).max(1);
    let encoded = encode::webp(&pixels.scaled(width)?, QUALITY)?;
    Ok(format!("data:image/webp;base64,{}", STANDARD.encode(encoded)))
}
