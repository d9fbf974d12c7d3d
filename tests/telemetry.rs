//! What can be seen of a run from outside: the run's id on every log line and row, and the spans
//! that a collector of OpenTelemetry gets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/models.rs"]
mod models;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/site.rs"]
mod site;

use std::time::Duration;

use collector::{Collector, Span};
use models::{Models, Reply};
use serde_json::{Value, json};
use site::{Run, Site};
use sqlx::Row as _;

const KEY: &str = "gsk_the-key-of-this-test";
const ANSWER: &str = "Tells small harbours who arrives tonight, and where the water is.";

const JOBS: &str = "
[enrich]
window_seconds = 20

[[enrich.providers]]
kind = \"openai\"
name = \"broken\"
base_url = \"BROKEN\"
model = \"big\"
key_env = \"BROKEN_KEY\"

[[enrich.providers]]
kind = \"llama\"
name = \"near\"
base_url = \"NEAR\"
model = \"small\"

[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
from = [\"title\", \"summary\", \"technologies\"]
";

/// The sample on a server, one of whose projects lacks a text; the first provider is in trouble.
struct Bench {
    site: Site,
    models: Models,
    _broken: Models,
}

impl Bench {
    async fn new() -> Self {
        let (broken, models) = (Models::start(), Models::start());
        broken.always(Reply::status(500));
        models.decide(|request| {
            let wanted = request.schema()?["properties"].get("description").is_some();
            wanted.then(|| Reply::value(&json!({"description": ANSWER})))
        });
        let mut site = Site::copy_of(".");
        site.database_url = Some(postgres::database().await);
        for arguments in [["db", "migrate"], ["db", "seed"]] {
            done(&site.run(&arguments));
        }
        let jobs = JOBS.replace("BROKEN\"", &format!("{}\"", broken.openai_url()));
        let jobs = jobs.replace("NEAR", &models.url());
        site.jobs(&jobs);
        let bench = Self { site, models, _broken: broken };
        bench.sql("update projects set description = null where slug = 'tidebook'").await;
        bench
    }

    async fn sql(&self, sql: &str) {
        let mut connection = postgres::connect(self.site.database_url.as_ref().unwrap()).await;
        postgres::run(&mut connection, sql).await;
    }

    /// The first column of each row, as text.
    async fn rows(&self, sql: &str) -> Vec<String> {
        let mut connection = postgres::connect(self.site.database_url.as_ref().unwrap()).await;
        let sql = sqlx::AssertSqlSafe(format!("select x::text from ({sql}) as x(x)"));
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn run(&self, arguments: &[&str], env: &[(&str, &str)]) -> Run {
        let mut command = self.site.command(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env("BROKEN_KEY", KEY).envs(env.iter().copied());
        let run = Run::of(command.output().unwrap());
        done(&run);
        run
    }
}

fn done(run: &Run) {
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_and_row_of_a_run_carries_its_id() {
    let bench = Bench::new().await;
    let run = bench.run(&["enrich", "--json", "-v", "--log-format", "json"], &[]);
    let id = report(&run)["run_id"].as_str().unwrap().to_owned();
    let lines: Vec<Value> =
        run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 4, "{}", run.stderr);
    for line in &lines {
        assert_eq!(line["spans"][0]["run_id"], json!(id), "{line}");
    }
    let said = |words: &str| {
        let message = |line: &&Value| line["fields"]["message"].as_str().unwrap().contains(words);
        lines.iter().find(message).unwrap_or_else(|| panic!("no {words:?}: {}", run.stderr))
    };
    let task = bench.rows("select id from task_queue").await.remove(0);
    // Each decision has a line that says why, below the task it was made for.
    for words in [
        "asked broken (big), first: it answered 500",
        "asked near (small), second: broken answered 500",
        "completed",
    ] {
        let below = &said(words)["spans"][1];
        assert_eq!((&below["name"], &below["task_id"]), (&json!("task"), &json!(task)));
        assert_eq!(below["task_type"], "generate_project_description");
        assert_eq!(below["attempt"], 1);
    }
    said("queued what is missing");
    // And a row, which says the same.
    let reasons =
        bench.rows("select reason from agent_run_logs where input ? 'user' order by latency_ms >= 0, reason").await;
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!(reasons[0], "first");
    assert!(reasons[1].starts_with("second: broken answered 500"), "{reasons:?}");
    for (table, column) in [
        ("task_queue", "run_id"),
        ("agent_run_logs", "session_id"),
        ("enrichments", "run_id"),
        ("agent_context", "session_id"),
    ] {
        let ids = bench.rows(&format!("select distinct {column} from {table}")).await;
        assert_eq!(ids, [id.as_str()], "{table}");
    }

    // The next run has an id of its own; it takes the answer from the cache, and says so.
    bench.sql("delete from enrichments; delete from task_queue").await;
    bench.sql("update projects set description = null where slug = 'tidebook'").await;
    let run = bench.run(&["enrich", "-v"], &[]);
    let ids = bench.rows("select distinct run_id from task_queue").await;
    assert_ne!(ids, [id.as_str()]);
    let span = format!("enrich{{run_id={}}}", ids[0]);
    assert!(run.stderr.lines().all(|line| line.contains(&span)), "{}", run.stderr);
    let words = "did not ask near (small): the same was asked before";
    let line = run.stderr.lines().find(|line| line.contains(words));
    let line = line.unwrap_or_else(|| panic!("{}", run.stderr));
    assert!(line.contains("task_type=\"generate_project_description\" attempt=1}"), "{line}");
    let cached = "select session_id from agent_run_logs where is_cached";
    assert_eq!(bench.rows(cached).await, ids);
}

/// Lines that are always shown carry it too.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_carries_the_id_without_being_asked() {
    let bench = Bench::new().await;
    bench.models.decide(|_| Some(Reply::status(500)));
    let run = bench.run(&["enrich", "--window", "1"], &[]);
    let ids = bench.rows("select distinct run_id from task_queue").await;
    let line = run.stderr.lines().find(|line| line.contains("no provider gave a good answer"));
    let line = line.unwrap_or_else(|| panic!("{}", run.stderr));
    assert!(line.contains(&format!("enrich{{run_id={}}}:task{{task_id=", ids[0])), "{line}");
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let first = found.next();
    first.unwrap_or_else(|| panic!("no span {name}: {:?}", names(spans)))
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_spans_of_a_run_and_no_word_of_what_was_asked() {
    let bench = Bench::new().await;
    let collector = Collector::start();
    let url = collector.url();
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_SERVICE_NAME", "portfolio"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=gardeners"),
    ];
    let run = bench.run(&["enrich", "--json", "-vv"], &env);
    let id = report(&run)["run_id"].as_str().unwrap().to_owned();
    let requests = collector.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(request.path, "/v1/traces");
        assert_eq!(request.headers["x-team"], "gardeners");
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        for secret in ["Tidebook", "harbour", "description\"", KEY, "status 500"] {
            let found = String::from_utf8_lossy(&request.body).contains(secret);
            assert!(!found, "{secret:?} was sent");
        }
    }
    let resource = collector.resource();
    assert_eq!(resource["service.name"], json!("portfolio"));
    assert_eq!(resource["deployment.environment.name"], json!("test"));
    assert_eq!(resource["service.version"], json!(env!("CARGO_PKG_VERSION")));

    let spans = collector.spans();
    let root = one(&spans, "enrich");
    assert_eq!((root.parent.as_str(), &root.attributes["run_id"]), ("", &json!(id)));
    let task = one(&spans, "task");
    assert_eq!(task.attributes["task_type"], json!("generate_project_description"));
    assert_eq!(task.attributes["attempt"], json!(1));
    for name in ["claim", "task", "record"] {
        assert_eq!(one(&spans, name).parent, root.id, "{name}");
    }
    assert_eq!(one(&spans, "record").attributes["tasks"], json!(1));
    let (failed, good) = (one(&spans, "chat big"), one(&spans, "chat small"));
    for call in [failed, good] {
        assert_eq!((&call.parent, call.kind), (&task.id, 3), "a call is a client's span");
        assert_eq!(call.attributes["gen_ai.operation.name"], json!("chat"));
        assert_eq!(call.attributes["server.address"], json!("127.0.0.1"));
    }
    assert_eq!(failed.attributes["error.type"], json!("server"));
    assert_eq!(failed.attributes["http.response.status_code"], json!(500));
    assert_eq!((failed.status, good.status), (2, 0));
    assert_eq!(good.attributes["gen_ai.provider.name"], json!("near"));
    assert_eq!(good.attributes["gen_ai.request.model"], json!("small"));
    let tokens = bench
        .rows("select tokens_in || ' ' || tokens_out from agent_run_logs where error is null and input ? 'user'")
        .await;
    let sent = |name: &str| good.attributes[name].as_i64().unwrap();
    let sent =
        format!("{} {}", sent("gen_ai.usage.input_tokens"), sent("gen_ai.usage.output_tokens"));
    assert_eq!(tokens, [sent]);
    assert!(spans.iter().all(|span| span.trace == root.trace && span.events == 0), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_sends_its_stages_and_the_run_in_them() {
    let bench = Bench::new().await;
    let collector = Collector::start();
    let url = format!("{}/v1/traces", collector.url());
    bench.run(&["build", "--json"], &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str())]);
    assert_eq!(collector.resource()["service.name"], json!("frieze"));
    let spans = collector.spans();
    let build = one(&spans, "build");
    for stage in ["read", "assemble", "render", "publish"] {
        assert_eq!(one(&spans, stage).parent, build.id, "{stage}");
    }
    assert_eq!(one(&spans, "enrich").parent, one(&spans, "read").id);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_unless_it_is_asked_for() {
    let bench = Bench::new().await;
    let collector = Collector::start();
    let url = collector.url();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
    bench.run(&["enrich", "list"], &[("OTEL_SERVICE_NAME", "portfolio")]);
    bench.run(&["enrich"], &[endpoint, ("OTEL_SDK_DISABLED", "true")]);
    bench.run(&["enrich"], &[endpoint, ("OTEL_TRACES_EXPORTER", "none")]);
    let run = bench.run(&["enrich"], &[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    let warning = "no spans are sent: OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\"";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    assert!(collector.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_silent_costs_a_warning() {
    let bench = Bench::new().await;
    let warnings = |run: &Run| run.stderr.matches("spans do not reach the collector").count();
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@127.0.0.1:1")];
    let run = bench.run(&["build"], &env);
    assert_eq!(warnings(&run), 1, "{}", run.stderr);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);

    let silent = Collector::silent();
    let url = silent.url();
    let run = bench.run(&["build"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())]);
    assert_eq!(warnings(&run), 1, "{}", run.stderr);
    // It would wait 10 s for an answer, and then try once more.
    let begun = silent.asked_at().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "the build waited for it");
    assert!(bench.site.root.join("dist/index.html").exists());
}
