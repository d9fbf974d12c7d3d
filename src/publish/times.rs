//! Times as feeds and sitemaps want them.

use std::borrow::Cow;

use chrono::NaiveDateTime;

/// A time that says no zone, as Postgres's `timestamp` does, is taken as UTC.
pub fn zoned(text: &str) -> Cow<'_, str> {
    match text.parse::<NaiveDateTime>() {
        Ok(_) => Cow::Owned(format!("{text}Z")),
        Err(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::zoned;

    #[test]
    fn only_a_time_without_a_zone_gets_one() {
        for (text, with) in [
            ("2023-02-17T09:03:00", "2023-02-17T09:03:00Z"),
            ("2023-02-17T09:03:00.25", "2023-02-17T09:03:00.25Z"),
            ("2023-02-17T09:03:00Z", "2023-02-17T09:03:00Z"),
            ("2023-02-17T09:03:00+02:00", "2023-02-17T09:03:00+02:00"),
            ("2023-02-17", "2023-02-17"),
            ("soon", "soon"),
        ] {
            assert_eq!(zoned(text), with);
        }
    }
}
