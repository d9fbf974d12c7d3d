//! Section manifests: what an editor may set in a section and what its template may read.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result, nearest};

/// A section type, as `sections/<name>.toml` describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(skip)]
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub description: String,
    /// The collections whose rows the section's template may read.
    #[serde(default)]
    pub collections: Vec<String>,
    #[serde(default)]
    pub fields: IndexMap<String, Field>,
}

/// One field an editor may set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    #[serde(rename = "type")]
    pub kind: FieldKind,
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
    pub default: Option<Value>,
    /// Of a number.
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub step: Option<f64>,
    /// Of a select.
    #[serde(default)]
    pub options: Vec<Value>,
    /// Of an array's items or of an object.
    #[serde(default)]
    pub fields: IndexMap<String, Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    Text,
    Textarea,
    Markdown,
    Richtext,
    Number,
    Boolean,
    Select,
    Url,
    Color,
    Image,
    Icon,
    Array,
    Object,
    Slot,
}

impl FieldKind {
    /// What a value of this kind looks like, for messages.
    pub const fn expects(self) -> &'static str {
        match self {
            Self::Text | Self::Textarea | Self::Icon => "text",
            Self::Markdown => "Markdown text",
            Self::Richtext => "HTML text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Select => "one of its options",
            Self::Url => "a URL or a path",
            Self::Color => "a colour like \"#22d3ee\"",
            Self::Image => "the path or URL of an image",
            Self::Array => "a list of objects",
            Self::Object => "an object",
            Self::Slot => "a list of sections",
        }
    }
}

/// All known section types, found by name whatever its case and separators.
#[derive(Debug, Default)]
pub struct Manifests(BTreeMap<String, Manifest>);

impl Manifests {
    /// Parses `(name, origin, text)` of each manifest file and checks its own defaults.
    pub fn parse<'a>(files: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (name, origin, text) in files {
            let mut manifest: Manifest = toml::from_str(text).map_err(|error| {
                Error::template(format!("the section manifest {origin} is not valid"))
                    .because(Error::template(error.to_string().trim_end().to_owned()))
                    .help("docs/sections.md lists what a manifest may hold")
            })?;
            name.clone_into(&mut manifest.name);
            check_fields(&manifest.fields, origin)?;
            if let Some(twin) = known.insert(folded(name), manifest) {
                return Err(Error::template(format!(
                    "the sections \"{name}\" and \"{}\" have one name but for case and separators",
                    twin.name
                ))
                .help("rename one of them"));
            }
        }
        Ok(Self(known))
    }

    /// `ProjectGrid`, `project-grid` and `project_grid` are one name.
    pub fn get(&self, name: &str) -> Option<&Manifest> {
        self.0.get(&folded(name))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|manifest| manifest.name.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        self.0.values()
    }

    /// What to say about a section type that does not exist.
    pub fn unknown(&self, name: &str) -> String {
        let known: Vec<_> = self.names().collect();
        let near = nearest(name, known.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        format!("there is no section type \"{name}\"{near} (known: {})", known.join(", "))
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

fn check_fields(fields: &IndexMap<String, Field>, origin: &str) -> Result<()> {
    for (name, field) in fields {
        let wrong = |what: &str| {
            Err(Error::template(format!("{origin}: the field \"{name}\" {what}"))
                .help("docs/sections.md shows each type of field"))
        };
        if field.kind == FieldKind::Select && field.options.is_empty() {
            return wrong("is a select without options");
        }
        if matches!(field.kind, FieldKind::Array | FieldKind::Object) && field.fields.is_empty() {
            return wrong("has no fields of its own");
        }
        check_fields(&field.fields, origin)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests(text: &str) -> Result<Manifests> {
        Manifests::parse([("project-grid", "sections/project-grid.toml", text)].into_iter())
    }

    #[test]
    fn names_match_whatever_case_and_separators() {
        let known = manifests("label = \"Projects\"").unwrap();
        for name in ["ProjectGrid", "project_grid", "PROJECT-GRID"] {
            assert_eq!(known.get(name).unwrap().name, "project-grid");
        }
        assert!(known.unknown("projectgird").contains("did you mean \"project-grid\"?"));
    }

    #[test]
    fn an_unknown_key_names_the_file() {
        let error = manifests("label = \"P\"\ncolection = []").unwrap_err();
        assert!(error.report().contains("sections/project-grid.toml"), "{}", error.report());
        assert!(error.report().contains("colection"), "{}", error.report());
    }

    #[test]
    fn a_select_needs_options() {
        assert!(manifests("label = \"P\"\n[fields.x]\ntype = \"select\"").is_err());
    }
}
