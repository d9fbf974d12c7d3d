//! The file's form: the magic, then frames, each with a letter and its length, then the length of
//! the last frame, then a checksum over all before it. Numbers are little-endian.

use std::io::{self, Read, Write};

use super::MAGIC;
use crate::error::{Error, Result};
use crate::source::cells::{Cells, Column};

pub const START: u8 = b'C';
pub const BLOCK: u8 = b'B';
pub const LAYOUTS: u8 = b'L';
pub const NOTES: u8 = b'N';
pub const ABOUT: u8 = b'A';

/// A null among the lengths.
const NULL: u32 = u32::MAX;

/// No block is larger before compression: rows are sent in pieces of a megabyte, but one row may
/// be as large as Postgres allows.
const MOST: usize = 2 << 30;

pub struct Writer<W: Write> {
    out: W,
    hasher: blake3::Hasher,
    last: u32,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = Self { out, hasher: blake3::Hasher::new(), last: 0 };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }

    pub fn frame(&mut self, letter: u8, payload: &[u8]) -> io::Result<()> {
        self.last = u32::try_from(payload.len()).map_err(io::Error::other)?;
        self.put(&[letter])?;
        self.put(&self.last.to_le_bytes())?;
        self.put(payload)
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.put(&self.last.to_le_bytes())?;
        let sum = self.hasher.finalize();
        self.out.write_all(sum.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The next frame: its letter and payload.
pub fn next(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let [letter, length @ ..] = head;
    let mut payload = Vec::new();
    let length = u64::from(u32::from_le_bytes(length));
    if from.take(length).read_to_end(&mut payload)? as u64 == length {
        return Ok((letter, payload));
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Rows as one compressed block.
pub fn block(cells: &impl Cells, columns: &[Column]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    for row in 0..cells.rows() {
        for column in 0..columns.len() {
            let text = cells.cell(row, column)?;
            let too_long = |_| Error::other("a value is too long for a snapshot");
            let length =
                text.map_or(Ok(NULL), |text| u32::try_from(text.len()).map_err(too_long))?;
            plain.extend(length.to_le_bytes());
            plain.extend(text.unwrap_or_default().as_bytes());
        }
    }
    Ok(lz4_flex::compress_prepend_size(&plain))
}

/// A block's rows; none, if it is not one.
pub struct Block {
    plain: Vec<u8>,
    /// Where each value begins and ends; null where there is none.
    spans: Vec<Option<(usize, usize)>>,
    columns: usize,
}

impl Block {
    pub fn open(payload: &[u8], columns: usize) -> Option<Self> {
        let (size, packed) = lz4_flex::block::uncompressed_size(payload).ok()?;
        if size > MOST || columns == 0 {
            return None;
        }
        let plain = lz4_flex::decompress(packed, size).ok()?;
        let (mut spans, mut at) = (Vec::new(), 0);
        while at < plain.len() {
            let length = u32::from_le_bytes(plain.get(at..at + 4)?.try_into().ok()?);
            at += 4;
            let end = if length == NULL { at } else { at.checked_add(length as usize)? };
            std::str::from_utf8(plain.get(at..end)?).ok()?;
            spans.push((length != NULL).then_some((at, end)));
            at = end;
        }
        (spans.len() % columns == 0).then_some(Self { plain, spans, columns })
    }
}

impl Cells for Block {
    fn rows(&self) -> usize {
        self.spans.len() / self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Result<Option<&str>> {
        let Some((start, end)) = self.spans[row * self.columns + column] else { return Ok(None) };
        std::str::from_utf8(&self.plain[start..end])
            .map(Some)
            .map_err(|error| Error::other("a snapshot's value is not text").because(error))
    }
}
