//! Bulk reads: one query a collection, rows parsed beside the reading, counts verified. What is read
//! ahead of parsing is bounded, and long texts of very large sites leave memory again.

use std::fmt::Write as _;
use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::task::JoinHandle;

use super::cells::{self, Column};
use super::snapshot::{Recorder, frames};
use super::texts::Shelf;
use super::{Row, sql};
use crate::config::{Collection, Config, From};
use crate::db;
use crate::error::{Error, Result};
use crate::theme::Touched;

/// Rows are parsed in pieces, off the reading thread: so many rows at most, or so many bytes.
const ROWS: usize = 256;
const BYTES: usize = 1 << 20;

/// How many pieces may be on their way at once.
const AHEAD: usize = 8;

/// Takes on the reading role for the rest of the transaction, with settings that make a value's
/// text the same on every server.
pub async fn become_role(conn: &mut PgConnection, role: &str) -> Result<()> {
    let settings = format!(
        "set local role {}; set local timezone = 'UTC'; set local datestyle = 'ISO'; \
         set local intervalstyle = 'iso_8601'; set local extra_float_digits = 1; \
         set local bytea_output = 'hex'",
        sql::quoted(role)
    );
    let doing = format!("becoming the role \"{role}\", as which content is read,");
    let become_it = sqlx::raw_sql(AssertSqlSafe(settings)).execute(conn).await;
    become_it.map_err(|error| {
        let denied = error.as_database_error().is_some_and(|it| it.code().as_deref() == Some("42501"));
        let error = db::explain_as(error, &doing, role);
        if !denied {
            return error;
        }
        let role = sql::quoted(role);
        error.help(format!("let an administrator run, with the login of the address in its place: grant {role} to LOGIN;"))
    })?;
    Ok(())
}

/// Reads collections, one after the other.
pub struct Reader<'a> {
    pub conn: &'a mut PgConnection,
    /// Who reads, for messages.
    pub role: &'a str,
    pub recorder: Option<&'a mut Recorder>,
    pub shelf: Shelf,
    pub config: &'a Config,
    pub touched: &'a Touched,
}

impl Reader<'_> {
    /// Reads a whole collection; fails when fewer rows arrive than the server counts.
    pub async fn collection(&mut self, collection: &Collection) -> Result<Vec<Row>> {
        let doing = format!("reading the collection \"{}\"", collection.name);
        let role = self.role;
        let failed = |error| explain(error, collection, &doing, role);
        let (columns, unique) = self.shape(collection).await?;
        let columns: Arc<[Column]> = columns.into();
        if let Some(recorder) = &mut self.recorder {
            recorder.collection(collection, &columns);
        }
        // Without a row there is no column to read, but the order is still held against the table.
        let query = sql::rows(collection, &columns, &unique);
        let rows = self.rows(collection, query, &columns, &doing).await?;
        let count = sql::over(collection, sql::count(collection)).map_err(failed)?;
        let count = count.fetch_one(&mut *self.conn).await.and_then(|row| row.try_get(0));
        verify(collection, rows.len(), count.map_err(failed)?)?;
        tracing::debug!(collection = collection.name, rows = rows.len(), "read");
        Ok(rows)
    }

    /// The columns of a collection, and those that tell its rows apart.
    pub async fn shape(&mut self, collection: &Collection) -> Result<(Vec<Column>, Vec<String>)> {
        let doing = format!("reading the collection \"{}\"", collection.name);
        let role = self.role;
        let failed = |error| explain(error, collection, &doing, role);
        let unique = match &collection.from {
            From::Table(table) => sqlx::query_scalar(sql::PRIMARY_KEY)
                .bind(sql::quoted(table))
                .persistent(false)
                .fetch_all(&mut *self.conn)
                .await
                .map_err(failed)?,
            From::Query { .. } => Vec::new(),
        };
        let columns = self.columns(collection).await.map_err(failed)?;
        Ok((columns, unique))
    }

    /// The columns of a collection; none where it has no row. Asked for as text: the driver would
    /// look types it does not know up, between preparing the statement and running it.
    async fn columns(&mut self, collection: &Collection) -> sqlx::Result<Vec<Column>> {
        let names = sql::over(collection, sql::names(collection))?;
        let names = names.fetch_all(&mut *self.conn).await?;
        let names =
            names.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<String>>>()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let types = sql::over(collection, sql::types(collection, &names))?;
        let types: Vec<String> = types.fetch_one(&mut *self.conn).await?.try_get(0)?;
        let unseen = self.touched.unseen(self.config, collection);
        let columns = names.into_iter().zip(types).map(|(name, kind)| Column {
            is_touch: unseen.contains(&&*name),
            name,
            is_text: matches!(&*kind, "text" | "character varying" | "character" | "name"),
        });
        Ok(columns.collect())
    }

    async fn rows(
        &mut self,
        collection: &Collection,
        query: String,
        columns: &Arc<[Column]>,
        doing: &str,
    ) -> Result<Vec<Row>> {
        let role = self.role;
        // The columns were read without an order: what is refused now is that.
        let failed = |error: sqlx::Error| {
            let is_order = error
                .as_database_error()
                .is_some_and(|error| error.code().is_some_and(|code| code.starts_with("42")));
            let doing =
                if is_order { format!("{doing} in its order_by") } else { doing.to_owned() };
            explain(error, collection, &doing, role)
        };
        let query = sql::over(collection, query).map_err(failed)?;
        let mut arriving = query.fetch(&mut *self.conn);
        let mut sink = Sink {
            rows: Vec::new(),
            shelf: &mut self.shelf,
            recorder: self.recorder.as_deref_mut(),
            long: collection.long_texts(),
        };
        let (mut parsing, mut piece) = (FuturesOrdered::new(), Piece::default());
        while let Some(row) = arriving.try_next().await.map_err(failed)? {
            piece.push(row);
            if piece.is_full() {
                parsing.push_back(std::mem::take(&mut piece).parse(columns, sink.records()));
            }
            if parsing.len() >= AHEAD {
                sink.take(parsing.next().await, doing)?;
            }
        }
        parsing.push_back(piece.parse(columns, sink.records()));
        while let Some(parsed) = parsing.next().await {
            sink.take(Some(parsed), doing)?;
        }
        Ok(sink.rows)
    }
}

/// What was wrong: in which line of a query, and with whose rights.
fn explain(error: sqlx::Error, collection: &Collection, doing: &str, role: &str) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.unwrap_or_default().into_owned();
    let (denied, ambiguous) = (code == "42501", code == "42702");
    let mut doing = doing.to_owned();
    if let From::Query { sql: query, .. } = &collection.from
        && let Some(line) = db::line(&error, &sql::names(collection))
        && (2..2 + query.lines().count()).contains(&line)
    {
        let _ = write!(doing, ", line {} of its query,", line - 1);
    }
    let error = db::explain_as(error, &doing, role);
    match &collection.from {
        // Not where a policy of the table asks another one.
        From::Table(table) if denied && names(&error, table) => {
            error.help(format!("let the table's owner run: {}", db::grant(table, role)))
        }
        From::Query { .. } if code == "08P01" => error.help(format!(
            "give each of $1, $2, … a value in collections.{}.parameters",
            collection.name
        )),
        From::Query { .. } if ambiguous => {
            error.help("give each column of the query a name of its own, as in count(*) as number")
        }
        _ => error,
    }
}

/// Whether a refusal is about this table itself.
fn names(error: &Error, table: &str) -> bool {
    let bare = table.rsplit('.').next().unwrap_or(table);
    let refusals = ["table", "view"].map(|kind| format!("denied for {kind} {bare} ("));
    error.chain().iter().any(|message| refusals.iter().any(|refusal| message.contains(refusal)))
}

fn verify(collection: &Collection, read: usize, counted: i64) -> Result<()> {
    if i64::try_from(read).is_ok_and(|read| read == counted) {
        return Ok(());
    }
    Err(Error::database(format!(
        "the collection \"{}\" gave {read} rows, but the database counts {counted}",
        collection.name
    ))
    .help("the read is incomplete, so nothing was published: run the build again"))
}

/// Rows that are parsed in one go.
#[derive(Default)]
struct Piece {
    rows: Vec<PgRow>,
    bytes: usize,
}

/// Parsed rows, and the same as a snapshot's block.
type Parsed = (Vec<Row>, Option<Vec<u8>>);

impl Piece {
    fn push(&mut self, row: PgRow) {
        let values = (0..row.len()).filter_map(|index| row.try_get_raw(index).ok());
        self.bytes += values.map(|value| value.as_bytes().map_or(0, <[u8]>::len)).sum::<usize>();
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.bytes >= BYTES
    }

    fn parse(self, columns: &Arc<[Column]>, records: bool) -> JoinHandle<Result<Parsed>> {
        let columns = Arc::clone(columns);
        tokio::task::spawn_blocking(move || {
            let block = records.then(|| frames::block(&self.rows, &columns)).transpose()?;
            Ok((cells::parse(&self.rows, &columns)?, block))
        })
    }
}

/// Where parsed rows go.
struct Sink<'a> {
    rows: Vec<Row>,
    shelf: &'a mut Shelf,
    recorder: Option<&'a mut Recorder>,
    /// Columns whose texts may leave memory.
    long: Vec<String>,
}

impl Sink<'_> {
    fn records(&self) -> bool {
        self.recorder.is_some()
    }

    fn take(
        &mut self,
        parsed: Option<Result<Result<Parsed>, tokio::task::JoinError>>,
        doing: &str,
    ) -> Result<()> {
        let Some(parsed) = parsed else { return Ok(()) };
        let parsed = parsed.map_err(|error| Error::other(doing).because(error))?;
        let (mut rows, block) = parsed.map_err(|error| error.context(doing))?;
        if let (Some(recorder), Some(block)) = (&mut self.recorder, block) {
            recorder.block(rows.len(), &block);
        }
        self.shelf.put(&mut rows, &self.long)?;
        self.rows.extend(rows);
        Ok(())
    }
}
