//! The triggers themselves: made, looked for and dropped. All of it is done table by table, and
//! nothing waits long for a lock: others work with these tables.

use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::session::channel;
use crate::db::quoted;

/// Of more rows than this a statement only tells the table.
const MOST: usize = 50;

/// Held by every session that listens, as long as it lives.
pub const HOLD: &str = "select pg_advisory_lock_shared(hashtext('frieze rows'))";
pub const LET_GO: &str = "select pg_advisory_unlock_shared(hashtext('frieze rows'))";

/// Whoever can have it for itself listens alone.
const ALONE: &str = "select pg_try_advisory_lock(hashtext('frieze rows'))";

/// How long a statement waits for a table that others work with: whoever comes after it waits too.
const SHORTLY: &str = "set local lock_timeout = '500ms'";

/// Makes the function, and the triggers that are missing.
pub async fn make(conn: &mut PgListener, tables: &[String]) -> sqlx::Result<()> {
    run(conn, &function()).await?;
    for table in tables {
        run(conn, &format!("{SHORTLY}; {}", on(table))).await?;
    }
    Ok(())
}

/// Several statements sent as one are one transaction.
async fn run(conn: &mut PgListener, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.map(drop)
}

/// Whether each of the tables has its triggers, and they are not switched off.
pub async fn are_there(conn: &mut PgListener, tables: &[String]) -> sqlx::Result<bool> {
    const COUNT: &str = "select count(*) from pg_catalog.pg_trigger \
        where tgfoid = to_regprocedure('frieze.tell_rows()') and tgenabled <> 'D' \
        and tgrelid = any (select to_regclass(name) from unnest($1) as name)";
    let names: Vec<String> = tables.iter().map(|table| quoted(table)).collect();
    let count = sqlx::query_scalar(COUNT).bind(names).persistent(false);
    let count: i64 = count.fetch_one(conn).await?;
    Ok(usize::try_from(count).is_ok_and(|count| count >= EVENTS.len() * tables.len()))
}

/// Drops every trigger there is, whoever made it, unless somebody listens.
pub async fn drop_all(conn: &mut PgConnection) -> sqlx::Result<()> {
    const MADE: &str = "select string_agg( \
            format('drop trigger if exists %I on %s', tgname, tgrelid::regclass), '; ') \
        from pg_catalog.pg_trigger \
        where tgfoid = to_regprocedure('frieze.tell_rows()') and tgparentid = 0 group by tgrelid";
    let alone: bool = sqlx::query_scalar(ALONE).persistent(false).fetch_one(&mut *conn).await?;
    if !alone {
        return Ok(());
    }
    let made: Vec<String> =
        sqlx::query_scalar(MADE).persistent(false).fetch_all(&mut *conn).await?;
    let mut ended = Ok(());
    for sql in made.into_iter().chain(["drop function if exists frieze.tell_rows()".to_owned()]) {
        let mut transaction = conn.begin().await?;
        sqlx::raw_sql(SHORTLY).execute(&mut *transaction).await?;
        let dropped = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await;
        match dropped {
            Ok(_) => transaction.commit().await?,
            Err(error) => {
                transaction.rollback().await?;
                ended = ended.and(Err(error));
            }
        }
    }
    ended
}

/// One statement sends one notification: the keys of the rows it wrote, as they were and as they
/// are, or only the table where they are many or the message would be long. Keys are written as
/// whoever reads the rows writes them.
fn function() -> String {
    format!(
        "select pg_advisory_xact_lock(hashtext('frieze triggers')); \
         create schema if not exists frieze; \
         create or replace function frieze.tell_rows() returns trigger language plpgsql \
         set search_path = '' set timezone = 'UTC' set datestyle = 'ISO' \
         set intervalstyle = 'iso_8601' set extra_float_digits = 1 set bytea_output = 'hex' as $$ \
         declare keys jsonb; told text; name text := tg_argv[0]; columns text[] := tg_argv[1]::text[]; \
         begin \
           if tg_op = 'TRUNCATE' or cardinality(columns) = 0 then keys := null; \
           else \
             execute format('select case when count(*) <= {MOST} then jsonb_agg(k) end from \
               (select distinct (select jsonb_object_agg(c, to_jsonb(r) -> c) from unnest($1) as c) as k \
                from (%s) r limit {}) t', \
               case tg_op when 'DELETE' then 'table frieze_old' when 'INSERT' then 'table frieze_new' \
               else 'table frieze_old union all table frieze_new' end) into keys using columns; \
           end if; \
           told := json_build_object('table', name, 'keys', keys)::text; \
           if octet_length(told) > 7000 then told := json_build_object('table', name, 'keys', null)::text; end if; \
           perform pg_notify('{}', told); \
           return null; \
         end $$;",
        MOST + 1,
        channel(),
    )
}

/// What is told of, and which rows of before and after it has.
const EVENTS: [(&str, &str); 4] = [
    ("insert", "referencing new table as frieze_new"),
    ("update", "referencing old table as frieze_old new table as frieze_new"),
    ("delete", "referencing old table as frieze_old"),
    ("truncate", ""),
];

/// The triggers of a table. Those that are there already are left as they are, since making one
/// takes a lock.
fn on(table: &str) -> String {
    let (sql, name) = (quoted(table).replace('\'', "''"), table.replace('\'', "''"));
    let made = EVENTS.map(|(event, referencing)| {
        format!(
            "execute format('create or replace trigger frieze_{event} after {event} on {} {referencing} \
             for each statement execute function frieze.tell_rows(%L, %L)', '{name}', key);",
            sql.replace('%', "%%")
        )
    });
    format!(
        "do $do$ declare key text := (select coalesce(array_agg(a.attname order by a.attname), '{{}}')::text \
           from pg_catalog.pg_index i \
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey) \
           where i.indisprimary and i.indrelid = '{sql}'::regclass); \
         there int := (select count(*) from pg_catalog.pg_trigger \
           where tgfoid = 'frieze.tell_rows()'::regprocedure and tgrelid = '{sql}'::regclass \
           and tgenabled <> 'D' and strpos(pg_get_triggerdef(oid), format('(%L, %L)', '{name}', key)) > 0); \
         begin if there < {} then {} end if; end $do$;",
        EVENTS.len(),
        made.join(" "),
    )
}
