//! What frieze remembers of a tree it made: a manifest, in a file beside it that loads in a blink.
//!
//! The file is named after the inode of the tree's root, so that exchanging two trees needs no
//! second rename: each keeps its own state under either name.

use std::collections::HashMap;

use super::dir::Dir;
use crate::error::Result;

const MAGIC: &[u8] = b"frieze state 1\n";

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The hash of everything the file was made from, if its maker gave one.
    pub key: Option<[u8; 32]>,
    /// BLAKE3 of the content.
    pub hash: [u8; 32],
    pub len: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    /// What the maker wants back when the file is reused.
    pub extra: Vec<String>,
}

/// Everything a tree holds, by path below its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    pub files: HashMap<String, Entry>,
    /// Folders with their time of last change, which tells whether names came or went.
    pub dirs: HashMap<String, i64>,
}

/// The state file of the tree whose root is `root`.
fn name(root: &Dir) -> Result<String> {
    Ok(format!("{}.state", root.look("")?.map_or(0, |meta| meta.ino)))
}

/// Loads what is remembered of the tree `root`; a state that is missing, damaged, of another
/// version or of another folder that had the same inode is as good as none.
pub fn load(companion: &Dir, root: &Dir) -> Result<Option<Manifest>> {
    let name = name(root)?;
    if companion.look(&name)?.is_none() {
        return Ok(None);
    }
    Ok(decode(&companion.read(&name)?, root.born()))
}

/// Remembers that the tree `root` holds these files in these folders.
pub fn save<'a>(
    companion: &Dir,
    root: &Dir,
    dirs: &[(&str, i64)],
    files: impl ExactSizeIterator<Item = (&'a str, &'a Entry)>,
) -> Result<()> {
    companion.replace(&name(root)?, &encode(root.born(), dirs, files))
}

/// Forgets the tree `root`: the next build will take nothing in it for granted.
pub fn forget(companion: &Dir, root: &Dir) -> Result<()> {
    companion.remove(name(root)?)
}

/// Removes the states of trees other than these.
pub fn keep_only<'a>(companion: &Dir, roots: impl Iterator<Item = &'a Dir>) -> Result<()> {
    let keep = roots.map(name).collect::<Result<Vec<_>>>()?;
    for (name, _) in companion.list("")? {
        let name = name.to_string_lossy();
        if name.contains(".state") && !keep.iter().any(|keep| *keep == name) {
            companion.unlink(&*name)?;
        }
    }
    Ok(())
}

fn encode<'a>(
    born: i64,
    dirs: &[(&str, i64)],
    files: impl ExactSizeIterator<Item = (&'a str, &'a Entry)>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + files.len() * 160 + dirs.len() * 40);
    out.extend(MAGIC);
    out.extend(born.to_le_bytes());
    put_len(&mut out, dirs.len());
    for (path, mtime) in dirs {
        put_text(&mut out, path);
        out.extend(mtime.to_le_bytes());
    }
    put_len(&mut out, files.len());
    for (path, entry) in files {
        put_text(&mut out, path);
        put_entry(&mut out, entry);
    }
    let sum = blake3::hash(&out);
    out.extend(sum.as_bytes());
    out
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.push(u8::from(entry.key.is_some()));
    out.extend(entry.key.iter().flatten());
    out.extend(entry.hash);
    out.extend(entry.len.to_le_bytes());
    out.extend(entry.mtime.to_le_bytes());
    put_len(out, entry.extra.len());
    for text in &entry.extra {
        put_text(out, text);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend(text.as_bytes());
}

/// Lengths are four bytes; what exceeds them makes a file that does not decode, which is safe.
fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn decode(bytes: &[u8], born: i64) -> Option<Manifest> {
    let (body, sum) = bytes.split_last_chunk::<32>().map(|(body, sum)| (body, *sum))?;
    let mut input = body.strip_prefix(MAGIC)?;
    if *blake3::hash(body).as_bytes() != sum || i64::from_le_bytes(take(&mut input)?) != born {
        return None;
    }
    let count = take_len(&mut input)?;
    let mut dirs = HashMap::with_capacity(count.min(input.len()));
    for _ in 0..count {
        dirs.insert(take_text(&mut input)?, i64::from_le_bytes(take(&mut input)?));
    }
    let count = take_len(&mut input)?;
    let mut files = HashMap::with_capacity(count.min(input.len()));
    for _ in 0..count {
        files.insert(take_text(&mut input)?, take_entry(&mut input)?);
    }
    Some(Manifest { files, dirs })
}

fn take_entry(input: &mut &[u8]) -> Option<Entry> {
    let [has_key] = take(input)?;
    Some(Entry {
        key: if has_key == 1 { Some(take(input)?) } else { None },
        hash: take(input)?,
        len: u64::from_le_bytes(take(input)?),
        mtime: i64::from_le_bytes(take(input)?),
        extra: (0..take_len(input)?).map(|_| take_text(input)).collect::<Option<_>>()?,
    })
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}

fn take_len(input: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(take(input)?)).ok()
}

fn take_text(input: &mut &[u8]) -> Option<String> {
    let len = take_len(input)?;
    let (head, rest) = input.split_at_checked(len)?;
    *input = rest;
    String::from_utf8(head.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = |key| Entry {
            key,
            hash: [7; 32],
            len: 5_600,
            mtime: 1_763_000_000_123_456_789,
            extra: vec!["a".into(), "é".into()],
        };
        Manifest {
            files: [("index.html", None), ("a/b.html", Some([9; 32]))]
                .map(|(path, key)| (path.to_owned(), entry(key)))
                .into(),
            dirs: [(String::new(), 1), ("a".to_owned(), -2)].into(),
        }
    }

    fn encode(manifest: &Manifest, born: i64) -> Vec<u8> {
        let dirs: Vec<_> =
            manifest.dirs.iter().map(|(path, mtime)| (path.as_str(), *mtime)).collect();
        let files = manifest.files.iter().map(|(path, entry)| (path.as_str(), entry));
        super::encode(born, &dirs, files)
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        assert_eq!(decode(&encode(&manifest(), 42), 42), Some(manifest()));
    }

    #[test]
    fn a_state_of_another_folder_is_ignored() {
        assert_eq!(decode(&encode(&manifest(), 42), 43), None);
    }

    #[test]
    fn a_state_damaged_anywhere_is_ignored() {
        let whole = encode(&manifest(), 42);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x20;
            assert_eq!(decode(&damaged, 42), None, "byte {at}");
            assert_eq!(decode(&whole[..at], 42), None, "cut at {at}");
        }
    }

    #[test]
    fn a_state_that_lies_about_lengths_neither_panics_nor_allocates_them() {
        let mut body = [MAGIC, &42_i64.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
        body.extend(blake3::hash(&body.clone()).as_bytes());
        assert_eq!(decode(&body, 42), None);
    }

    #[test]
    #[ignore = "a measurement"]
    fn ten_thousand_entries_load_in_a_few_milliseconds() {
        let one = manifest().files["a/b.html"].clone();
        let files = (0..10_000).map(|i| (format!("posts/post-{i:05}/index.html"), one.clone()));
        let dirs = (0..10_000).map(|i| (format!("posts/post-{i:05}"), i));
        let bytes = encode(&Manifest { files: files.collect(), dirs: dirs.collect() }, 1);
        let start = std::time::Instant::now();
        assert!(decode(&bytes, 1).is_some());
        println!("{} bytes in {:?}", bytes.len(), start.elapsed());
    }
}
