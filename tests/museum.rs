//! A database that was not made for frieze: tables, views and queries of an office's catalogue
//! become a site, and nothing of frieze gets into them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/site.rs"]
mod site;

use pretty_assertions::assert_eq;
use site::Site;

/// Words of rows and columns that are nobody's business.
const HIDDEN: [&str; 11] = [
    "Pennifold",
    "do not publish",
    "Nocturnal",
    "Taximeter",
    "being catalogued",
    "Glass negatives",
    "7183",
    "tea caddy",
    "Withheld",
    "post.example",
    "Lisbon",
];

/// The example on a new database, as the role that may read what is public.
async fn museum() -> Site {
    // Roles are the whole server's, and only one of the tests may make this one.
    static ROLE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let url = postgres::database().await;
    let mut owner = postgres::connect(&url).await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/museum/database.sql");
    let making = ROLE.lock().await;
    postgres::run(&mut owner, &std::fs::read_to_string(folder).unwrap()).await;
    drop(making);
    let mut site = Site::copy_of("examples/museum");
    site.database_url = Some(url.replace("postgres@", "webreader@"));
    site
}

async fn as_owner(site: &Site, sql: &str) {
    let url = site.database_url.as_ref().unwrap().replace("webreader@", "postgres@");
    postgres::run(&mut postgres::connect(&url).await, sql).await;
}

fn folders(site: &Site, below: &str) -> usize {
    let pages = |path: &&String| path.starts_with(below) && path.ends_with("/index.html");
    site.dist().keys().filter(pages).filter(|path| !path.contains("/page/")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_becomes_a_site() {
    let site = museum().await;
    site.build();
    let counts = ["objects/", "types/", "subjects/", "makers/", "exhibitions/"];
    // One page more where there is a list.
    assert_eq!(counts.map(|below| folders(&site, below)), [20, 7, 9, 7, 4]);
    assert!(site.root.join("dist/objects/page/2/index.html").exists());
    let object = site.page("objects/1987-004/index.html").replace('"', "");
    for shown in [
        "<b>pint measure</b>",
        "142 × 121 mm",
        "610 g",
        "worn",
        "/makers/17/",
        "/exhibitions/14/",
        "/subjects/the-inn/",
        "1024w",
    ] {
        assert!(object.contains(shown), "no {shown:?} in {object}");
    }
    assert!(!object.contains("<font") && !object.contains("align="), "HTML is sanitised");
    let exhibition = site.page("exhibitions/14/index.html");
    let at = |number: &str| exhibition.find(&format!("/objects/{number}/")).unwrap();
    assert!(at("1987-001") < at("1994-004") && at("1994-004") < at("1987-004"));
    assert_eq!(site.page("new.xml").matches("<entry>").count(), 10);
    let data: serde_json::Value = serde_json::from_str(&site.page("data/objects.json")).unwrap();
    let first = &data["objects"][0];
    assert_eq!((&first["condition"], &first["weight_g"]), (&"sound".into(), &18340.5.into()));
    assert_eq!(first["subjects"], serde_json::json!(["Fraud", "The law", "Trade"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_may_not_read_is_nowhere() {
    let site = museum().await;
    site.build();
    for (path, bytes) in site.dist() {
        let text = String::from_utf8_lossy(&bytes);
        for word in HIDDEN {
            assert!(!text.contains(word), "{path} holds {word:?}");
        }
    }
    site.edit("frieze.toml", "table = \"web.visit\"", "table = \"catalogue.Objects\"");
    let run = site.run(&["build"]);
    assert_eq!(run.code, 4);
    let help = "grant select on catalogue.\"Objects\" to webreader;";
    assert!(run.stderr.contains("permission denied for table Objects"), "{}", run.stderr);
    assert!(run.stderr.contains(help), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_come_from_the_file_and_from_the_environment() {
    let site = museum().await;
    site.build();
    let events = |site: &Site| -> usize {
        let data: serde_json::Value = serde_json::from_str(&site.page("data/events.json")).unwrap();
        data["events"].as_array().unwrap().len()
    };
    assert_eq!(events(&site), 4);
    let mut later = site.command(&["build"]);
    later.env("MUSEUM_TODAY", "2026-06-01");
    assert!(later.status().unwrap().success());
    assert_eq!(events(&site), 2);
    let mut wrong = site.command(&["build"]);
    let run = site::Run::of(wrong.env("MUSEUM_RECENT_SINCE", "lately").output().unwrap());
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("$1 comes from MUSEUM_RECENT_SINCE"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_into_the_database() {
    let site = museum().await;
    let listing = "select string_agg(c.oid::regclass || ' ' || c.relkind::text, ',' order by c.oid)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')";
    let url = site.database_url.as_ref().unwrap().replace("webreader@", "postgres@");
    let mut owner = postgres::connect(&url).await;
    let before: String = sqlx::query_scalar(listing).fetch_one(&mut owner).await.unwrap();
    site.build();
    let after: String = sqlx::query_scalar(listing).fetch_one(&mut owner).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_is_the_same_under_row_level_security() {
    let site = museum().await;
    site.build();
    let granted = site.dist();
    let sql = std::fs::read_to_string(site.root.join("row-level-security.sql")).or_else(|_| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/museum");
        std::fs::read_to_string(format!("{folder}/row-level-security.sql"))
    });
    as_owner(&site, &sql.unwrap()).await;
    site.build();
    assert!(site.dist() == granted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_says_where() {
    let site = museum().await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    let says = |from: &str, to: &str, words: &[&str]| {
        assert!(config.contains(from), "{from}");
        site.write("frieze.toml", config.replacen(from, to, 1));
        let run = site.run(&["build"]);
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(!run.stderr.contains("trying again"), "{}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "no {word:?} in {}", run.stderr);
        }
    };
    says(
        "join catalogue.types t",
        "join catalogue.typs t",
        &["line 23 of its query", "catalogue.typs"],
    );
    says("parameters = [[\"PHO\"], \"Europe/London\"]\n", "", &["collections.objects.parameters"]);
    says(
        "order_by = '\"Name\"'",
        "order_by = 'Name'",
        &["in its order_by", "\"name\" does not exist"],
    );
    // A comment at the end takes nothing with it.
    site.write(
        "frieze.toml",
        config.replacen(
            "where not o.type_code = any ($1)",
            "where not o.type_code = any ($1) -- no photographs",
            1,
        ),
    );
    site.build();
}
