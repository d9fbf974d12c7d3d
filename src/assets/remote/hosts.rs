//! The list of hosts that images may come from.

use url::Url;

/// An entry of the list of hosts.
pub struct Entry {
    pub host: String,
    /// Whether it may be reached without encryption.
    pub http: bool,
}

impl Entry {
    /// `None` where the entry is more than a host, or none.
    pub fn read(entry: &str) -> Option<Self> {
        let (http, name) = match entry.strip_prefix("http://") {
            Some(name) => (true, name),
            None => (false, entry.strip_prefix("https://").unwrap_or(entry)),
        };
        // As a URL's host is written: in lower case, international names encoded.
        let url = Url::parse(&format!("https://{name}")).ok()?;
        let host = url.host_str()?.to_owned();
        (url.as_str() == format!("https://{host}/")).then_some(Self { host, http })
    }
}
