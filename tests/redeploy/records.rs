//! What builds leave in the database, and whom they tell.

use base64::Engine as _;
use hmac::{Hmac, Mac as _};

use crate::kit::{Kit, SECRET};
use crate::stub::Stub;

#[tokio::test(flavor = "multi_thread")]
async fn a_build_takes_in_what_it_read_and_no_more() {
    let mut kit = Kit::installed().await;
    kit.sql("update projects set title = 'Before'").await;
    let config = frieze::config::Config::load(
        &kit.site.root,
        &frieze::config::Overrides { deploy: true, ..Default::default() },
        &|name| (name == "DATABASE_URL").then(|| kit.url.clone()),
    )
    .unwrap();
    let snapshot = frieze::source::read(&mut kit.connection, &config, None, None).await.unwrap();
    let seen = snapshot.changes.unwrap();
    assert_eq!(seen.marks.len(), 1);
    kit.sql("update projects set title = 'After'; update page_layouts set version = 2").await;
    frieze::db::deploys::consume(&mut kit.connection, &seen).await.unwrap();
    assert_eq!(kit.marks().await, "public.page_layouts=1 public.projects=2");
    let young = "select bool_and(first_changed_at > now() - interval '1 minute' and first_changed_at <= last_changed_at) from site_changes";
    assert_eq!(kit.text(young).await, "true");
    kit.deploy();
    assert_eq!(kit.marks().await, "");
}

/// Somebody edits while a build runs, and takes their time.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_waits_for_nobody_who_holds_a_mark() {
    let mut kit = Kit::installed().await;
    kit.sql("update projects set title = 'Before'; update page_layouts set version = 2").await;
    let mut editor = crate::postgres::connect(&kit.url).await;
    crate::postgres::run(&mut editor, "begin; update projects set title = 'Open'").await;
    let begun = std::time::Instant::now();
    kit.deploy();
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    crate::postgres::run(&mut editor, "commit").await;
    assert_eq!(kit.marks().await, "public.projects=2");
    kit.deploy();
    assert_eq!(kit.marks().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_not_go_live_leaves_no_trace() {
    let mut kit = Kit::installed().await;
    kit.sql("update projects set title = 'Edited'").await;
    kit.ok(&["build"]);
    for (name, value) in [("VERCEL_ENV", "preview"), ("FRIEZE_DEPLOY", "0"), ("NETLIFY", "true")] {
        assert_eq!(kit.run_with(&["build"], &[(name, value)]).code, 0);
    }
    assert_eq!(kit.text("select count(*) from site_builds").await, "0");
    assert_eq!(kit.marks().await, "public.projects=1");
    for env in [
        &[("VERCEL_ENV", "production")][..],
        &[("FRIEZE_DEPLOY", "1")],
        &[("NETLIFY", "true"), ("CONTEXT", "production")],
    ] {
        kit.sql("update projects set title = md5(random()::text)").await;
        assert_eq!(kit.run_with(&["build"], env).code, 0);
        assert_eq!(kit.marks().await, "", "{env:?}");
    }
    assert_eq!(kit.text("select count(*) from site_builds where status = 'succeeded' and bytes > 0 and duration_ms is not null and content_fingerprint is not null").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_says_so_and_takes_nothing_in() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into projects (title, slug) values ('Wrong', '../up')").await;
    let told =
        Stub::start(|_, number| if number < 3 { (500, Vec::new()) } else { (204, Vec::new()) });
    let env = [
        ("FRIEZE_NOTIFY_URL", &*told.url("/told")),
        ("FRIEZE_NOTIFY_SECRET", SECRET),
        ("FRIEZE_HOOK_SECRET", "lets callers in, and signs nothing"),
    ];
    let run = kit.run_with(&["build", "--deploy"], &env);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(kit.marks().await, "public.projects=1");
    let error = kit.text("select status || ': ' || error from site_builds").await;
    assert!(error.starts_with("failed: ") && error.contains("../up"), "{error}");

    let asked = told.asked();
    assert_eq!(asked.len(), 3);
    let news: serde_json::Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!(news["type"], "build.failed");
    assert_eq!(news["data"]["site"], "https://small.example");
    assert!(news["data"]["error"].as_str().unwrap().contains("../up"), "{news}");
    let header = |name| asked[2].header(name).unwrap().to_owned();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&asked[2].body);
    let right = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{right}"));
    assert_eq!(asked[0].header("webhook-id"), asked[2].header("webhook-id"), "a repetition is one");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_be_told_and_cannot_be_is_no_reason_to_fail() {
    let kit = Kit::installed().await;
    let told = Stub::start(|_, _| (301, Vec::new()));
    let env = [("FRIEZE_NOTIFY_URL", &*told.url("/t0ken"))];
    let run = kit.run_with(&["build", "--deploy"], &env);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("nobody is told") && !run.stderr.contains("t0ken"),
        "{}",
        run.stderr
    );
    assert_eq!(told.count(), 3, "no redirect is followed");
    let env = [("FRIEZE_NOTIFY_URL", &*told.url("/t0ken")), ("FRIEZE_NOTIFY_SECRET", "guess me")];
    let run = kit.run_with(&["build", "--deploy"], &env);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("FRIEZE_NOTIFY_SECRET is too short"), "{}", run.stderr);
    assert!(!run.stderr.contains("guess me"), "{}", run.stderr);
    assert_eq!(told.count(), 3, "nothing goes out that anybody could have signed");
    let run = kit.run_with(&["build"], &[("FRIEZE_NOTIFY_URL", "not an address t0ken")]);
    assert_eq!(run.code, 3);
    assert!(!run.stderr.contains("t0ken"), "{}", run.stderr);
}

/// Whoever was killed cannot say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_never_ended_does_not_run_for_ever() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into site_builds (started_at) values (now() - interval '50 minutes')").await;
    let status = |kit: &Kit| kit.ok(&["status", "--url", "http://127.0.0.1:1"]).stdout;
    assert!(status(&kit).contains("50 minutes ago: running"), "{}", status(&kit));
    kit.later(15 * 60).await;
    assert!(status(&kit).contains("ago: began, and never said how it ended"), "{}", status(&kit));
}

/// A login that may read what visitors read, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_rights_builds_all_the_same() {
    let mut kit = Kit::installed().await;
    let name = format!("reader_{}", uuid::Uuid::new_v4().simple());
    kit.sql(&format!("create role {name} login; grant anon to {name}")).await;
    let url = kit.url.replace("postgres@", &format!("{name}@"));
    let run = kit.run_with(&["build", "--deploy"], &[("DATABASE_URL", &url)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr, "");
}

/// A deployment may fail after its build has succeeded.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_not_live_is_told() {
    let mut kit = Kit::installed().await;
    kit.deploy();
    let live = Stub::of_folder(kit.site.root.join("dist"));
    let status = |kit: &Kit| {
        let json = kit.ok(&["status", "--json", "--url", &live.url("")]).stdout;
        let text = kit.ok(&["status", "--url", &live.url("")]).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        (json["newest_is_live"].clone(), text.contains("is not what is live"))
    };
    assert_eq!(status(&kit), (true.into(), false));
    kit.sql("insert into site_builds (started_at, finished_at, status, content_fingerprint) values (now(), now(), 'succeeded', 'another')").await;
    assert_eq!(status(&kit), (false.into(), true));
}
