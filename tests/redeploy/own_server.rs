//! A server of one's own, as the guide sets it up: the receiver looks into the database, and builds.

use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::kit::Kit;
use crate::receiver::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_built_where_it_is_served() {
    let mut kit = Kit::installed().await;
    let hook = format!(
        "quiet_seconds = 1\npoll_seconds = 1\ncommand = [\"{}\", \"build\"]\n",
        env!("CARGO_BIN_EXE_frieze")
    );
    kit.site.edit("frieze.toml", "quiet_seconds = 1\n", &hook);
    kit.deploy();
    let receiver = Receiver::start(&kit.site, &[]);
    kit.sql("update projects set description = 'As it is now'").await;
    let begun = Instant::now();
    let page = || {
        // While one folder takes the place of the other, there may be neither.
        let page = kit.site.root.join("dist/projects/first/index.html");
        std::fs::read_to_string(page).unwrap_or_default()
    };
    while !page().contains("As it is now") {
        assert!(begun.elapsed() < PATIENCE, "{}", receiver.health());
        std::thread::sleep(Duration::from_millis(50));
    }
    receiver.settle();
    receiver.wait_for_polls(2);
    receiver.settle();
    assert_eq!(kit.marks().await, "", "the build has taken it in");
    let ended = "frieze_hook_deployments_total{outcome=\"succeeded\"}";
    assert_eq!((receiver.metric(ended), receiver.health()["failures"].as_u64()), (1, Some(0)));
    let builds = "select string_agg(status, ' ') from site_builds";
    assert_eq!(kit.text(builds).await, "succeeded succeeded");
}
