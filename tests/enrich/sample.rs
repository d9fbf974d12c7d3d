//! The sample as it is, on the embedded database.

use serde_json::json;

use crate::kit::{NEAR, URL, answer, counts, done, json_of};
use crate::models::{Models, Reply};
use crate::site::Site;

/// The sample, two of whose projects lack their descriptions, and two what their pictures show.
fn lacking(models: Option<&Models>) -> Site {
    let site = Site::copy_of(".");
    for project in ["tidebook", "lectern"] {
        let file = format!("content/projects/{project}.md");
        let text = std::fs::read_to_string(site.root.join(&file)).unwrap();
        let head = text.split("+++").nth(1).unwrap();
        let lines = head.lines().filter(|line| !line.starts_with("thumbnail_alt"));
        let head = lines.collect::<Vec<_>>().join("\n");
        site.write(&file, format!("+++{head}\n+++\n"));
    }
    if let Some(models) = models {
        let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
        let url = models.url();
        site.write("frieze.toml", format!("{config}{}", NEAR.replace(URL, &url)));
    }
    site
}

#[test]
fn a_build_fills_two_descriptions_and_two_alternative_texts_and_then_asks_nobody() {
    let models = Models::start();
    models.decide(answer);
    let site = lacking(Some(&models));
    let run = site.run(&["build", "--json"]);
    let report = json_of(&run);
    let by_type = &report["enriched"]["by_type"];
    for (kind, count) in [
        ("generate_project_description", 2),
        ("alt_text", 2),
        ("seo_meta", 6),
        ("update_skills", 1),
        ("embed", 6),
        ("reflect", 1),
    ] {
        assert_eq!(by_type[kind]["completed"], count, "{kind}: {report}\n{}", run.stderr);
    }
    for project in ["tidebook", "lectern"] {
        let page = site.page(&format!("projects/{project}/index.html"));
        assert!(page.contains("Written by a model") && !page.contains("alert(1)"), "{page}");
        assert!(page.contains("A quay at dusk, seen by a model"), "{page}");
        assert!(page.contains("<title>A title for searches"), "{page}");
    }
    let kept = site.page("projects/ridgeway/index.html");
    assert!(kept.contains("crossed by an orange cord") && !kept.contains("Written by a model"));

    let asked = models.requests().len();
    for _ in 0..2 {
        let before = site.dist();
        let report = json_of(&site.run(&["build", "--json"]));
        let after = site.dist();
        let differ: Vec<_> = after
            .iter()
            .filter(|(name, bytes)| before.get(*name) != Some(*bytes))
            .map(|(name, _)| name)
            .collect();
        assert!(differ.is_empty(), "{differ:?}");
        // What the list of skills lacks still, models did not choose: it is asked of no one again.
        assert_eq!(report["enriched"]["completed"], 0, "{report}");
        assert_eq!(report["reused"], report["pages"], "{report}");
    }
    assert_eq!(models.requests().len(), asked, "a call was made");
}

#[test]
fn a_provider_that_is_down_stops_no_build_and_what_is_pending_is_said() {
    let models = Models::start();
    models.always(Reply::status(503));
    let site = lacking(Some(&models));
    let run = site.run(&["build"]);
    let line = done(&run).lines().find(|line| line.starts_with("  enriched  ")).unwrap();
    // Six vectors need nobody; two descriptions, two pictures, six pages and the skills wait.
    assert!(
        line.starts_with("  enriched  6 completed, 11 pending (no provider ")
            && line.contains(": near answered 503"),
        "{line}"
    );
    assert!(site.root.join("dist/projects/tidebook/index.html").exists());
    assert_eq!(counts(&site)["pending"], 11);
    // Nobody is asked before they are due again, and it is said all the same.
    let again = site.run(&["build", "--enrich-window", "1"]);
    assert!(done(&again).contains("  enriched  11 pending (no provider "), "{}", again.stdout);
}

#[test]
fn without_a_provider_only_vectors_are_made_and_then_nothing() {
    let site = lacking(None);
    let first = site.run(&["build"]);
    assert!(done(&first).contains("  enriched  6 completed\n"), "{}", first.stdout);
    assert_eq!(first.stderr, "", "it is silent");
    assert_eq!(
        counts(&site),
        json!({"pending": 0, "due": 0, "processing": 0, "completed": 6, "failed": 0})
    );
    let second = site.run(&["build"]);
    assert!(!done(&second).contains("enriched"), "{}", second.stdout);
    let told = site.run(&["build", "-v"]);
    assert!(
        told.stderr.contains("enrich.tasks.alt_text: nobody could be asked"),
        "{}",
        told.stderr
    );

    // A text that changes is embedded anew, and no other.
    site.edit("content/projects/ridgeway.md", "title = \"", "title = \"The ");
    assert!(done(&site.run(&["build"])).contains("  enriched  1 completed\n"));
}

#[test]
fn the_embedded_database_is_brought_up_to_the_files_before_a_worker_works() {
    let site = lacking(None);
    let report = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!(report["by_type"]["embed"]["completed"], 6, "{report}");
}
