//! `_enriched` in a file: which of a row's values a model wrote. Who edits such a value by hand makes
//! it theirs, since the hash beside it is that of another value then; so does who removes the mark.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Row;
use crate::db::enriched::Standing;

/// The name of the field. No column can have it.
pub(in crate::db) const NAME: &str = "_enriched";

/// Stands for a row that a model added.
pub(in crate::db) const WHOLE: &str = "*";

/// Who wrote a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::db) struct Mark {
    pub model: String,
    pub provider: String,
    pub task: String,
    pub at: String,
    /// Of the value, as it was written.
    pub hash: String,
    /// The columns that a model wrote of a row it added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// What a file says of its row's values, by column.
pub(in crate::db) type Marks = std::collections::BTreeMap<String, Mark>;

/// The marks that a field is; none if it is no such thing.
pub(in crate::db) fn parse(value: &Value) -> Option<Marks> {
    let marks = Marks::deserialize(value).ok()?;
    let is_time = |mark: &Mark| chrono::DateTime::parse_from_rfc3339(&mark.at).is_ok();
    marks.values().all(is_time).then_some(marks)
}

/// The marks of what stands in a row whose values a file says in this way.
pub(in crate::db) fn of<'v>(
    standing: &[&Standing],
    value: impl Fn(&str) -> Option<&'v Value>,
) -> Marks {
    let mut marks = Marks::new();
    for one in standing {
        let same: Vec<&str> = standing
            .iter()
            .filter(|other| other.id == one.id)
            .map(|other| other.column.as_str())
            .collect();
        // A person has changed part of the row.
        if one.whole.is_some_and(|number| number > same.len()) {
            continue;
        }
        let name = if one.whole.is_some() { WHOLE } else { one.column.as_str() };
        let mark = Mark {
            model: one.model.clone(),
            provider: one.provider.clone(),
            task: one.task.clone(),
            at: one.at.clone(),
            hash: hash(same.iter().map(|column| value(column))),
            columns: if one.whole.is_some() {
                same.iter().map(|column| (*column).to_owned()).collect()
            } else {
                Vec::new()
            },
        };
        marks.insert(name.to_owned(), mark);
    }
    marks
}

pub(in crate::db) fn to_value(marks: &Marks) -> Value {
    serde_json::to_value(marks).unwrap_or_default()
}

impl Mark {
    /// The columns that it is about.
    pub fn columns<'m>(&'m self, name: &'m String) -> &'m [String] {
        if name == WHOLE { &self.columns } else { std::slice::from_ref(name) }
    }
}

impl Row {
    /// The marks whose values nobody has touched.
    pub(in crate::db) fn marked(&self) -> impl Iterator<Item = (&String, &Mark)> {
        self.marks.iter().filter(|(name, mark)| {
            let columns = mark.columns(name);
            let is_said = |column: &String| !is_nothing(self.fields.get(column));
            columns.iter().any(is_said)
                && hash(columns.iter().map(|column| self.fields.get(column))) == mark.hash
        })
    }

    /// Whether a person says something of a column.
    pub(in crate::db) fn is_own(&self, column: &str) -> bool {
        !is_nothing(self.fields.get(column))
            && !self.marked().any(|(name, mark)| mark.columns(name).iter().any(|it| it == column))
    }
}

/// What a model may fill: no value, or one that says nothing.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

/// The same for values that differ only in how files end lines and begin texts.
fn hash<'v>(values: impl Iterator<Item = Option<&'v Value>>) -> String {
    let mut hasher = blake3::Hasher::new();
    for value in values {
        let text = match value {
            None => "null".to_owned(),
            Some(Value::String(text)) => text.replace("\r\n", "\n").trim().to_owned(),
            Some(value) => sorted(value).to_string(),
        };
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Files may put the keys of an object in another order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut pairs: Vec<_> = fields.iter().collect();
            pairs.sort_by_key(|(name, _)| name.as_str());
            let pairs = pairs.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
