//! `update_skills`: names that rows of other collections use and this one lacks, as new rows.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Asked, TaskType};
use super::{Job, Scope, Subject};
use crate::enrich::{Provenance, Write};

/// The column that tells one sort of name from another, where the table has it.
const CATEGORY: &str = "category";

pub struct Names;

fn list<'a>(subject: &'a Subject, field: &str) -> Vec<&'a str> {
    let values = subject.fields.get(field).and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str).collect()
}

impl TaskType for Names {
    fn name(&self) -> &'static str {
        "update_skills"
    }

    fn scope(&self) -> Scope {
        Scope::Names
    }

    fn question(&self, _: &Job, subject: &Subject) -> Result<Asked, String> {
        let (lacking, categories) = (list(subject, "lacking"), list(subject, "categories"));
        if lacking.is_empty() {
            return Err("no name is lacking".to_owned());
        }
        let known = list(subject, "known").join(", ");
        let mut entry = json!({"name": {"type": "string", "enum": lacking}});
        let mut required = vec!["name"];
        if !categories.is_empty() {
            entry[CATEGORY] = json!({"type": "string", "enum": categories});
            required.push(CATEGORY);
        }
        Ok(Asked::Chat {
            system: "A portfolio lists what its owner can do. You are given names that the owner's work \
                     mentions and the list lacks. Choose those that belong into the list, with the category \
                     each belongs to. Leave out what is no technology or skill."
                .to_owned(),
            user: format!("in the list: {known}\nlacking: {}\n", lacking.join(", ")),
            schema: json!({
                "type": "object",
                "properties": {"names": {
                    "type": "array",
                    "maxItems": lacking.len(),
                    "items": {
                        "type": "object",
                        "properties": entry,
                        "required": required,
                        "additionalProperties": false
                    }
                }},
                "required": ["names"],
                "additionalProperties": false
            }),
            max_tokens: 1_200,
            images: Vec::new(),
        })
    }

    fn writes(
        &self,
        job: &Job,
        subject: &Subject,
        answer: &Value,
        by: &Provenance,
    ) -> Result<Vec<Write>, String> {
        let column = job.column()?;
        let lacking = list(subject, "lacking");
        let chosen = answer["names"].as_array().into_iter().flatten();
        let (mut rows, mut taken) = (Vec::new(), HashSet::new());
        for entry in chosen {
            let name = entry["name"].as_str().unwrap_or_default();
            // A name as the site itself writes it: nothing is to be taken out of it.
            if !lacking.contains(&name) || !taken.insert(name) {
                tracing::debug!("\"{name}\" was not asked for, or chosen twice");
                continue;
            }
            let mut fields = Map::from_iter([(column.to_owned(), Value::from(name))]);
            if let Some(category) = entry.get(CATEGORY) {
                fields.insert(CATEGORY.to_owned(), category.clone());
            }
            let unless = vec![column.to_owned()];
            rows.push(Write::Row { table: job.table.clone(), fields, unless, by: by.clone() });
        }
        Ok(rows)
    }
}
