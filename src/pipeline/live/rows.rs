//! The database's side of a site kept in memory: one connection, what is known of its tables, and
//! which rows to read again after a change.

use indexmap::IndexMap;
use sqlx::PgConnection;

use super::super::reading;
use super::places::Places;
use super::{Live, prints};
use crate::config::{Config, From};
use crate::db::seed::{Held, Touched};
use crate::db::{self, Database};
use crate::error::{Kind, Result};
use crate::model::{Notes, Row};
use crate::source::some::{self, Reader, Shape};
use crate::source::{self, LayoutRow, Snapshot, Stamp};
use crate::theme;

/// What a site has to take.
#[derive(Clone)]
pub enum Change {
    /// One row became another, in its place.
    Row {
        collection: String,
        index: usize,
        row: Row,
    },
    /// One row is gone; those behind it move up.
    Gone {
        collection: String,
        index: usize,
    },
    /// One row came; those behind it make room.
    Come {
        collection: String,
        index: usize,
        row: Row,
    },
    /// The rows of a collection, in their order.
    All {
        collection: String,
        rows: Vec<Row>,
    },
    Layouts {
        layouts: Vec<LayoutRow>,
        drafts: Option<Vec<LayoutRow>>,
    },
    /// What is known of all rows beside their columns, once the changes before are taken.
    Notes(IndexMap<String, Notes>),
}

/// Holds the database while a site is served from it.
pub struct Keeper {
    pub(super) database: Database,
    pub(super) connection: Option<PgConnection>,
    held: Option<Held>,
    /// The last reading of everything began with the database as the site has it, and left it so.
    unmoved: bool,
    /// What was committed and not handed over yet.
    pending: Touched,
    pub(super) shapes: IndexMap<String, Shape>,
    /// What the site shows of when rows were touched.
    pub(super) touched: theme::Touched,
    pub(super) places: Places,
    /// What polling saw last, by collection.
    pub(super) prints: IndexMap<String, String>,
    /// What stood beside the rows when that was last read.
    pub(super) stamp: Stamp,
    pub(super) drafts: bool,
}

impl Keeper {
    pub async fn open(config: &Config, drafts: bool) -> Result<Self> {
        let database = Database::open(&config.database).await?;
        let (held, pending, shapes, places) = Default::default();
        let (connection, prints, stamp, touched) = Default::default();
        Ok(Self {
            database,
            connection,
            held,
            unmoved: false,
            pending,
            shapes,
            touched,
            places,
            prints,
            stamp,
            drafts,
        })
    }

    pub fn is_embedded(&self) -> bool {
        self.database.is_embedded()
    }

    /// Where the data is; never with a password.
    pub fn describe(&self) -> String {
        self.database.describe()
    }

    /// The tables whose single rows can be asked for, and whether those are all there is.
    pub fn tables(&self, config: &Config) -> (Vec<String>, bool) {
        let mut tables: Vec<String> = config.layouts.iter().cloned().collect();
        let mut all = true;
        for (name, collection) in &config.collections {
            match &collection.from {
                From::Table(table) if self.shapes.get(name).is_some_and(Shape::has_key) => {
                    tables.push(table.clone());
                }
                _ => all = false,
            }
        }
        tables.sort();
        tables.dedup();
        (tables, all)
    }

    /// Tasks for models by state; none where there is no queue.
    pub async fn queue(&mut self) -> Vec<(String, i64)> {
        let Ok(connection) = self.connection().await else { return Vec::new() };
        let sql = "select status::text, count(*) from public.task_queue group by 1 order by 1";
        let counts = sqlx::query_as(sql).persistent(false).fetch_all(connection).await;
        counts.unwrap_or_default()
    }

    /// Reads everything again from a database that others write.
    pub async fn again(&mut self, config: &Config) -> Result<Vec<Change>> {
        self.connection = None;
        let (snapshot, drafts) = self.read(config).await?;
        let Snapshot { collections, layouts, notes, .. } = snapshot;
        let all =
            collections.into_iter().map(|(collection, rows)| Change::All { collection, rows });
        let rest = [Change::Layouts { layouts, drafts }, Change::Notes(notes)];
        Ok(all.chain(rest).collect())
    }

    /// Whoever did not wait for an answer leaves a connection that is of no use any more.
    pub fn forget_connection(&mut self) {
        self.connection = None;
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub async fn close(mut self) -> Result<()> {
        if let Some(connection) = self.connection.take() {
            db::hang_up(connection).await;
        }
        self.database.close().await
    }

    pub(super) async fn connection(&mut self) -> Result<&mut PgConnection> {
        connection(&self.database, &mut self.connection).await
    }

    /// Reads everything, the embedded database first brought up to `content/`.
    pub async fn read(&mut self, config: &Config) -> Result<(Snapshot, Option<Vec<LayoutRow>>)> {
        let (embedded, drafts) = (self.is_embedded(), self.drafts);
        let times = theme::Touched::of(config)?;
        self.unmoved = false;
        if embedded {
            self.load(config).await?;
        }
        let connection = self.connection().await?;
        // Before the rows are read: what changes meanwhile is found by the first poll.
        let stamp = Stamp::read(connection, config).await?;
        let seen = if embedded {
            IndexMap::new()
        } else {
            prints::prints(connection, config, &times, drafts).await?
        };
        let vectors = reading::vectors(config);
        let snapshot = source::read(connection, config, None, Some(&vectors)).await?;
        let drafts = if drafts { Some(some::drafts(connection, config).await?) } else { None };
        let mut shapes = IndexMap::new();
        let mut reader = Reader::begin(connection, config, &times).await?;
        for (name, collection) in &config.collections {
            shapes.insert(name.clone(), reader.shape(collection).await?);
        }
        reader.end().await?;
        (self.shapes, self.prints, self.stamp) = (shapes, seen, stamp);
        (self.pending, self.places) = Default::default();
        self.touched = times;
        Ok((snapshot, drafts))
    }

    /// Brings the embedded database up to `content/`.
    async fn load(&mut self, config: &Config) -> Result<()> {
        let connection = connection(&self.database, &mut self.connection).await?;
        reading::migrate(connection, config).await?;
        match Held::load(connection, config).await {
            Ok(held) => self.held = Some(held),
            Err(error) => {
                if let Some(held) = &mut self.held
                    && error.kind() != Kind::Database
                {
                    held.look_again(connection).await?;
                    self.unmoved = true;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether reading everything failed before any row was touched: single files can be taken as
    /// before.
    pub fn is_unmoved(&self) -> bool {
        self.unmoved
    }

    /// Files of `content/` were written, moved or removed: the embedded database takes them, and
    /// the site what that changes. A file that is refused keeps nothing of the others back.
    pub async fn files_changed(
        &mut self,
        live: &Live,
        files: &[String],
    ) -> (Vec<Change>, Result<()>) {
        let seeded = self.seed(&live.config, files).await;
        if seeded.as_ref().is_err_and(|error| error.kind() == Kind::Database) {
            return (Vec::new(), seeded);
        }
        // Kept until it is handed over, whatever ends this.
        let touched = self.pending.clone();
        match self.rows_changed(live, &touched).await {
            Ok(changes) => {
                self.pending = Touched::default();
                (changes, seeded)
            }
            Err(error) => (Vec::new(), seeded.and(Err(error))),
        }
    }

    async fn seed(&mut self, config: &Config, files: &[String]) -> Result<()> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let connection = connection(&self.database, &mut self.connection).await?;
        let seeded = held.touch(connection, config, files, &mut self.pending).await;
        if seeded.as_ref().is_err_and(|error| error.kind() == Kind::Database) {
            self.connection = None;
        }
        seeded
    }

    /// Rows were written: what the site has to take.
    pub async fn rows_changed(&mut self, live: &Live, touched: &Touched) -> Result<Vec<Change>> {
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let changes = match self.reread(live, touched).await {
            Ok(changes) => self.with_notes(live, touched.noted, changes).await,
            Err(error) => Err(error),
        };
        if changes.is_err() {
            // It may be the connection that is broken.
            self.connection = None;
        }
        changes
    }
}

/// The connection there is; a new one where the last has broken.
pub(super) async fn connection<'c>(
    database: &Database,
    connection: &'c mut Option<PgConnection>,
) -> Result<&'c mut PgConnection> {
    let open = match connection.take() {
        Some(open) => open,
        None => database.connect().await?,
    };
    Ok(connection.insert(open))
}
