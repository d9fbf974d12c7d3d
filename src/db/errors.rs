//! What Postgres answers to a query, in words that say what to do.

use sqlx::postgres::PgDatabaseError;

use super::names::quoted;
use crate::error::{Absence, Error, Result};

/// Explains an error of a query run while `doing` something ("reading projects"), on content that
/// `role` reads.
pub fn explain_as(error: sqlx::Error, doing: &str, role: &str) -> Error {
    explain_for(error, doing, Some(role))
}

/// The same, for work that takes the rights of the tables' owner.
pub fn explain_owner(error: sqlx::Error, doing: &str) -> Error {
    explain_for(error, doing, None)
}

fn explain_for(error: sqlx::Error, doing: &str, reader: Option<&str>) -> Error {
    let failed = Error::database(format!("{doing} failed"));
    let answer = match error {
        sqlx::Error::Database(answer) => answer,
        sqlx::Error::Io(cause) => {
            return failed
                .because(Error::database(format!("the connection broke: {cause}")))
                .help("run it again; if it stays, look at the server's log")
                .absent(Absence::Passing);
        }
        other => return failed.because(other),
    };
    let Some(answer) = answer.try_downcast_ref::<PgDatabaseError>() else {
        return failed.because(Error::database(answer.message().to_owned()));
    };
    let mut failed = failed.because(Error::database(in_full(answer)));
    if is_going(answer) {
        failed = failed.absent(Absence::Passing);
    }
    match remedy(answer, reader) {
        Some(help) => failed.help(help),
        None => failed,
    }
}

/// The server stops, restarts or cut this connection, or a pooler lost it.
fn is_going(answer: &PgDatabaseError) -> bool {
    match answer.code() {
        "57P01" | "57P02" | "57P03" => true,
        // Also what Postgres says of a query with too few parameters.
        "08P01" => {
            let message = answer.message();
            message.contains("query_wait_timeout") || message.contains("server conn")
        }
        code => code.starts_with("08"),
    }
}

/// Message, detail and code; without the line number of Postgres's own source.
fn in_full(answer: &PgDatabaseError) -> String {
    let detail = answer.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    format!("{}{detail} ({})", answer.message(), answer.code())
}

/// What to do about the errors people meet.
fn remedy(answer: &PgDatabaseError, reader: Option<&str>) -> Option<String> {
    let message = answer.message();
    let help = match answer.code() {
        "42501" => match (answer.hint(), reader) {
            (Some(hint), _) => hint.to_owned(),
            (None, Some(role)) => missing_grant(message, role)?,
            (None, None) => OWNER.to_owned(),
        },
        "XX001" | "XX002" | "58P01" => DAMAGED.to_owned(),
        "42P01" => {
            "correct the table's name in frieze.toml; frieze's own tables come with `frieze db migrate`".to_owned()
        }
        "42703" => match answer.hint() {
            Some(hint) => hint.trim_end_matches('.').to_owned(),
            None => "correct the column's name in frieze.toml; the columns of frieze's own tables come with `frieze db migrate`".to_owned(),
        },
        "22023" if message.contains("role") => NO_ROLE.to_owned(),
        "55P03" => "another session holds a lock on it: let it finish, then run this again".to_owned(),
        "57014" => "the server's statement_timeout stopped it: make the query faster (an index on the columns of order_by), or give this user more time: alter role LOGIN set statement_timeout = '2min';".to_owned(),
        "53100" => "the server's disk is full".to_owned(),
        "25006" => "the server is read-only: it is a replica (name its primary), or its disk is full (Supabase's dashboard tells)".to_owned(),
        "26000" | "42P05" => "the pooler lends another connection for each transaction: take the session pooler (port 5432)".to_owned(),
        _ => answer.hint()?.trim_end_matches('.').to_owned(),
    };
    Some(help)
}

const NO_ROLE: &str = "on a database that frieze made, run `frieze db migrate`, which creates the role; on any other, name a role it has in frieze.toml, as in [database] role = \"web_reader\"";
const OWNER: &str =
    "connect as the database's owner, who may create schemas and tables in it and change its own";
const DAMAGED: &str = "the database's own files are damaged: the embedded one is made anew after `frieze db reset`, a server is restored from its backup";

/// The statement that grants what `permission denied for …` lacks.
fn missing_grant(message: &str, role: &str) -> Option<String> {
    let rest = message.split_once("permission denied for ")?.1;
    let (kind, name) = rest.split_once(' ')?;
    let role = quoted(role);
    let name = quoted(name.trim_matches('"'));
    Some(match kind {
        "table" | "view" | "relation" | "sequence" => {
            // Postgres does not say in which schema.
            let schema = if name.contains('.') { "" } else { "public." };
            format!("let the table's owner run: grant select on {schema}{name} to {role};")
        }
        "schema" => format!("let the schema's owner run: grant usage on schema {name} to {role};"),
        "function" => {
            format!("let the function's owner run: grant execute on function {name} to {role};")
        }
        _ => return None,
    })
}

/// The statement that lets a role read a table, which is named as in `frieze.toml`.
pub fn grant(name: &str, role: &str) -> String {
    let parts: Vec<String> = name.split('.').map(quoted).collect();
    let schema = if parts.len() == 1 { "public." } else { "" };
    format!("grant select on {schema}{} to {};", parts.join("."), quoted(role))
}

/// Puts [`explain_owner`] at the end of a query's chain.
pub trait Explain<T> {
    fn or_explain(self, doing: &str) -> Result<T>;
}

impl<T> Explain<T> for Result<T, sqlx::Error> {
    fn or_explain(self, doing: &str) -> Result<T> {
        self.map_err(|error| explain_owner(error, doing))
    }
}

/// The line of `sql` that an error points at.
pub fn line(error: &sqlx::Error, sql: &str) -> Option<usize> {
    let answer = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    let Some(sqlx::postgres::PgErrorPosition::Original(position)) = answer.position() else {
        return None;
    };
    Some(1 + sql.chars().take(position.saturating_sub(1)).filter(|c| *c == '\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_grant_is_spelled_out() {
        for (message, statement) in [
            ("permission denied for table projects", "grant select on public.projects to anon;"),
            ("permission denied for view Odd", "grant select on public.\"Odd\" to anon;"),
            ("permission denied for schema auth", "grant usage on schema auth to anon;"),
            ("permission denied for function f", "grant execute on function f to anon;"),
        ] {
            let help = missing_grant(message, "anon").unwrap();
            assert!(help.ends_with(statement), "{help}");
        }
        assert_eq!(missing_grant("must be owner of table x", "anon"), None);
        let other = missing_grant("permission denied for table x", "web-reader").unwrap();
        assert!(other.ends_with("to \"web-reader\";"), "{other}");
    }
}
