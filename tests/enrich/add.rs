//! Tasks that people add, and what would be done with them.

use serde_json::json;

use crate::kit::{NEAR, answer, counts, done, json_of, one, small, sql};
use crate::models::{Models, Reply};

const JOBS: &str = "
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
[enrich.tasks.seo_meta]
collection = \"projects\"
column = \"meta_description\"
[enrich.tasks.roles]
type = \"seo_meta\"
collection = \"experience\"
column = \"description\"
[enrich.tasks.update_skills]
collection = \"skills\"
column = \"name\"
from = [\"projects.technologies\"]
";
const ROW: &str = "insert into projects (title, slug, summary, meta_description) values
    ('Tide', 'tide', 'A clock that tells a harbour when the water comes and goes, day and night.', 'Told.');";

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_a_person_adds_is_the_one_that_frieze_would_queue() {
    let models = Models::start();
    models.decide(answer);
    let site = small(&models, &format!("{NEAR}{JOBS}"), ROW).await;
    let id = one(&site, "select id from projects").await.as_str().unwrap().to_owned();
    let describe = "generate_project_description";
    let add = |arguments: &[&str]| site.run(&[&["enrich", "add"][..], arguments].concat());
    let target = format!("projects.description/{id}");
    done(&add(&[describe, "--target", &format!("projects/{id}")]));
    assert_eq!(one(&site, "select target from task_queue").await, json!(target));
    let payload = format!("{{\"id\": \"{id}\"}}");
    for again in [&["--target", &target][..], &["--payload", &payload]] {
        let run = add(&[&[describe][..], again].concat());
        assert!(done(&run).contains("is queued already"), "{}", run.stdout);
    }
    // Of two jobs of a type, the target tells which.
    done(&add(&["seo_meta", "--target", &format!("projects/{id}")]));
    done(&add(&["update_skills"]));
    let targets = "select array_agg(target order by created_at) from task_queue";
    assert_eq!(
        one(&site, targets).await,
        json!([target, format!("projects.meta_description/{id}"), "skills.name/names"])
    );
    // And frieze finds nothing more to queue.
    assert_eq!(json_of(&site.run(&["enrich", "--dry-run", "--json"]))["missing"], 0);

    for (arguments, why) in [
        (&[describe, "--target", "projcts/1"][..], "there is no collection \"projcts\""),
        (&[describe, "--target", "projcts/1"], "did you mean \"projects\"?"),
        (&[describe, "--target", "projects/tide"], "projects has no row with the id tide"),
        (
            &[describe, "--target", "skills/1"],
            "enrich.tasks.generate_project_description is not about skills/1",
        ),
        (&[describe, "--target", "projects.title/1"], "is not about projects.title/1"),
        (&[describe], "nothing says which row it is about"),
        (
            &[describe, "--target", "projects/1", "--payload", "{\"id\": 2}"],
            "names the row 1, and the payload 2",
        ),
        (
            &[describe, "--payload", "{\"ids\": 2}"],
            "the payload's key \"ids\" means nothing to generate_project_description: did you mean \"id\"?",
        ),
        (
            &[describe, "--payload", "{\"id\": 2, \"overwrite\": \"yes\"}"],
            "\"overwrite\" is not true or false",
        ),
        (&["seo_meta", "--payload", "{\"id\": 2}"], "several jobs of the type seo_meta"),
        (&["seo_meta", "--payload", "{\"id\": 2, \"job\": \"rolls\"}"], "has no job \"rolls\""),
        (&["reflect", "--payload", "{\"run\": \"x\"}"], "\"run\" is not a run's id"),
    ] {
        let run = add(arguments);
        assert_eq!(run.code, 5, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(counts(&site)["pending"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_from_elsewhere_is_checked_when_it_is_claimed() {
    let models = Models::start();
    let site = small(
        &models,
        &format!("{NEAR}{JOBS}").replace("window_seconds", "detect = false\nwindow_seconds"),
        ROW,
    )
    .await;
    sql(&site, "insert into task_queue (task_type, payload) values
        ('generate_project_description', '{\"id\": 1, \"model\": \"gpt\"}'), ('update_skills', '[]')").await;
    let report = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!(report["failed"], 2, "{report}");
    let said = report["problems"].to_string();
    assert!(
        said.contains("key \\\"model\\\" means nothing")
            && said.contains("the payload is no JSON object"),
        "{said}"
    );
    assert!(models.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_would_be_queued_and_of_whom_it_would_be_asked() {
    let models = Models::start();
    models.always(Reply::status(503));
    let site = small(&models, &format!("{NEAR}{JOBS}"), ROW).await;
    let text = done(&site.run(&["enrich", "--dry-run"])).to_owned();
    assert!(
        text.contains("to be queued: generate_project_description projects.description/"),
        "{text}"
    );
    assert!(text.contains("\n  near default (first): "), "{text}");
    assert!(text.ends_with("0 tasks due, 1 to be queued; nothing was claimed\n"), "{text}");
    assert_eq!((counts(&site)["pending"].as_i64(), models.requests().len()), (Some(0), 0));
    // What the database remembers of quotas counts.
    sql(
        &site,
        "insert into provider_quotas (provider, blocked_until, blocked_because)
        values ('near', now() + interval '1 hour', 'is down')",
    )
    .await;
    let text = done(&site.run(&["enrich", "--dry-run"])).to_owned();
    assert!(text.contains("\n  nobody can be asked now: "), "{text}");
}
