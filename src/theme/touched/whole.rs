//! Whether a template shows rows whole, with whatever columns they have.

/// Filters that leave of a value nothing that a row's columns could be read from.
const TEXTS: [&str; 14] = [
    "plain", "join", "date", "excerpt", "slugify", "markdown", "host", "length", "upper", "lower",
    "trim", "title", "keys", "icon",
];
const WORDS: [&str; 13] =
    ["or", "and", "not", "if", "else", "in", "for", "is", "none", "true", "false", "set", "elif"];
/// What holds rows in every site; printed without a filter, all of their columns are text.
const ROWS: [&str; 5] = ["row", "rows", "previous", "next", "shared"];

/// A template that goes through a row's columns may show any of them; so does one that hands rows to
/// a script as JSON. In doubt it does.
pub fn shows_whole_rows(text: &str) -> bool {
    text.contains("__tera_context") || tags(text).any(|tag| tells(&tag))
}

/// The words and signs of each tag.
fn tags(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| {
            let inner = rest.strip_prefix('%')?;
            Some(tokens(inner.split("%}").next().unwrap_or(inner)))
        })
        .chain(text.split("{{").skip(1).map(|rest| tokens(rest.split("}}").next().unwrap_or(rest))))
}

fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_matches(['-', ' ', '\t', '\n', '\r']);
    while let Some(first) = rest.chars().next() {
        let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
        let length = match first {
            // A text in quotes stands as its first quote.
            '"' | '\'' | '`' => {
                let end = rest.get(1..).and_then(|rest| rest.find(first));
                end.map_or(rest.len(), |end| end + 2)
            }
            _ if is_word(first) => rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if !token.trim().is_empty() {
            found.push(if matches!(first, '"' | '\'' | '`') { "\"" } else { token });
        }
        rest = after;
    }
    found
}

fn tells(tag: &[&str]) -> bool {
    goes_through_pairs(tag)
        || matches!(tag, [name] if ROWS.contains(name))
        || tag.windows(2).enumerate().any(|(at, pair)| match pair {
            ["|", "values" | "pairs"] => true,
            ["|", "json"] => tag.get(..at).is_some_and(may_be_rows),
            _ => false,
        })
}

/// Whether it says `for key, value in …`.
fn goes_through_pairs(tag: &[&str]) -> bool {
    let names = tag.iter().take_while(|word| **word != "in");
    tag.first() == Some(&"for") && names.into_iter().any(|word| *word == ",")
}

/// Whether an expression names anything but columns, settings and what filters made into text.
fn may_be_rows(expression: &[&str]) -> bool {
    let is_text = expression.windows(2).any(|it| it[0] == "|" && TEXTS.contains(&it[1]));
    let ends_in_call = expression.last() == Some(&")") && !expression.contains(&"|");
    if is_text && !ends_in_call && !expression.contains(&"[") {
        return false;
    }
    (0..expression.len()).any(|at| is_whole(expression, at))
}

fn is_whole(tokens: &[&str], at: usize) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).copied().unwrap_or_default();
    let (it, before, after) = (word(Some(at)), word(at.checked_sub(1)), word(Some(at + 1)));
    let is_name = it.starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
    if !is_name || WORDS.contains(&it) {
        return false;
    }
    if before == "." {
        // `shared.profile`, `row._related`
        let is_in_one = after == "." || (after == "[" && word(Some(at + 4)) == ".");
        return !is_in_one && (it == "_related" || word(at.checked_sub(2)) == "shared");
    }
    let is_place = before == "[" && after == "]" && at > 1;
    match after {
        "." | "(" => false,
        "=" => word(Some(at + 2)) == "=",
        // `rows[0]` is a row, `rows[0].title` is none, and neither is `row["title"]`.
        "[" => word(Some(at + 2)) != "\"" && word(Some(at + 4)) != ".",
        _ => before != "|" && before != "for" && !is_place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_as_a_whole_are_seen() {
        for text in [
            "{{ __tera_context }}",
            "{{ row }}",
            "{{- rows -}}",
            "{{ row | json }}",
            "{{ posts|json }}",
            "{{ posts | where(attribute=\"kind\", value=\"x\") | json }}",
            "{{ posts[0] | json }}",
            "{{ shared.posts | json }}",
            "{{ row._related | json }}",
            "{{ [row.title, row] | json }}",
            "{% set data = rows | json %}",
            "{{ row | values | join(sep=\" \") }}",
            "{% for pair in row | pairs %}{% endfor %}",
            "{%- for\n\tname, value in row %}{% endfor %}",
            "{{ <ui.island data={row | json} /> }}",
        ] {
            assert!(shows_whole_rows(text), "{text}");
        }
    }

    #[test]
    fn columns_are_not() {
        for text in [
            "{{ row.title }} {{ heading }} {{ title | upper }} { row }",
            "{{ row.title | json }}",
            "{{ row[\"title\"] | json }}",
            "{{ posts[0].title | json }}",
            "{{ shared.profile[0].name | json }}",
            "{{ row.technologies | join(sep=\", \") | json }}",
            "{{ (site.author or site.title) | json }}",
            "{{ url(path=\"/\") | json }}",
            "{% for post in posts %}{{ f(a, b) }}{% endfor %}",
            "{{ title | plain | json }}",
            "{{ \"rows | json }\" }}",
        ] {
            assert!(!shows_whole_rows(text), "{text}");
        }
    }
}
