//! Template functions: `asset`, `image`, `image_url`, `icon`, `url`.

use std::sync::Arc;

use tera::{Kwargs, State, Tera, TeraResult, Value};

use super::values::encoded;
use super::{Shared, picture};
use crate::assets::images::Place;
use crate::config::Quality;
use crate::error::Error;

/// As wide as cards on other sites are shown, in pixels.
pub const CARD_WIDTH: u32 = 1200;

pub fn register(tera: &mut Tera, shared: &Arc<Shared>) {
    let given = shared.clone();
    tera.register_function("asset", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let asset = given.assets.asset(kwargs.must_get("path")?).map_err(|error| failed(&error))?;
        Ok(asset.url.clone())
    });
    let given = shared.clone();
    tera.register_function("image", move |kwargs: Kwargs, _: &State| image(&given, &kwargs));
    let given = shared.clone();
    tera.register_function("image_url", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let width: Option<u32> = kwargs.get("width")?;
        let src = kwargs.must_get("src")?;
        let card = given.assets.card(src, width.unwrap_or(CARD_WIDTH)).map_err(|e| failed(&e))?;
        Ok(card.map_or_else(String::new, |url| absolute(&given.base_url, &url)))
    });
    let given = shared.clone();
    tera.register_function("icon", move |kwargs: Kwargs, _: &State| icon(&given, &kwargs));
    let given = shared.clone();
    tera.register_function("url", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        Ok(absolute(&given.base_url, &encoded(kwargs.must_get("path")?)))
    });
}

/// Keeps our message and remedy; the engine adds template and line.
fn failed(error: &Error) -> tera::Error {
    let help = error.help_text().map_or_else(String::new, |help| format!(" ({help})"));
    tera::Error::message(format!("{error}{help}"))
}

pub fn absolute(base_url: &str, path: &str) -> String {
    if path.contains("://") { path.to_owned() } else { format!("{base_url}{path}") }
}

/// An optional text argument; `none` counts as not given.
fn optional<'k>(kwargs: &'k Kwargs, name: &'k str) -> TeraResult<Option<&'k str>> {
    let value: Option<&Value> = kwargs.get(name)?;
    Ok(value.and_then(Value::as_str).filter(|text| !text.is_empty()))
}

fn image(shared: &Shared, kwargs: &Kwargs) -> TeraResult<Value> {
    let widths: Option<Vec<u32>> = kwargs.get("widths")?;
    let quality: Option<u8> = kwargs.get("quality")?;
    if widths.as_ref().is_some_and(|widths| widths.is_empty() || widths.contains(&0)) {
        return Err(tera::Error::message("image: widths holds no width, or 0"));
    }
    if quality.is_some_and(|quality| !(1..=100).contains(&quality)) {
        return Err(tera::Error::message("image: quality must be from 1 to 100"));
    }
    let quality = quality.map(Quality::Fixed);
    let place = Place { widths: widths.as_deref(), quality };
    let found = shared.assets.picture(kwargs.must_get("src")?, &place);
    let picture = found.map_err(|error| failed(&error))?;
    let mut image = picture::resolved(&picture, optional(kwargs, "sizes")?.unwrap_or_default());
    if kwargs.get("placeholder")? == Some(false) {
        image.placeholder = None;
    }
    let attributes = picture::Attributes {
        alt: optional(kwargs, "alt")?.unwrap_or_default(),
        class: optional(kwargs, "class")?.unwrap_or_default(),
        title: "",
        priority: kwargs.get("priority")?.unwrap_or_default(),
    };
    let mut tag = String::with_capacity(600);
    picture::write(&mut tag, &image, &attributes);
    Ok(Value::safe_string(&tag))
}

fn icon(shared: &Shared, kwargs: &Kwargs) -> TeraResult<Value> {
    let name = optional(kwargs, "name")?.unwrap_or_default();
    let fallback = optional(kwargs, "fallback")?;
    let svg =
        shared.assets.icon(name).or_else(|| fallback.and_then(|name| shared.assets.icon(name)));
    let svg = svg.ok_or_else(|| failed(&shared.assets.unknown_icon(name)))?;
    let class = optional(kwargs, "class")?
        .map_or_else(String::new, |class| format!(" class=\"{}\"", escaped(class)));
    let start = svg.find("<svg").ok_or_else(|| {
        tera::Error::message(format!("the icon \"{name}\" holds no <svg> element"))
    })?;
    // Inside HTML, an SVG needs no name space.
    let inside =
        svg[start + "<svg".len()..].replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    Ok(Value::safe_string(&format!("<svg{class} aria-hidden=\"true\"{inside}")))
}

/// Text as it may stand in HTML: between tags, and in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
