//! Placeholders: an image in a few dozen bytes, written into the page and seen until the real one
//! has come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::encode;
use super::pixels::Decoded;

/// Its longer side, in pixels: the browser blurs it to the full size.
const SIDE: u32 = 16;
const QUALITY: u8 = 20;

/// A `data:` URL, or nothing for what has transparency: it would show through. It follows from the
/// source alone, whatever else is made of it at the time.
pub fn of(source: &Decoded, width: u32, height: u32) -> Result<String, String> {
    if source.has_alpha() || width < SIDE || height < SIDE {
        return Ok(String::new());
    }
    let hint = source.hint((width * SIDE / width.max(height)).max(1))?;
    Ok(format!("data:image/webp;base64,{}", STANDARD.encode(encode::webp(&hint, QUALITY)?)))
}
