//! stub
use std::path::Path;
use crate::{config::Config, error::Result};
pub struct Content;
impl Content { pub fn read(_d: &Path, _c: &Config) -> Result<Self> { Ok(Self) } }
pub enum Mode { Mirror, Push }
#[derive(Debug, Default, serde::Serialize)]
pub struct Report { pub tables: indexmap::IndexMap<String, TableReport> }
#[derive(Debug, Default, serde::Serialize)]
pub struct TableReport { pub inserted: u64, pub updated: u64, pub unchanged: u64, pub deleted: u64 }
pub async fn sync(_c: &mut sqlx::PgConnection, _x: &Content, _m: Mode) -> Result<Report> { Ok(Report::default()) }
