//! Embeddings without a model: hashed words, pairs of words and parts of words. Texts that share
//! them are near. The same text gives the same numbers on every machine.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

/// What these embeddings are called where models are named.
pub const MODEL: &str = "frieze-lexical-1";
pub const DIMENSIONS: usize = 512;

/// How much a word, a pair of words and a part of a word count.
const WORD: f64 = 1.0;
const PAIR: f64 = 0.7;
const PART: f64 = 0.35;
const PARTS: std::ops::RangeInclusive<usize> = 3..=5;

/// Nothing for a text without a letter or digit, which is near to no other.
pub fn embed(text: &str) -> Option<Vec<f32>> {
    let mut sums = [0.0_f64; DIMENSIONS];
    for (feature, (count, weight)) in features(text) {
        let (place, sign) = place(&feature);
        // A square root is exact everywhere, as a logarithm is not.
        sums[place] += sign * weight * f64::from(count).sqrt();
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "embeddings are kept in single precision")]
    let vector = || sums.iter().map(|sum| (sum / length) as f32).collect();
    (length > 0.0).then(vector)
}

/// How often each stands in the text, and what it weighs. In one order, so that sums come out the
/// same.
fn features(text: &str) -> BTreeMap<String, (u32, f64)> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let (mut features, mut former) = (BTreeMap::new(), None);
    let mut add = |feature: String, weight| {
        features.entry(feature).or_insert((0_u32, weight)).0 += 1;
    };
    for word in words {
        add(format!("w {word}"), WORD);
        if let Some(former) = former.replace(word) {
            add(format!("p {former} {word}"), PAIR);
        }
        let letters: Vec<char> = format!("^{word}$").chars().collect();
        for length in PARTS {
            for part in letters.windows(length) {
                add(format!("c {}", part.iter().collect::<String>()), PART);
            }
        }
    }
    features
}

/// Where a feature counts, and whether for or against: what falls on one place by chance cancels
/// out.
fn place(feature: &str) -> (usize, f64) {
    let hash = blake3::hash(feature.as_bytes());
    let bytes = hash.as_bytes();
    let place = usize::from(u16::from_le_bytes([bytes[0], bytes[1]])) % DIMENSIONS;
    (place, if bytes[2] & 1 == 0 { 1.0 } else { -1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let (a, b) = (embed(a).unwrap(), embed(b).unwrap());
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn its_length_is_one() {
        for text in ["a", "Frieze freezes a database", "日本語のテキスト", &"word ".repeat(10_000)]
        {
            let vector = embed(text).unwrap();
            assert_eq!(vector.len(), DIMENSIONS);
            let length: f32 = vector.iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
    }

    #[test]
    fn a_text_without_words_has_none() {
        for text in ["", " \n\t", "—…!?", "\u{0}"] {
            assert_eq!(embed(text), None, "{text:?}");
        }
    }

    #[test]
    fn texts_about_the_same_are_nearer_than_others() {
        let rust = "A static site generator in Rust that reads Postgres";
        assert!(cosine(rust, "Static sites generated from a Postgres database, with Rust") > 0.3);
        assert!(cosine(rust, "A recipe for potato soup with leek and cream") < 0.15);
    }

    #[test]
    fn forms_of_a_word_are_near_and_its_spelling_is_one() {
        assert!(cosine("generator", "generators") > 0.5);
        assert!((cosine("Ｒｕｓｔ ﬁle CAFE\u{301}", "rust file café") - 1.0).abs() < 1e-6);
    }

    #[test]
    fn it_is_what_it_was_for_every_machine_and_version() {
        let vector = embed("Frieze freezes a living database.").unwrap();
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        // Another model's name belongs to other numbers: these are stored.
        assert_eq!(blake3::hash(&bytes).to_hex()[..16], *"6820cb7d600c5055");
    }
}
