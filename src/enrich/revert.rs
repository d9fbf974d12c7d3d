//! Taking back what models wrote, where it still stands as they wrote it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::json as sent;
use super::record::field::set;
use super::record::row::WHOLE;
use super::record::seeded;
use super::record::table::{Table, columns, object, quoted, safe};
use super::record::{Stop, stop};
use crate::db::Explain as _;
use crate::error::{Error, Result};

/// Which values are meant.
#[derive(Debug, Clone)]
pub enum Which {
    /// What a task wrote.
    Task(Uuid),
    /// What stands in a column, of one row or of all.
    Column { table: String, column: String, row: Option<String> },
}

/// One value, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Reverted {
    pub table: String,
    pub key: Value,
    pub column: String,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// What stood there before stands there again; a row that a model added is gone.
    Reverted,
    /// Somebody has changed it since: it stays.
    Changed,
    /// The row is there no more.
    Gone,
    /// The database does not let it go.
    Refused(String),
}

const DOING: &str = "taking back what models wrote";

pub async fn revert(connection: &mut PgConnection, which: &Which) -> Result<Vec<Reverted>> {
    let mut reverted = Vec::new();
    for id in list(connection, which).await? {
        reverted.extend(one(connection, id).await?);
    }
    Ok(reverted)
}

async fn list(connection: &mut PgConnection, which: &Which) -> Result<Vec<Uuid>> {
    const TASK: &str = "\
        select id from public.enrichments where task_id = $1 and reverted_at is null
        order by created_at desc, id";
    const COLUMN: &str = "\
        select id from public.enrichments
        where table_name = $1 and column_name = $2 and reverted_at is null
            and ($3::text is null
                or exists (select from jsonb_each_text(row_key) as k where k.value = $3))
        order by created_at desc, id";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let select = match which {
        Which::Task(id) => sqlx::query_scalar(TASK).bind(id),
        Which::Column { table, column, row } => {
            sqlx::query_scalar(COLUMN).bind(Table::new(table).name).bind(column).bind(row)
        }
    };
    let ids = select.persistent(false).fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(ids)
}

/// A value that a model wrote.
#[derive(Deserialize)]
struct Line {
    table_name: String,
    row_key: Map<String, Value>,
    column_name: String,
    value: Value,
    former: Value,
}

/// In a transaction of its own, so that what the database refuses leaves the others alone.
async fn one(connection: &mut PgConnection, id: Uuid) -> Result<Option<Reverted>> {
    const LINE: &str = "\
        select to_jsonb(e) from public.enrichments as e where id = $1 and reverted_at is null for update";
    const MARK: &str = "update public.enrichments set reverted_at = now() where id = $1";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let line = sqlx::query_scalar(LINE).bind(id).persistent(false);
    let line: Option<Json<Line>> =
        line.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    let Some(Json(line)) = line else { return Ok(None) };
    let state = match take_back(&mut transaction, &line).await {
        Ok(state) => state,
        Err(Stop::Refused(_, why)) => State::Refused(why),
        Err(Stop::Broken(error) | Stop::Again(error)) => return Err(error),
    };
    if state == State::Reverted {
        let mark = sqlx::query(MARK).bind(id).persistent(false);
        mark.execute(&mut *transaction).await.or_explain(DOING)?;
        transaction.commit().await.or_explain(DOING)?;
    } else {
        transaction.rollback().await.or_explain(DOING)?;
    }
    let Line { table_name: table, row_key: key, column_name: column, .. } = line;
    Ok(Some(Reverted { table, key: Value::Object(key), column, state }))
}

async fn take_back(transaction: &mut PgConnection, line: &Line) -> Result<State, Stop> {
    let table = Table::new(&line.table_name);
    let key = &line.row_key;
    let is_whole = line.column_name == WHOLE;
    let Some((standing, version)) = stands(transaction, &table, line).await? else {
        return Ok(State::Gone);
    };
    if standing != line.value {
        return Ok(State::Changed);
    }
    if is_whole {
        delete(transaction, &table, key).await?;
    } else {
        set(transaction, &table, key, &line.column_name, &line.former).await?;
        seeded::still(transaction, &table, &json!(key), &version).await?;
    }
    Ok(State::Reverted)
}

/// What stands now where the model wrote, and the row's version; it is locked.
async fn stands(
    transaction: &mut PgConnection,
    table: &Table,
    line: &Line,
) -> Result<Option<(Value, String)>, Stop> {
    let key = &line.row_key;
    let names = columns(key, table)?;
    let value = match &line.value {
        Value::Object(fields) if line.column_name == WHOLE => object("t", fields.keys()),
        _ => format!("coalesce(to_jsonb(t.{}), 'null')", quoted(&line.column_name)),
    };
    let sql = format!(
        "select {value}, t.xmin::text from {table} as t, jsonb_populate_record(null::{table}, $1::jsonb) as k
        where {same} for update of t",
        table = table.sql,
        same = Table::same(&names),
    );
    let select = sqlx::query_as(safe(sql)).bind(sent::parameter(key)).persistent(false);
    select.fetch_optional(transaction).await.map_err(stop)
}

async fn delete(
    transaction: &mut PgConnection,
    table: &Table,
    key: &Map<String, Value>,
) -> Result<(), Stop> {
    let names = columns(key, table)?;
    let sql = format!(
        "delete from {table} as t using jsonb_populate_record(null::{table}, $1::jsonb) as k
        where {same}",
        table = table.sql,
        same = Table::same(&names),
    );
    let delete = sqlx::query(safe(sql)).bind(sent::parameter(key)).persistent(false);
    delete.execute(transaction).await.map_err(stop)?;
    Ok(())
}

impl Which {
    /// What a person wrote: the beginning of a task's id, or a table, a column, and perhaps a row.
    pub async fn read(connection: &mut PgConnection, words: &[String]) -> Result<Self> {
        match words {
            [task] => Ok(Self::Task(super::queue::find(connection, task).await?)),
            [table, column] => {
                Ok(Self::Column { table: table.clone(), column: column.clone(), row: None })
            }
            [table, column, row] => Ok(Self::Column {
                table: table.clone(),
                column: column.clone(),
                row: Some(row.clone()),
            }),
            _ => {
                Err(Error::other("write a task's id, or a table, a column and perhaps a row's key"))
            }
        }
    }
}
