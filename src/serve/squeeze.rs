//! Texts as hosts send them: compressed, for browsers that take that.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::StatusCode;

use super::answer::Answer;

/// Smaller ones do not become smaller.
const LEAST: usize = 256;

/// The answer compressed, where it is a text and `encodings`, an `Accept-Encoding` header, allows.
pub fn gzip(answer: Answer, encodings: Option<&str>) -> Answer {
    if !is_text(&answer) || answer.status == StatusCode::PARTIAL_CONTENT {
        return answer;
    }
    let answer = answer.with("Vary", "Accept-Encoding");
    if answer.body.len() < LEAST || !encodings.is_some_and(takes_gzip) {
        return answer;
    }
    match compressed(&answer.body) {
        Ok(bytes) => {
            let mut answer = answer.with("Content-Encoding", "gzip");
            answer.body = bytes.into();
            answer
        }
        Err(_) => answer,
    }
}

/// So many bytes go over the network for a text.
pub fn length(bytes: &[u8]) -> u64 {
    compressed(bytes).map_or(bytes.len(), |squeezed| squeezed.len().min(bytes.len())) as u64
}

fn compressed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn is_text(answer: &Answer) -> bool {
    let mut headers = answer.headers.iter();
    headers.any(|(name, value)| *name == "Content-Type" && is_text_type(value))
}

pub fn is_text_type(media_type: &str) -> bool {
    media_type.contains("charset=") || media_type == "image/svg+xml"
}

/// Whether `gzip`, or everything, is named and not refused.
fn takes_gzip(encodings: &str) -> bool {
    let mut named = encodings.split(',').map(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
        (name.trim().to_ascii_lowercase(), weight.unwrap_or(1.0) > 0.0)
    });
    let all: Vec<_> = named.by_ref().collect();
    let of = |wanted: &str| all.iter().find(|(name, _)| name == wanted).map(|(_, takes)| *takes);
    of("gzip").or_else(|| of("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_takes_gzip_gets_it() {
        for encodings in ["gzip", "br, gzip;q=0.5", "GZIP", "*", "deflate, *;q=0.1"] {
            assert!(takes_gzip(encodings), "{encodings}");
        }
        for encodings in ["", "br", "gzip;q=0", "*, gzip; q=0.0", "identity", "xgzip"] {
            assert!(!takes_gzip(encodings), "{encodings}");
        }
    }

    #[test]
    fn texts_are_compressed_and_nothing_else_is() {
        let text = "all the same ".repeat(99);
        let answer = |kind| Answer::new(StatusCode::OK, kind, text.clone());
        let html = gzip(answer("text/html; charset=utf-8"), Some("gzip"));
        assert!(html.headers.contains(&("Content-Encoding", "gzip".to_owned())));
        assert!(html.body.len() < text.len() / 4);
        let plain = gzip(answer("text/html; charset=utf-8"), None);
        assert!(plain.body.len() == text.len());
        assert!(plain.headers.contains(&("Vary", "Accept-Encoding".to_owned())));
        let image = gzip(answer("image/webp"), Some("gzip"));
        assert_eq!((image.body.len(), image.headers.len()), (text.len(), 1));
    }
}
