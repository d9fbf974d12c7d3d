//! What the database says about its tables: the only place seeding learns their shape from.

use serde::Deserialize;
use sqlx::PgConnection;

use super::refusal::failed;
use crate::error::{Error, Result, nearest};

/// Every table a file could be about, and the names of what merely looks like one.
#[derive(Debug)]
pub(in crate::db) struct Catalog {
    tables: Vec<Table>,
}

/// A table's shape.
#[derive(Debug, Deserialize)]
pub(in crate::db) struct Table {
    /// The name files use: without a schema where the search path finds it.
    pub name: String,
    /// The name SQL uses: with its schema, quoted as needed.
    pub sql: String,
    /// Postgres's letter for tables, views and the like.
    kind: String,
    pub columns: Vec<Column>,
    /// Columns that are unique together, the primary key first.
    pub keys: Vec<Key>,
    pub constraints: Vec<Constraint>,
    /// The SQL names of the tables its foreign keys point to.
    pub references: Vec<String>,
    /// A hash of all this.
    #[serde(skip)]
    pub signature: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::db) struct Column {
    pub name: String,
    /// The name, quoted as needed.
    pub sql: String,
    /// The type as people write it.
    pub kind: String,
    /// Whether it holds text, or an array of text.
    pub is_text: bool,
    pub is_array: bool,
    /// Postgres's own name of the type, or of an array's elements, if the type is its own.
    pub base: Option<String>,
    /// The database computes it.
    pub is_generated: bool,
    /// The default as SQL.
    pub default: Option<String>,
    /// What an enum may be.
    pub labels: Option<Vec<String>>,
}

impl Column {
    /// Whether JSON holds its values as people write them: texts, numbers, times, documents.
    pub fn is_common(&self) -> bool {
        const COMMON: [&str; 17] = [
            "bool",
            "int2",
            "int4",
            "int8",
            "float4",
            "float8",
            "numeric",
            "text",
            "varchar",
            "bpchar",
            "json",
            "jsonb",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "uuid",
        ];
        self.base.as_deref().is_some_and(|base| COMMON.contains(&base))
    }

    pub fn is_json(&self) -> bool {
        matches!(self.kind.as_str(), "json" | "jsonb")
    }

    /// The value that a row gets which does not name the column, as SQL, if it is always the same.
    pub fn constant_default(&self) -> Option<String> {
        let Some(default) = &self.default else { return Some(format!("null::{}", self.kind)) };
        // Calls have parentheses, but for a few words that SQL keeps for them.
        let calls = ["(", "CURRENT_", "LOCALTIME", "_USER", "USER"];
        let is_constant = !calls.iter().any(|call| default.contains(call));
        is_constant.then(|| format!("({default})::{}", self.kind))
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::db) struct Key {
    pub columns: Vec<String>,
    pub is_primary: bool,
}

#[derive(Debug, Deserialize)]
pub(in crate::db) struct Constraint {
    pub name: String,
    pub columns: Vec<String>,
    pub definition: String,
}

/// One JSON object per relation outside the system's own schemas.
const SQL: &str = include_str!("catalog.sql");

impl Catalog {
    pub async fn load(conn: &mut PgConnection) -> Result<Self> {
        let rows: Vec<String> = sqlx::query_scalar(SQL)
            .persistent(false)
            .fetch_all(conn)
            .await
            .map_err(|error| failed("reading the tables' columns", error))?;
        let tables = rows.iter().map(|row| Table::parse(row)).collect::<Result<_>>()?;
        Ok(Self { tables })
    }

    /// The table a file is about; `place` is where the file says so.
    pub fn table(&self, name: &str, place: &str) -> Result<&Table> {
        let bare = name.strip_prefix("public.").unwrap_or(name);
        let Some(table) = self.tables.iter().find(|table| table.name == bare) else {
            return Err(self.unknown(name, place));
        };
        if !table.is_writable() {
            return Err(Error::content(format!("{place}: {name} is a view, not a table"))
                .help("write the rows of the tables the view reads"));
        }
        Ok(table)
    }

    /// The table of that name, if there is one that can hold rows.
    pub fn find(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name && table.is_writable())
    }

    /// Whether rows of other tables refer to this one's.
    pub fn is_referred_to(&self, table: &Table) -> bool {
        self.tables.iter().any(|other| other.references.contains(&table.sql))
    }

    /// Whether there is a table or a view of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tables.iter().any(|table| table.name == name)
    }

    fn unknown(&self, name: &str, place: &str) -> Error {
        let names = self.tables.iter().filter(|table| table.is_writable());
        let help = match nearest(name, names.map(|table| table.name.as_str())) {
            Some(near) => format!("did you mean {near}?"),
            None => "add a migration that creates it, or move the file out of content/".to_owned(),
        };
        Error::content(format!("{place}: the database has no table {name}")).help(help)
    }
}

impl Table {
    fn parse(json: &str) -> Result<Self> {
        let mut table: Self = serde_json::from_str(json).map_err(|error| {
            Error::database("the database described a table in an unknown way").because(error)
        })?;
        table.signature = blake3::hash(json.as_bytes()).to_hex().to_string();
        Ok(table)
    }

    fn is_writable(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p")
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of the primary key; none if there is none.
    pub fn primary_key(&self) -> &[String] {
        let primary = self.keys.iter().find(|key| key.is_primary);
        primary.map_or(&[], |key| key.columns.as_slice())
    }

    /// The column that says when a row was last changed.
    pub fn touched(&self) -> Option<&Column> {
        self.column("updated_at").filter(|column| column.kind.starts_with("timestamp"))
    }

    /// The primary key, if frieze can make one up: a single `uuid` that has a default.
    pub fn uuid_key(&self) -> Option<&Column> {
        let [name] = self.primary_key() else { return None };
        let column = self.column(name)?;
        (column.kind == "uuid" && column.default.is_some()).then_some(column)
    }
}
