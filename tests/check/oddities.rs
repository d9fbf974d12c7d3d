//! Relations that a check must not stumble over.

use frieze::pipeline::check;
use frieze::pipeline::check::Level::{Error, Warning};

use crate::support::{Bench, list, pick, serious};

#[test]
fn odd_relations_are_read_like_any_other() {
    let bench = Bench::with(
        r#"
        create schema "Odd.Schema";
        create table "Odd.Schema"."ta""ble" ("co l" int, "is_visible" bool);
        create table parts (id int, day date, body text) partition by range (day);
        create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
        create table parts_rest partition of parts default;
        create table mother (id int); create table child (more text) inherits (mother);
        create table nothing ();
        create view one as select 1 as n; create view two as select * from one; create view three as select * from two, one as again(m);
        create view broken as select 1 / (select count(*) from nothing) as is_visible;
        create materialized view hollow as select * from parts with no data;
        create table computed (id int generated always as identity, twice int generated always as (2) stored);
        create type mood as enum ('good', 'bad'); create domain small as int check (value < 10);
        create table typed (m mood, s small, r int4range, j json, x xml, p point);
        create table dropped (gone int, kept int); alter table dropped drop column gone;
        create foreign data wrapper dummy; create server dummy foreign data wrapper dummy;
        create foreign table far (id int, published bool) server dummy;
        create recursive view count_up (n) as values (1) union all select n + 1 from count_up where n < 3;
        create unlogged table unlogged (id int);
        create sequence alone;
        grant usage on schema "Odd.Schema" to anon;
        grant select on all tables in schema public to anon; grant select on all tables in schema "Odd.Schema" to anon;
        revoke all on task_queue, ai_response_cache, agent_context, agent_run_logs, provider_quotas,
            enrichments, site_changes, site_builds,
            seed_state, agent_memory, content_embeddings, site_admins from anon;
        "#,
    );
    let report = bench.check();
    assert_eq!(report.errors, 0, "{}", list(&report));
    for table in [
        "public.parts",
        "public.parts_2026",
        "public.child",
        "public.nothing",
        "public.dropped",
        "\"Odd.Schema\".\"ta\"\"ble\"",
    ] {
        assert_eq!(pick(&report, "table-open", table).len(), 1, "{table}: {}", list(&report));
    }
    for odd in ["public.hollow", "public.far"] {
        assert_eq!(pick(&report, "without-policies", odd).len(), 1, "{odd}: {}", list(&report));
    }
    // Every statement that is offered can be run.
    for finding in &report.findings {
        if let Some(sql) = &finding.sql {
            bench.sql(sql);
        }
    }
    assert!(serious(&bench.check()).is_empty(), "{}", list(&bench.check()));
}

#[test]
fn a_partitioned_table_is_a_collection_like_any_other() {
    let bench = Bench::with(
        "create table parts (id int, slug text) partition by list (id);
         create table parts_1 partition of parts for values in (1); insert into parts values (1, 'one');
         grant select on parts to anon",
    );
    bench.configure("[collections.parts]");
    bench.mends(Error, "rls-off", "public.parts");
    let bench = Bench::with(
        "create table base (id int, is_visible bool); insert into base values (1, false);
        create view \"Loud\" as select * from base; grant select on \"Loud\" to anon",
    );
    let finding = bench.find(Warning, "drafts-visible", "public.\"Loud\"");
    assert!(finding.mend.unwrap().contains("where is_visible"));
}

/// An office's database: other schemas, names that need quotes, views, queries with parameters, and
/// a role that no API knows. Nothing of it stops a build.
#[test]
fn a_museums_database_is_checked_like_any_other() {
    let url = Bench::bare("").url;
    let bench = Bench { url, site: crate::site::Site::copy_of("examples/museum") };
    bench.sql(include_str!("../../examples/museum/database.sql"));
    let report = bench.check();
    assert_eq!(report.errors, 0, "{}", list(&report));
    let finding = bench.mends(Warning, "rls-off", "catalogue.\"Makers\"");
    assert!(finding.message.contains("the collection \"makers\" (and 1 more)"), "{finding:?}");
    for finding in report.findings.iter().filter(|one| one.subject != "catalogue.\"Makers\"") {
        if let Some(sql) = &finding.sql {
            bench.sql(sql);
        }
    }
    assert!(serious(&bench.check()).is_empty(), "{}", list(&bench.check()));
    let run = bench.run(&["build"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

/// A table that somebody holds does not keep a check waiting for ever.
#[test]
fn a_locked_table_is_said_to_be_locked() {
    let bench = Bench::sample();
    let config = bench.config();
    let error = crate::support::wait(async {
        let mut holder = crate::postgres::connect(&bench.url).await;
        let lock = "begin; lock table skills in access exclusive mode";
        crate::postgres::run(&mut holder, lock).await;
        let checking = tokio::task::spawn_blocking(move || check(&config));
        checking.await.unwrap().unwrap_err()
    });
    assert_eq!(error.kind(), frieze::error::Kind::Database);
    assert!(error.report().contains("another session holds a lock on it"), "{error:?}");
}
