//! Files of content that changed, while the rest is known to stand: for whoever watches `content/`.
//! What cannot be told from a file alone is left to a sync of its table.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use sqlx::PgConnection;

use super::catalog::Catalog;
use super::few;
use super::read::Content;
use super::read::place::{Place, bare};
use super::{Mode, Report, sync, sync_tables};
use crate::config::Config;
use crate::db::enriched;
use crate::error::{Error, Kind, Result};

/// `content/` as the database has it, kept in memory.
pub struct Held {
    content: Content,
    catalog: Catalog,
    /// Where models may have written to rows: whether what tells of it names rows by their `id`.
    lines: Option<bool>,
    /// A sync was begun and its end is not known.
    unsure: bool,
}

/// More files than this are taken together.
const FEW: usize = 50;

/// What became of the database.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Rows that were written, by table: their primary keys.
    pub rows: Vec<(String, Vec<Value>)>,
    /// Tables of which more than single rows changed.
    pub tables: Vec<String>,
    /// What is known of values that models wrote may have changed as well.
    pub noted: bool,
}

impl Touched {
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|(_, keys)| keys.is_empty()) && self.tables.is_empty()
    }

    fn take(&mut self, report: &Report) {
        let changed = report
            .tables
            .iter()
            .filter(|(_, done)| done.inserted + done.updated + done.deleted > 0);
        self.tables.extend(changed.map(|(table, _)| table.clone()));
        self.noted = true;
    }
}

impl Held {
    /// Brings the database up to `content/`, all of it.
    pub async fn load(conn: &mut PgConnection, config: &Config) -> Result<Self> {
        let content = Content::read(&config.build.content, config)?;
        sync(conn, &content, Mode::Mirror).await?;
        let catalog = Catalog::load(conn).await?;
        let has_lines = enriched::is_readable(conn).await?;
        let lines = if has_lines { Some(enriched::are_by_id(conn).await?) } else { None };
        Ok(Self { content, catalog, lines, unsure: false })
    }

    /// The tables may be others by now, while `content/` could not be taken as a whole.
    pub async fn look_again(&mut self, conn: &mut PgConnection) -> Result<()> {
        self.catalog = Catalog::load(conn).await?;
        Ok(())
    }

    /// Brings the database up to `content/` after these files, named from there, were written,
    /// moved or removed. An error is the first of a file's: what others say is taken all the same,
    /// and `touched` tells of all that was.
    pub async fn touch(
        &mut self,
        conn: &mut PgConnection,
        config: &Config,
        files: &[String],
        touched: &mut Touched,
    ) -> Result<()> {
        if self.unsure {
            return self.all(conn, config, touched).await;
        }
        let dir = &config.build.content;
        let (there, gone): (Vec<_>, Vec<_>) =
            files.iter().map(Path::new).partition(|file| dir.join(file).is_file());
        // A file that was renamed is a row that stays: one is not looked at without the other.
        let to: BTreeSet<String> = there.iter().filter_map(|file| table_of(file)).collect();
        let from: BTreeSet<String> = gone.iter().filter_map(|file| table_of(file)).collect();
        let is_moved = |file: &Path| {
            table_of(file).is_some_and(|table| to.contains(&table) && from.contains(&table))
        };
        let files = [gone, there].concat();
        let mut rest = files.clone();
        if files.len() <= FEW {
            let alone: Vec<&Path>;
            (rest, alone) = files.iter().partition(|file| is_moved(file));
            for file in &alone {
                match self.one(conn, config, file, touched).await {
                    Ok(true) => {}
                    Ok(false) => rest.push(*file),
                    Err(error) if files.len() == 1 || is_lost(&error) => return Err(error),
                    // It may be well with what others say.
                    Err(_) => rest.push(file),
                }
            }
        }
        let mut ended = self.together(conn, config, &rest, touched).await;
        if ended.as_ref().is_err_and(|error| !is_lost(error)) {
            // A file that went may not have been told of yet: it was renamed.
            let gone = self.gone(dir, &rest);
            if !gone.is_empty() {
                let all: Vec<&Path> = gone.iter().map(Path::new).chain(rest.clone()).collect();
                ended = self.together(conn, config, &all, touched).await;
            }
        }
        match &ended {
            Err(error) if rest.len() > 1 && rest.len() <= FEW && !is_lost(error) => {}
            _ => return ended,
        }
        let mut ended = Ok(());
        for file in rest {
            ended = ended.and(self.together(conn, config, &[file], touched).await);
        }
        ended
    }

    /// Files that are not there any more, of the tables that these files are of.
    fn gone(&self, dir: &Path, files: &[&Path]) -> BTreeSet<String> {
        let tables: BTreeSet<String> = files.iter().filter_map(|file| table_of(file)).collect();
        let held = tables.iter().flat_map(|table| self.content.rows(table));
        let held: BTreeSet<&String> = held.map(|row| &row.file).collect();
        let is_new = |file: &&String| !files.contains(&Path::new(file.as_str()));
        let gone = held.into_iter().filter(is_new).filter(|file| !dir.join(file).is_file());
        gone.cloned().collect()
    }

    /// Everything anew.
    async fn all(
        &mut self,
        conn: &mut PgConnection,
        config: &Config,
        touched: &mut Touched,
    ) -> Result<()> {
        self.content = Content::read(&config.build.content, config)?;
        touched.take(&sync(conn, &self.content, Mode::Mirror).await?);
        self.unsure = false;
        Ok(())
    }

    /// One file, whose rows are told apart from all others by what they say themselves. False where
    /// more has to be looked at.
    async fn one(
        &mut self,
        conn: &mut PgConnection,
        config: &Config,
        file: &Path,
        touched: &mut Touched,
    ) -> Result<bool> {
        let reread = self.content.reread(&config.build.content, config, file)?;
        let Some(reread) = reread else { return Ok(true) };
        let former = &self.content.rows(&reread.table)[reread.range.clone()];
        let done = few::write(conn, &self.catalog, &reread, former, self.lines).await?;
        let Some((keys, noted)) = done else { return Ok(false) };
        touched.rows.push((reread.table.clone(), keys));
        touched.noted |= noted;
        self.content.put(reread);
        Ok(true)
    }

    /// Files whose tables are synced. One that cannot be read keeps none of the others back; all
    /// that can be read is taken, or nothing.
    async fn together(
        &mut self,
        conn: &mut PgConnection,
        config: &Config,
        files: &[&Path],
        touched: &mut Touched,
    ) -> Result<()> {
        let (mut ended, mut former, mut tables) = (Ok(()), Vec::new(), BTreeSet::new());
        for file in files {
            match self.content.reread(&config.build.content, config, file) {
                Ok(Some(reread)) => {
                    tables.insert(bare(&reread.table).to_owned());
                    former.push(self.content.put(reread));
                }
                Ok(None) => {}
                Err(error) => ended = ended.and(Err(error)),
            }
        }
        if former.is_empty() {
            return ended;
        }
        self.unsure = true;
        match sync_tables(conn, &self.content, Mode::Mirror, Some(&tables)).await {
            Ok(report) => touched.take(&report),
            Err(error) => {
                former.into_iter().rev().for_each(|former| drop(self.content.put(former)));
                ended = ended.and(Err(error));
            }
        }
        self.unsure = false;
        ended
    }
}

/// The table whose rows a file holds.
fn table_of(file: &Path) -> Option<String> {
    Place::of(file).ok().flatten().map(|place| place.table)
}

/// Whether it is not a file that is at fault.
fn is_lost(error: &Error) -> bool {
    error.kind() == Kind::Database
}
