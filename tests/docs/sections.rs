//! docs/sections.md against the manifests of the sections that ship, and what manifests may hold.

use std::collections::{BTreeMap, BTreeSet};

use frieze::model::{Field, FieldKind, Manifest, Manifests};
use serde_json::Value;

use crate::page::{blocks, code, codes, names, part, parts, read, root, table};
use crate::source::{structs, variants};

const PAGE: &str = "docs/sections.md";
const FOLDER: &str = "templates/sections";

fn shipped() -> Manifests {
    let files = std::fs::read_dir(root().join(FOLDER)).expect(FOLDER).flatten();
    let names = files.filter_map(|file| Some(file.file_name().to_str()?.to_owned()));
    let manifests = names.filter(|name| name.ends_with(".toml"));
    let texts: Vec<_> = manifests.map(|name| (read(format!("{FOLDER}/{name}")), name)).collect();
    let files = texts.iter().map(|(text, name)| (name.trim_end_matches(".toml"), &**name, &**text));
    Manifests::parse(files).expect("the manifests that ship")
}

/// Fields with those inside them, by their documented names.
fn flat(manifest: &Manifest) -> BTreeMap<String, Field> {
    let mut all = BTreeMap::new();
    let mut open: Vec<(String, Field)> = fields(&manifest.fields, "");
    while let Some((name, field)) = open.pop() {
        let mark = if field.kind == FieldKind::Array { "[]" } else { "" };
        open.extend(fields(&field.fields, &format!("{name}{mark}.")));
        all.insert(name, field);
    }
    all
}

fn fields<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a Field)>,
    prefix: &str,
) -> Vec<(String, Field)> {
    fields.into_iter().map(|(name, field)| (format!("{prefix}{name}"), field.clone())).collect()
}

/// A default as the page writes it, in TOML.
fn value(cell: &str) -> Option<Value> {
    let text = format!("x = {}", code(cell)?);
    let table: BTreeMap<String, Value> = toml::from_str(&text).expect("a default in TOML");
    table.into_values().next()
}

#[test]
fn every_section_that_ships_is_documented_and_no_other() {
    let page = read(PAGE);
    let mut headings = parts(&page).into_iter().map(|(heading, _)| heading);
    assert!(headings.any(|heading| heading == "The sections that ship"));
    let documented: BTreeSet<_> = headings.collect();
    let known: BTreeSet<_> = shipped().names().map(str::to_owned).collect();
    assert_eq!(documented, known, "{PAGE}, headings after \"The sections that ship\"");
}

#[test]
fn every_field_is_documented_with_its_type_and_default() {
    let page = read(PAGE);
    for manifest in shipped().iter() {
        let place = format!("{PAGE}, {}", manifest.name);
        let rows = table(&part(&page, &manifest.name), "field");
        let mut fields = flat(manifest);
        for row in &rows {
            let name = code(&row["field"]).unwrap_or(&row["field"]);
            let field =
                fields.remove(name).unwrap_or_else(|| panic!("{place}: there is no {name}"));
            check(&format!("{place}, {name}"), &field, row);
        }
        assert!(fields.is_empty(), "{place}: lacks {:?}", fields.keys());
    }
}

fn check(place: &str, field: &Field, row: &BTreeMap<String, String>) {
    let kind = format!("{:?}", field.kind).to_lowercase();
    assert_eq!(row["type"], kind, "{place}");
    let default = &row["default"];
    assert_eq!(default == "**required**", field.required, "{place}: required");
    assert_eq!(value(default), field.default, "{place}: default");
    let meaning = &row["meaning"];
    let options = field.options.iter().map(|option| format!("`{option}`"));
    for said in options.chain(field.max.map(|max| max.to_string())) {
        assert!(meaning.contains(&said), "{place}: does not say {said}");
    }
}

#[test]
fn the_collections_a_section_reads_are_documented() {
    let page = read(PAGE);
    for manifest in shipped().iter() {
        let text = part(&page, &manifest.name);
        let reads = text.lines().find(|line| line.starts_with("Reads: ")).unwrap_or_default();
        assert_eq!(codes(reads), manifest.collections, "{PAGE}, {}", manifest.name);
    }
}

#[test]
fn what_a_manifest_may_hold_is_documented() {
    let structs = structs("src/model/manifest.rs");
    let page = read(PAGE);
    for (name, heading) in [("Manifest", "The manifest"), ("Field", "Fields")] {
        let rows = table(&part(&page, heading), "key");
        let documented = rows.iter().filter_map(|row| code(&row["key"]).map(str::to_owned));
        let known: BTreeSet<_> = structs[name].iter().cloned().collect();
        assert_eq!(documented.collect::<BTreeSet<_>>(), known, "{PAGE}, {heading}");
    }
    let rows = table(&part(&page, "Fields"), "type");
    let documented: BTreeSet<_> = rows.iter().filter_map(|row| code(&row["type"])).collect();
    let known = variants("src/model/manifest.rs", "FieldKind");
    let known: BTreeSet<_> = known.iter().map(String::as_str).collect();
    assert_eq!(documented, known, "{PAGE}, types of fields");
}

#[test]
fn the_example_of_a_manifest_is_one() {
    let page = read(PAGE);
    let text = blocks(&page, "toml").into_iter().find(|text| text.starts_with("# templates/"));
    let text = text.expect("an example of a manifest");
    let known = Manifests::parse([("example", PAGE, text.as_str())].into_iter());
    assert!(!known.expect("a valid manifest").get("example").expect("it").fields.is_empty());
    assert!(names(&page, "section.config"));
}
