//! What the database tells of a job's rows: what models wrote there, and what is private.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::db;
use crate::enrich::json as sent;
use crate::enrich::record::table::Table;
use crate::enrich::task::{Job, Subject};
use crate::error::Result;

/// A value that a model wrote, and what stood there before.
#[derive(Deserialize)]
pub struct Line {
    column: String,
    value: Value,
    former: Value,
}

/// What models wrote into these rows, by the rows' ids.
pub async fn written(
    conn: &mut PgConnection,
    job: &Job,
    rows: &[Subject],
) -> Result<HashMap<String, Vec<Line>>> {
    const WRITTEN: &str = "\
        select e.row_key->>'id', jsonb_agg(jsonb_build_object('column', e.column_name,
            'value', e.value, 'former', e.former))
        from jsonb_array_elements($2::jsonb) as k(key)
        join public.enrichments as e
            on e.table_name = $1 and e.row_key = k.key and e.reverted_at is null
        where e.row_key->>'id' is not null
        group by 1";
    let keys: Vec<Map<String, Value>> = rows.iter().map(Subject::key).collect();
    let written = sqlx::query_as(WRITTEN).bind(Table::new(&job.table).name);
    let written = written.bind(sent::parameter(&keys)).persistent(false);
    let written: Vec<(String, Json<Vec<Line>>)> = db::alone!(conn, written, fetch_all)
        .map_err(|error| db::explain_owner(error, "looking what models wrote"))?;
    Ok(written.into_iter().map(|(id, Json(lines))| (id, lines)).collect())
}

/// The row without what models wrote and nobody has changed: that says nothing new, and what was
/// taken back would come back as soon as another column is filled.
pub fn as_people_left_it(row: &mut Subject, lines: Vec<Line>) {
    for Line { column, value, former } in lines {
        if row.fields.get(&column) == Some(&value) {
            row.fields.insert(column, former);
        }
    }
}

/// Targets of a type that somebody added as private, and has not added otherwise since.
pub async fn private(conn: &mut PgConnection, kind: &str) -> Result<HashSet<String>> {
    const PRIVATE: &str = "\
        select target from (
            select distinct on (target) target, is_private from public.task_queue
            where task_type = $1 and target is not null and not payload ? 'hash'
            order by target, created_at desc, id
        ) as last where is_private";
    let private = sqlx::query_scalar(PRIVATE).bind(kind).persistent(false);
    let private: Vec<String> = db::alone!(conn, private, fetch_all)
        .map_err(|error| db::explain_owner(error, "looking what is private"))?;
    Ok(private.into_iter().collect())
}
