//! `created_at` and `updated_at` count for triggers, webhooks and `frieze changed` alike, as soon as
//! something shows them.

use crate::kit::{Kit, Receiver, SECRET};
use crate::stub::Stub;

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_a_page_shows_is_content() {
    let mut kit = Kit::installed().await;
    kit.site.write("templates/pages/project.html", "<p>{{ row.title }} {{ row.created_at }}</p>");
    kit.ok(&["hook", "install"]);
    kit.deploy();
    let live = Stub::of_folder(kit.site.root.join("dist"));
    let changed = |kit: &Kit| kit.site.run(&["changed", "--url", &live.url("")]).code;
    assert_eq!(changed(&kit), 0);
    kit.sql("update projects set updated_at = '2020-01-01'").await;
    assert_eq!((kit.marks().await, changed(&kit)), (String::new(), 0));
    kit.sql("update projects set created_at = '2020-01-01'").await;
    assert_eq!((kit.marks().await.as_str(), changed(&kit)), ("public.projects=1", 1));

    let body = |column: &str| {
        format!(
            r#"{{"type":"UPDATE","table":"projects","schema":"public","record":{{"{column}":"1"}},"old_record":{{"{column}":"2"}}}}"#
        )
    };
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    let secret = format!("X-Frieze-Secret: {SECRET}\r\n");
    assert_eq!(receiver.post(&secret, &body("updated_at")), 200);
    assert_eq!(receiver.post(&secret, &body("created_at")), 202);
}

/// What could not be noted is heard of without any job, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_hears_of_marks_that_were_lost() {
    let mut kit = Kit::installed().await;
    kit.site.edit("frieze.toml", "[hook]", "[hook]\npoll_seconds = 1");
    let host = Stub::accepting();
    let _receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    kit.sql("alter table site_changes add constraint broken check (table_name = '(unknown)')")
        .await;
    kit.sql("update projects set title = 'Saved'").await;
    host.wait_for(1);
    assert_eq!(kit.marks().await, "(unknown)=1");
}

/// What models write during a build is part of it, and asks for no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_known_before_models_are_asked() {
    let mut kit = Kit::installed().await;
    let url = kit.url.clone();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = std::sync::Arc::clone(&seen);
    // A provider that fails is asked all the same.
    let models = Stub::start(move |_, _| {
        let url = url.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let running: bool = runtime.block_on(async {
            let mut connection = crate::postgres::connect(&url).await;
            let sql = "select exists (select from site_builds where status = 'running')";
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        });
        told.lock().unwrap().push(running);
        (500, Vec::new())
    });
    let jobs = format!(
        "\n[enrich]\nwindow_seconds = 5\n\n[[enrich.providers]]\nkind = \"llama\"\nname = \"near\"\nbase_url = \"{}\"\n\n\
         [enrich.tasks.generate_project_description]\ncollection = \"projects\"\ncolumn = \"description\"\n",
        models.url("")
    );
    let toml = std::fs::read_to_string(kit.site.root.join("frieze.toml")).unwrap();
    kit.site.write("frieze.toml", toml + &jobs);
    kit.sql("update projects set description = null, summary = 'A clock that tells a harbour when the water comes and goes, day and night.'").await;
    kit.deploy();
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(|it| *it), "{seen:?}");
}
