//! Sites with jobs, and a stand-in for models that answers each as it should.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::models::{Models, Reply, Request};
use crate::postgres;
use crate::site::{Run, Site};

pub const URL: &str = "URL";

/// A provider at the stand-in.
pub const NEAR: &str = "
[enrich]
window_seconds = 20

[[enrich.providers]]
kind = \"llama\"
name = \"near\"
base_url = \"URL\"
";

/// The smallest site on a server with these jobs, and what its projects are.
pub async fn small(models: &Models, jobs: &str, rows: &str) -> Site {
    let mut site = Site::empty();
    site.database_url = Some(postgres::database().await);
    let text = format!(
        "[site]\ntitle = \"Small\"\nbase_url = \"https://small.example\"\n\n[database]\nkits = [\"portfolio\"]\n\n\
         [collections.projects]\nimages = [\"thumbnail_url\"]\n\n[collections.skills]\n\n[collections.experience]\n{}",
        jobs.replace(URL, &models.url())
    );
    site.write("frieze.toml", text);
    done(&site.run(&["db", "migrate"]));
    sql(&site, rows).await;
    site
}

pub async fn sql(site: &Site, sql: &str) {
    let url = site.database_url.clone().unwrap();
    postgres::run(&mut postgres::connect(&url).await, sql).await;
}

/// One value of a site on a server.
pub async fn one(site: &Site, sql: &str) -> Value {
    let mut connection = postgres::connect(site.database_url.as_ref().unwrap()).await;
    let sql = format!("select to_jsonb(({sql}))");
    let value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
    let value: Option<Value> = value.fetch_one(&mut connection).await.unwrap();
    value.unwrap_or_default()
}

pub fn done(run: &Run) -> &str {
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    &run.stdout
}

pub fn json_of(run: &Run) -> Value {
    serde_json::from_str(done(run)).unwrap()
}

/// The counts of the queue.
pub fn counts(site: &Site) -> Value {
    json_of(&site.run(&["enrich", "list", "--json"]))["counts"].clone()
}

/// A value that each task type takes, told apart by the shape that is asked for.
pub fn answer(request: &Request) -> Option<Reply> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let properties = request.schema()?["properties"].clone();
    let has = |name: &str| properties.get(name).is_some();
    let value = if has("title") {
        json!({"title": format!("A title for searches, {number}"),
            "description": format!("What a search engine shows of the page, number {number}: it has enough words to be of use.")})
    } else if has("description") {
        json!({"description": format!("Written by a model <script>alert(1)</script>from what the row says, as number {number}.")})
    } else if has("alt") {
        json!({"alt": format!("A quay at dusk, seen by a model, number {number}")})
    } else if has("lesson") {
        json!({"lesson": "The owner writes plainly, and likes short sentences."})
    } else {
        // Of the names that were asked for, the first.
        let name = properties["names"]["items"]["properties"]["name"]["enum"][0].clone();
        json!({"names": [{"name": name, "category": "Other"}]})
    };
    Some(Reply::value(&value))
}
