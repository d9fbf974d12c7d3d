//! Makes a source's variants: decoded once, scaled to each width, encoded side by side.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::animation::Animation;
use super::header::{Header, Kind};
use super::pixels::{Decoded, Pixels};
use super::source::Source;
use super::variant::{What, placeholder_key};
use super::{encode, placeholder, score, strip};
use crate::cache::{Cache, Key};
use crate::config::{self, Format, Quality};

/// Quality and media of cards on other sites.
const CARD_QUALITY: u8 = 82;

/// One entry for the cache; empty where the variant is not worth having.
pub type Made = (Key, Vec<u8>);

/// Makes what is wanted, and with it what follows from it: the placeholder, and the original where
/// a variant came out larger.
pub fn make(
    source: &Source,
    wanted: &[What],
    cache: &Cache,
    settings: &config::Images,
) -> Result<Vec<Made>, String> {
    let header = source.header.as_ref().map_err(String::clone)?;
    let bytes = source.read(cache)?;
    let job = Job { source, header, bytes: &bytes, settings };
    if wanted.iter().all(|what| *what == What::Original) {
        return Ok(vec![job.original()?]);
    }
    if header.animated { job.moving(wanted) } else { job.still(wanted) }
}

struct Job<'a> {
    source: &'a Source,
    header: &'a Header,
    bytes: &'a [u8],
    settings: &'a config::Images,
}

impl Job<'_> {
    fn original(&self) -> Result<Made, String> {
        let stripped =
            strip::stripped(self.header.kind, self.bytes).ok_or("cannot be taken apart")?;
        Ok((What::Original.key(&self.source.hash), stripped))
    }

    /// Whatever is made follows from the source and its own parameters alone, not from what else is
    /// wanted at the time: the same name always holds the same bytes.
    fn still(&self, wanted: &[What]) -> Result<Vec<Made>, String> {
        let decoded = Decoded::new(self.bytes)?;
        let widths: BTreeSet<u32> = wanted.iter().filter_map(|what| what.width()).collect();
        let scaled = widths.into_iter().map(|width| decoded.to_width(width));
        let scaled = scaled.collect::<Result<Vec<_>, String>>()?;
        let graphic = matches!(self.header.kind, Kind::Png | Kind::Gif) && decoded.is_graphic();
        let mut placeholder = None;
        if self.settings.placeholders {
            placeholder = Some(placeholder::of(&decoded, self.header.width, self.header.height)?);
        }
        drop(decoded);
        let made = wanted.par_iter().filter(|what| **what != What::Original).map(|what| {
            let pixels = what.width().and_then(|width| scaled.iter().find(|p| p.width == width));
            let pixels = pixels.ok_or("has lost a width")?;
            let encoded = encoded(*what, pixels, self.header.alpha, graphic)?;
            Ok((what.key(&self.source.hash), self.worth(*what, encoded)))
        });
        let mut made: Vec<Made> = made.collect::<Result<_, String>>()?;
        if let Some(placeholder) = placeholder {
            made.push((placeholder_key(&self.source.hash), placeholder.into_bytes()));
        }
        self.with_original(made, wanted)
    }

    fn moving(&self, wanted: &[What]) -> Result<Vec<Made>, String> {
        let decoded = Animation::decode(self.bytes, self.header, self.settings.max_pixels)?;
        let key = |what: &What| what.key(&self.source.hash);
        let made = wanted.par_iter().filter(|what| **what != What::Original).map(|what| {
            let bytes = match (&decoded, what) {
                (Some(animation), What::Scaled { format: Format::Webp, width, quality }) => {
                    self.worth(*what, animation.webp(*width, fixed(*quality))?)
                }
                (Some(animation), What::Card { width }) => {
                    encoded(*what, &animation.first().scaled(*width)?, self.header.alpha, false)?
                }
                // Other formats do not move, and what is too large to decode stays as it is.
                _ => Vec::new(),
            };
            Ok((key(what), bytes))
        });
        let made: Vec<Made> = made.collect::<Result<_, String>>()?;
        self.with_original(made, wanted)
    }

    /// A variant larger than what it was made from is dropped.
    fn worth(&self, what: What, encoded: Vec<u8>) -> Vec<u8> {
        let kept = matches!(what, What::Card { .. }) || !self.header.stands();
        if kept || encoded.len() < self.bytes.len() { encoded } else { Vec::new() }
    }

    fn with_original(&self, mut made: Vec<Made>, wanted: &[What]) -> Result<Vec<Made>, String> {
        let placeholder = placeholder_key(&self.source.hash);
        let dropped = made.iter().any(|(key, bytes)| bytes.is_empty() && *key != placeholder);
        if dropped || wanted.contains(&What::Original) {
            made.push(self.original()?);
        }
        Ok(made)
    }
}

fn encoded(what: What, pixels: &Pixels, alpha: bool, graphic: bool) -> Result<Vec<u8>, String> {
    match what {
        // Too tall for its format: as if it had come out too large.
        What::Scaled { format, .. } if !encode::fits(pixels, format) => Ok(Vec::new()),
        What::Scaled { format, quality: Quality::Fixed(quality), .. } => {
            encode::encode(pixels, format, quality, graphic)
        }
        What::Scaled { format, quality: Quality::Score(wanted), .. } => {
            score::reach(pixels, wanted, |quality| encode::encode(pixels, format, quality, graphic))
        }
        What::Card { .. } if alpha => encode::png(pixels),
        What::Card { .. } => encode::jpeg(pixels, CARD_QUALITY),
        What::Original => Ok(Vec::new()),
    }
}

/// Frames are not scored: a wanted score stands for about that quality.
fn fixed(quality: Quality) -> u8 {
    match quality {
        Quality::Fixed(quality) | Quality::Score(quality) => quality,
    }
}

impl What {
    fn width(self) -> Option<u32> {
        match self {
            Self::Original => None,
            Self::Scaled { width, .. } | Self::Card { width } => Some(width),
        }
    }
}
