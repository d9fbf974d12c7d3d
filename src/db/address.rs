//! The connection string: parsed, checked, and never printed.

mod certificates;
mod parameters;

use std::net::IpAddr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, PgConnection};
use url::Url;

use self::parameters::{OWN, Own};
use super::unreachable::{self, Subject};
use crate::error::{Error, Result};

/// How long to wait for a server to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The port on which hosted poolers lend a server connection for one transaction at a time.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// Where a server is and how to log in. Its debug form does not hold the password.
pub struct Address {
    options: PgConnectOptions,
    /// How long one attempt may take.
    timeout: Duration,
    /// Whether a server connection is lent for one transaction at a time.
    is_transaction_pooler: bool,
    /// The environment variable it came from, for messages.
    url_env: String,
}

impl Address {
    /// Checks a `postgres://` URL from the environment variable `url_env`. Errors never repeat
    /// any of it, since a password may stand anywhere in a mistyped one.
    pub fn parse(text: &str, url_env: &str) -> Result<Self> {
        let wrong = |what: &str, help: &str| {
            Error::config(format!("{url_env} {what}")).help(help.to_owned())
        };
        if let Some((what, help)) = slip(text.trim()) {
            return Err(wrong(what, help));
        }
        let url = Url::parse(text.trim()).map_err(|error| {
            wrong("is not a Postgres address", FORM).because(Error::config(error.to_string()))
        })?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong("does not begin with postgres://", FORM));
        }
        let after_host = [Some(url.path()), url.query(), url.fragment()];
        if url.fragment().is_some() || after_host.iter().flatten().any(|part| part.contains('@')) {
            return Err(wrong("has special characters in its password or its name", ENCODE));
        }
        parameters::check(&url).map_err(|what| wrong(&what, FORM))?;
        let unusable = || wrong("has a value that cannot be used", VALUES);
        let own = Own::of(&url).ok_or_else(unusable)?;
        if own.binds_channel {
            return Err(wrong("asks for channel binding, which frieze cannot do", BINDING));
        }
        // What it says is wrong repeats the value.
        let options: PgConnectOptions =
            parameters::without(&url, &OWN).as_str().parse().map_err(|_| unusable())?;
        certificates::check(&url, url_env)?;
        let options = tuned(unbracketed(options), &url);
        let is_transaction_pooler = own.is_pooler || options.get_port() == TRANSACTION_POOLER_PORT;
        let timeout = own.timeout.unwrap_or(CONNECT_TIMEOUT);
        Ok(Self { options, timeout, is_transaction_pooler, url_env: url_env.to_owned() })
    }

    /// One connection, or an error that says why there is none and what to do.
    pub async fn connect(&self) -> Result<PgConnection> {
        match tokio::time::timeout(self.timeout, self.reach()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(unreachable::explain(error, &self.subject().await)),
            Err(_) => Err(unreachable::too_slow(self.timeout, &self.subject().await)),
        }
    }

    /// A pooler takes connections on behalf of a server that may be gone: only an answer shows that
    /// there is one.
    async fn reach(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.options.connect().await?;
        sqlx::raw_sql("select 1").execute(&mut connection).await?;
        Ok(connection)
    }

    /// `host:port/database as user`.
    pub fn describe(&self) -> String {
        format!("{} as {}", self.database(), self.options.get_username())
    }

    /// `host:port/database`.
    pub fn database(&self) -> String {
        let database = self.options.get_database().unwrap_or(self.options.get_username());
        format!("{}/{database}", self.place())
    }

    /// For connections that are made in another way.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Migrations need a session of their own: locks, and statements that outlive a transaction.
    pub fn refuse_transaction_pooler(&self) -> Result<()> {
        if !self.is_transaction_pooler {
            return Ok(());
        }
        Err(Error::config(format!(
            "{} is a transaction pooler, which migrations cannot run through",
            self.place()
        ))
        .help(format!(
            "for migrating, set {} to the session pooler (the same host, port 5432) or to the server itself",
            self.url_env
        )))
    }

    fn place(&self) -> String {
        match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None if self.options.get_host().contains(':') => {
                format!("[{}]:{}", self.options.get_host(), self.options.get_port())
            }
            None => format!("{}:{}", self.options.get_host(), self.options.get_port()),
        }
    }

    async fn subject(&self) -> Subject {
        let is_local = is_local(&self.options);
        Subject {
            place: self.place(),
            host: self.options.get_host().to_owned(),
            user: self.options.get_username().to_owned(),
            database: self.options.get_database().unwrap_or_default().to_owned(),
            url_env: self.url_env.clone(),
            is_local,
            only_ipv6: !is_local && only_ipv6(&self.options).await,
        }
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.describe()).finish()
    }
}

const BINDING: &str =
    "remove channel_binding: a server's certificate proves who it is, where sslmode is verify-full";
const BARE: &str = "write the address alone, as in postgres://user:password@host:5432/database";
const FORM: &str = "write it like postgres://user:password@host:5432/database";
const VALUES: &str = "ports are numbers, names are UTF-8, and sslmode is one of disable, allow, prefer, require, verify-ca, verify-full";
const ENCODE: &str = "percent-encode special characters in the password, as in %40 for @, %2F for /, %23 for #, %3F for ?";

fn tuned(options: PgConnectOptions, url: &Url) -> PgConnectOptions {
    let says = |names: &[&str]| url.query_pairs().any(|(key, _)| names.contains(&&*key));
    // A pooler refuses settings it does not know, and lends each transaction another server
    // connection, where a statement prepared on the last one is not: none is kept.
    let mut options =
        options.disable_statement_logging().extra_float_digits(None).statement_cache_capacity(0);
    if !says(&["application_name"]) {
        options = options.application_name("frieze");
    }
    let says_mode = says(&["sslmode", "ssl-mode"]) || std::env::var_os("PGSSLMODE").is_some();
    if !says_mode && !is_local(&options) {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    certificates::demand(options, url, says_mode)
}

/// What people do to an address while they copy it: what is wrong, and what to do.
fn slip(text: &str) -> Option<(&'static str, &'static str)> {
    if text.starts_with(['"', '\'']) || text.starts_with("psql ") {
        return Some(("has quotes or a command around the address", BARE));
    }
    if text.split_once("://").is_some_and(|(before, _)| before.contains('=')) {
        return Some(("has its own name before the address", BARE));
    }
    if text.to_ascii_uppercase().contains("[YOUR-PASSWORD]") {
        return Some(("still holds [YOUR-PASSWORD]", "write the database's password in its place"));
    }
    // The host comes after the last @, and before it nothing may end the part with the password.
    let (_, rest) = text.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    let special = login.contains(['/', '?', '#']) && !rest.starts_with('/');
    special.then_some(("has special characters in its password or its name", ENCODE))
}

/// An IPv6 address stands in brackets in a URL, and nowhere else.
fn unbracketed(options: PgConnectOptions) -> PgConnectOptions {
    let host = options.get_host().to_owned();
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(bare) => options.host(bare),
        None => options,
    }
}

/// Whether the host's name leads to IPv6 addresses and to no other.
async fn only_ipv6(options: &PgConnectOptions) -> bool {
    let place = (options.get_host(), options.get_port());
    let Ok(addresses) = tokio::net::lookup_host(place).await else { return false };
    let mut addresses = addresses.peekable();
    addresses.peek().is_some() && addresses.all(|address| address.is_ipv6())
}

/// On this machine: nothing travels over a network.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> PgConnectOptions {
        Address::parse(url, "DATABASE_URL").unwrap().options
    }

    fn is_strict(url: &str) -> bool {
        matches!(options(url).get_ssl_mode(), PgSslMode::VerifyFull)
    }

    #[test]
    fn a_distant_host_must_prove_who_it_is_unless_told_otherwise() {
        for distant in [
            "postgres://me@db.example.com/x",
            "postgres://me@192.168.1.5/x",
            "postgres://me@[2001:db8::1]/x",
            "postgres:///x?host=db.example.com",
        ] {
            assert!(is_strict(distant), "{distant}");
        }
        for lenient in [
            "postgres://me@localhost/x",
            "postgres://me@127.0.0.1:5433/x",
            "postgres://me@[::1]/x",
            "postgres:///x?host=/run/postgresql",
            "postgres://%2Frun%2Fpostgresql/x",
            "postgres://me@db.example.com/x?sslmode=require",
            "postgres://me@db.example.com/x?ssl-mode=disable",
        ] {
            assert!(!is_strict(lenient), "{lenient}");
        }
    }

    #[test]
    fn a_name_given_to_the_application_stays() {
        let named = options("postgres://localhost/x?application_name=mine");
        assert_eq!(named.get_application_name(), Some("mine"));
        assert_eq!(options("postgres://localhost/x").get_application_name(), Some("frieze"));
    }

    #[test]
    fn a_socket_is_described_as_such() {
        let address = Address::parse("postgres:///x?host=/run/pg&user=me", "DATABASE_URL").unwrap();
        assert_eq!(address.describe(), "/run/pg/x as me");
    }
}
