//! Tables, columns, types, indexes and triggers of the built-in kits.

use std::fmt::Write as _;

use frieze::db::migrate;
use frieze::pipeline::check::Level::{Error, Warning};

use crate::postgres;
use crate::support::{Bench, serious, wait};

#[test]
fn what_the_migrations_made_and_somebody_changed() {
    for (plant, level, code, subject) in [
        (
            "alter table skills drop column glow_hex",
            Error,
            "column-missing",
            "public.skills.glow_hex",
        ),
        (
            "alter table projects drop column title",
            Error,
            "column-missing",
            "public.projects.title",
        ),
        (
            "alter table solutions drop column \"order\"",
            Error,
            "column-missing",
            "public.solutions.\"order\"",
        ),
        (
            "alter table skills alter column is_featured drop default, alter column is_featured type text",
            Warning,
            "column-type",
            "public.skills.is_featured",
        ),
        (
            "alter table profile alter column bio type varchar(9000)",
            Warning,
            "column-type",
            "public.profile.bio",
        ),
        ("drop index task_queue_due_idx", Warning, "index-missing", "public.task_queue"),
        ("drop index task_queue_claim_idx", Warning, "index-missing", "public.task_queue"),
        ("drop index enrichments_live_key", Warning, "index-missing", "public.enrichments"),
        (
            "alter table provider_quotas drop column blocked_until",
            Error,
            "column-missing",
            "public.provider_quotas.blocked_until",
        ),
        (
            "alter table projects drop constraint projects_slug_key",
            Warning,
            "index-missing",
            "public.projects",
        ),
        (
            "drop index task_queue_due_idx; create index task_queue_due_idx on task_queue (status)",
            Warning,
            "index-missing",
            "public.task_queue",
        ),
        (
            "update pg_index set indisvalid = false where indexrelid = 'site_builds_started_idx'::regclass",
            Warning,
            "index-invalid",
            "public.site_builds_started_idx",
        ),
        (
            "drop trigger touch_updated_at on projects",
            Warning,
            "trigger-missing",
            "public.projects",
        ),
    ] {
        let bench = Bench::with(plant);
        bench.mends(level, code, subject);
        assert!(serious(&bench.check()).is_empty(), "{plant}: {:?}", serious(&bench.check()));
    }
}

#[test]
fn a_table_that_is_gone() {
    let bench = Bench::with("drop table agent_context");
    let finding = bench.mends(Error, "table-missing", "public.agent_context");
    assert!(finding.mend.unwrap().contains("frieze db migrate"));
    assert_eq!(bench.run(&["db", "migrate"]).code, 0);
    assert!(serious(&bench.check()).is_empty());
}

/// An index that does the same under another name is as good.
#[test]
fn names_of_indexes_do_not_matter() {
    let bench = Bench::with("alter index task_queue_due_idx rename to mine");
    assert!(serious(&bench.check()).is_empty());
}

const LINES: &str = "
    select c.relname::text,
        (select string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                case when a.attnotnull then ' not null' else '' end,
                coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')), e'\n' order by a.attnum)
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        (select string_agg(pg_get_indexdef(i.indexrelid), e'\n' order by pg_get_indexdef(i.indexrelid))
         from pg_index i where i.indrelid = c.oid)
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1";

/// The shape that the check knows is what the migrations make. `SHAPE=overwrite` writes it anew.
#[test]
fn the_known_shape_is_what_the_migrations_make() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/check/shape.txt");
    let made = wait(shape());
    if std::env::var("SHAPE").is_ok_and(|it| it == "overwrite") {
        std::fs::write(path, &made).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        made,
        "SHAPE=overwrite cargo test --test check"
    );
}

/// Undoes one migration after the other, and sees which tables go with each.
async fn shape() -> String {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let migrations = crate::support::sample_migrations();
    migrate::up(&mut connection, &migrations).await.unwrap();
    let mut blocks = Vec::new();
    let versions: Vec<_> = migrations.active().map(|entry| entry.version).collect();
    let rows = async |connection: &mut sqlx::PgConnection| -> Vec<(String, String, String)> {
        sqlx::query_as(LINES).fetch_all(connection).await.unwrap()
    };
    let mut before = rows(&mut connection).await;
    for version in versions.into_iter().rev() {
        migrate::rollback(&mut connection, &migrations, 1).await.unwrap();
        let after = rows(&mut connection).await;
        let gone: Vec<_> = before.into_iter().filter(|row| !after.contains(row)).collect();
        let gone = gone
            .into_iter()
            .map(|(table, columns, indexes)| format!("{version} {table}\n{columns}\n{indexes}\n"));
        blocks.push(gone.collect::<Vec<_>>());
        before = after;
    }
    let mut text = String::new();
    for block in blocks.into_iter().rev().flatten() {
        let _ = writeln!(text, "{block}");
    }
    text
}
