//! A server or pooler that answered, with a refusal.

use sqlx::error::DatabaseError;

use super::Subject;
use crate::error::{Absence, Error};

/// Poolers give most of their refusals one code, so what tells them apart is their words. The
/// first that is found counts.
const POOLERS: [(&str, Refusal); 28] = [
    ("tenant or user not found", Refusal::NoTenant),
    ("(enotfound)", Refusal::NoTenant),
    ("(enoidentifier)", Refusal::NoTenant),
    ("sni_hostname", Refusal::NoTenant),
    ("too many authentication errors", Refusal::Breaker),
    ("allow_list", Refusal::Address),
    ("ssl connection is required", Refusal::NoEncryption),
    ("ssl required", Refusal::NoEncryption),
    ("is banned", Refusal::Closed),
    ("max clients reached", Refusal::Full),
    ("max client connections reached", Refusal::Full),
    ("max pools count reached", Refusal::Full),
    ("no more connections allowed", Refusal::Full),
    ("client connections exceeded", Refusal::Full),
    ("unsupported startup parameter", Refusal::Parameter),
    ("no such database", Refusal::NoDatabase),
    ("no such user", Refusal::Login),
    ("user not found in the database", Refusal::Login),
    ("auth failed", Refusal::Login),
    ("sasl authentication failed", Refusal::Login),
    ("server login", Refusal::Behind),
    ("query_wait_timeout", Refusal::Behind),
    ("due to timeout", Refusal::Behind),
    ("checkout timeout", Refusal::Behind),
    ("connection to database", Refusal::Behind),
    ("upstream database", Refusal::Behind),
    ("retrieve database credentials", Refusal::Behind),
    ("dbhandler exited", Refusal::Behind),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Login,
    NoEncryption,
    NotAllowed,
    NoTenant,
    /// The pooler refuses everybody after too many wrong passwords.
    Breaker,
    /// Only some machines may connect.
    Address,
    NoDatabase,
    Full,
    Starting,
    Closed,
    Parameter,
    /// The pooler is there; the server behind it is not.
    Behind,
    Other,
}

pub fn explain(answer: &dyn DatabaseError, subject: &Subject) -> Error {
    let code = answer.code().unwrap_or_default();
    let refusal = Refusal::of(&code, answer.message());
    let error = subject
        .failed()
        .because(Error::database(format!("{} ({code})", answer.message())))
        .help(refusal.help(subject));
    match refusal.absence() {
        Some(absence) => error.absent(absence),
        None => error,
    }
}

impl Refusal {
    fn of(code: &str, message: &str) -> Self {
        let words = message.to_ascii_lowercase();
        if let Some((_, refusal)) = POOLERS.iter().find(|(said, _)| words.contains(said)) {
            return *refusal;
        }
        match code {
            "28000" if words.contains("no encryption") => Self::NoEncryption,
            "28P01" | "28000" => Self::Login,
            "3D000" => Self::NoDatabase,
            "53300" => Self::Full,
            "57P03" | "57P01" | "57P02" => Self::Starting,
            "55000" => Self::Closed,
            "42501" => Self::NotAllowed,
            code if code.starts_with("08") => Self::Behind,
            _ => Self::Other,
        }
    }

    fn absence(self) -> Option<Absence> {
        match self {
            Self::Full | Self::Starting | Self::Behind => Some(Absence::Passing),
            Self::NoTenant | Self::Closed => Some(Absence::Lasting),
            _ => None,
        }
    }

    fn help(self, subject: &Subject) -> String {
        let Subject { user, database, url_env, .. } = subject;
        match self {
            Self::Login => format!(
                "check user and password in {url_env}; special characters in them are percent-encoded, as in %40 for @"
            ),
            Self::NoEncryption => {
                format!("the server takes encrypted connections only: remove sslmode=disable from {url_env}")
            }
            Self::NotAllowed => {
                format!("let an administrator grant connect on the database to {user}")
            }
            Self::NoTenant => format!(
                "the pooler knows no such project: its user is written postgres.<project>, its host is copied from the dashboard (Connect, session pooler) into {url_env}; if it worked before, the project is paused: restore it in the dashboard"
            ),
            Self::Breaker => format!(
                "too many wrong passwords were tried: correct the one in {url_env}, and wait ten minutes"
            ),
            Self::Address => {
                "the project lets only some machines in: allow this one in Supabase's dashboard, under the database's network restrictions".to_owned()
            }
            Self::NoDatabase => format!(
                "create it (create database \"{database}\";) or correct the name in {url_env}"
            ),
            Self::Full => format!(
                "too many connections are open: close others, raise the limit (max_connections, or the pool's size), or take the transaction pooler for builds; {url_env} names the server"
            ),
            Self::Starting => "it is starting or stopping: try again in a moment".to_owned(),
            Self::Closed => format!(
                "the database \"{database}\" takes no connections: its provider's dashboard says why, and restores a paused project"
            ),
            Self::Parameter => format!(
                "the pooler refuses a setting: remove options and other parameters from {url_env}, or let the pooler ignore it (ignore_startup_parameters)"
            ),
            Self::Behind => format!(
                "the pooler answers, but not the server behind it: is that running? {url_env} names the pooler"
            ),
            Self::Other => format!("{url_env} names the server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poolers_are_understood_by_their_words() {
        for (code, message, refusal) in [
            ("XX000", "Tenant or user not found", Refusal::NoTenant),
            ("XX000", "(ENOTFOUND) tenant/user postgres.abc not found", Refusal::NoTenant),
            (
                "XX000",
                "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size",
                Refusal::Full,
            ),
            ("XX000", "Max client connections reached", Refusal::Full),
            (
                "XX000",
                "(EMAXCLIENTSESSION) max clients reached in session mode - max clients are limited to pool_size: 15",
                Refusal::Full,
            ),
            ("XX000", "(ECIRCUITBREAKER) Too many authentication errors", Refusal::Breaker),
            (
                "XX000",
                "(ECIRCUITBREAKER) Unable to establish connection to upstream database",
                Refusal::Behind,
            ),
            ("08P01", "SSL required", Refusal::NoEncryption),
            ("XX000", "(ECIRCUITBREAKER) Failed to retrieve database credentials", Refusal::Behind),
            ("XX000", "Address not in tenant allow_list: {10, 0, 0, 1}", Refusal::Address),
            (
                "XX000",
                "(ESSLREQUIRED) SSL connection is required for user: x",
                Refusal::NoEncryption,
            ),
            ("08P01", "no more connections allowed (max_client_conn)", Refusal::Full),
            ("53300", "sorry, too many clients already", Refusal::Full),
            ("08P01", "unsupported startup parameter: search_path", Refusal::Parameter),
            ("08P01", "server login has been failing, try again later", Refusal::Behind),
            ("28P01", "password authentication failed for user \"x\"", Refusal::Login),
            (
                "28000",
                "no pg_hba.conf entry for host \"10.0.0.1\", user \"x\", database \"y\", no encryption",
                Refusal::NoEncryption,
            ),
            ("57P03", "the database system is starting up", Refusal::Starting),
            ("55000", "database \"x\" is not currently accepting connections", Refusal::Closed),
        ] {
            assert_eq!(Refusal::of(code, message), refusal, "{message}");
        }
    }

    #[test]
    fn only_what_may_pass_is_waited_for() {
        assert_eq!(Refusal::Full.absence(), Some(Absence::Passing));
        assert_eq!(Refusal::NoTenant.absence(), Some(Absence::Lasting));
        assert_eq!(Refusal::Login.absence(), None);
    }
}
