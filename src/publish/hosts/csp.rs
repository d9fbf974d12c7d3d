//! The Content-Security-Policy: nothing but the site's own files, and inline code by its hash.

use std::collections::BTreeSet;
use std::fmt;

/// What a build adds to the policy. Order and repetition do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csp {
    /// Of each inline script as it is served: `sha256-` and the hash in base64.
    pub script_hashes: Vec<String>,
    /// Of each inline style sheet, likewise.
    pub style_hashes: Vec<String>,
}

impl fmt::Display for Csp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "default-src 'none'; script-src 'self'{}", hashes(&self.script_hashes))?;
        write!(f, "; style-src 'self'{}", hashes(&self.style_hashes))?;
        f.write_str("; img-src 'self' data:")?;
        f.write_str(
            "; font-src 'self'; media-src 'self'; manifest-src 'self'; connect-src 'self'",
        )?;
        f.write_str("; base-uri 'none'; form-action 'self' mailto:; frame-ancestors 'none'")?;
        f.write_str("; upgrade-insecure-requests")
    }
}

fn hashes(hashes: &[String]) -> String {
    let hash = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
    list(hashes, hash, |hash| format!(" '{hash}'"))
}

/// Each once, in order. What could end the directive or the header is left out, which forbids it.
fn list(values: &[String], allowed: fn(char) -> bool, show: fn(&String) -> String) -> String {
    let values: BTreeSet<_> = values.iter().filter(|value| value.chars().all(allowed)).collect();
    values.into_iter().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn nothing_is_allowed_but_the_site_itself() {
        assert_eq!(
            Csp::default().to_string(),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; media-src 'self'; manifest-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'self' mailto:; frame-ancestors 'none'; \
             upgrade-insecure-requests"
        );
    }

    #[test]
    fn hashes_come_once_and_in_order() {
        let csp = Csp {
            script_hashes: strings(&["sha256-b=", "sha256-a=", "sha256-b="]),
            style_hashes: strings(&["sha256-c="]),
        };
        let csp = csp.to_string();
        assert!(csp.contains("script-src 'self' 'sha256-a=' 'sha256-b=';"), "{csp}");
        assert!(csp.contains("style-src 'self' 'sha256-c=';"), "{csp}");
    }

    #[test]
    fn a_hash_cannot_add_a_directive_or_a_header() {
        let style_hashes = strings(&["x'; script-src *", "b\nX-Evil: 1"]);
        let csp = Csp { style_hashes, ..Csp::default() };
        assert_eq!(csp.to_string(), Csp::default().to_string());
    }
}
