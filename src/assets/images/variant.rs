//! One file made of an image: what it is made from, how, and the name that follows from that.

use serde::{Deserialize, Serialize};

use super::header::Kind;
use crate::assets::FOLDER;
use crate::cache::Key;
use crate::config::{Format, Quality};

/// Stands for how variants are made: raised when the same input shall give other bytes.
const RECIPE: &[u8] = b"frieze image 4";

/// What to make of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The source itself, stripped of metadata.
    Original,
    /// Scaled to a width in pixels, and dropped where that comes out larger than the source.
    Scaled { format: Format, width: u32, quality: Quality },
    /// For cards on other sites, which know few formats: kept whatever its size.
    Card { width: u32 },
}

/// A variant of a source, as pages ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Variant {
    /// The name templates and rows use for the source.
    pub source: String,
    pub what: What,
}

impl What {
    /// The cache key: a hash over everything the bytes depend on.
    pub fn key(self, source: &[u8; 32]) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(RECIPE).update(source).update(format!("{self:?}").as_bytes());
        hasher.finalize().into()
    }

    /// Where it is published: `/_assets/photos/tide-800.1a2b3c4d5e6f7081.webp`.
    pub fn url(self, name: &str, key: &Key, kind: Kind, alpha: bool) -> String {
        let (folder, stem) = folder_and_stem(name);
        let hash = &blake3::Hash::from_bytes(*key).to_hex()[..16];
        let (width, extension) = match self {
            Self::Original => (String::new(), kind.extension()),
            Self::Scaled { format, width, .. } => (format!("-{width}"), format.extension()),
            Self::Card { width } => (format!("-{width}"), if alpha { "png" } else { "jpg" }),
        };
        format!("{FOLDER}{folder}{stem}{width}.{hash}.{extension}")
    }
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// The key under which a source's placeholder is kept.
pub fn placeholder_key(source: &[u8; 32]) -> Key {
    blake3::Hasher::new().update(RECIPE).update(source).update(b"placeholder").finalize().into()
}

/// A URL has its host for a folder, and its last segment for a name.
fn folder_and_stem(name: &str) -> (String, String) {
    let (path, host) = match url::Url::parse(name) {
        Ok(url) if url.has_host() => {
            let file = url.path().rsplit('/').next().unwrap_or_default().to_owned();
            (file, url.host_str().map(str::to_owned))
        }
        _ => (name.to_owned(), None),
    };
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let folders = host.as_deref().into_iter().chain(folders.split('/'));
    let folders = folders.filter(|folder| !folder.is_empty());
    let folder = folders.map(|folder| slug::slugify(folder) + "/").collect();
    (folder, Some(slug::slugify(stem)).filter(|stem| !stem.is_empty()).unwrap_or("image".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: [u8; 32] = [7; 32];

    #[test]
    fn a_name_says_what_it_is_and_changes_with_everything_it_is_made_from() {
        let what = |width, quality| What::Scaled { format: Format::Webp, width, quality };
        let url = |what: What, source| {
            what.url("photos/Low Tide.JPG", &what.key(source), Kind::Jpeg, false)
        };
        let first = url(what(800, Quality::Fixed(75)), &SOURCE);
        assert!(first.starts_with("/_assets/photos/low-tide-800."), "{first}");
        assert!(first.ends_with(".webp"), "{first}");
        assert_eq!(first, url(what(800, Quality::Fixed(75)), &SOURCE));
        assert_ne!(first, url(what(800, Quality::Fixed(76)), &SOURCE));
        assert_ne!(first, url(what(800, Quality::Score(75)), &SOURCE));
        assert_ne!(first, url(what(800, Quality::Fixed(75)), &[8; 32]));
        assert!(url(What::Card { width: 1200 }, &SOURCE).ends_with(".jpg"));
    }

    #[test]
    fn an_address_gives_host_and_last_segment() {
        let name = "https://a.supabase.co/storage/v1/object/public/x/Ä b.png?token=secret";
        let url = What::Original.url(name, &SOURCE, Kind::Png, true);
        assert!(url.starts_with("/_assets/a-supabase-co/"), "{url}");
        assert!(!url.contains("secret") && url.ends_with(".png"), "{url}");
    }
}
