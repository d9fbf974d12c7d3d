//! docs/configuration.md against `frieze.toml` as the program reads it: every key, whether it is
//! required, and its default.

use std::collections::{BTreeMap, BTreeSet};

use frieze::config::{Config, Overrides};

use crate::page::{code, names, part, read, table};
use crate::source::structs;

const PAGE: &str = "docs/configuration.md";
const KEYS: &str = "src/config/raw.rs";
const SITE: &str = "[site]\ntitle = \"T\"\nbase_url = \"https://t.example\"\n";

/// Where the keys of a struct are written.
struct Place {
    raw: &'static str,
    heading: &'static str,
    /// What comes before its keys in the smallest file that has them.
    head: &'static str,
    /// Its required keys, with a value.
    needs: &'static [&'static str],
}

const fn place(
    raw: &'static str,
    heading: &'static str,
    head: &'static str,
    needs: &'static [&'static str],
) -> Place {
    Place { raw, heading, head, needs }
}

const TEMPLATE: &str = "template = \"x.html\"";

const PLACES: &[Place] = &[
    place("Raw", "Top level", "", &["site = { title = \"T\", base_url = \"https://t.example\" }"]),
    place("RawSite", "`[site]`", "[site]", &["title = \"T\"", "base_url = \"https://t.example\""]),
    place("RawNavItem", "`[[site.nav]]`", "[[site.nav]]", &["label = \"L\"", "href = \"/\""]),
    place("RawBuild", "`[build]`", "[build]", &[]),
    place("RawDatabase", "`[database]`", "[database]", &[]),
    place("RawLayouts", "`[layouts]`", "[layouts]", &["table = \"t\""]),
    place("RawCache", "`[cache]`", "[cache]", &[]),
    place("RawImages", "`[images]`", "[images]", &[]),
    place("RawEnrich", "`[enrich]`", "[enrich]", &[]),
    place("RawHook", "`[hook]`", "[hook]", &[]),
    place("RawProvider", "`[[enrich.providers]]`", "[[enrich.providers]]", &["kind = \"groq\""]),
    place("RawTask", "`[enrich.tasks.<name>]`", "[enrich.tasks.embed]", &[]),
    place("RawCollection", "`[collections.<name>]`", "[collections.posts]", &[]),
    place(
        "RawVariable",
        "`parameters`",
        "[collections.posts]\nquery = \"select 1 as one\"\n[[collections.posts.parameters]]",
        &["env = \"HOME\""],
    ),
    place(
        "RawRowPage",
        "`[collections.<name>.page]`",
        "[collections.posts.page]",
        &["path = \"/p/{slug}/\"", TEMPLATE],
    ),
    place(
        "RawList",
        "`[collections.<name>.list]`",
        "[collections.posts.list]",
        &["path = \"/p/\"", TEMPLATE],
    ),
    place(
        "RawGroup",
        "`[collections.<name>.group]`",
        "[collections.posts.group]",
        &["by = \"tags\"", "path = \"/t/{key}/\"", TEMPLATE],
    ),
    place(
        "RawFeed",
        "`[collections.<name>.feed]`",
        "[collections.posts.feed]",
        &["path = \"/atom.xml\""],
    ),
    place("RawRelated", "`[collections.<name>.related]`", "[collections.posts.related]", &[]),
    place("RawPage", "`[[pages]]`", "[[pages]]", &["path = \"/\"", TEMPLATE]),
    place(
        "RawJsonField",
        "`[json.\"<path>\".<name>]`",
        "[collections.posts]\n[json.\"/x.json\".posts]",
        &["collection = \"posts\""],
    ),
    place("RawRedirect", "`[[redirects]]`", "[[redirects]]", &["from = \"/a\"", "to = \"/b\""]),
];

impl Place {
    /// The smallest file, without the keys `lacks` names and with a line of one's own.
    fn file(&self, lacks: &str, line: &str) -> String {
        let site = if matches!(self.raw, "Raw" | "RawSite") { "" } else { SITE };
        let needs = self.needs.iter().filter(|need| key_of(need) != lacks);
        let needs: String = needs.flat_map(|need| [*need, "\n"]).collect();
        format!("{site}{}\n{needs}{line}\n", self.head)
    }

    fn rows(&self) -> Vec<BTreeMap<String, String>> {
        table(&part(&read(PAGE), self.heading), "key")
    }
}

fn key_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn load(file: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("frieze.toml"), file).expect("a file");
    let env = |name: &str| (name == "HOME").then(|| "/".to_owned());
    let config = Config::load(folder.path(), &Overrides::default(), &env);
    let place = folder.path().display().to_string();
    config.map(|it| format!("{it:?}").replace(&place, "")).map_err(|error| error.report())
}

#[test]
fn every_struct_of_the_file_has_a_table() {
    let known: BTreeSet<_> = PLACES.iter().map(|place| place.raw.to_owned()).collect();
    let structs: BTreeSet<_> = structs(KEYS).into_keys().collect();
    assert_eq!(structs, known, "{KEYS} and tests/docs/configuration.rs");
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let structs = structs(KEYS);
    for place in PLACES {
        let keys: BTreeSet<_> = structs[place.raw].iter().cloned().collect();
        let rows = place.rows();
        let documented = rows.iter().map(|row| code(&row["key"]).unwrap_or(&row["key"]).to_owned());
        assert_eq!(documented.collect::<BTreeSet<_>>(), keys, "{PAGE}, {}", place.heading);
    }
}

#[test]
fn required_keys_are_those_without_which_a_file_is_refused() {
    for place in PLACES {
        let required: BTreeSet<_> = place
            .rows()
            .iter()
            .filter(|row| row["default"].starts_with("**required**"))
            .filter_map(|row| code(&row["key"]).map(str::to_owned))
            .collect();
        let needs: BTreeSet<_> = place.needs.iter().map(|need| key_of(need).to_owned()).collect();
        assert_eq!(required, needs, "{PAGE}, {}", place.heading);
        load(&place.file("", "")).unwrap_or_else(|error| panic!("{}: {error}", place.heading));
        for key in &needs {
            assert!(load(&place.file(key, "")).is_err(), "{}: {key} is optional", place.heading);
        }
    }
}

#[test]
fn a_documented_default_is_the_real_one() {
    let mut checked = 0;
    for place in PLACES {
        let without = load(&place.file("", "")).expect("the smallest file");
        for row in place.rows() {
            let (Some(key), Some(default)) = (code(&row["key"]), code(&row["default"])) else {
                continue;
            };
            let line = format!("{key} = {default}");
            let with = load(&place.file("", &line)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(with, without, "{PAGE}, {}: {line}", place.heading);
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} defaults are checked");
}

#[test]
fn variables_of_the_environment_are_documented() {
    let table = part(&read(PAGE), "Environment");
    for variable in ["DATABASE_URL", "FRIEZE_BASE_URL", "RUST_LOG"] {
        assert!(names(&table, variable), "{PAGE}: {variable}");
    }
}
