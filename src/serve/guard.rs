//! Which requests are answered: those that name this server, read, and ask for a path that means
//! what it says.

use std::net::IpAddr;

use hyper::{Method, StatusCode};

/// The names this server goes by.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// What `--host` named, in lower case.
    pub name: Option<String>,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub StatusCode, pub &'static str);

impl Guard {
    pub fn new(host: Option<&str>) -> Self {
        Self { name: host.map(str::to_ascii_lowercase) }
    }

    /// A page of another site may lead a name of its own here, and then reads what is served. So
    /// the name has to be one of ours. `here` is the address that the request came in by.
    pub fn host(&self, host: Option<&str>, here: IpAddr) -> Result<(), Refusal> {
        let Some(host) = host else {
            return Err(Refusal(StatusCode::BAD_REQUEST, "the request names no host"));
        };
        let name = without_port(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let local = name == "localhost" || name.ends_with(".localhost");
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let address = address.is_ok_and(|address| {
            let (address, here) = (address.to_canonical(), here.to_canonical());
            address == here || address.is_loopback() && here.is_loopback()
        });
        let named = self.name.as_deref() == Some(name);
        if local && here.to_canonical().is_loopback() || address || named {
            return Ok(());
        }
        Err(Refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not go by that name; start it with --host NAME if it should",
        ))
    }

    /// Pages of other sites may lead here, and not load what is served into themselves: scripts,
    /// or streams that take a browser's connections. Browsers say who asks; programs need not.
    pub fn origin(site: Option<&str>, mode: Option<&str>) -> Result<(), Refusal> {
        if site != Some("cross-site") || mode == Some("navigate") {
            return Ok(());
        }
        Err(Refusal(StatusCode::FORBIDDEN, "pages of other sites get nothing from this server"))
    }

    /// Only reading is served.
    pub fn method(method: &Method) -> Result<(), Refusal> {
        if method == Method::GET || method == Method::HEAD {
            return Ok(());
        }
        Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are served"))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An IPv6 address has colons of its own, inside brackets.
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() =>
        {
            name
        }
        _ => host,
    }
}

/// The path of a request, decoded; refused where it could mean something outside the site.
pub fn path(encoded: &str) -> Result<String, Refusal> {
    let wrong = |what| Refusal(StatusCode::BAD_REQUEST, what);
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8();
    let path = decoded.map_err(|_| wrong("the path is not UTF-8"))?.into_owned();
    if !path.starts_with('/') {
        return Err(wrong("the path does not begin with a slash"));
    }
    if path.contains(['\\', '\0']) || path.chars().any(char::is_control) {
        return Err(wrong("the path holds a character that no path has"));
    }
    // Decoded once: what is still encoded stays so, and is a name like any other.
    let still = path.to_ascii_lowercase();
    let dots = |segment: &str| {
        let segment = segment.replace("%2e", ".");
        segment == ".." || segment == "."
    };
    if still.split(['/']).any(dots) || still.contains("%2f") || still.contains("%5c") {
        return Err(wrong("the path leads out of the site"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let guard = Guard::default();
        for host in [
            "localhost",
            "localhost:4000",
            "127.0.0.1:4000",
            "[::1]:4000",
            "LOCALHOST.",
            "a.localhost",
        ] {
            assert_eq!(guard.host(Some(host), loopback), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.168.1.2",
            "127.0.0.1.nip.io",
            "",
            ":",
            "0",
        ] {
            assert!(guard.host(Some(host), loopback).is_err(), "{host}");
        }
        assert!(guard.host(None, loopback).is_err());
        // On the network, by the address that was called or by the name that was given.
        let here = "192.168.1.2".parse().unwrap();
        assert_eq!(guard.host(Some("192.168.1.2:4000"), here), Ok(()));
        assert!(guard.host(Some("192.168.1.3:4000"), here).is_err());
        assert!(guard.host(Some("localhost:4000"), here).is_err());
        let named = Guard::new(Some("Desk.local"));
        assert_eq!(named.host(Some("desk.LOCAL:4000"), here), Ok(()));
    }

    #[test]
    fn pages_of_other_sites_may_lead_here_and_nothing_else() {
        for (site, mode) in [
            (None, None),
            (Some("same-origin"), Some("cors")),
            (Some("same-site"), Some("no-cors")),
            (Some("none"), Some("navigate")),
            (Some("cross-site"), Some("navigate")),
        ] {
            assert_eq!(Guard::origin(site, mode), Ok(()), "{site:?} {mode:?}");
        }
        for mode in [None, Some("no-cors"), Some("cors"), Some("websocket")] {
            assert!(Guard::origin(Some("cross-site"), mode).is_err(), "{mode:?}");
        }
    }

    #[test]
    fn a_path_cannot_lead_out() {
        for wrong in [
            "/../etc/passwd",
            "/a/../../b",
            "/%2e%2e/",
            "/%2E%2e/x",
            "/..%2fx",
            "/%252e%252e/x",
            "/a%5c..%5cb",
            "/a%00b",
            "x",
            "/./x",
            "/%ff",
            "/a%0d%0ab",
            "/..\\x",
        ] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        assert_eq!(path("/caf%C3%A9/..x/").unwrap(), "/café/..x/");
        assert_eq!(path("/a%20b/").unwrap(), "/a b/");
    }
}
