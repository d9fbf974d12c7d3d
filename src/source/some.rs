//! Reading some rows again, where the rest is known to stand.

use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::cells::{self, Column};
use super::{Row, layouts, read, sql, texts};
use crate::config::{Collection, Config, From};
use crate::db;
use crate::error::Result;
use crate::source::LayoutRow;
use crate::theme::Touched;

/// What a collection's rows look like, as its first whole read found them.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    columns: Vec<Column>,
    /// The columns that tell rows apart; none for a query or a view.
    key: Vec<String>,
}

impl Shape {
    /// Whether single rows can be asked for.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty() && !self.columns.is_empty()
    }

    /// Whether a row has this key.
    pub fn is(&self, row: &Row, key: &[Value]) -> bool {
        let mut pairs = self.key.iter().zip(key);
        pairs.all(|(name, value)| row.fields.get(name) == Some(value))
    }

    /// A row's key as text.
    pub fn text_of(&self, row: &Row) -> String {
        Self::text(&self.key_of(row))
    }

    /// A key as text.
    pub fn text(key: &[Value]) -> String {
        key.iter().map(Value::to_string).collect::<Vec<_>>().join("\0")
    }

    /// What tells a row from the others, in a form to compare.
    pub fn key_of(&self, row: &Row) -> Vec<Value> {
        self.key.iter().map(|name| row.fields.get(name).cloned().unwrap_or_default()).collect()
    }

    fn key_columns(&self) -> Vec<Column> {
        let is_text = |name: &String| {
            self.columns.iter().any(|column| column.name == *name && column.is_text)
        };
        let columns = self.key.iter();
        let column =
            |name: &String| Column { name: name.clone(), is_text: is_text(name), is_touch: false };
        columns.map(column).collect()
    }

    /// A key as an object of its columns.
    fn object(&self, key: &[Value]) -> Value {
        let pairs = self.key.iter().cloned().zip(key.iter().cloned());
        Value::Object(pairs.collect())
    }

    /// The same of an object that names the key's columns, as triggers and seeding report rows.
    pub fn key_in(&self, object: &Value) -> Option<Vec<Value>> {
        self.key.iter().map(|name| object.get(name).cloned()).collect()
    }
}

/// Whether the rows' order may have changed, if a row has become another.
pub fn may_move(collection: &Collection, former: &Row, row: &Row) -> bool {
    let Some(order) = &collection.order_by else { return false };
    let order = order.to_lowercase();
    // A number stands for a column, and a name that all rows go by for all of them.
    if order.split(',').any(|term| term.trim().starts_with(|c: char| c.is_ascii_digit()))
        || order.contains(sql::ROW)
    {
        return true;
    }
    row.fields.iter().any(|(name, value)| {
        former.fields.get(name) != Some(value) && order.contains(&name.to_lowercase())
    })
}

/// Whether a row's place among others depends on nothing but those: not on how many there are, or
/// on other tables.
pub fn is_placed_by_itself(collection: &Collection) -> bool {
    let order = collection.order_by.as_deref().unwrap_or_default().to_lowercase();
    !["select", "over", sql::ROW].iter().any(|word| order.contains(word))
}

/// Reads within a transaction of the reading role's, as a build does.
pub struct Reader<'a> {
    transaction: sqlx::Transaction<'a, sqlx::Postgres>,
    config: &'a Config,
    touched: &'a Touched,
}

impl<'a> Reader<'a> {
    pub async fn begin(
        conn: &'a mut PgConnection,
        config: &'a Config,
        touched: &'a Touched,
    ) -> Result<Self> {
        let role = &config.database.role;
        let begun = conn.begin_with("begin isolation level repeatable read read only").await;
        let mut transaction =
            begun.map_err(|error| db::explain_as(error, "starting to read", role))?;
        read::become_role(&mut transaction, role).await?;
        Ok(Self { transaction, config, touched })
    }

    pub async fn end(self) -> Result<()> {
        let role = &self.config.database.role;
        let ended = self.transaction.rollback().await;
        ended.map_err(|error| db::explain_as(error, "finishing to read", role))
    }

    /// What a collection's rows look like.
    pub async fn shape(&mut self, collection: &Collection) -> Result<Shape> {
        let role = &self.config.database.role;
        let shelf = texts::Shelf::new(0);
        let conn = &mut *self.transaction;
        let (config, touched) = (self.config, self.touched);
        let mut reader = read::Reader { conn, role, recorder: None, shelf, config, touched };
        let (columns, key) = reader.shape(collection).await?;
        Ok(Shape { columns, key })
    }

    /// All rows of a collection.
    pub async fn all(&mut self, collection: &Collection) -> Result<Vec<Row>> {
        let role = &self.config.database.role;
        let shelf = texts::Shelf::new(texts::NEAR);
        let conn = &mut *self.transaction;
        let (config, touched) = (self.config, self.touched);
        let mut reader = read::Reader { conn, role, recorder: None, shelf, config, touched };
        reader.collection(collection).await
    }

    /// Those rows of a table that have these keys, each an object of the key's columns. A row that
    /// the reading role may not see is not there.
    pub async fn some(
        &mut self,
        collection: &Collection,
        shape: &Shape,
        keys: &[Value],
    ) -> Result<Vec<Row>> {
        let From::Table(table) = &collection.from else { return Ok(Vec::new()) };
        let query = sql::some(table, &shape.columns, &shape.key);
        let keys = Value::Array(keys.to_vec()).to_string();
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).persistent(false).bind(keys);
        let found = query.fetch_all(&mut *self.transaction).await;
        let found = found.map_err(|error| self.failed(error, collection))?;
        cells::parse(&found, &shape.columns)
    }

    /// Those of some keys that there are rows for, in the collection's order.
    pub async fn in_order(
        &mut self,
        collection: &Collection,
        shape: &Shape,
        keys: &[Vec<Value>],
    ) -> Result<Vec<Vec<Value>>> {
        let From::Table(table) = &collection.from else { return Ok(Vec::new()) };
        let columns = shape.key_columns();
        let query = sql::some_in_order(collection, table, &columns, &shape.key);
        let keys: Vec<Value> = keys.iter().map(|key| shape.object(key)).collect();
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).persistent(false);
        let found = query.bind(Value::Array(keys).to_string()).fetch_all(&mut *self.transaction);
        let found = found.await.map_err(|error| self.failed(error, collection))?;
        let rows = cells::parse(&found, &columns)?;
        Ok(rows.iter().map(|row| shape.key_of(row)).collect())
    }

    /// A number that differs where the rows do: what polling compares.
    pub async fn print(&mut self, collection: &Collection) -> Result<String> {
        let query = sql::over(collection, sql::print(collection));
        let query = query.map_err(|error| self.failed(error, collection))?;
        let row = query.fetch_one(&mut *self.transaction).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| self.failed(error, collection))
    }

    /// Each page's highest published layout.
    pub async fn layouts(&mut self) -> Result<Vec<LayoutRow>> {
        let Some(table) = &self.config.layouts else { return Ok(Vec::new()) };
        let role = &self.config.database.role;
        let stored = layouts::read(&mut self.transaction, table, role).await?;
        stored.into_iter().map(layouts::Stored::parse).collect()
    }

    fn failed(&self, error: sqlx::Error, collection: &Collection) -> crate::error::Error {
        let doing = format!("reading the collection \"{}\"", collection.name);
        db::explain_as(error, &doing, &self.config.database.role)
    }
}

/// Every version of every layout, published or not, as the connection's own role sees them.
pub async fn drafts(conn: &mut PgConnection, config: &Config) -> Result<Vec<LayoutRow>> {
    let Some(table) = &config.layouts else { return Ok(Vec::new()) };
    let stored = layouts::drafts(conn, table).await?;
    stored.into_iter().map(layouts::Stored::parse).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(fields: &Value) -> Row {
        Row { fields: fields.as_object().cloned().unwrap_or_default().into(), ..Row::default() }
    }

    fn moves(order: &str, former: &Value, now: &Value) -> bool {
        let text = format!(
            "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"\n[collections.posts]\norder_by = {order:?}"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("frieze.toml"), text).unwrap();
        let overrides = crate::config::Overrides::default();
        let config = Config::load(folder.path(), &overrides, &|_| None).unwrap();
        may_move(&config.collections["posts"], &row(former), &row(now))
    }

    #[test]
    fn a_row_moves_only_where_what_orders_it_changed() {
        let (a, b) = (json!({"day": 1, "body": "a"}), json!({"day": 1, "body": "b"}));
        assert!(!moves("day desc, slug", &a, &b));
        assert!(moves("length(body)", &a, &b));
        assert!(moves("\"Day\" desc", &a, &json!({"day": 2, "body": "a"})));
        // What cannot be told from the text may be anything.
        assert!(moves("2", &a, &b) && moves("frieze_row", &a, &b));
    }
}
