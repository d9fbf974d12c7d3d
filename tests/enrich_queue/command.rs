//! `frieze enrich`, as people and scripts call it.

use std::process::Command;

use serde_json::{Value, json};

use crate::kit::{Kit, config, effect, field};

struct Site {
    kit: Kit,
    dir: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let kit = Kit::new().await;
        let dir = tempfile::tempdir().unwrap();
        config(dir.path(), &kit.url);
        Self { kit, dir }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frieze"));
        command.arg("enrich").args(arguments).arg("-C").arg(self.dir.path());
        command.env("DATABASE_URL", &self.kit.url).env("NO_COLOR", "1").env("RUST_LOG", "off");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn text(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{stderr}");
        stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    fn refused(&self, arguments: &[&str], expected: i32) -> String {
        let (code, _, stderr) = self.run(arguments);
        assert_eq!(code, expected, "{stderr}");
        stderr
    }
}

#[tokio::test]
async fn a_task_is_added_listed_shown_cancelled_and_tried_again() {
    let site = Site::new().await;
    let add =
        ["add", "embed", "--target", "projects/1", "--payload", "{\"id\": 1}", "--priority", "9"];
    let added = site.json(&add);
    assert_eq!(added["is_new"], true);
    let id = added["id"].as_str().unwrap().to_owned();
    let again = site.text(&["add", "embed", "--target", "projects/1"]);
    assert_eq!(again, format!("embed is queued already, as {id}\n"));
    site.text(&["add", "reflect", "--private", "--at", "2999-01-01T00:00:00Z"]);

    let list = site.json(&["list"]);
    assert_eq!(
        list["counts"],
        json!({"pending": 2, "due": 1, "processing": 0, "completed": 0, "failed": 0})
    );
    assert_eq!(list["tasks"][0]["task_type"], "embed");
    assert_eq!(list["tasks"][1]["is_private"], true);
    let text = site.text(&["list", "--type", "embed"]);
    let expected =
        format!("{}  pending  embed  projects/1  p9  0/3  due\n\n1 pending (1 due), ", &id[..13]);
    assert!(text.starts_with(&expected), "{text}");

    let shown = site.json(&["show", &id[..8]]);
    assert_eq!((&shown["id"], &shown["payload"]), (&json!(id), &json!({"id": 1})));
    assert!(site.text(&["show", &id]).contains("  payload    {\"id\":1}\n"));

    assert_eq!(site.text(&["cancel", &id]), format!("Cancelled task {id}\n"));
    assert_eq!(site.json(&["retry", "--failed"]), json!({"retried": 0}));
    assert_eq!(site.json(&["retry", &id]), json!({"retried": 1}));
    assert_eq!(site.text(&["cancel", "--pending"]), "Cancelled 2 tasks\n");
    assert!(site.refused(&["cancel", &id], 5).contains("is failed: only pending and processing"));
    assert!(site.refused(&["show", "nope"], 5).contains("at least its first 8"));
    site.refused(&["retry"], 2);
}

#[tokio::test]
async fn an_unknown_type_is_refused_before_a_database_is_asked() {
    let mut site = Site::new().await;
    site.kit.url = "postgres://nobody@127.0.0.1:1/none".into();
    for arguments in [&["add", "embd"][..], &["--type", "embd"]] {
        let error = site.refused(arguments, 5);
        assert!(error.contains("there is no task type \"embd\""), "{error}");
        assert!(
            error.contains("did you mean \"embed\"? known are generate_project_description, "),
            "{error}"
        );
    }
    site.refused(&["add", "embed", "--payload", "[1]"], 2);
    site.refused(&["add", "embed", "--priority", "11"], 2);
    site.refused(&["--watch", "--window", "5"], 2);
}

#[tokio::test]
async fn a_task_of_a_type_that_nobody_knows_fails_at_once() {
    let mut site = Site::new().await;
    site.kit.sql("insert into task_queue (task_type) values ('nonsense')").await;
    let dry = site.text(&["--dry-run"]);
    assert!(dry.ends_with("1 task due; nothing was claimed\n"), "{dry}");
    let report = site.json(&["--window", "20"]);
    assert_eq!((&report["failed"], &report["completed"]), (&json!(1), &json!(0)));
    assert_eq!(report["by_type"]["nonsense"]["failed"], 1);
    let problem = report["problems"][0]["message"].as_str().unwrap();
    assert!(problem.contains("nonsense") && problem.contains("seo_meta"), "{problem}");
    assert_eq!(
        site.kit.one("select array[status, attempts::text] from task_queue").await,
        json!(["failed", "1"])
    );
    let summary = site.text(&[]);
    assert!(
        summary.starts_with("Enriched in ") && summary.ends_with(": 0 completed\n"),
        "{summary}"
    );
}

#[tokio::test]
async fn what_models_wrote_is_summed_and_taken_back() {
    let mut site = Site::new().await;
    assert_eq!(site.text(&["stats"]), "No model was asked in the last 30 days\n");
    site.kit.sql("insert into projects (title, slug) values ('P', 'p')").await;
    let task = site.kit.claimed().await;
    let write = field("projects", json!({"slug": "p"}), "summary", json!("New"));
    let (effect, run_id) = (effect(vec![write]), site.kit.run_id);
    frieze::enrich::record::finish(&mut site.kit.connection, &task, &effect, run_id).await.unwrap();

    let stats = site.json(&["stats", "--since", "7"]);
    let since: chrono::DateTime<chrono::Utc> = stats["since"].as_str().unwrap().parse().unwrap();
    assert_eq!((chrono::Utc::now() - since).num_days(), 7);
    site.refused(&["stats", "--since", "soon"], 2);
    assert_eq!((&stats["total"]["calls"], &stats["total"]["p95_ms"]), (&json!(1), &json!(40.0)));
    assert_eq!(
        (&stats["by"][0]["provider"], &stats["by"][0]["cost"]),
        (&json!("stub"), &json!(0.25))
    );
    let table = site.text(&["stats"]);
    assert!(table.lines().nth(1).unwrap().starts_with("stub      stub       1      0"), "{table}");

    let id = task.id.to_string();
    let back = site.json(&["revert", &id[..8]]);
    let value = json!({"table": "projects", "key": {"slug": "p"}, "column": "summary", "state": "reverted"});
    assert_eq!(back, json!({"reverted": 1, "values": [value]}));
    assert_eq!(site.kit.one("select summary from projects").await, Value::Null);
    assert_eq!(site.text(&["revert", "projects", "summary"]), "No model wrote anything there\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_watches_ends_well_when_told_to() {
    let mut site = Site::new().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_frieze"));
    command.args(["enrich", "--watch", "--json", "-C"]).arg(site.dir.path());
    command.env("DATABASE_URL", &site.kit.url).stdout(std::process::Stdio::piped());
    let mut worker = command.spawn().unwrap();
    site.kit.sql("insert into task_queue (task_type) values ('nonsense')").await;
    let ended = "select count(*) from task_queue where status = 'failed'";
    while site.kit.one(ended).await == json!(0) {
        assert!(worker.try_wait().unwrap().is_none(), "it has ended by itself");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(worker.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let output = worker.wait_with_output().unwrap();
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["failed"], 1);
}
