//! Who writes in the same place does so one after the other: so that of two tasks which propose the
//! same row the second sees the first one's, and so that no two wait for each other.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::table::Table;
use super::{Stop, sent, stop};
use crate::enrich::Write;

// Everybody takes the locks in the same order, all of them before anything is written.
const STAND: &str = "\
    select count(pg_advisory_xact_lock(place)) from (
        select distinct hashtextextended(name, 0) as place from unnest($1::text[]) as name
        order by place
    ) as places";

pub async fn stand(
    transaction: &mut PgConnection,
    writes: impl Iterator<Item = &Write>,
) -> Result<(), Stop> {
    let places: Vec<String> = writes.filter_map(place).collect();
    if places.is_empty() {
        return Ok(());
    }
    let stand = sqlx::query(STAND).bind(&places).persistent(false);
    stand.execute(transaction).await.map_err(stop)?;
    Ok(())
}

fn place(write: &Write) -> Option<String> {
    let (name, what) = match write {
        Write::Field { table, key, .. } => (Table::new(table).name, sorted(key)),
        Write::Row { unless, .. } if unless.is_empty() => return None,
        Write::Row { table, fields, unless, .. } => {
            let values: Vec<_> = unless.iter().map(|name| (name, fields.get(name))).collect();
            (Table::new(table).name, json!(values))
        }
        Write::Embedding { collection, row_id, model, .. } => {
            ("content_embeddings".to_owned(), json!([collection, row_id, model]))
        }
    };
    Some(format!("frieze {name} {}", sent::parameter(&what)))
}

fn sorted(key: &Map<String, Value>) -> Value {
    let mut pairs: Vec<_> = key.iter().collect();
    pairs.sort_by_key(|(name, _)| name.as_str());
    json!(pairs)
}
