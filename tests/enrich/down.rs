//! Providers that are down, or at their limit: how often they are asked, and what a run waits for.
//! Whoever waited asked again: so requests are counted, and rows.

use serde_json::{Value, json};

use crate::kit::{NEAR, answer, counts, done, json_of, one, small, sql};
use crate::models::{Models, Reply};
use crate::site::Site;

const DESCRIBE: &str = "
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
";
const HOME: &str = "
[[pages]]
path = \"/\"
template = \"pages/front.html\"
";
const NOBODY: &str = "select count(*) from agent_run_logs where provider = 'none'";
const TOUCHED: &str = "select count(*) from task_queue where error_message is not null";

async fn site(models: &Models, projects: usize) -> Site {
    let rows = format!(
        "insert into projects (title, slug, summary) select 'Tide ' || n, 'tide-' || n,
        'A clock that tells a harbour when the water comes and goes, day and night.'
        from generate_series(1, {projects}) as n"
    );
    let site = small(models, &format!("{NEAR}{DESCRIBE}{HOME}"), &rows).await;
    site.write("templates/pages/front.html", "<!doctype html><title>Small</title><h1>Small</h1>");
    site
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_not_churned_through_while_nobody_can_be_asked() {
    let models = Models::start();
    models.always(Reply::status(502));
    let site = site(&models, 60).await;
    let run = site.run(&["build"]);
    assert!(done(&run).contains("  enriched  60 pending (no provider "), "{}", run.stdout);
    // Three failures open the circuit, and four tasks at a time were on their way.
    let asked = models.requests().len();
    assert!((3..=7).contains(&asked), "{asked}");
    let touched = number(&one(&site, TOUCHED).await);
    assert!((3..=11).contains(&touched), "{touched}");
    assert!(number(&one(&site, NOBODY).await) <= 1);
    let warned = run.stderr.lines().filter(|line| line.contains("WARN")).count();
    assert!((1..=2).contains(&warned), "{}", run.stderr);

    // The next build knows, and asks nobody.
    let before = number(&one(&site, NOBODY).await);
    let run = site.run(&["build"]);
    assert!(done(&run).contains("  enriched  60 pending (no provider "), "{}", run.stdout);
    assert_eq!(models.requests().len(), asked);
    assert_eq!(number(&one(&site, NOBODY).await), before + 1);
    assert_eq!(
        run.stderr.lines().filter(|line| line.contains("WARN")).count(),
        1,
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_waits_for_what_may_never_come_back() {
    for (reply, asked) in [
        (Reply::hang_up(), 1),
        (Reply::status(502), 1),
        // It may have been the question: once more, and no third time.
        (Reply::status(500), 2),
        // Until somebody does something about it.
        (Reply::status(401), 1),
        (Reply::no_such_model(), 1),
    ] {
        let models = Models::start();
        models.always(reply);
        let site = site(&models, 1).await;
        let report = json_of(&site.run(&["enrich", "--json", "--window", "3600"]));
        let left = number(&report["due"]) + number(&report["later"]);
        assert_eq!((left, models.chats().len()), (1, asked), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_a_server_asks_for_is_waited_for_if_it_is_short() {
    let models = Models::start();
    models.decide(answer);
    let site = site(&models, 1).await;
    let first = |seconds: &'static str| {
        let asked = std::sync::atomic::AtomicBool::new(false);
        models.decide(move |request| {
            let again = asked.swap(true, std::sync::atomic::Ordering::SeqCst);
            if again {
                answer(request)
            } else {
                Some(Reply::status(429).header("retry-after", seconds))
            }
        });
    };
    first("12");
    let report = json_of(&site.run(&["build", "--json"]));
    assert_eq!((&report["enriched"]["later"], models.chats().len()), (&json!(1), 1), "{report}");
    sql(&site, "delete from provider_quotas; update task_queue set scheduled_at = now()").await;
    first("1");
    let report = json_of(&site.run(&["build", "--json"]));
    assert_eq!(
        (&report["enriched"]["completed"], models.chats().len()),
        (&json!(1), 3),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_for_what_is_missing_is_part_of_the_window() {
    let models = Models::start();
    models.decide(answer);
    let site = site(&models, 1).await;
    // It takes longer to look than there is.
    sql(
        &site,
        "alter table projects rename to all_projects;
        create view projects as select p.* from pg_sleep(2), all_projects as p",
    )
    .await;
    let report = json_of(&site.run(&["enrich", "--json", "--window", "1"]));
    assert_eq!((&report["completed"], &report["put_back"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!((&report["due"], models.requests().len()), (&json!(1), 0), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_interrupted_gives_back_its_tasks_and_ends() {
    let models = Models::start();
    models.decide(|_| Some(Reply::silence()));
    let site = site(&models, 1).await;
    let build = site.command(&["build"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while models.requests().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(build.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = build.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("their tasks are given back"), "{said}");
    assert!(!site.root.join("dist").join("index.html").exists());
    assert_eq!(counts(&site)["due"], 1);
    assert_eq!(one(&site, "select attempts from task_queue").await, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_about_what_a_person_has_written() {
    let models = Models::start();
    models.decide(answer);
    let site = site(&models, 1).await;
    let id = one(&site, "select id from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let add = |payload: &str| {
        let add = ["enrich", "add", "generate_project_description", "--target", &target];
        done(&site.run(&[&add[..], &["--payload", payload]].concat()));
    };
    add("{}");
    sql(&site, "update projects set description = 'Mine.'").await;
    let report = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!((&report["completed"], &report["kept"]), (&json!(1), &json!(1)), "{report}");
    assert!(models.requests().is_empty());
    assert_eq!(
        one(&site, "select result->'kept'->0->>'column' from task_queue").await,
        "description"
    );
    add("{\"overwrite\": true}");
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 1);
    // What a model wrote is no person's.
    add("{}");
    sql(&site, "delete from ai_response_cache").await;
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_taken_back_is_still_as_it_was_seeded() {
    let models = Models::start();
    models.decide(answer);
    let site = small(&models, &format!("{NEAR}{DESCRIBE}"), "select 1").await;
    let summary = "A clock that tells a harbour when the water comes and goes, day and night.";
    let file = "content/projects/tide.md";
    site.write(
        file,
        format!("+++\ntitle = \"Tide\"\nslug = \"tide\"\nsummary = \"{summary}\"\n+++\n"),
    );
    done(&site.run(&["db", "seed"]));
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 1);
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    site.edit(file, "\"Tide\"", "\"Ebb\"");
    let run = site.run(&["db", "seed"]);
    assert_eq!(
        one(&site, "select title from projects").await,
        "Ebb",
        "{}{}",
        done(&run),
        run.stderr
    );
}

/// What is a matter of the configuration is over when that is mended, and nobody was called for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mended_configuration_is_found_by_the_next_run() {
    let models = Models::start();
    models.decide(answer);
    let jobs = format!("{NEAR}private = false\n{DESCRIBE}detect = false\n");
    let rows = "insert into projects (title, slug, summary) values ('Tide', 'tide',
        'A clock that tells a harbour when the water comes and goes, day and night.')";
    let site = small(&models, &jobs, rows).await;
    let id = one(&site, "select id::text from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let add = ["enrich", "add", "generate_project_description", "--private", "--target", &target];
    done(&site.run(&add));
    let report = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!((&report["put_back"], &report["calls"]["made"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(models.requests().len(), 0);
    site.edit("frieze.toml", "private = false", "private = true");
    let report = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!(report["completed"], 1, "{report}");
}

/// Who keeps all that are asked waiting does not keep vectors from being made, which need nobody.
#[tokio::test(flavor = "multi_thread")]
async fn vectors_have_a_part_of_the_window() {
    let models = Models::start();
    models.always(Reply::silence());
    let site = site(&models, 3).await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let embed =
        "[enrich.tasks.embed]\ncollection = \"projects\"\nfrom = [\"title\", \"summary\"]\n";
    site.write("frieze.toml", config.replace("[[pages]]", &format!("{embed}\n[[pages]]")));
    done(&site.run(&["build", "--enrich-window", "6"]));
    assert_eq!(number(&one(&site, "select count(*) from content_embeddings").await), 3);
    assert_eq!(counts(&site)["pending"], 3);
}

/// A job that nobody of the list may be asked about is a mistake, and said.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_no_provider_may_do_is_warned_about() {
    let models = Models::start();
    let jobs = format!("{NEAR}private = false\n{DESCRIBE}private = true\n");
    let site = small(&models, &jobs, "select 1").await;
    let run = site.run(&["enrich"]);
    done(&run);
    let words = "enrich.tasks.generate_project_description: nobody could be asked";
    assert!(run.stderr.contains(words) && run.stderr.contains("is not private"), "{}", run.stderr);
}

#[test]
fn no_worker_stays_at_the_embedded_database() {
    let run = Site::small().run(&["enrich", "--watch"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("DATABASE_URL"), "{}", run.stderr);
}
