//! The sample on a server.

use serde_json::json;

use crate::kit::{NEAR, URL, counts, done, json_of, sql};
use crate::models::{Models, Reply, Request};
use crate::postgres;
use crate::site::Site;

/// The sample on a server, one of whose projects lacks its description, with the stand-in.
async fn lacking(models: &Models) -> Site {
    let mut site = Site::copy_of(".");
    site.database_url = Some(postgres::database().await);
    for arguments in [["db", "migrate"], ["db", "seed"]] {
        done(&site.run(&arguments));
    }
    sql(
        &site,
        "update projects set description = null where slug = 'tidebook';
        update projects set meta_description = 'Said by a person.' where slug <> 'lectern'",
    )
    .await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let config = config
        .replace("[enrich.tasks.update_skills]", "[enrich.tasks.update_skills]\ndetect = false");
    site.write("frieze.toml", format!("{config}{}", NEAR.replace(URL, &models.url())));
    site
}

fn answer(request: &Request) -> Option<Reply> {
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
    let report = json_of(&run);
    assert_eq!(
        report["enriched"]["by_type"]["generate_project_description"]["completed"], 1,
        "{report}"
    );
    assert_eq!(report["enriched"]["by_type"]["seo_meta"]["completed"], 1, "{report}");
    let page = site.page("projects/tidebook/index.html");
    assert!(page.contains("who arrives tonight"), "{page}");
    assert!(!page.contains("alert(1)"), "what a model says is no markup");
    let page = site.page("projects/lectern/index.html");
    assert!(page.contains("<title>Lectern, found in a search</title>"), "{page}");
    assert!(page.contains("enough words to be between fifty"), "{page}");
    let asked = models.chats().len();
    assert_eq!(asked, 2);
    let report = json_of(&site.run(&["build", "--json"]));
    assert_eq!(report["enriched"]["completed"], 0, "{report}");
    assert_eq!(models.chats().len(), asked, "nothing is asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_down_stops_no_build() {
    let models = Models::start();
    models.always(Reply::status(500));
    let site = lacking(&models).await;
    let report = json_of(&site.run(&["build", "--json"]));
    assert!(report["enriched"]["because"].as_str().unwrap().contains("near"), "{report}");
    assert!(site.root.join("dist/projects/tidebook/index.html").exists());
    assert_eq!(counts(&site)["pending"], 2);
    let stays = done(&site.run(&["build", "--enrich-window", "0"])).to_owned();
    assert!(!stays.contains("enriched"), "{stays}");
}

/// Two connections that are refused are one that was waited for.
#[test]
fn a_server_that_is_away_is_waited_for_once() {
    let models = Models::start();
    let mut site = Site::small();
    site.database_url = Some("postgres://nobody@127.0.0.1:1/none".to_owned());
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let jobs = NEAR.replace(URL, &models.url());
    site.write("frieze.toml", format!("{config}\n[database]\nretry_seconds = 0\n{jobs}"));
    let run = site.run(&["build", "-v"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(!run.stderr.contains("nothing was enriched"), "it went on to read: {}", run.stderr);
    assert_eq!(run.stderr.matches("trying again").count(), 0, "{}", run.stderr);
}
