//! Why there is no connection, in words that say what to do, and whether waiting may help.

mod refused;
mod tls;

use std::io::ErrorKind;
use std::time::Duration;

use crate::error::{Absence, Error};

/// The server an attempt to connect was about. Holds no password.
pub struct Subject {
    pub place: String,
    pub host: String,
    pub user: String,
    pub database: String,
    pub url_env: String,
    /// On this machine.
    pub is_local: bool,
    /// The host's name leads to IPv6 addresses and to no other.
    pub only_ipv6: bool,
}

impl Subject {
    fn failed(&self) -> Error {
        Error::database(format!("cannot connect to the database at {}", self.place))
    }
}

/// Explains why there is no connection.
pub fn explain(error: sqlx::Error, subject: &Subject) -> Error {
    match error {
        sqlx::Error::Database(answer) => refused::explain(&*answer, subject),
        // A handshake that fails comes as data that makes no sense.
        sqlx::Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
            tls::explain(tls::alert(&cause), &cause.to_string(), subject)
        }
        sqlx::Error::Io(cause) => no_answer(&cause, subject),
        sqlx::Error::Tls(cause) => {
            let alert = cause.downcast_ref::<rustls::Error>();
            tls::explain(alert, &cause.to_string(), subject)
        }
        sqlx::Error::Protocol(what) => no_postgres(&what, subject),
        sqlx::Error::Configuration(cause) => {
            Error::config(format!("{} cannot be used", subject.url_env))
                .because(Error::config(cause.to_string()))
        }
        other => subject.failed().because(other),
    }
}

/// The server took longer than `limit` to answer.
pub fn too_slow(limit: Duration, subject: &Subject) -> Error {
    let seconds = if limit.as_secs() == 1 {
        "a second".to_owned()
    } else {
        format!("{} seconds", limit.as_secs())
    };
    let what = Error::database(format!("no answer within {seconds}"));
    let Subject { url_env, .. } = subject;
    let help = if subject.only_ipv6 {
        ipv6_only(subject)
    } else {
        format!("is it running, and does a firewall let this machine through? {url_env} names it")
    };
    subject.failed().because(what).help(help).absent(Absence::Passing)
}

fn no_answer(cause: &std::io::Error, subject: &Subject) -> Error {
    let Subject { host, url_env, .. } = subject;
    let what = cause.to_string();
    let (help, absence) = if is_lookup(&what) {
        lookup(&what, subject)
    } else if subject.only_ipv6 {
        (ipv6_only(subject), Absence::Lasting)
    } else if cause.kind() == ErrorKind::ConnectionRefused {
        let waits = if subject.is_local { Absence::Lasting } else { Absence::Passing };
        let help = format!(
            "is it running? {url_env} names it; unset {url_env} to use the embedded database"
        );
        (help, waits)
    } else if cause.kind() == ErrorKind::NotFound && subject.place.starts_with('/') {
        (
            format!("is it running? no server has its socket there; {url_env} names it"),
            Absence::Lasting,
        )
    } else if matches!(cause.kind(), ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) {
        (format!("this machine has no way to {host}: is it online?"), Absence::Passing)
    } else {
        let help = format!(
            "it took the connection and dropped it: is it a Postgres server, and not overloaded? {url_env} names it"
        );
        (help, Absence::Passing)
    };
    subject.failed().because(Error::database(what)).help(help).absent(absence)
}

/// What answers speaks another language; the driver takes an end of the connection, where it asks
/// for TLS, for a zero.
fn no_postgres(what: &str, subject: &Subject) -> Error {
    if what.contains("SSLRequest: 0x00") {
        return no_answer(&ErrorKind::UnexpectedEof.into(), subject);
    }
    let help = format!("what answers there is no Postgres server: {} names it", subject.url_env);
    // The driver names the line of its own source.
    let what = what.split(" (sqlx").next().unwrap_or_default();
    subject.failed().because(Error::database(what.to_owned())).help(help)
}

fn is_lookup(what: &str) -> bool {
    ["lookup", "resolve", "Name or service", "resolution", "No address"]
        .iter()
        .any(|word| what.contains(word))
}

/// The name is not found: now, or at all.
fn lookup(what: &str, subject: &Subject) -> (String, Absence) {
    let Subject { host, url_env, .. } = subject;
    if what.contains("emporary") {
        let help =
            format!("the name server did not answer for \"{host}\": is this machine online?");
        return (help, Absence::Passing);
    }
    // The name is known, but to no kind of address that this machine uses.
    if is_direct(host) && what.contains("No address") {
        return (ipv6_only(subject), Absence::Lasting);
    }
    let mut help = format!("check the host name in {url_env}: \"{host}\" is not found");
    if is_direct(host) {
        help.push_str(
            "\na project that is paused or deleted loses its name: restore it in Supabase's dashboard",
        );
    }
    (help, Absence::Lasting)
}

/// Supabase's direct hosts answer on IPv6 only, which build machines often lack.
fn ipv6_only(subject: &Subject) -> String {
    let Subject { host, url_env, .. } = subject;
    let mut help = format!(
        "{host} has IPv6 addresses only, and this machine does not reach them: put an address that IPv4 reaches into {url_env}"
    );
    if is_direct(host) {
        help.push_str(
            "\non Supabase that is the session pooler: port 5432 of …pooler.supabase.com, user postgres.<project>",
        );
    }
    help
}

fn is_direct(host: &str) -> bool {
    host.starts_with("db.") && host.ends_with(".supabase.co")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(host: &str, only_ipv6: bool) -> Subject {
        Subject {
            place: format!("{host}:5432"),
            host: host.to_owned(),
            user: "postgres".to_owned(),
            database: "postgres".to_owned(),
            url_env: "DATABASE_URL".to_owned(),
            is_local: false,
            only_ipv6,
        }
    }

    fn said(kind: ErrorKind, what: &str, subject: &Subject) -> (String, Option<Absence>) {
        let error = explain(std::io::Error::new(kind, what.to_owned()).into(), subject);
        (error.report(), error.absence())
    }

    #[test]
    fn a_direct_host_without_ipv6_leads_to_the_session_pooler() {
        let direct = subject("db.abcdefghijklmnop.supabase.co", true);
        let (report, absence) =
            said(ErrorKind::NetworkUnreachable, "Network is unreachable", &direct);
        assert!(report.contains("IPv6 addresses only"), "{report}");
        assert!(report.contains("session pooler: port 5432"), "{report}");
        assert_eq!(absence, Some(Absence::Lasting));
        assert!(too_slow(Duration::from_secs(10), &direct).report().contains("session pooler"));
        let other = subject("db.example.com", true);
        let (report, _) = said(ErrorKind::NetworkUnreachable, "Network is unreachable", &other);
        assert!(report.contains("IPv6") && !report.contains("Supabase"), "{report}");
    }

    #[test]
    fn a_name_that_is_gone_is_told_from_a_name_server_that_is() {
        let paused = subject("db.abcdefghijklmnop.supabase.co", false);
        let what = "failed to lookup address information: Name or service not known";
        let (report, absence) = said(ErrorKind::Other, what, &paused);
        assert!(report.contains("paused") && report.contains("dashboard"), "{report}");
        assert_eq!(absence, Some(Absence::Lasting));
        let what = "failed to lookup address information: Temporary failure in name resolution";
        let (report, absence) = said(ErrorKind::Other, what, &paused);
        assert!(report.contains("is this machine online"), "{report}");
        assert_eq!(absence, Some(Absence::Passing));
    }
}
