//! `[images]` and `[cache]`: what becomes of pictures, where they may come from, and where results
//! are kept between builds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::check::{Env, invalid};
use super::raw::{RawCache, RawImages};
use crate::error::{Error, Result};

/// How images are made, and which may be downloaded.
#[derive(Debug, Clone)]
pub struct Images {
    /// The formats of variants, best first; browsers take the first they know.
    pub formats: Vec<Format>,
    pub quality: Quality,
    /// The widths offered where a template asks for none, in pixels, ascending.
    pub widths: Vec<u32>,
    /// The `sizes` attribute of images in Markdown and HTML columns.
    pub text_sizes: String,
    /// Whether pages carry a tiny stand-in for images that are still loading.
    pub placeholders: bool,
    /// Hosts that images may be downloaded from.
    pub hosts: Vec<String>,
    /// The project's own address, whose public storage images may be downloaded from.
    pub storage: Option<Url>,
    /// Images of more pixels than this are refused before they are decoded.
    pub max_pixels: u64,
    /// Downloads of more bytes than this are cut off.
    pub max_bytes: u64,
    /// How many decoded pixels may be worked on at once: what bounds memory.
    pub pixels_in_flight: u64,
    /// A missing or broken image becomes a visible placeholder and a warning.
    pub allow_missing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Avif,
    Webp,
    Jpeg,
}

/// How good a variant must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// The encoder's own scale, 1 to 100.
    Fixed(u8),
    /// The lowest quality whose SSIMULACRA 2 score reaches this, 1 to 100.
    Score(u8),
}

/// Where results are kept between builds.
#[derive(Debug, Clone)]
pub struct Cache {
    /// The folder, if one is named; otherwise where the host keeps files.
    pub folder: Option<PathBuf>,
    pub max_bytes: u64,
    /// A second store in S3-compatible storage: `s3://bucket/prefix`.
    pub remote: Option<String>,
}

const MEGA: u64 = 1_000_000;

/// Chosen by measurement: see docs/images.md.
const QUALITY: u8 = 75;
const WIDTHS: [u32; 4] = [480, 800, 1200, 1600];
const TEXT_SIZES: &str = "(min-width: 47rem) 42rem, 90vw";

pub fn images(raw: RawImages, env: Env, allow_missing: bool) -> Result<Images> {
    let RawImages {
        formats,
        quality,
        target_score,
        widths,
        text_sizes,
        placeholders,
        hosts,
        storage_env,
        max_megapixels,
        max_download_mb,
        megapixels_in_flight,
    } = raw;
    let storage_env = storage_env.unwrap_or_else(|| "SUPABASE_URL".to_owned());
    let quality = match target_score {
        Some(score) => Quality::Score(percent(score, "images.target_score")?),
        None => Quality::Fixed(percent(quality.unwrap_or(QUALITY.into()), "images.quality")?),
    };
    let formats = checked_formats(formats)?;
    if matches!(quality, Quality::Score(_)) && formats.contains(&Format::Avif) {
        let help = "leave avif out of images.formats, or set images.quality instead";
        return Err(invalid(
            "images.target_score",
            "cannot be reached with AVIF, which frieze does not decode",
            help,
        ));
    }
    Ok(Images {
        formats,
        quality,
        widths: checked_widths(widths)?,
        text_sizes: text_sizes.unwrap_or_else(|| TEXT_SIZES.to_owned()),
        placeholders: placeholders.unwrap_or(true),
        hosts: hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
        storage: storage(&storage_env, env)?,
        max_pixels: some(max_megapixels, 100, "images.max_megapixels")? * MEGA,
        max_bytes: some(max_download_mb, 50, "images.max_download_mb")? * MEGA,
        pixels_in_flight: some(megapixels_in_flight, 32, "images.megapixels_in_flight")? * MEGA,
        allow_missing,
    })
}

pub fn cache(root: &Path, raw: RawCache, env: Env) -> Result<Cache> {
    let RawCache { folder, max_size_mb, remote } = raw;
    if let Some(remote) = remote.as_deref().filter(|url| !url.starts_with("s3://")) {
        let what = format!("\"{remote}\" is not an s3:// address");
        return Err(invalid("cache.remote", &what, "write it like s3://bucket/prefix"));
    }
    Ok(Cache {
        folder: env("FRIEZE_CACHE_DIR")
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from)
            .or_else(|| folder.map(|folder| root.join(folder))),
        max_bytes: some(max_size_mb, 2000, "cache.max_size_mb")? * MEGA,
        remote,
    })
}

/// A quality between 1 and 100, as `images.quality` and `collections.*.image_quality` want it.
pub fn percent(number: u64, key: &str) -> Result<u8> {
    let percent = u8::try_from(number).ok().filter(|percent| (1..=100).contains(percent));
    percent.ok_or_else(|| {
        invalid(key, &format!("{number} is out of range"), "write a number from 1 to 100")
    })
}

fn some(number: Option<u64>, default: u64, key: &str) -> Result<u64> {
    let number = number.unwrap_or(default);
    if (1..=1_000_000).contains(&number) {
        return Ok(number);
    }
    Err(invalid(key, &format!("{number} is out of range"), "write a number from 1 to 1000000"))
}

fn checked_formats(names: Option<Vec<String>>) -> Result<Vec<Format>> {
    let Some(names) = names else { return Ok(vec![Format::Webp]) };
    let mut formats = names.iter().map(|name| format(name)).collect::<Result<Vec<_>>>()?;
    formats.sort_unstable();
    formats.dedup();
    if formats.is_empty() {
        return Err(invalid("images.formats", "is empty", "write formats = [\"webp\"]"));
    }
    Ok(formats)
}

fn format(name: &str) -> Result<Format> {
    match name {
        "webp" => Ok(Format::Webp),
        "jpeg" | "jpg" => Ok(Format::Jpeg),
        "avif" if cfg!(feature = "avif") => Ok(Format::Avif),
        "avif" => Err(invalid(
            "images.formats",
            "this frieze was built without AVIF",
            "build it with --features avif, or leave avif out",
        )),
        other => Err(invalid(
            "images.formats",
            &format!("\"{other}\" is not a format"),
            "use \"webp\", \"avif\" and \"jpeg\"",
        )),
    }
}

fn checked_widths(widths: Option<Vec<u32>>) -> Result<Vec<u32>> {
    let mut widths = widths.unwrap_or_else(|| WIDTHS.to_vec());
    widths.sort_unstable();
    widths.dedup();
    if widths.is_empty() || widths.iter().any(|width| !(16..=8192).contains(width)) {
        let help = "write widths from 16 to 8192, as in widths = [480, 960, 1600]";
        return Err(invalid("images.widths", "holds no usable widths", help));
    }
    Ok(widths)
}

/// The origin of the project's storage, from the environment.
fn storage(name: &str, env: Env) -> Result<Option<Url>> {
    if name.contains("://") {
        return Err(Error::config(
            "frieze.toml: images.storage_env: holds an address, but must name an environment variable",
        )
        .help("write storage_env = \"SUPABASE_URL\" and set that variable"));
    }
    let Some(value) = env(name).filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    let url = Url::parse(value.trim()).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username() == ""
    });
    url.map(Some).ok_or_else(|| {
        Error::config(format!("the environment variable {name} does not hold an address"))
            .help("set it to the project's URL, like https://abcdefgh.supabase.co")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(toml: &str, env: Env) -> Result<Images> {
        images(toml::from_str(toml).unwrap(), env, false)
    }

    #[test]
    fn without_a_word_there_is_webp_in_four_widths() {
        let images = of("", &|_| None).unwrap();
        assert_eq!(images.formats, [Format::Webp]);
        assert_eq!(images.quality, Quality::Fixed(QUALITY));
        assert_eq!(images.widths, WIDTHS);
        assert_eq!(images.storage, None);
    }

    #[test]
    fn what_is_written_is_put_in_order() {
        let toml =
            "formats = ['jpeg', 'webp', 'jpeg']\nwidths = [900, 300, 900]\ntarget_score = 80";
        let images = of(toml, &|_| None).unwrap();
        assert_eq!(images.formats, [Format::Webp, Format::Jpeg]);
        assert_eq!(images.widths, [300, 900]);
        assert_eq!(images.quality, Quality::Score(80));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        for (toml, key) in [
            ("quality = 0", "images.quality"),
            ("quality = 101", "images.quality"),
            ("target_score = 300", "images.target_score"),
            ("formats = []", "images.formats"),
            ("formats = ['bmp']", "images.formats"),
            ("widths = [0]", "images.widths"),
            ("max_megapixels = 0", "images.max_megapixels"),
            ("storage_env = 'https://x.supabase.co'", "images.storage_env"),
        ] {
            let error = of(toml, &|_| None).unwrap_err().to_string();
            assert!(error.contains(key), "{toml}: {error}");
        }
    }

    #[test]
    fn the_project_is_named_by_the_environment() {
        let env = |name: &str| (name == "SUPABASE_URL").then(|| "https://a.supabase.co".to_owned());
        let images = of("", &env).unwrap();
        assert_eq!(images.storage.unwrap().host_str(), Some("a.supabase.co"));
        let error = of("", &|_| Some("a.supabase.co".to_owned())).unwrap_err().to_string();
        assert!(error.contains("SUPABASE_URL"), "{error}");
    }

    #[test]
    fn a_remote_cache_is_an_s3_address() {
        let raw: RawCache = toml::from_str("remote = 'https://x'").unwrap();
        assert!(
            cache(Path::new("."), raw, &|_| None).unwrap_err().to_string().contains("cache.remote")
        );
    }
}
