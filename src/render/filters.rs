//! Template filters: `date`, `markdown`, `plain`, `excerpt`, `slugify`, `json`, `where`, `host`.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use tera::{Kwargs, State, Tera, TeraResult, Value};

use super::Shared;
use super::markdown::plain_text;
use super::values::TextImages;
use crate::error::Error;

pub fn register(tera: &mut Tera, shared: &Arc<Shared>) {
    tera.register_filter("date", |value: &str, kwargs: Kwargs, _: &State| {
        date(value, kwargs.get("format")?.unwrap_or("%-d %B %Y"))
    });
    let given = shared.clone();
    tera.register_filter("markdown", move |text: &str, _: Kwargs, _: &State| {
        let html = given.markdown.render(text, &TextImages::on_page(&given));
        let html = html.map_err(|error| tera::Error::message(Error::from(error)))?;
        Ok::<_, tera::Error>(Value::safe_string(&html))
    });
    tera.register_filter("plain", |html: &str, _: Kwargs, _: &State| plain_text(html));
    tera.register_filter("excerpt", |html: &str, kwargs: Kwargs, _: &State| {
        let length: Option<usize> = kwargs.get("length")?;
        Ok::<_, tera::Error>(excerpt(&plain_text(html), length.unwrap_or(160)))
    });
    tera.register_filter("slugify", |text: &str, _: Kwargs, _: &State| slug::slugify(text));
    tera.register_filter("json", |value: &Value, _: Kwargs, _: &State| json(value));
    tera.register_filter("where", |rows: &[Value], kwargs: Kwargs, _: &State| {
        select(rows, &kwargs)
    });
    tera.register_filter("host", |url: &str, _: Kwargs, _: &State| host(url));
}

/// Formats an RFC 3339 time, a time without zone, or a date, as strftime does.
fn date(value: &str, format: &str) -> TeraResult<String> {
    let mut text = String::new();
    let written = if let Ok(time) = DateTime::parse_from_rfc3339(value) {
        write!(text, "{}", time.to_utc().format(format))
    } else if let Ok(time) = value.parse::<NaiveDateTime>() {
        write!(text, "{}", time.and_utc().format(format))
    } else if let Ok(day) = value.parse::<NaiveDate>() {
        write!(text, "{}", day.and_time(chrono::NaiveTime::MIN).and_utc().format(format))
    } else {
        return Err(tera::Error::message(format!("\"{value}\" is neither a date nor a time")));
    };
    written
        .map_err(|_| tera::Error::message(format!("the date format \"{format}\" is not valid")))?;
    Ok(text)
}

/// Cuts at a word so that the text and its ellipsis are at most `length` characters.
pub fn excerpt(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let cut: String = text.chars().take(length.saturating_sub(1)).collect();
    let whole = cut.rfind(char::is_whitespace).map_or(cut.as_str(), |space| &cut[..space]);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.', ' ', '–', '—']))
}

/// JSON that may stand inside a script element: nothing in it can close the element.
fn json(value: &Value) -> TeraResult<Value> {
    let text = serde_json::to_string(value).map_err(tera::Error::message)?;
    let safe = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Ok(Value::safe_string(&safe))
}

fn select(rows: &[Value], kwargs: &Kwargs) -> TeraResult<Vec<Value>> {
    let (attribute, wanted): (&str, &Value) =
        (kwargs.must_get("attribute")?, kwargs.must_get("value")?);
    let matches = |row: &&Value| row.get_from_path(attribute).is_some_and(|value| value == wanted);
    Ok(rows.iter().filter(matches).cloned().collect())
}

fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or(url);
    host.trim_start_matches("www.").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_formatted_in_utc() {
        assert_eq!(date("2024-03-01", "%B %Y").unwrap(), "March 2024");
        assert_eq!(date("2024-03-01T23:30:00-02:00", "%-d %b").unwrap(), "2 Mar");
        assert!(date("soon", "%Y").is_err());
        assert!(date("2024-03-01", "%Q!").is_err());
    }

    #[test]
    fn an_excerpt_ends_at_a_word() {
        assert_eq!(excerpt("short", 160), "short");
        assert_eq!(excerpt("one two, three", 10), "one two…");
    }

    #[test]
    fn json_cannot_close_its_script() {
        let value = json(&Value::from("</script>")).unwrap();
        assert_eq!(value.as_str().unwrap(), "\"\\u003c/script\\u003e\"");
    }

    #[test]
    fn a_host_is_shown_without_www() {
        assert_eq!(host("https://www.example.com/a"), "example.com");
        assert_eq!(host("not a url"), "not a url");
    }
}
