//! The same program against a server of one's own: nothing but the connection differs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/site.rs"]
mod site;

use site::{Run, Site};

/// A site on a new, empty database.
async fn on_server(source: &str) -> Site {
    let mut site = Site::copy_of(source);
    site.database_url = Some(postgres::database().await);
    site
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

async fn sql(site: &Site, statement: &str) {
    let mut connection = postgres::connect(site.database_url.as_ref().unwrap()).await;
    postgres::run(&mut connection, statement).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_gives_the_same_site_as_the_embedded_database() {
    let on_server = on_server(".").await;
    done(on_server.run(&["db", "migrate"]));
    let seeded = done(on_server.run(&["db", "seed"]));
    assert!(seeded.contains("projects: 6 inserted"), "{seeded}");
    on_server.build();
    let embedded = Site::copy_of(".");
    embedded.build();
    let (server, embedded) = (on_server.dist(), embedded.dist());
    assert_eq!(server.keys().collect::<Vec<_>>(), embedded.keys().collect::<Vec<_>>());
    for (path, bytes) in &server {
        assert!(embedded[path] == *bytes, "{path} differs");
    }
    let again = done(on_server.run(&["db", "seed"]));
    assert!(again.contains("projects: 0 inserted, 0 updated, 0 deleted, 6 unchanged"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_lacks_is_said_with_its_remedy() {
    let site = on_server("examples/blog").await;
    let says = |words: &str| {
        let run = site.run(&["build"]);
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(words), "no {words:?} in:\n{}", run.stderr);
        assert!(!site.root.join("dist").exists());
    };
    says("frieze db migrate");
    done(site.run(&["db", "migrate"]));
    sql(&site, "revoke select on posts from anon").await;
    says("grant select on public.posts to anon;");
    sql(&site, "grant select on posts to anon; alter table posts rename published_at to day").await;
    says("published_at");
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_on_a_server_wants_a_word() {
    let site = on_server("examples/blog").await;
    done(site.run(&["db", "migrate"]));
    let run = site.run(&["db", "rollback", "--steps", "9"]);
    assert_eq!(run.code, 4, "{}", run.stdout);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
    sql(&site, "select from posts").await;
    done(site.run(&["db", "rollback", "--steps", "9", "--yes"]));
    let status = done(site.run(&["db", "status"]));
    assert!(!status.contains("applied"), "{status}");
}

/// Any schema: a table that no migration of ours made, with a type that few have heard of.
#[tokio::test(flavor = "multi_thread")]
async fn any_table_or_query_can_be_a_collection() {
    let site = on_server("examples/blog").await;
    done(site.run(&["db", "migrate"]));
    let tables =
        "create schema archive; create table archive.letters (no int primary key, day date,
        span int4range, sender text, t text); insert into archive.letters values
        (2, '1913-04-01', '[1,4)', 'Ada & co', 'x'), (1, null, null, 'Ben', null);
        grant usage on schema archive to anon; grant select on archive.letters to anon";
    sql(&site, tables).await;
    let config = "[collections.letters]\ntable = \"archive.letters\"\norder_by = \"day\"\n\n\
        [json.\"/letters.json\"]\nall = { collection = \"letters\" }\n\n[collections.counted]\n\
        query = \"select sender, count(*) as letters from archive.letters group by sender\"\n\
        order_by = \"sender desc\"\n\n[json.\"/counted.json\"]\nrows = { collection = \"counted\" }\n";
    let old = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", format!("{old}\n{config}"));
    site.build();
    let letters: serde_json::Value = serde_json::from_str(&site.page("letters.json")).unwrap();
    assert_eq!(
        letters["all"],
        serde_json::json!([
            {"no": 2, "day": "1913-04-01", "span": "[1,4)", "sender": "Ada & co", "t": "x"},
            {"no": 1, "day": null, "span": null, "sender": "Ben", "t": null},
        ])
    );
    let counted: serde_json::Value = serde_json::from_str(&site.page("counted.json")).unwrap();
    assert_eq!(counted["rows"][0], serde_json::json!({"sender": "Ben", "letters": 1}));
}
