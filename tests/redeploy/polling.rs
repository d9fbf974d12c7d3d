//! A receiver that looks into the database: it finds what nobody told of, and makes no deployments of
//! its own.

use crate::kit::Kit;
use crate::receiver::Receiver;
use crate::stub::Stub;

/// A site that is live, and whose receiver looks into the database every so many seconds.
async fn polled(seconds: u32) -> Kit {
    let kit = Kit::installed().await;
    let poll = format!("quiet_seconds = 1\npoll_seconds = {seconds}\n");
    kit.site.edit("frieze.toml", "quiet_seconds = 1\n", &poll);
    kit.deploy();
    kit
}

/// What nobody told of is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_webhook_is_caught_by_looking() {
    let mut kit = polled(1).await;
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    kit.sql("update projects set title = 'Nobody told'").await;
    host.wait_for(1);
    receiver.wait_for_polls(2);
    receiver.settle();
    assert_eq!(host.count(), 1, "the same changes are one deployment");
    kit.deploy();
    kit.sql("update projects set title = 'Nobody told again'").await;
    host.wait_for(2);
    assert!(receiver.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_told_of_is_not_found_once_more() {
    let mut kit = polled(4).await;
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.wait_for_polls(1);
    kit.sql("update projects set title = 'Told'").await;
    assert_eq!(receiver.tell("projects"), 202);
    host.wait_for(1);
    receiver.wait_for_polls(2);
    receiver.settle();
    assert_eq!(host.count(), 1);
}

/// A build takes in what it has read; what came since is known, and has its deployment.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_build_leaves_over_is_no_new_change() {
    let mut kit = polled(1).await;
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    kit.sql("update projects set title = 'First'").await;
    kit.sql("update projects set title = 'Read by the build'").await;
    host.wait_for(1);
    receiver.settle();
    kit.sql("update page_layouts set version = 2").await;
    host.wait_for(2);
    receiver.settle();
    kit.sql("delete from site_changes where table_name = 'public.projects'").await;
    receiver.wait_for_polls(2);
    receiver.settle();
    kit.sql("delete from site_changes").await;
    receiver.wait_for_polls(2);
    receiver.settle();
    assert_eq!(host.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_find_nothing_says_so() {
    let mut kit = Kit::new().await;
    let poll = "quiet_seconds = 1\npoll_seconds = 1\n";
    kit.site.edit("frieze.toml", "quiet_seconds = 1\n", poll);
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    let says = |what: &'static str| {
        receiver.until(what, |health| {
            health["poll_error"].as_str().is_some_and(|why| why.contains(what))
        });
    };
    says("no table carries triggers");
    kit.sql("alter table site_changes rename to elsewhere").await;
    says("there is no table site_changes");
    kit.sql("alter table elsewhere rename to site_changes").await;
    kit.ok(&["hook", "install"]);
    receiver.until("content", |health| health["poll_error"].is_null());
    assert!(receiver.stop());
    let log = std::fs::read_to_string(kit.site.root.join("receiver.log")).unwrap();
    assert_eq!(log.matches("no table carries triggers").count(), 1, "once: {log}");

    let name = format!("reader_{}", uuid::Uuid::new_v4().simple());
    kit.sql(&format!("create role {name} login; grant anon to {name}")).await;
    let url = kit.url.replace("postgres@", &format!("{name}@"));
    let env = [("DEPLOY_HOOK_URL", &*host.url("/")), ("DATABASE_URL", &*url)];
    let receiver = Receiver::start(&kit.site, &env);
    receiver.until("blind", |health| !health["poll_error"].is_null());
    assert_eq!(receiver.health()["poll_error"], "this login may not read site_changes");
    kit.sql(&format!("grant select on site_changes to {name}")).await;
    receiver.until("blind in another way", |health| {
        health["poll_error"].as_str().is_some_and(|why| why.contains("row-level security"))
    });
}

/// A build that runs already takes in what comes before it reads.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_build_has_taken_in_before_its_turn_is_no_deployment() {
    let mut kit = polled(1).await;
    kit.site.edit("frieze.toml", "quiet_seconds = 1\n", "quiet_seconds = 600\n");
    kit.site.edit("frieze.toml", "max_wait_seconds = 5\n", "max_wait_seconds = 600\n");
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    kit.sql("update projects set title = 'Read by the build'").await;
    receiver.until("found", |health| health["pending"] == 1);
    kit.deploy();
    receiver.settle();
    assert_eq!(host.count(), 0);
}

/// A look that comes too late for a deployment may see more than that has read.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_comes_late_swallows_no_edit() {
    let mut kit = polled(600).await;
    let host = Stub::accepting();
    let receiver = Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.wait_for_polls(
        1 - receiver.metric("frieze_hook_polls_total{outcome=\"succeeded\"}").min(1),
    );
    kit.sql("begin; lock table site_changes in access exclusive mode").await;
    kit.sql("update projects set title = 'Too late for the first'").await;
    assert_eq!(receiver.tell("testimonials"), 202);
    host.wait_for(1);
    kit.sql("commit").await;
    host.wait_for(2);
}
