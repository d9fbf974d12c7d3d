//! What may stand after the `?` of an address.

use std::time::Duration;

use url::Url;

use crate::error::nearest;

const PARAMETERS: [&str; 21] = [
    "channel_binding",
    "connect_timeout",
    "pgbouncer",
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Parameters that are for this program rather than for its driver.
pub const OWN: [&str; 3] = ["channel_binding", "connect_timeout", "pgbouncer"];

/// What they say.
#[derive(Default)]
pub struct Own {
    pub timeout: Option<Duration>,
    pub is_pooler: bool,
    pub binds_channel: bool,
}

impl Own {
    /// None, if a value is none of those that a parameter takes.
    pub fn of(url: &Url) -> Option<Self> {
        let mut own = Self::default();
        for (key, value) in url.query_pairs() {
            match (&*key, &*value) {
                // As in libpq: 0 stands for the default.
                ("connect_timeout", "0") => own.timeout = None,
                ("connect_timeout", seconds) => {
                    own.timeout =
                        Some(Duration::from_secs(u64::from(seconds.parse::<u16>().ok()?)));
                }
                ("pgbouncer", "true") => own.is_pooler = true,
                ("channel_binding", "require") => own.binds_channel = true,
                ("pgbouncer", "false") | ("channel_binding", "prefer" | "disable") => {}
                ("pgbouncer" | "channel_binding", _) => return None,
                _ => {}
            }
        }
        Some(own)
    }
}

/// The address without some of its parameters.
pub fn without(url: &Url, parameters: &[&str]) -> Url {
    let kept = url.query_pairs().filter(|(key, _)| !parameters.contains(&&**key));
    let kept: Vec<(String, String)> =
        kept.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    let mut stripped = url.clone();
    stripped.set_query(None);
    if !kept.is_empty() {
        stripped.query_pairs_mut().extend_pairs(kept);
    }
    stripped
}

/// A mistyped parameter would be dropped in silence, `sslmode` among them.
pub fn check(url: &Url) -> Result<(), String> {
    for (key, _) in url.query_pairs() {
        if PARAMETERS.contains(&&*key) || key.starts_with("options[") {
            continue;
        }
        let meant = nearest(&key, PARAMETERS)
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        return Err(format!("has an unknown parameter after the \"?\"{meant}"));
    }
    Ok(())
}
