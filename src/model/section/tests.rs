use serde_json::json;

use super::*;

const PROJECTS: &str = r#"
label = "Projects"
collections = ["projects"]
[fields.heading]
type = "text"
default = "Selected work"
max = 20
[fields.limit]
type = "number"
min = 1
max = 12
default = 6
[fields.style]
type = "select"
options = ["cards", { label = "Rows", value = "rows" }]
[fields.link]
type = "url"
[fields.tint]
type = "color"
[fields.cover]
type = "image"
[fields.links]
type = "array"
[fields.links.fields.label]
type = "text"
required = true
"#;

const GRID: &str = "label = \"Grid\"\n[fields.items]\ntype = \"slot\"";

fn read(layout: Value) -> Result<Vec<Section>, Vec<String>> {
    let manifests = Manifests::parse(
        [("projects", "projects.toml", PROJECTS), ("grid", "grid.toml", GRID)].into_iter(),
    )
    .unwrap();
    sections(layout::parse(layout).unwrap(), &manifests)
}

fn problem(config: &Value) -> String {
    let mut problems =
        read(json!({"sections": [{"id": "work", "type": "projects", "config": config}]}))
            .expect_err("the config was accepted");
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems.remove(0);
    assert!(problem.starts_with("section \"work\" (projects): "), "{problem}");
    problem
}

#[test]
fn defaults_are_filled_in_and_nothing_else_is_null() {
    let sections = read(json!({"sections": [{"id": "projects"}]})).unwrap();
    assert_eq!(sections[0].collections, ["projects"]);
    let config = Value::Object(sections[0].config.clone());
    assert_eq!(
        config,
        json!({"heading": "Selected work", "limit": 6, "style": null, "link": null, "tint": null,
               "cover": null, "links": []})
    );
}

#[test]
fn each_wrong_field_is_named() {
    for (config, says) in [
        (json!({"limit": "six"}), "\"limit\" is text instead of a number"),
        (json!({"limit": 0}), "\"limit\" is 0, outside 1 to 12"),
        (json!({"heading": 7}), "\"heading\" is a number instead of text"),
        (json!({"heading": "far too long for a heading"}), "characters long, more than 20"),
        (json!({"style": "tiles"}), "not an option (options: \"cards\", \"rows\")"),
        (json!({"link": "javascript:alert(1)"}), "is not a URL or a path"),
        (json!({"tint": "red"}), "instead of a colour"),
        (json!({"links": [{}]}), "\"links[0].label\" is required"),
        (json!({"links": ["x"]}), "\"links[0]\" is text instead of an object"),
        (json!({"limt": 3}), "unknown field \"limt\"; did you mean \"limit\"?"),
    ] {
        let problem = problem(&config);
        assert!(problem.contains(says), "{problem}");
    }
}

#[test]
fn an_unknown_type_lists_the_known_ones() {
    let problems = read(json!({"sections": [{"id": "projcts"}]})).unwrap_err();
    assert!(problems[0].contains("did you mean \"projects\"?"), "{problems:?}");
    assert!(problems[0].contains("known: grid, projects"), "{problems:?}");
}

#[test]
fn slots_hold_sections_and_zones_fill_them() {
    let sections = read(json!({
        "content": [{"type": "Grid", "props": {"id": "g", "items": [{"type": "Projects"}]}}],
        "zones": {"g:items": [{"type": "Projects", "props": {"id": "late"}}]},
    }))
    .unwrap();
    let ids: Vec<_> = sections[0].slots["items"].iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["projects", "late"]);
}

#[test]
fn a_zone_without_a_slot_is_a_problem() {
    let zone = json!({"content": [{"type": "Grid", "props": {"id": "g"}}],
        "zones": {"g:side": [{"type": "Projects"}], "gone:x": [{"type": "Projects"}]}});
    let problems = read(zone).unwrap_err();
    assert!(problems[0].contains("no slot \"side\""), "{problems:?}");
    assert!(problems[1].contains("\"gone:x\" belongs to no section"), "{problems:?}");
}

#[test]
fn one_id_twice_gets_a_number() {
    let twice = json!({"sections": [{"id": "a", "type": "grid"}, {"id": "a", "type": "grid"}]});
    let ids: Vec<_> = read(twice).unwrap().into_iter().map(|section| section.id).collect();
    assert_eq!(ids, ["a", "a-2"]);
}

#[test]
fn images_are_gathered_with_their_place() {
    let layout = json!({"sections": [{"id": "projects", "config": {"cover": "images/a.png"}}]});
    let place = "section \"projects\": the field \"cover\"".to_owned();
    assert_eq!(read(layout).unwrap()[0].images, [(place, "images/a.png".to_owned())]);
}

#[test]
fn only_harmless_schemes_are_links() {
    for good in ["https://a.example", "/about/", "#top", "mailto:a@b.example", "a/b:c", "tel:+1"] {
        assert!(is_safe_url(good), "{good}");
    }
    for bad in
        ["javascript:x", "JaVaScript:x", "data:text/html,x", " javascript:x", "java\nscript:x"]
    {
        assert!(!is_safe_url(bad), "{bad}");
    }
}
