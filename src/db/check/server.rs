//! The server, and the role that content is read as.

use serde::Deserialize;
use sqlx::PgConnection;

use super::probe;
use super::{Code, Finding};
use crate::db::errors::Explain as _;
use crate::error::{Error, Result};

const SQL: &str = "
    select jsonb_build_object(
        'version', current_setting('server_version'),
        'number', current_setting('server_version_num')::int,
        'user', quote_ident(current_user),
        'reader', quote_ident($1),
        'exists', r.oid is not null,
        'is_above', coalesce(r.rolsuper or r.rolbypassrls, false),
        'is_superuser', coalesce(r.rolsuper, false),
        'is_supabase', to_regrole('supabase_admin') is not null
            and 2 = (select count(*) from pg_catalog.pg_class c
                     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                     where (n.nspname, c.relname) in (('auth', 'users'), ('storage', 'objects')))
    )::text
    from (select 1) one
    left join pg_catalog.pg_roles r on r.rolname = $1";

/// What is known before anything is read.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Server {
    pub version: String,
    /// As in 160004.
    pub number: i32,
    /// The connecting user, as SQL names it.
    user: String,
    /// The reading role, as SQL names it.
    pub reader: String,
    exists: bool,
    /// Whether policies do not hold for the role at all.
    pub is_above: bool,
    is_superuser: bool,
    pub is_supabase: bool,
    /// Whether the connecting user may take the role on.
    #[serde(skip)]
    pub can_read: bool,
}

impl Server {
    pub async fn ask(conn: &mut PgConnection, role: &str) -> Result<Self> {
        let text: String = sqlx::query_scalar(SQL)
            .bind(role)
            .persistent(false)
            .fetch_one(&mut *conn)
            .await
            .or_explain("asking the server about itself")?;
        let mut server: Self = serde_json::from_str(&text).map_err(|error| {
            Error::database("the database described itself in an unknown way").because(error)
        })?;
        server.can_read = server.exists && probe::can_become(conn, &server.reader).await?;
        Ok(server)
    }

    /// Whether everybody may act as the role, as through Supabase's API.
    pub fn is_public(&self) -> bool {
        self.is_supabase || self.reader == "anon"
    }

    /// What is wrong with the role itself.
    pub fn findings(&self) -> Vec<Finding> {
        let Self { reader, user, .. } = self;
        if !self.exists {
            let message = "this role is missing, as which content is read";
            let create =
                format!("create role {reader} nologin noinherit;\ngrant {reader} to {user};");
            return vec![
                Finding::error(Code::RoleMissing, reader, message)
                    .mend("run `frieze db migrate`, which creates the role anon, or let an administrator run this")
                    .sql(create),
            ];
        }
        let mut findings = Vec::new();
        if !self.can_read {
            let message =
                format!("the user {user} may not take this role on, as which content is read");
            // Since Postgres 16, a membership may lack the right to change into the role.
            let how = if self.number >= 160_000 { " with set true" } else { "" };
            findings.push(
                Finding::error(Code::RoleNotGranted, reader, message)
                    .mend("let an administrator run this")
                    .sql(format!("grant {reader} to {user}{how};")),
            );
        }
        if self.is_above {
            let (what, no) = if self.is_superuser {
                ("is a superuser", "nosuperuser nobypassrls")
            } else {
                ("passes by row-level security", "nobypassrls")
            };
            let message = format!("this role {what}: every row of every table is shown");
            // No statement: taken from a role that somebody logs in with, this may lock them out.
            let mend = format!("name a plain role in database.role, one that is {no}");
            findings.push(Finding::error(Code::RoleAboveRules, reader, message).mend(mend));
        }
        findings
    }
}
