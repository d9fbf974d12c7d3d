//! The response cache: who may be answered from it, and who is said to have answered.

use serde_json::{Value, json};

use crate::models::{Models, Reply};
use crate::provider;
use crate::world::{GOOD, World};

const JOB: &str = "\n[enrich.tasks.generate_project_description]\n\
    collection = \"projects\"\ncolumn = \"description\"\nfrom = [\"title\", \"summary\"]\n";
const BY: &str = "select provider from enrichments order by created_at desc limit 1";
const CALL: &str = "select provider || ' ' || is_cached from agent_run_logs
    where prompt_hash is not null and error is null order by created_at desc limit 1";

struct Kept {
    one: Models,
    two: Models,
    world: World,
}

impl Kept {
    /// Two providers of one model, the second of them private.
    async fn start(job: &str) -> Self {
        let (one, two) = (Models::start(), Models::start());
        for models in [&one, &two] {
            models.always(Reply::value(&json!({"description": GOOD})));
        }
        let mut world = World::new(&Self::text(&one, &two, job)).await;
        world.project("tidebook", "A book").await;
        Self { one, two, world }
    }

    fn text(one: &Models, two: &Models, job: &str) -> String {
        let same = |text: String| text.replace("one-model", "m").replace("two-model", "m");
        same(provider("one", "openai", &one.openai_url(), ""))
            + &same(provider("two", "openai", &two.openai_url(), "private = true"))
            + JOB
            + job
    }

    fn says(&self, job: &str) {
        self.world.says(&Self::text(&self.one, &self.two, job));
    }

    fn asked(&self) -> (usize, usize) {
        (self.one.chats().len(), self.two.chats().len())
    }

    /// The same once more.
    async fn again(&mut self) -> Value {
        self.world.sql("update projects set description = null; delete from task_queue").await;
        self.world.later().await;
        let report = self.world.enrich();
        assert_eq!(report["completed"], 1, "{report}");
        self.world.one(CALL).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_really_answered_is_named() {
    let mut kept = Kept::start("").await;
    kept.one.then(Reply::status(500));
    assert_eq!(kept.again().await, json!("two false"));
    // The first is well again, and has never answered this.
    assert_eq!(kept.again().await, json!("two true"));
    assert_eq!(kept.world.one(BY).await, json!("two"));
    assert_eq!(kept.asked(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_answer_is_not_wanted_is_not_taken() {
    let mut kept = Kept::start("").await;
    assert_eq!(kept.again().await, json!("one false"));
    kept.says("provider = \"two\"\n");
    assert_eq!(kept.again().await, json!("two false"));
    assert_eq!(kept.again().await, json!("two true"));
    assert_eq!(kept.asked(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_has_answered_all_the_same() {
    let mut kept = Kept::start("").await;
    assert_eq!(kept.again().await, json!("one false"));
    kept.one.always(Reply::status(500));
    kept.two.always(Reply::status(500));
    assert_eq!(kept.again().await, json!("one true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_anew_gets_another_answer() {
    let mut kept = Kept::start("").await;
    assert_eq!(kept.again().await, json!("one false"));
    assert_eq!(kept.again().await, json!("one true"));
    let id = kept.world.one("select id::text from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    let revert = ["enrich", "revert", "projects", "description"];
    let add = ["enrich", "add", "generate_project_description", "--target", &target];
    // A person who adds the task.
    kept.world.sql("update projects set description = null").await;
    kept.world.run(&add);
    kept.world.enrich();
    assert_eq!(kept.world.one(CALL).await, json!("one false"));
    let overwrite = json!({"overwrite": true, "hash": "x"}).to_string();
    kept.world.run(&[&add[..], &["--payload", &overwrite]].concat());
    kept.world.enrich();
    assert_eq!((kept.world.one(CALL).await, kept.asked()), (json!("one false"), (3, 0)));
    // And whoever it was, where the answer was taken back.
    assert_eq!(kept.again().await, json!("one true"));
    kept.world.run(&revert);
    assert_eq!(kept.again().await, json!("one false"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_an_answer_is_good_for_is_what_the_setting_says_now() {
    let mut kept = Kept::start("").await;
    assert_eq!(kept.again().await, json!("one false"));
    let hours = |hours: u32| format!("\n[enrich]\ncache_hours = {hours}\n");
    kept.says(&hours(0));
    assert_eq!(kept.again().await, json!("one false"), "0 asks each time");
    assert_eq!(kept.again().await, json!("one false"));
    kept.says(&hours(2));
    assert_eq!(kept.again().await, json!("one false"), "what was kept for no time is not good");
    assert_eq!(kept.again().await, json!("one true"));
    kept.world.sql("update ai_response_cache set updated_at = now() - interval '90 minutes'").await;
    assert_eq!(kept.again().await, json!("one true"));
    kept.says(&hours(1));
    assert_eq!(kept.again().await, json!("one false"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_models_of_one_name_keep_their_answers_apart() {
    let mut kept = Kept::start("provider = \"one\"\n").await;
    for (who, said) in
        [("one", "one false"), ("two", "two false"), ("one", "one true"), ("two", "two true")]
    {
        kept.says(&format!("provider = \"{who}\"\n"));
        assert_eq!(kept.again().await, json!(said));
    }
    // Nor does what is private take the place of what is not.
    kept.says("provider = \"two\"\nprivate = true\n");
    kept.world.sql("delete from ai_response_cache where provider = 'two'").await;
    assert_eq!(kept.again().await, json!("two false"));
    kept.says("provider = \"two\"\n");
    assert_eq!(kept.again().await, json!("two false"));
    assert_eq!(kept.again().await, json!("two true"));
    kept.says("provider = \"two\"\nprivate = true\n");
    assert_eq!(kept.again().await, json!("two true"));
    assert_eq!(kept.world.one("select count(*) from ai_response_cache").await, json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_and_not_private_do_not_share() {
    let mut kept = Kept::start("private = true\n").await;
    assert_eq!(kept.again().await, json!("two false"));
    assert_eq!(kept.world.one("select is_private from ai_response_cache").await, json!(true));
    assert_eq!(kept.again().await, json!("two true"));
    // What the private task was told is not for others, though the same provider may be asked.
    kept.says("provider = \"two\"\n");
    assert_eq!(kept.again().await, json!("two false"));
    // What others were told by one that is private may be taken; by one that is not, it may not.
    kept.says("provider = \"two\"\nprivate = true\n");
    assert_eq!(kept.again().await, json!("two true"));
    kept.world.sql("delete from ai_response_cache").await;
    kept.says("");
    assert_eq!(kept.again().await, json!("one false"));
    kept.says("private = true\n");
    assert_eq!(kept.again().await, json!("two false"));
}
