//! Nothing private leaves, through the whole command: every other provider is well, and what each
//! of them received is looked through byte by byte.

use serde_json::json;

use crate::models::{Models, Reply};
use crate::provider;
use crate::world::World;

const SECRET: &str = "xylophone-7731";
const EMBEDDING: &str = "embedding_model = \"e\"";

const JOBS: &str = "
[enrich.tasks.secret]
type = \"generate_project_description\"
collection = \"projects\"
column = \"description\"
from = [\"title\", \"summary\"]
private = true
detect = false

[enrich.tasks.open]
type = \"generate_project_description\"
collection = \"projects\"
column = \"meta_description\"
from = [\"title\"]
detect = false

[enrich.tasks.reflect]
collection = \"projects\"

[enrich.tasks.embed]
collection = \"projects\"
private = true
detect = false
";

struct House {
    others: Vec<Models>,
    own: Models,
    world: World,
}

impl House {
    /// Four providers that anybody may use, around the private one.
    async fn start(own_embeds: &str) -> Self {
        let (others, own): (Vec<_>, _) =
            ((0..4).map(|_| Models::start()).collect(), Models::start());
        let providers = provider("groq", "groq", &others[0].openai_url(), "")
            + &provider("hf", "hugging_face", &others[1].url(), EMBEDDING)
            + &provider("own", "llama", &own.url(), own_embeds)
            + &provider("open", "openai", &others[2].openai_url(), EMBEDDING)
            + &provider("far", "llama", &others[3].url(), &format!("private = false\n{EMBEDDING}"));
        let mut world = World::new(&(providers + JOBS)).await;
        world.project("one", &format!("Nobody may know of the {SECRET}")).await;
        world.project("two", "A stand for books").await;
        world
            .sql(
                "update projects set title = slug || ' of eight, one more than there are in seven'",
            )
            .await;
        Self { others, own, world }
    }

    /// Adds a task of a job on a project.
    async fn add(&mut self, kind: &str, job: &str, slug: &str, more: &[&str]) {
        let id = self.world.one(&format!("select id from projects where slug = '{slug}'")).await;
        let payload = json!({"job": job, "id": id}).to_string();
        let mut arguments = vec!["enrich", "add", kind, "--payload", &payload];
        arguments.extend(more);
        self.world.run(&arguments);
    }

    fn nothing_left(&self) {
        for (number, other) in self.others.iter().enumerate() {
            for request in other.requests() {
                let all = format!("{} {:?} {}", request.path, request.headers, request.body);
                assert!(!all.contains(SECRET), "number {number} was told: {all}");
            }
        }
    }

    fn asked_of_others(&self) -> usize {
        self.others.iter().map(|other| other.requests().len()).sum()
    }

    fn own_knows(&self) -> bool {
        self.own.requests().iter().any(|request| request.body.contains(SECRET))
    }

    async fn states(&mut self) -> String {
        let sql =
            "select coalesce(string_agg(status, ' ' order by created_at), '') from task_queue";
        self.world.one(sql).await.as_str().unwrap().to_owned()
    }
}

const KIND: &str = "generate_project_description";

#[tokio::test(flavor = "multi_thread")]
async fn with_the_private_one_down_it_waits_however_well_the_others_are() {
    for down in [Reply::status(500), Reply::status(503), Reply::hang_up(), Reply::status(429)] {
        let mut house = House::start(EMBEDDING).await;
        house.own.always(down);
        house.add(KIND, "secret", "one", &[]).await;
        house.add("embed", "embed", "one", &[]).await;
        // Private by itself, though its job is not.
        house.add(KIND, "open", "one", &["--private"]).await;
        house.world.enrich();
        assert_eq!(house.states().await, "pending pending pending");
        assert_eq!(house.asked_of_others(), 0);
        assert!(house.own_knows());
        // Those are well, as a task that is not private finds.
        house.add(KIND, "open", "two", &[]).await;
        house.world.enrich();
        assert!(house.states().await.ends_with("completed"));
        assert!(house.asked_of_others() > 0);
        house.nothing_left();
        // And when it is up again, it alone is asked.
        let before = house.asked_of_others();
        house.own.always(Reply::usual());
        house.world.later().await;
        house.world.enrich();
        assert_eq!(house.states().await, "completed completed completed completed");
        assert_eq!(house.asked_of_others(), before);
        let by = "select string_agg(distinct provider, ' ') from enrichments
            where row_key->>'id' = (select id::text from projects where slug = 'one')";
        assert_eq!(house.world.one(by).await, json!("own"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_private_task_left_is_remembered_in_private_only() {
    for own_embeds in [EMBEDDING, ""] {
        let mut house = House::start(own_embeds).await;
        let said =
            format!("The answer speaks of the {SECRET} and of other things, at some length.");
        house.own.always(Reply::value(&json!({"description": said})));
        if own_embeds == EMBEDDING {
            // Chats answer with the secret, embeddings as usual.
            house.own.decide(|request| request.is_embedding().then(Reply::usual));
        }
        house.add(KIND, "secret", "one", &[]).await;
        house.world.enrich();
        assert_eq!(house.states().await, "completed");
        let marked = "select metadata->'private' from agent_memory";
        assert_eq!(house.world.one(marked).await, json!(true));
        assert_eq!(house.asked_of_others(), 0, "not even to be embedded");
        // Others are not reminded of it.
        house.add(KIND, "open", "two", &[]).await;
        house.world.enrich();
        house.nothing_left();
        assert!(house.others[0].chats().len() == 1, "it was asked");
        // Private ones are.
        let before = house.own.chats().len();
        house.add(KIND, "secret", "two", &["--priority", "9"]).await;
        house.world.sql("update projects set description = null where slug = 'two'").await;
        house.world.enrich();
        let asked = house.own.chats();
        assert_eq!(asked.len(), before + 1);
        let said = asked[before].said("user");
        assert!(said.contains("remembered: ") && said.contains(SECRET), "{said}");
        let ids = "select jsonb_array_length(to_jsonb(memory_ids)) from agent_context
            order by created_at desc limit 1";
        assert!(house.world.one(ids).await.as_i64().unwrap() > 0);
        house.nothing_left();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesson_is_drawn_from_private_calls_in_private_only() {
    let mut house = House::start(EMBEDDING).await;
    house.add(KIND, "secret", "one", &["--priority", "9"]).await;
    house.add(KIND, "open", "two", &["--priority", "8"]).await;
    house.world.run(&["enrich", "add", "reflect", "--priority", "1"]);
    house.world.run(&["enrich", "--window", "5", "--concurrency", "1"]);
    assert_eq!(house.states().await, "completed completed completed");
    house.nothing_left();
    let shown = house.others[0].chats().pop().unwrap().said("user");
    assert!(shown.contains("generate_project_description: title: two"), "{shown}");
    // A private one is shown all of it, by the private provider, and what it learns is private.
    house.add(KIND, "secret", "one", &["--priority", "9"]).await;
    house.world.sql("delete from ai_response_cache").await;
    house.world.run(&["enrich", "add", "reflect", "--priority", "1", "--private"]);
    house.world.run(&["enrich", "--window", "5", "--concurrency", "1"]);
    let shown = house.own.chats().pop().unwrap().said("user");
    assert!(shown.contains(SECRET), "{shown}");
    let lessons = "select coalesce(metadata->'private', 'false') from agent_memory
        where agent_id = 'reflect' order by created_at";
    assert_eq!(house.world.all(lessons).await, [json!(false), json!(true)]);
    let logged =
        "select bool_and(is_private = (input::text like '%xylophone%')) from agent_run_logs
        where input ? 'user' and task_type <> 'reflect'";
    assert_eq!(house.world.one(logged).await, json!(true));
    house.nothing_left();
}
