//! Enrichment on the sample site: what is missing is filled by a model before the pages are made.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/models.rs"]
mod models;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;

use models::{Models, Reply};
use serde_json::json;
use site::{Run, Site};

const JOBS: &str = "
[enrich]
window_seconds = 20

[[enrich.providers]]
kind = \"llama\"
name = \"near\"
base_url = \"URL\"

[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
from = [\"title\", \"summary\", \"technologies\"]

[enrich.tasks.seo_meta]
collection = \"projects\"
column = \"summary\"
";

/// The sample on a server, two of whose projects lack a text each.
async fn lacking(models: &Models) -> Site {
    let mut site = Site::copy_of(".");
    site.database_url = Some(postgres::database().await);
    for arguments in [["db", "migrate"], ["db", "seed"]] {
        done(&site.run(&arguments));
    }
    let sql = "update projects set description = null where slug = 'tidebook';
        update projects set summary = '' where slug = 'lectern'";
    let url = site.database_url.clone().unwrap();
    postgres::run(&mut postgres::connect(&url).await, sql).await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", format!("{config}{}", JOBS.replace("URL", &models.url())));
    site
}

fn done(run: &Run) -> &str {
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    &run.stdout
}

fn answer(request: &models::Request) -> Option<Reply> {
    let said = request.schema()?;
    let has = |name: &str| said["properties"].get(name).is_some();
    if has("description") && has("title") {
        return Some(Reply::value(
            &json!({"title": "Lectern, found in a search", "description": "What a search engine shows of the lectern: enough words to be between fifty and a hundred and sixty."}),
        ));
    }
    has("description").then(|| {
        Reply::value(&json!({"description": "Tidebook tells small harbours <script>alert(1)</script>who arrives tonight, and where the water is."}))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_fills_what_is_missing_once() {
    let models = Models::start();
    models.decide(answer);
    let site = lacking(&models).await;
    let run = site.run(&["build", "--json"]);
    let report: serde_json::Value = serde_json::from_str(done(&run)).unwrap();
    assert_eq!(report["enriched"]["completed"], 2, "{report}\n{}", run.stderr);
    let page = site.page("projects/tidebook/index.html");
    assert!(page.contains("who arrives tonight"), "{page}");
    assert!(!page.contains("alert(1)"), "what a model says is no markup");
    assert!(site.page("projects/lectern/index.html").contains("enough words to be between fifty"));
    let asked = models.chats().len();
    assert_eq!(asked, 2);
    let run = site.run(&["build", "--json"]);
    let report: serde_json::Value = serde_json::from_str(done(&run)).unwrap();
    assert_eq!(report["enriched"]["completed"], 0, "{report}");
    assert_eq!(models.chats().len(), asked, "nothing is asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_down_stops_no_build() {
    let models = Models::start();
    models.always(Reply::status(500));
    let site = lacking(&models).await;
    let run = site.run(&["build", "--json"]);
    let report: serde_json::Value = serde_json::from_str(done(&run)).unwrap();
    assert_eq!(report["enriched"]["completed"], 0, "{report}");
    assert!(site.root.join("dist/projects/tidebook/index.html").exists());
    let list = site.run(&["enrich", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(done(&list)).unwrap();
    assert_eq!(list["counts"]["pending"], 2, "{list}");
}
