//! Reads entities.

use std::borrow::Cow;

/// Text as it is meant, entities and all.
pub fn decode(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let (before, mut rest) = text.split_at(first);
    out.push_str(before);
    while let Some(after) = rest.strip_prefix('&') {
        let known = after.split_once(';').and_then(|(name, after)| Some((entity(name)?, after)));
        let (decoded, after) = known.unwrap_or((Cow::Borrowed("&"), after));
        out.push_str(&decoded);
        let next = after.find('&').unwrap_or(after.len());
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    Cow::Owned(out)
}

fn entity(name: &str) -> Option<Cow<'static, str>> {
    let known = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        _ => return numeric(name).or_else(|| named(name)),
    };
    Some(Cow::Borrowed(known))
}

fn numeric(name: &str) -> Option<Cow<'static, str>> {
    let digits = name.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(Cow::Owned(char::from_u32(number)?.to_string()))
}

/// The 2,000 rarer names, which neither Markdown nor the sanitiser ever write.
fn named(name: &str) -> Option<Cow<'static, str>> {
    let plausible = name.len() < 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let text =
        plausible.then(|| ammonia::Builder::empty().clean(&format!("&{name};")).to_string())?;
    (!text.starts_with("&amp;")).then_some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_decoded_once() {
        assert_eq!(decode("a&amp;lt; &#65;&#x42; &mdash; &nope; &"), "a&lt; AB — &nope; &");
    }
}
