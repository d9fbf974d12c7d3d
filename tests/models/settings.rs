//! What the configuration says of providers, and what it does not take.

use frieze::config::{Capability, Config, Enrich, Overrides, Provider};
use frieze::enrich::router::{Need, Router};

use crate::models::Models;
use crate::world::{DESCRIBE, World};
use crate::{KEY, provider};

fn load(text: &str) -> frieze::error::Result<Enrich> {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n{text}");
    std::fs::write(dir.path().join("frieze.toml"), text).unwrap();
    let env = |name: &str| name.ends_with("_KEY").then(|| KEY.to_owned());
    Ok(Config::load(dir.path(), &Overrides::default(), &env)?.enrich)
}

fn refused(text: &str) -> String {
    let error = load(text).expect_err(text);
    assert_eq!(error.kind().name(), "config", "{text}");
    error.report()
}

fn one(kind: &str, base_url: &str, more: &str) -> Provider {
    load(&provider("one", kind, base_url, more)).unwrap().providers.remove(0)
}

#[test]
fn a_llama_is_private_on_this_machine_only() {
    let near = [
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080/v1",
        "http://[::ffff:127.0.0.1]",
        "http://localhost:8080",
        "https://LOCALHOST",
        "http://localhost.",
    ];
    for address in near {
        assert!(one("llama", address, "").private, "{address}");
        assert!(!one("llama", address, "private = false").private, "{address}");
        assert!(!one("openai", address, "").private, "{address}");
    }
    let far = [
        "http://192.168.1.7:8080",
        "http://0.0.0.0:8080",
        "http://llama:8080",
        "https://llama.example",
        "http://localhost.example",
        "http://llama.localhost",
        "http://llama.localhost.",
        "http://127.0.0.1.example",
        "http://[fd00::1]",
        "http://[::ffff:8.8.8.8]",
    ];
    for address in far {
        assert!(!one("llama", address, "").private, "{address}");
        assert!(one("llama", address, "private = true").private, "{address}");
    }
    assert!(load("[[enrich.providers]]\nkind = \"llama\"\n").unwrap().providers[0].private);
}

#[test]
fn a_key_goes_nowhere_unencrypted() {
    let key = "key_env = \"OWN_KEY\"";
    let message = refused(&provider("one", "openai", "http://models.example/v1", key));
    let words = "a key would go to http://models.example unencrypted";
    assert!(message.contains(words), "{message}");
    assert!(message.contains("insecure = true"), "how to go on: {message}");
    // Whether the variable is set or not, and where the kind names it.
    refused(&provider("one", "openai", "http://10.0.0.7/v1", "key_env = \"NOT_SET\""));
    refused(&provider("one", "groq", "http://10.0.0.7/v1", ""));
    let password = refused(&provider("one", "openai", "http://me:hunter2@models.example/v1", ""));
    assert!(!password.contains("hunter2"), "{password}");
    for (address, shown) in [
        ("htps://me:hunter2@models.example/v1", "\"htps://…@models.example/v1\" is no http"),
        ("me:hunter2@models.example", "\"…@models.example\" is no http"),
        ("http://me:hunter2?@:99:99/x@y?key=hunter2", "\"http://…@y…\" is no http"),
        ("ftp://models.example#hunter2", "\"ftp://models.example…\" is no http"),
    ] {
        let message = refused(&provider("one", "openai", address, ""));
        assert!(message.contains(shown) && !message.contains("hunter2"), "{message}");
    }
    for (address, more) in [
        ("https://models.example/v1", key.to_owned()),
        ("http://127.0.0.1:8080", key.to_owned()),
        ("http://localhost:8080", key.to_owned()),
        ("http://models.example/v1", String::new()),
        ("http://models.example/v1", "key_env = \"\"".to_owned()),
        ("http://models.example/v1", format!("{key}\ninsecure = true")),
    ] {
        let has_key = one("openai", address, &more).key.is_some();
        assert_eq!(has_key, more.contains(key), "{address} {more}");
    }
    assert!(one("groq", "http://10.0.0.7/v1", "key_env = \"\"").key_env.is_none());
}

#[test]
fn numbers_are_within_what_makes_sense() {
    let huge = "9223372036854775807";
    for (key, range) in [
        ("window_seconds", "0 to 604800"),
        ("concurrency", "1 to 64"),
        ("lease_seconds", "1 to 86400"),
        ("cache_hours", "0 to 100000"),
        ("memories", "0 to 100"),
    ] {
        let message = refused(&format!("[enrich]\n{key} = {huge}\n"));
        assert!(message.contains(&format!("enrich.{key}: {huge} is out of range")), "{message}");
        assert!(message.contains(&format!("from {range}")), "{message}");
        let (least, most) = range.split_once(" to ").unwrap();
        for fine in [least, most] {
            load(&format!("[enrich]\n{key} = {fine}\n")).unwrap();
        }
        refused(&format!("[enrich]\n{key} = -1\n"));
    }
    refused("[enrich]\nconcurrency = 0\n");
    refused("[enrich]\nlease_seconds = 0\n");
    for wrong in [
        format!("timeout_seconds = {huge}"),
        "timeout_seconds = 0".to_owned(),
        format!("requests_per_minute = {huge}"),
        "requests_per_day = 0".to_owned(),
        "cost_in = -0.1".to_owned(),
        "cost_out = nan".to_owned(),
        "cost_out = inf".to_owned(),
    ] {
        let message = refused(&provider("one", "llama", "http://127.0.0.1:8080", &wrong));
        let key = wrong.split(' ').next().unwrap();
        assert!(message.contains(&format!("enrich.providers: one: {key}: ")), "{message}");
    }
    for wrong in ["0", "101", huge] {
        let message = refused(&format!("{DESCRIBE}max_attempts = {wrong}\n"));
        let key = "enrich.tasks.generate_project_description.max_attempts";
        assert!(message.contains(key) && message.contains("from 1 to 100"), "{message}");
    }
}

#[test]
fn the_built_in_embeddings_may_be_named_for_vectors_only() {
    let job = |kind: &str| {
        format!("[enrich.tasks.{kind}]\ncollection = \"projects\"\nprovider = \"built-in\"\n")
    };
    let settings = load(&job("embed")).unwrap();
    assert_eq!(settings.tasks["embed"].provider.as_deref(), Some("built-in"));
    let message = refused(&job("seo_meta"));
    assert!(message.contains("makes embeddings, and answers no questions"), "{message}");
    for taken in ["built-in", "none"] {
        refused(&provider(taken, "llama", "http://127.0.0.1:8080", ""));
    }
}

#[test]
fn what_a_job_needs_is_a_capability() {
    let settings =
        load(&format!("{DESCRIBE}needs = [\"code\", \"json_schema\", \"vision\"]\n")).unwrap();
    let needs = &settings.tasks["generate_project_description"].needs;
    assert_eq!(*needs, [Capability::Code, Capability::JsonSchema, Capability::Vision]);
    let message = refused(&format!("{DESCRIBE}needs = [\"speed\"]\n"));
    assert!(message.contains("\"json_schema\", \"code\" or \"vision\""), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_s_needs_decide_who_is_asked() {
    let (plain, coder, bound) = (Models::start(), Models::start(), Models::start());
    let providers = provider("plain", "openai", &plain.openai_url(), "json_schema = false")
        + &provider("coder", "openai", &coder.openai_url(), "code = true\njson_schema = false")
        + &provider("bound", "openai", &bound.openai_url(), "");
    let by = "select provider from enrichments order by created_at desc, id limit 1";
    for (needs, who) in [("", "plain"), ("\"code\"", "coder"), ("\"json_schema\"", "bound")] {
        let job = format!("{DESCRIBE}needs = [{needs}]\n");
        let mut world = World::new(&format!("{providers}{job}")).await;
        world.project("tidebook", "A book").await;
        assert_eq!(world.enrich()["completed"], 1);
        assert_eq!(world.one(by).await, who);
    }
    let both = format!("{providers}{DESCRIBE}needs = [\"code\", \"json_schema\"]\n");
    let mut world = World::new(&both).await;
    world.project("tidebook", "A book").await;
    world.enrich();
    assert!(world.all("select id from task_queue").await.is_empty(), "nobody could be asked");
    let id = world.one("select id from projects").await;
    let target = format!("projects/{}", id.as_str().unwrap());
    world.run(&["enrich", "add", "generate_project_description", "--target", &target]);
    world.enrich();
    let why = world.one("select error_message from task_queue").await;
    let why = why.as_str().unwrap();
    for words in ["plain has json_schema = false", "bound is not marked code = true"] {
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_a_job_may_be_the_built_in_ones() {
    let models = Models::start();
    let text = provider("own", "llama", &models.url(), "embedding_model = \"e\"")
        + "[enrich.tasks.embed]\ncollection = \"projects\"\nprovider = \"built-in\"\n\
           from = [\"title\"]\ndetect = false\n";
    let mut world = World::new(&text).await;
    world.project("tidebook", "A book").await;
    let id = world.one("select id from projects").await;
    world.run(&[
        "enrich",
        "add",
        "embed",
        "--target",
        &format!("projects/{}", id.as_str().unwrap()),
    ]);
    assert_eq!(world.enrich()["completed"], 1);
    let model = "select embedding_model from content_embeddings";
    assert_eq!(world.one(model).await, "frieze-lexical-1");
    assert!(models.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_another_model_makes_no_vectors_in_its_place() {
    let (first, second, third) = (Models::start(), Models::start(), Models::start());
    first.always(crate::models::Reply::status(500));
    let text = provider("first", "llama", &first.url(), "embedding_model = \"e\"")
        + &provider("second", "llama", &second.url(), "embedding_model = \"f\"")
        + "[enrich.tasks.embed]\ncollection = \"projects\"\nfrom = [\"title\"]\n";
    let mut world = World::new(&text).await;
    world.project("tidebook", "A book").await;
    world.enrich();
    assert_eq!(world.one("select status from task_queue").await, "pending");
    assert!(second.requests().is_empty());
    // One of the same model does.
    let same = provider("third", "llama", &third.url(), "embedding_model = \"e\"");
    world.says(&format!("{text}{same}"));
    world.later().await;
    assert_eq!(world.enrich()["completed"], 1);
    assert_eq!(world.one("select embedding_model from content_embeddings").await, "e");
}

#[test]
fn the_model_of_a_job_s_vectors_depends_on_whom_it_may_ask() {
    let text = provider("far", "openai", "https://a.example/v1", "embedding_model = \"e\"")
        + &provider("near", "llama", "http://127.0.0.1:1", "embedding_model = \"f\"");
    let router = Router::new(&load(&text).unwrap()).unwrap();
    let model = |private, provider: Option<&str>| {
        let provider = provider.map(str::to_owned);
        router.embedding_model(&Need { private, provider, ..Need::default() })
    };
    assert_eq!(model(false, None).as_deref(), Some("e"));
    assert_eq!(model(true, None).as_deref(), Some("f"));
    assert_eq!(model(false, Some("near")).as_deref(), Some("f"));
    assert_eq!(model(false, Some("built-in")).as_deref(), Some("frieze-lexical-1"));
    assert_eq!(model(true, Some("far")), None);
    // One without its key is not waited for, if another has its own.
    let keyless = provider(
        "first",
        "openai",
        "https://a.example/v1",
        "key_env = \"NO\"\nembedding_model = \"x\"",
    );
    let router = Router::new(&load(&format!("{keyless}{text}")).unwrap()).unwrap();
    assert_eq!(router.embedding_model(&Need::default()).as_deref(), Some("e"));
}
