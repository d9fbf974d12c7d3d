//! Sections: each rendered from its own template, in a context of what its manifest declares and
//! nothing else.

use indexmap::IndexMap;
use serde_json::Value as Json;
use tera::value::Key;
use tera::{Context, Map, Tera, Value};

use super::context::{map, text};
use super::values::TextImages;
use super::{Renderer, engine};
use crate::error::{Error, Result};
use crate::model::{Field, FieldKind, Section};

impl Renderer<'_> {
    /// Renders sections in order, as templates list them: `{id, type, html}`.
    pub(super) fn sections(
        &self,
        tera: &Tera,
        sections: &[Section],
        page: &Context,
        slot: Option<&str>,
    ) -> Result<Value> {
        let rendered = sections.iter().enumerate().map(|(index, section)| {
            let html = self.section(tera, section, (index, slot), page).map_err(|error| {
                error.context(format!("section \"{}\" ({})", section.id, section.kind))
            })?;
            Ok(map([
                ("id", text(&section.id)),
                ("type", text(&section.kind)),
                ("html", Value::safe_string(html.trim())),
            ]))
        });
        rendered.collect::<Result<Vec<_>>>().map(Value::from)
    }

    fn section(
        &self,
        tera: &Tera,
        section: &Section,
        place: (usize, Option<&str>),
        page: &Context,
    ) -> Result<String> {
        let mut context = Context::new();
        if let Some(page) = page.get("page") {
            context.insert_value("page", page.clone());
        }
        for name in &section.collections {
            context.insert_value(name.clone(), self.values.first(name, None)?);
        }
        context.insert_value("section", self.section_value(section, place)?);
        context.insert_value("slots", self.slots(tera, section, page)?);
        let template = format!("sections/{}.html", section.kind);
        if !tera.contains_template(&template) {
            return Err(Error::template(format!("there is no template \"{template}\""))
                .help("a section is two files, a .toml manifest and a .html template"));
        }
        tera.render(&template, &context).map_err(|error| engine::explain(&error))
    }

    fn section_value(
        &self,
        section: &Section,
        (index, slot): (usize, Option<&str>),
    ) -> Result<Value> {
        let config = match self.manifests.get(&section.kind) {
            Some(manifest) => self.object(&manifest.fields, &section.config, &section.id)?,
            None => Value::from_serializable(&section.config),
        };
        Ok(map([
            ("id", text(&section.id)),
            ("type", text(&section.kind)),
            ("index", Value::from(index)),
            ("slot", slot.map_or_else(Value::none, text)),
            ("config", config),
        ]))
    }

    fn slots(&self, tera: &Tera, section: &Section, page: &Context) -> Result<Value> {
        let slots = section.slots.iter().map(|(name, children)| {
            Ok((Key::from(name.clone()), self.sections(tera, children, page, Some(name))?))
        });
        slots.collect::<Result<Map>>().map(Value::from)
    }

    fn object(
        &self,
        fields: &IndexMap<String, Field>,
        object: &serde_json::Map<String, Json>,
        scope: &str,
    ) -> Result<Value> {
        let entries = object.iter().map(|(name, value)| {
            let value = match fields.get(name) {
                Some(field) => self
                    .field(field, value, scope)
                    .map_err(|error| error.context(format!("the field \"{name}\"")))?,
                None => Value::from_serializable(value),
            };
            Ok((Key::from(name.clone()), value))
        });
        entries.collect::<Result<Map>>().map(Value::from)
    }

    /// Markdown and HTML fields become safe HTML, at any depth. `scope` keeps the ids in one
    /// section's texts apart from another's.
    fn field(&self, field: &Field, value: &Json, scope: &str) -> Result<Value> {
        let images = TextImages::on_page(self.shared);
        let html = match (field.kind, value) {
            (FieldKind::Markdown, Json::String(text)) => {
                self.shared.markdown.render_scoped(text, &images, scope)
            }
            (FieldKind::Richtext, Json::String(html)) => {
                self.shared.markdown.sanitize(html, &images)
            }
            (FieldKind::Object, Json::Object(object)) => {
                return self.object(&field.fields, object, scope);
            }
            (FieldKind::Array, Json::Array(items)) => {
                let items = items.iter().map(|item| match item {
                    Json::Object(object) => self.object(&field.fields, object, scope),
                    other => Ok(Value::from_serializable(other)),
                });
                return items.collect::<Result<Vec<_>>>().map(Value::from);
            }
            (_, value) => return Ok(Value::from_serializable(value)),
        };
        Ok(Value::safe_string(&html.map_err(Error::from)?))
    }
}
