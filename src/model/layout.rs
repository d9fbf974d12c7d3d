//! Layout JSON in its two forms, told apart by their keys, read into one: ordered raw sections.

use serde_json::{Map, Value};

/// A layout before its sections are held against their manifests.
#[derive(Debug, Default, PartialEq)]
pub struct Layout {
    /// The page's own properties: title, description, image and what templates make of the rest.
    pub props: Map<String, Value>,
    /// In order of appearance; invisible ones are gone.
    pub sections: Vec<RawSection>,
    /// Drop zones of old Puck data, by `<component id>:<zone>`, used up while sections are read.
    pub zones: Map<String, Value>,
}

/// A section as the editor stored it.
#[derive(Debug, Clone, PartialEq)]
pub struct RawSection {
    /// Identity on the page; empty where the data names none.
    pub id: String,
    /// The name of its type, as written.
    pub kind: String,
    pub config: Map<String, Value>,
}

/// Reads either form; the error is one sentence that says what the JSON lacks.
pub fn parse(json: Value) -> Result<Layout, String> {
    let Value::Object(mut layout) = json else {
        return Err(format!("is {} instead of an object", kind_of(&json)));
    };
    match (layout.remove("sections"), layout.remove("content")) {
        (Some(sections), None) => from_sections(layout, sections),
        (None, Some(content)) => from_puck(layout, content),
        (Some(_), Some(_)) => Err("has both \"sections\" and \"content\"".to_owned()),
        (None, None) => {
            Err("has neither \"sections\" nor \"content\" (of the Puck editor)".to_owned())
        }
    }
}

fn from_sections(mut layout: Map<String, Value>, sections: Value) -> Result<Layout, String> {
    let mut ordered = Vec::new();
    for (position, section) in array(sections, "sections")?.into_iter().enumerate() {
        if let Some((order, section)) = visible_section(section, position)? {
            ordered.push((order, section));
        }
    }
    // Stable: sections of one order stay in their positions.
    ordered.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    layout.retain(|key, _| key != "version" && key != "updated_at");
    let sections = ordered.into_iter().map(|(_, section)| section).collect();
    Ok(Layout { props: layout, sections, zones: Map::new() })
}

fn visible_section(value: Value, position: usize) -> Result<Option<(f64, RawSection)>, String> {
    let place = format!("section {}", position + 1);
    let Value::Object(mut section) = value else {
        return Err(format!("has {} for {place} instead of an object", kind_of(&value)));
    };
    match section.remove("visible") {
        None | Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Ok(None),
        Some(other) => return Err(format!("has {other} for \"visible\" in {place}")),
    }
    let order = match section.remove("order") {
        #[expect(clippy::cast_precision_loss, reason = "positions are small")]
        None | Some(Value::Null) => position as f64,
        Some(Value::Number(number)) => number.as_f64().unwrap_or_default(),
        Some(other) => return Err(format!("has {other} for \"order\" in {place}")),
    };
    raw_section(section, &place).map(|section| Some((order, section)))
}

/// Both forms of a component: `{id, type, config}` and Puck's `{type, props: {id, …}}`.
fn raw_section(mut section: Map<String, Value>, place: &str) -> Result<RawSection, String> {
    let config = section.remove("config").or_else(|| section.remove("props"));
    let mut config = match config {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(config)) => config,
        Some(other) => {
            return Err(format!("has {} for the config of {place}", kind_of(&other)));
        }
    };
    let id = section.remove("id").or_else(|| config.remove("id"));
    let id = text(id, "id", place)?;
    let kind = text(section.remove("type"), "type", place)?;
    let kind = kind.or_else(|| id.clone());
    let Some(kind) = kind else {
        return Err(format!("has neither \"type\" nor \"id\" in {place}"));
    };
    // Puck's own bookkeeping inside props.
    for key in ["puck", "editMode", "readOnly"] {
        config.remove(key);
    }
    Ok(RawSection { id: id.unwrap_or_default(), kind, config })
}

fn from_puck(mut layout: Map<String, Value>, content: Value) -> Result<Layout, String> {
    let props = match layout.remove("root") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(mut root)) => match root.remove("props") {
            Some(Value::Object(props)) => props,
            // Old data keeps the page's properties on root itself.
            _ => root,
        },
        Some(other) => return Err(format!("has {} for \"root\"", kind_of(&other))),
    };
    let mut zones = match layout.remove("zones") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(zones)) => zones,
        Some(other) => return Err(format!("has {} for \"zones\"", kind_of(&other))),
    };
    let mut sections = components(content, "content")?;
    if let Some(more) = zones.remove("root:default-zone") {
        sections.extend(components(more, "zones.root:default-zone")?);
    }
    Ok(Layout { props, sections, zones })
}

/// An array of components, as content, zones and slots hold them.
pub fn components(value: Value, place: &str) -> Result<Vec<RawSection>, String> {
    let mut sections = Vec::new();
    for (position, item) in array(value, place)?.into_iter().enumerate() {
        let place = format!("item {} of \"{place}\"", position + 1);
        let Value::Object(section) = item else {
            return Err(format!("has {} for {place} instead of an object", kind_of(&item)));
        };
        if section.get("visible") != Some(&Value::Bool(false)) {
            sections.push(raw_section(section, &place)?);
        }
    }
    Ok(sections)
}

fn array(value: Value, place: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        other => Err(format!("has {} for \"{place}\" instead of a list", kind_of(&other))),
    }
}

fn text(value: Option<Value>, key: &str, place: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(other) => Err(format!("has {other} for \"{key}\" in {place} instead of text")),
    }
}

/// What a JSON value is, with its article, for messages.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(layout: &Layout) -> Vec<&str> {
        layout.sections.iter().map(|section| section.kind.as_str()).collect()
    }

    #[test]
    fn sections_are_ordered_ties_by_position_and_invisible_ones_left_out() {
        let layout = parse(json!({"sections": [
            {"id": "c", "order": 2}, {"id": "a", "order": 1}, {"id": "b", "order": 1},
            {"id": "x", "order": 0, "visible": false},
        ]}))
        .unwrap();
        assert_eq!(kinds(&layout), ["a", "b", "c"]);
    }

    #[test]
    fn type_names_the_template_where_present() {
        let layout = parse(json!({"sections": [{"id": "work-2", "type": "projects"}]})).unwrap();
        assert_eq!(layout.sections[0].id, "work-2");
        assert_eq!(kinds(&layout), ["projects"]);
    }

    #[test]
    fn puck_content_keeps_its_order_and_props() {
        let layout = parse(json!({
            "root": {"props": {"title": "Home"}},
            "content": [
                {"type": "Heading", "props": {"id": "H-1", "text": "Hi", "puck": {}}, "readOnly": {}},
                {"type": "Hero", "props": {"id": "Hero-1"}},
            ],
        }))
        .unwrap();
        assert_eq!(layout.props["title"], "Home");
        assert_eq!(kinds(&layout), ["Heading", "Hero"]);
        assert_eq!(Value::Object(layout.sections[0].config.clone()), json!({"text": "Hi"}));
    }

    #[test]
    fn old_puck_data_still_reads() {
        let layout = parse(json!({
            "root": {"title": "Old"}, "content": [],
            "zones": {"root:default-zone": [{"type": "Hero", "props": {"id": "h"}}], "g:side": []},
        }))
        .unwrap();
        assert_eq!(layout.props["title"], "Old");
        assert_eq!(kinds(&layout), ["Hero"]);
        assert!(layout.zones.contains_key("g:side"));
    }

    #[test]
    fn malformed_layouts_say_what_is_missing() {
        for (json, says) in [
            (json!([]), "a list instead of an object"),
            (json!({}), "neither"),
            (json!({"sections": 1}), "a number for \"sections\""),
            (json!({"sections": ["x"]}), "text for section 1"),
            (json!({"sections": [{"order": 1}]}), "neither \"type\" nor \"id\""),
            (json!({"sections": [{"id": "a", "visible": "no"}]}), "visible"),
            (json!({"sections": [{"id": "a", "config": []}]}), "a list for the config"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
