//! Task types, asked without a database.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::Overrides;

const JOBS: &str = "
[site]
title = \"T\"
base_url = \"https://t.example\"
[collections.projects]
images = [\"picture\"]
[enrich.tasks.alt_text]
collection = \"projects\"
column = \"alt\"
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
[enrich.tasks.seo_meta]
collection = \"projects\"
column = \"meta\"
[enrich.tasks.reflect]
";

fn config(root: &Path, text: &str) -> Result<Config> {
    std::fs::write(root.join("frieze.toml"), text).unwrap();
    Config::load(root, &Overrides::default(), &|_| None)
}

fn job(root: &Path, kind: &str) -> Job {
    let config = config(root, JOBS).unwrap();
    Job::from_settings(&config, kind, &config.enrich.tasks[kind]).unwrap()
}

fn row(fields: Value) -> Subject {
    Subject::from_row(fields).unwrap()
}

#[test]
fn a_picture_goes_with_the_question_and_a_name_alone_is_guessed_from() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("content/images");
    std::fs::create_dir_all(&folder).unwrap();
    image::RgbImage::new(900, 300).save(folder.join("quay.png")).unwrap();
    let job = job(root.path(), "alt_text");
    let ask = |picture: &str| {
        let row = row(json!({"id": 1, "title": "Quay", "picture": picture, "alt": null}));
        assert!(by_name("alt_text").unwrap().is_wanted(&job, &row));
        match by_name("alt_text").unwrap().question(&job, &row) {
            Ok(Asked::Chat { system, user, images, .. }) => (system, user, images),
            other => panic!("{other:?}"),
        }
    };
    let (system, user, images) = ask("images/quay.png");
    assert!(system.contains("say what it shows"), "{system}");
    assert!(user.starts_with("file name: images/quay.png\n"), "{user}");
    let seen = image::load_from_memory(&images[0].bytes).unwrap();
    assert_eq!((images.len(), seen.width(), seen.height()), (1, 768, 256));
    for elsewhere in ["https://example.com/quay.png", "images/gone.png"] {
        let (system, _, images) = ask(elsewhere);
        assert!(
            images.is_empty() && system.contains("You cannot see it, so invent nothing"),
            "{system}"
        );
    }
}

#[test]
fn a_row_that_says_too_little_is_not_asked_about() {
    let root = tempfile::tempdir().unwrap();
    let enough = "A clock for harbours that also knows the moon";
    for kind in ["generate_project_description", "seo_meta"] {
        let (job, kind) = (job(root.path(), kind), by_name(kind).unwrap());
        for (summary, is_enough) in
            [("", false), ("https://a.example/one two", false), (enough, true)]
        {
            let row = row(
                json!({"id": 1, "title": "Tide", "slug": "tide-and-time-wait-for-no-man",
                "link": "https://example.com/a/b", "summary": summary, "description": null, "meta": null}),
            );
            assert_eq!(kind.is_wanted(&job, &row), is_enough, "{summary}");
            assert_eq!(kind.question(&job, &row).is_ok(), is_enough, "{summary}");
        }
    }
    let words = |text: &str| row(json!({"id": 1, "t": text})).words(&[], None);
    assert_eq!((words("12 + 7"), words("one two"), words("潮汐と港の静かな時計")), (0, 2, 5));
}

#[test]
fn a_thought_needs_no_collection() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(job(root.path(), "reflect").target("9"), "reflect/9");
}

#[test]
fn a_collection_is_embedded_by_one_job() {
    let root = tempfile::tempdir().unwrap();
    let embed = |name: &str, collection: &str| {
        format!("[enrich.tasks.{name}]\ntype = \"embed\"\ncollection = \"{collection}\"\n")
    };
    let both =
        format!("{JOBS}{}[collections.notes]\n{}", embed("a", "projects"), embed("b", "notes"));
    assert!(config(root.path(), &both).is_ok());
    let twice = format!("{JOBS}{}{}", embed("a", "projects"), embed("b", "projects"));
    let report = config(root.path(), &twice).unwrap_err().report();
    let what =
        "frieze.toml: enrich.tasks.b: enrich.tasks.a embeds the collection \"projects\" already";
    assert!(report.contains(what), "{report}");
}

#[test]
fn every_type_has_a_name_of_its_own_and_a_payload_that_is_checked() {
    for kind in ALL {
        assert!(payload::check(*kind, &json!({})).is_ok());
        let why = payload::check(*kind, &json!({"prompt": "x"})).unwrap_err();
        assert!(why.contains(kind.name()) && why.contains("known are job"), "{why}");
        assert_eq!(ALL.iter().filter(|other| other.name() == kind.name()).count(), 1);
    }
}
