//! Up, again, back, and many at once.

use frieze::db::migrate::State::{Applied, Changed, Pending, Unknown};
use frieze::db::migrate::{self, rollback, status, up};
use sqlx::PgConnection;

use crate::{config, postgres};

/// Everything in the schemas that migrations touch, as text.
async fn objects(connection: &mut PgConnection) -> Vec<String> {
    let sql = "
        select format('%s.%s %s', n.nspname, c.relname, c.relkind) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'frieze', 'auth')
        union all
        select format('%s.%s()', n.nspname, p.proname) from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('frieze', 'auth')
            or p.proname = 'is_site_admin'
        union all select format('policy %s.%s', tablename, policyname) from pg_policies
        union all select format('schema %s', nspname) from pg_namespace where nspname !~ '^pg_'
        order by 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

fn names(applied: &migrate::Applied) -> Vec<&str> {
    applied.steps.iter().map(|step| step.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_is_repeatable_and_reversible() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let migrations = config::built_in();

    let first = up(&mut connection, &migrations).await.unwrap();
    assert_eq!(first.steps.len(), migrations.active().count());
    assert!(first.skipped.is_empty(), "{first:?}");
    let made = objects(&mut connection).await;

    let second = up(&mut connection, &migrations).await.unwrap();
    assert!(second.steps.is_empty(), "{second:?}");
    assert_eq!(objects(&mut connection).await, made);

    let back = rollback(&mut connection, &migrations, 1).await.unwrap();
    assert_eq!(names(&back), ["20260101000500_vectors"]);
    let back = rollback(&mut connection, &migrations, usize::MAX).await.unwrap();
    assert_eq!(back.steps.len(), migrations.active().count() - 1);
    let left = objects(&mut connection).await;
    let left: Vec<_> = left.iter().filter(|name| !name.contains("frieze.migrations")).collect();
    assert_eq!(left, ["schema frieze", "schema information_schema", "schema public"]);

    up(&mut connection, &migrations).await.unwrap();
    assert_eq!(objects(&mut connection).await, made);
}

/// Also where the record is lost, or other tools ran the files: the SQL itself is idempotent.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_change_nothing_where_everything_exists() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let migrations = config::built_in();
    up(&mut connection, &migrations).await.unwrap();
    postgres::run(
        &mut connection,
        "insert into testimonials (author_name, content) values ('A', 'B')",
    )
    .await;
    let made = objects(&mut connection).await;

    postgres::run(&mut connection, "delete from frieze.migrations").await;
    let again = up(&mut connection, &migrations).await.unwrap();
    assert_eq!(again.steps.len(), migrations.active().count());
    assert_eq!(objects(&mut connection).await, made);
    let rows: i64 = sqlx::query_scalar("select count(*) from testimonials")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_apply_each_migration_once() {
    let url = postgres::database().await;
    let runs = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let mut connection = postgres::connect(&url).await;
            up(&mut connection, &config::built_in()).await.map(|applied| applied.steps.len())
        })
    });
    let mut steps = 0;
    for run in runs.collect::<Vec<_>>() {
        steps += run.await.unwrap().unwrap();
    }
    assert_eq!(steps, config::built_in().active().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_is_applied_pending_changed_and_unknown() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let migrations = config::built_in();
    let states =
        |list: Vec<migrate::Status>| list.into_iter().map(|one| one.state).collect::<Vec<_>>();

    let before = states(status(&mut connection, &migrations).await.unwrap());
    assert_eq!(before, [Pending; 5]);
    let touched: bool = sqlx::query_scalar("select to_regnamespace('frieze') is not null")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!touched, "asking changed the database");

    up(&mut connection, &migrations).await.unwrap();
    rollback(&mut connection, &migrations, 1).await.unwrap();
    let meddle = "update frieze.migrations set checksum = '\\x00' where version = 20260101000200;
        insert into frieze.migrations values (29990101000000, 'from the future', now(), true, '\\x00', 0)";
    postgres::run(&mut connection, meddle).await;
    let after = states(status(&mut connection, &migrations).await.unwrap());
    assert_eq!(after, [Applied, Changed, Applied, Applied, Pending, Unknown]);

    let error = up(&mut connection, &migrations).await.unwrap_err().report();
    assert!(error.contains("20260101000200_portfolio was changed after it was applied"), "{error}");
}

/// The lock goes with the error, so that the next attempt on the same connection is not its own
/// obstacle, and neither is anybody else's.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_leaves_no_lock() {
    let url = postgres::database().await;
    let mut connection = postgres::connect(&url).await;
    let migrations = config::built_in();
    up(&mut connection, &migrations).await.unwrap();
    postgres::run(&mut connection, "update frieze.migrations set checksum = '\\x00'").await;
    up(&mut connection, &migrations).await.unwrap_err();
    let locks: i64 = sqlx::query_scalar("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(locks, 0);
}
