//! The key to the project's storage. It is sent to that storage, encrypted, and shown to nobody.

use reqwest::header::HeaderValue;
use url::{Host, Url};

use crate::error::{Error, Result};

/// The environment variable that holds it.
pub const KEY: &str = "SUPABASE_SERVICE_ROLE_KEY";

/// Without `Debug`: nothing can print it.
pub struct Key {
    pub plain: HeaderValue,
    pub bearer: HeaderValue,
}

impl Key {
    /// The key from the environment, for a storage that it can be sent to.
    pub fn of(env: &dyn Fn(&str) -> Option<String>, storage: &Url) -> Result<Self> {
        if storage.scheme() != "https" && !is_this_machine(storage) {
            return Err(Error::config(format!(
                "{KEY} is not sent to {storage}, which is reached without encryption"
            ))
            .help("name the project's storage with https://"));
        }
        let key = env(KEY).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| {
            Error::config(format!("{KEY} is not set, and writing to the storage needs it")).help(
                "set it to the project's service_role or secret key, only for this command, or leave out --yes",
            )
        })?;
        let header = |text: &str| {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let (plain, bearer) = (header(&key), header(&format!("Bearer {key}")));
        plain.zip(bearer).map(|(plain, bearer)| Self { plain, bearer }).ok_or_else(|| {
            Error::config(format!("{KEY} holds characters that no key has"))
                .help("copy the key again, in one line")
        })
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(key: Option<&str>, storage: &str) -> String {
        let env = |name: &str| key.filter(|_| name == KEY).map(str::to_owned);
        let storage = Url::parse(storage).unwrap();
        Key::of(&env, &storage).err().map_or_else(String::new, |error| error.report())
    }

    #[test]
    fn a_key_is_one_line() {
        assert_eq!(error(Some(" s3cr3t\n"), "https://a.example"), "");
        for key in [None, Some(""), Some(" \n")] {
            assert!(error(key, "https://a.example").contains("is not set"), "{key:?}");
        }
        let report = error(Some("s3cr3t\nmore"), "https://a.example");
        assert!(report.contains(KEY) && !report.contains("s3cr3t"), "{report}");
    }

    #[test]
    fn it_leaves_this_machine_only_encrypted() {
        for storage in ["http://127.0.0.1:54321", "http://localhost", "http://[::1]:8000"] {
            assert_eq!(error(Some("s3cr3t"), storage), "", "{storage}");
        }
        for storage in ["http://a.example", "http://192.168.1.2:8000", "http://localhost.example"] {
            let report = error(Some("s3cr3t"), storage);
            assert!(report.contains("without encryption") && !report.contains("s3cr3t"));
        }
    }
}
