//! The files that an address names for TLS: looked at before anybody is asked, since a file that is
//! missing must not pass for a server that is.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::error::{Error, Result};

/// Names of one parameter, in the address and in the environment.
const FILES: [(&str, &[&str], &str); 3] = [
    ("sslrootcert", &["sslrootcert", "ssl-root-cert", "ssl-ca"], "PGSSLROOTCERT"),
    ("sslcert", &["sslcert", "ssl-cert"], "PGSSLCERT"),
    ("sslkey", &["sslkey", "ssl-key"], "PGSSLKEY"),
];

const PEM: &str = "-----BEGIN ";

/// What a parameter names, if anything: a file, or its text itself.
fn named(url: &Url, names: &[&str], variable: &str) -> Option<String> {
    let stated = url.query_pairs().find(|(key, _)| names.contains(&&**key));
    stated.map(|(_, value)| value.into_owned()).or_else(|| std::env::var(variable).ok())
}

/// Every file must be there and be what it is for.
pub fn check(url: &Url, url_env: &str) -> Result<()> {
    for (name, names, variable) in FILES {
        let Some(file) = named(url, names, variable).filter(|file| !file.starts_with(PEM)) else {
            continue;
        };
        let wrong = |what: &str| {
            Error::config(format!("{url_env}: {name} names the file {file}, {what}"))
                .help("name it relative to the current folder, or with its whole path")
        };
        let text =
            std::fs::read(&file).map_err(|error| wrong("which cannot be read").because(error))?;
        if !String::from_utf8_lossy(&text).contains(PEM) {
            return Err(wrong("which holds no certificate or key in PEM form"));
        }
    }
    Ok(())
}

/// A root certificate that is named is also held against the server, as libpq does it.
pub fn demand(options: PgConnectOptions, url: &Url, says_mode: bool) -> PgConnectOptions {
    let (_, names, variable) = FILES[0];
    if named(url, names, variable).is_none() {
        return options;
    }
    match options.get_ssl_mode() {
        _ if !says_mode => options.ssl_mode(PgSslMode::VerifyFull),
        PgSslMode::Require => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    }
}
