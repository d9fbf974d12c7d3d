//! GIF's block structure: how many frames there are, and the file without its comments.

use super::header::{Header, Kind};
use image::metadata::Orientation;

/// A piece of a GIF after its header.
enum Block {
    /// An extension with its label.
    Extension(u8),
    Frame,
}

pub fn header(bytes: &[u8]) -> Result<Header, String> {
    let side =
        |at: usize| bytes.get(at..at + 2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    let (width, height) = side(6).zip(side(8)).ok_or("is cut off in its header")?;
    if width == 0 || height == 0 {
        return Err("does not say how large it is".to_owned());
    }
    let frames = blocks(bytes).filter(|(block, _)| matches!(block, Block::Frame)).take(2).count();
    if frames == 0 {
        return Err("is cut off before its first frame".to_owned());
    }
    let orientation = Orientation::NoTransforms;
    Ok(Header { kind: Kind::Gif, width, height, orientation, animated: frames > 1, alpha: true })
}

/// The file without comments, foreign application data, and anything behind its end.
pub fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = bytes.get(..start(bytes)?)?.to_vec();
    for (block, range) in blocks(bytes) {
        let content = &bytes[range];
        let keep = match block {
            Block::Frame | Block::Extension(0xf9 | 0x01) => true,
            Block::Extension(0xff) => content
                .get(3..14)
                .is_some_and(|name| [&b"NETSCAPE2.0"[..], b"ANIMEXTS1.0"].contains(&name)),
            Block::Extension(_) => false,
        };
        if keep {
            kept.extend_from_slice(content);
        }
    }
    kept.push(0x3b);
    Some(kept)
}

/// Where the first block begins: behind the header and the global colours.
fn start(bytes: &[u8]) -> Option<usize> {
    Some(13 + colours(*bytes.get(10)?))
}

fn colours(packed: u8) -> usize {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}

/// Whole blocks up to the trailer; what is cut off is left out.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = (Block, std::ops::Range<usize>)> {
    let mut at = start(bytes).unwrap_or(bytes.len());
    std::iter::from_fn(move || {
        let (block, data) = match *bytes.get(at)? {
            0x21 => (Block::Extension(*bytes.get(at + 1)?), at + 2),
            // Behind the descriptor and its colours stands one byte of code size.
            0x2c => (Block::Frame, at + 10 + colours(*bytes.get(at + 9)?) + 1),
            _ => return None,
        };
        let begin = at;
        at = after_sub_blocks(bytes, data)?;
        Some((block, begin..at))
    })
}

fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";

    fn file(blocks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        for block in blocks {
            bytes.extend_from_slice(block);
        }
        bytes
    }

    #[test]
    fn two_frames_move_and_one_does_not() {
        assert!(!header(&file(&[FRAME, b"\x3b"])).unwrap().animated);
        assert!(header(&file(&[FRAME, FRAME, b"\x3b"])).unwrap().animated);
        assert!(header(&file(&[])).unwrap_err().contains("first frame"));
        assert!(header(b"GIF89a").is_err());
    }

    #[test]
    fn comments_and_what_follows_the_end_are_gone() {
        let comment = b"\x21\xfe\x06secret\0";
        let loops = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
        let bytes = file(&[loops, comment, FRAME, b"\x3b<script>trailing</script>"]);
        assert_eq!(stripped(&bytes).unwrap(), file(&[loops, FRAME, b"\x3b"]));
    }
}
