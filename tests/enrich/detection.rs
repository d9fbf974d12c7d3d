//! What is queued by itself, and what is not.

use serde_json::json;

use crate::kit::{NEAR, answer, counts, done, json_of, one, small, sql};
use crate::models::{Models, Reply};

const DESCRIBE: &str = "
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
";
const SKILLS: &str = "
[enrich.tasks.update_skills]
collection = \"skills\"
column = \"name\"
from = [\"projects.technologies\"]
";
const ROW: &str = "insert into projects (title, slug, summary) values
    ('Tide', 'tide', 'A clock that tells a harbour when the water comes and goes, day and night.');";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_queued_for_which_nobody_could_be_asked() {
    let models = Models::start();
    let keyless = "
[[enrich.providers]]
kind = \"groq\"
base_url = \"URL\"

[[enrich.providers]]
kind = \"openai\"
name = \"open\"
base_url = \"URL\"
model = \"m\"

[enrich.tasks.seo_meta]
collection = \"projects\"
column = \"meta_description\"
private = true

[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
provider = \"groq\"
";
    let site = small(&models, keyless, ROW).await;
    let run = site.run(&["enrich", "--json", "-v"]);
    json_of(&run);
    assert_eq!(counts(&site)["pending"], 0, "{}", run.stderr);
    assert!(run.stderr.contains("GROQ_API_KEY is not set"), "{}", run.stderr);
    assert!(run.stderr.contains("enrich.tasks.seo_meta: nobody could be asked, so nothing is queued: groq is not private; open is not private"), "{}", run.stderr);
    assert!(models.requests().is_empty());
    // A key may be missing by intent; that no provider of the list may do it is a mistake.
    let said = site.run(&["enrich"]).stderr;
    assert!(said.contains("seo_meta: nobody could be asked"), "{said}");
    assert!(
        !said.contains("generate_project_description: nobody"),
        "a warning is too much: {said}"
    );
    // With its key it could be.
    let mut command = site.command(&["enrich", "--dry-run", "--json"]);
    let run = crate::site::Run::of(command.env("GROQ_API_KEY", "gsk_test").output().unwrap());
    assert_eq!(json_of(&run)["missing"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_for_good_is_queued_again_only_when_the_row_says_something_else() {
    let models = Models::start();
    models.always(Reply::value(&json!({"description": "too short"})));
    let jobs = format!("{NEAR}{DESCRIBE}max_attempts = 1\n");
    let site = small(&models, &jobs, ROW).await;
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["failed"], 1);
    let asked = models.chats().len();
    let again = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!((&again["failed"], models.chats().len()), (&json!(0), asked), "{again}");
    // A column that it does not learn from makes no difference, as it is with updated_at.
    sql(&site, "update projects set featured_order = 3").await;
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["failed"], 0);
    sql(&site, "update projects set title = 'Tides'").await;
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["failed"], 1);
    models.decide(answer);
    done(&site.run(&["enrich", "retry", "--failed"]));
    assert!(json_of(&site.run(&["enrich", "--json"]))["completed"].as_u64().unwrap() >= 1);
    assert!(
        one(&site, "select description from projects").await.as_str().unwrap().contains("Written")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_or_taken_back_is_left_alone() {
    let models = Models::start();
    models.decide(answer);
    let site = small(&models, &format!("{NEAR}{DESCRIBE}"), ROW).await;
    done(&site.run(&["enrich"]));
    let empty = "select description is null from projects";
    assert_eq!(one(&site, empty).await, json!(false));
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, empty).await, models.chats().len()), (json!(true), 1));

    // The same of a task that a person added, which knows of no hash.
    sql(&site, "delete from task_queue; delete from ai_response_cache").await;
    let id = one(&site, "select id from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let add = ["enrich", "add", "generate_project_description", "--target", &target];
    done(&site.run(&add));
    done(&site.run(&["enrich"]));
    assert_eq!(one(&site, empty).await, json!(false));
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    let asked = models.chats().len();
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, empty).await, models.chats().len()), (json!(true), asked));

    sql(&site, "delete from task_queue; update projects set title = 'Ebb'").await;
    models.decide(|_| Some(Reply::status(503)));
    done(&site.run(&["enrich", "--window", "1"]));
    done(&site.run(&["enrich", "cancel", "--pending"]));
    done(&site.run(&["enrich", "--window", "1"]));
    assert_eq!((&counts(&site)["pending"], &counts(&site)["failed"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_stays_so_while_models_fill_other_columns() {
    const SEO: &str =
        "[enrich.tasks.seo_meta]\ncollection = \"projects\"\ncolumn = \"meta_description\"\n";
    let models = Models::start();
    models.decide(answer);
    let site = small(&models, &format!("{NEAR}{DESCRIBE}{SEO}"), ROW).await;
    let (description, meta) = (
        "select description is null from projects",
        "select meta_description is null and meta_title is null from projects",
    );
    // Both learn from the whole row, so from what the other one writes.
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 2);
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, description).await, models.chats().len()), (json!(true), 2));
    for column in ["meta_description", "meta_title"] {
        done(&site.run(&["enrich", "revert", "projects", column]));
    }
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, meta).await, models.chats().len()), (json!(true), 2));
    // What a person writes says something new, and so does what a person makes of a model's words.
    sql(&site, "update projects set meta_description = 'Told by its owner.'").await;
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, description).await, models.chats().len()), (json!(false), 3));

    // The same of a task that a person added, where only models touched the row since.
    let site = small(&models, &format!("{NEAR}{DESCRIBE}detect = false\n"), ROW).await;
    let id = one(&site, "select id from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let add = ["enrich", "add", "generate_project_description", "--target", &target];
    done(&site.run(&add));
    done(&site.run(&["enrich"]));
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    site.edit("frieze.toml", "detect = false\n", SEO);
    done(&site.run(&["enrich", "--type", "seo_meta"]));
    assert_eq!(one(&site, meta).await, json!(false));
    let asked = models.chats().len();
    done(&site.run(&["enrich"]));
    assert_eq!((one(&site, description).await, models.chats().len()), (json!(true), asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_added_as_private_is_private_when_it_is_queued_again() {
    let (far, own) = (Models::start(), Models::start());
    let jobs = format!(
        "
[[enrich.providers]]
kind = \"openai\"
name = \"far\"
base_url = \"{}\"
embedding_model = \"far\"
[[enrich.providers]]
kind = \"llama\"
name = \"own\"
base_url = \"{}\"
embedding_model = \"own\"
[enrich.tasks.embed]
collection = \"projects\"
from = [\"title\"]
",
        far.openai_url(),
        own.url()
    );
    let rows = "insert into projects (title, slug) values ('A secret', 'a'), ('Known', 'b')";
    let site = small(&far, &jobs, rows).await;
    let id = one(&site, "select id from projects where slug = 'a'").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    done(&site.run(&["enrich", "add", "embed", "--target", &target, "--private"]));
    done(&site.run(&["enrich"]));
    assert_eq!((far.requests().len(), own.requests().len()), (1, 1));
    // Nothing changed, so nothing is made again.
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["completed"], 0);
    for title in ["Another secret", "One more secret"] {
        sql(&site, &format!("update projects set title = '{title}' where slug = 'a'")).await;
        assert_eq!(json_of(&site.run(&["enrich", "--json"]))["completed"], 1);
    }
    assert!(far.requests().iter().all(|it| !it.body.contains("secret")), "a secret left");
    assert_eq!((far.requests().len(), own.requests().len()), (1, 3));
    // Until somebody adds it as one that is not.
    done(&site.run(&["enrich", "add", "embed", "--target", &target]));
    done(&site.run(&["enrich"]));
    sql(&site, "update projects set title = 'No secret' where slug = 'a'").await;
    done(&site.run(&["enrich"]));
    assert_eq!((far.requests().len(), own.requests().len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_taken_as_the_site_writes_them() {
    let models = Models::start();
    models.decide(|request| {
        let names =
            request.schema()?["properties"]["names"]["items"]["properties"]["name"]["enum"].clone();
        let all: Vec<_> =
            names.as_array()?.iter().map(|it| json!({"name": it, "category": "Other"})).collect();
        Some(Reply::value(&json!({"names": all})))
    });
    let rows = "insert into skills (name, category) values ('Go', 'Other');
        insert into projects (title, slug, technologies)
        values ('P', 'p', '{\" Aaa-Zig \",Vec<T>,\"R  and  D\",\" go\",\"  \",aaa-zig}')";
    let site = small(&models, &format!("{NEAR}{SKILLS}"), rows).await;
    sql(
        &site,
        &format!("update projects set technologies = technologies || '{{{}}}'", "x".repeat(101)),
    )
    .await;
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["completed"], 1);
    let skills = "select array_agg(name order by lower(name)) from skills";
    assert_eq!(one(&site, skills).await, json!(["Aaa-Zig", "Go", "R  and  D", "Vec<T>"]));
    // A name that is none hides none.
    sql(&site, "alter table skills alter column name drop not null").await;
    sql(
        &site,
        "insert into skills (name, category) values (null, 'Other');
        update projects set technologies = '{Nim}'",
    )
    .await;
    assert_eq!(json_of(&site.run(&["enrich", "--json"]))["completed"], 1);
    assert_eq!(one(&site, "select count(*) from skills where name = 'Nim'").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_holds_some_of_many_names_and_none_hides_behind_those_that_were_asked() {
    let models = Models::start();
    models.always(Reply::value(&json!({"names": []})));
    let rows = "insert into skills (name, category)
            select 'Known ' || lpad(n::text, 5, '0'), 'Other' from generate_series(1, 2000) n;
        insert into projects (title, slug, technologies)
            select 'P', 'p', array_agg('Asked ' || n) || '{Zig}' from generate_series(1, 1000) n;
        insert into task_queue (task_type, target, status, completed_at, payload)
            select 'update_skills', 'skills.name/names', 'completed', now(),
                jsonb_build_object('job', 'update_skills', 'names', jsonb_agg('asked ' || n))
            from generate_series(1, 1000) n";
    let site = small(&models, &format!("{NEAR}{SKILLS}"), rows).await;
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 1);
    let user = models.chats()[0].said("user");
    assert!(user.contains("lacking: Zig\n"), "{user}");
    assert_eq!(user.matches("Known ").count(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_nothing_to_learn_from_is_passed_over() {
    let models = Models::start();
    models.decide(answer);
    let rows = "insert into projects (title, slug, thumbnail_url, repo_link) values
        ('Bare', 'bare-and-lonely', 'images/some.jpg', 'https://git.example/a/b')";
    let site = small(&models, &format!("{NEAR}{DESCRIBE}"), rows).await;
    done(&site.run(&["enrich"]));
    assert_eq!(counts(&site)["completed"], 0);
    let id = one(&site, "select id from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let add = ["enrich", "add", "generate_project_description", "--target", &target];
    done(&site.run(&add));
    done(&site.run(&["enrich"]));
    assert!(models.requests().is_empty());
    let result = one(&site, "select result->>'nothing' from task_queue").await;
    assert_eq!(result, json!("the row says 1 words, and at least 8 are wanted to learn from"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_asked_about_once() {
    let models = Models::start();
    models.decide(answer);
    let rows = "insert into skills (name, category) values ('Go', 'Other');
        insert into projects (title, slug, technologies) values ('P', 'p', '{Rust,Zig,go,Ada}')";
    let site = small(&models, &format!("{NEAR}{SKILLS}"), rows).await;
    done(&site.run(&["enrich"]));
    // The stand-in takes the first.
    assert_eq!(
        one(&site, "select array_agg(name order by name) from skills").await,
        json!(["Ada", "Go"])
    );
    assert_eq!(models.chats().len(), 1);
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 1, "two names were not chosen, and that stands");
    sql(&site, "update projects set technologies = technologies || '{Nim}'").await;
    done(&site.run(&["enrich"]));
    let asked = models.chats();
    assert_eq!(asked.len(), 2);
    let user = asked[1].said("user");
    assert!(user.contains("lacking: Nim\n"), "{user}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_learned_something_is_thought_about_last_and_once() {
    let models = Models::start();
    models.decide(answer);
    let jobs = format!("{NEAR}{DESCRIBE}\n[enrich.tasks.reflect]\n");
    let rows = "insert into projects (title, slug, summary) select 'Tide ' || n, 'tide-' || n,
        'A clock that tells a harbour when the water comes and goes, day and night.' from generate_series(1, 2) n";
    let site = small(&models, &jobs, rows).await;
    let few = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!(few["by_type"]["reflect"], json!(null), "two answers teach nothing: {few}");
    sql(&site, "update projects set title = title || '!', description = null;
        insert into projects (title, slug, summary) select title, 'x', summary from projects limit 1").await;
    let three = json_of(&site.run(&["enrich", "--json"]));
    assert_eq!(three["by_type"]["reflect"]["completed"], 1, "{three}");
    assert_eq!(models.chats().len(), 6);
    let last = models.chats()[5].said("user");
    assert_eq!(
        last.lines().filter(|line| line.starts_with("generate_project")).count(),
        3,
        "{last}"
    );
    let kept = "select count(*) from agent_memory where thought_type = 'reflection'";
    assert_eq!(one(&site, kept).await, json!(1));
    done(&site.run(&["enrich"]));
    assert_eq!(models.chats().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_makes_no_sense_stops_no_other() {
    let models = Models::start();
    models.decide(answer);
    let jobs = format!(
        "{NEAR}{DESCRIBE}
[collections.gone]
[collections.unnamed]

[enrich.tasks.a]
type = \"seo_meta\"
collection = \"gone\"
column = \"x\"
[enrich.tasks.b]
type = \"seo_meta\"
collection = \"projects\"
column = \"nope\"
[enrich.tasks.c]
type = \"seo_meta\"
collection = \"unnamed\"
column = \"x\"
[enrich.tasks.d]
type = \"embed\"
collection = \"projects\"
from = [\"title\", \"sumary\"]
[enrich.tasks.e]
type = \"seo_meta\"
collection = \"projects\"
column = \"meta_title\"
from = [\"title\", \"sumary\"]
"
    );
    let rows = format!("{ROW} create table unnamed (x text)");
    let site = small(&models, &jobs, &rows).await;
    let run = site.run(&["enrich", "--json"]);
    assert_eq!(json_of(&run)["completed"], 1, "{}", run.stderr);
    for (job, why) in [("a", "gone"), ("b", "nope"), ("c", "id"), ("d", "sumary"), ("e", "sumary")]
    {
        let line = format!("frieze.toml: enrich.tasks.{job}: nothing is queued for it: ");
        let line = run
            .stderr
            .lines()
            .find(|it| it.contains(&line))
            .unwrap_or_else(|| panic!("{job}: {}", run.stderr));
        assert!(line.contains(why), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_of_all_that_is_embedded_and_of_the_model_that_would_be_asked() {
    let models = Models::start();
    let jobs = "
[enrich.tasks.embed]
collection = \"projects\"
from = [\"title\", \"description\"]
";
    let site = small(&models, jobs, ROW).await;
    let embedded =
        |report: &serde_json::Value| report["by_type"]["embed"]["completed"].as_u64().unwrap_or(0);
    sql(&site, "update projects set description = repeat('word ', 2000)").await;
    assert_eq!(embedded(&json_of(&site.run(&["enrich", "--json"]))), 1);
    assert_eq!(embedded(&json_of(&site.run(&["enrich", "--json"]))), 0);
    // Far behind the first four thousand characters.
    sql(&site, "update projects set description = description || 'and more'").await;
    assert_eq!(embedded(&json_of(&site.run(&["enrich", "--json"]))), 1);
    sql(&site, "delete from content_embeddings").await;
    assert_eq!(
        embedded(&json_of(&site.run(&["enrich", "--json"]))),
        1,
        "a vector that is gone is made again"
    );

    // A private job has the vectors of the private provider, and not of the first.
    let providers = format!(
        "
[[enrich.providers]]
kind = \"openai\"
name = \"open\"
base_url = \"{0}\"
embedding_model = \"far\"
[[enrich.providers]]
kind = \"llama\"
name = \"own\"
base_url = \"{0}\"
embedding_model = \"near\"
",
        models.url()
    );
    site.edit(
        "frieze.toml",
        "[enrich.tasks.embed]",
        &format!("{providers}[enrich.tasks.embed]\nprivate = true"),
    );
    assert_eq!(embedded(&json_of(&site.run(&["enrich", "--json"]))), 1);
    let model = "select embedding_model from content_embeddings where embedding_model <> 'frieze-lexical-1'";
    assert_eq!(one(&site, model).await, json!("near"));
    let asked = models.requests().len();
    assert_eq!(embedded(&json_of(&site.run(&["enrich", "--json"]))), 0);
    assert_eq!(models.requests().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_looked_through_page_by_page() {
    let models = Models::start();
    let jobs = "
[enrich]
window_seconds = 1
[[enrich.providers]]
kind = \"llama\"
base_url = \"URL\"
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
";
    models.always(Reply::status(503));
    let rows = "insert into projects (title, slug, summary, description)
        select 'Tide', 'tide-' || n, 'A clock that tells a harbour when the water comes and goes, day and night.',
            case when n % 2 = 0 then 'Written.' end
        from generate_series(1, 5001) n";
    let site = small(&models, jobs, rows).await;
    let dry = json_of(&site.run(&["enrich", "--dry-run", "--json"]));
    assert_eq!((&dry["missing"], counts(&site)["pending"].as_i64()), (&json!(2501), Some(0)));
    done(&site.run(&["enrich", "--window", "1"]));
    assert_eq!(counts(&site)["pending"], 2501);
    assert_eq!(json_of(&site.run(&["enrich", "--dry-run", "--json"]))["missing"], 0);
}
