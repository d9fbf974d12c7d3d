//! `_headers`, which Netlify and Cloudflare Pages read in the output, and `netlify.toml`.

use std::fmt::Write as _;

use super::{HeaderRule, Pattern, fixed_rules};
use crate::error::{Error, Result};

/// Cloudflare Pages ignores what is longer.
const LINE: usize = 2_000;

/// The pattern as both hosts write it. That pages are looked up anew is what both do by
/// themselves, and there is no pattern for "all but the assets": that rule is theirs.
fn path(pattern: Pattern) -> Option<&'static str> {
    match pattern {
        Pattern::Everything => Some("/*"),
        Pattern::Assets => Some("/_assets/*"),
        Pattern::Pages => None,
    }
}

/// The `_headers` file; an error where a line is longer than the hosts read.
pub fn headers_file(rules: &[HeaderRule]) -> Result<Vec<u8>> {
    let mut file = String::new();
    for rule in rules {
        let Some(path) = path(rule.pattern) else { continue };
        let _ = writeln!(file, "{path}");
        for (name, value) in &rule.headers {
            let _ = writeln!(file, "  {name}: {value}");
        }
    }
    match file.lines().find(|line| line.chars().count() > LINE) {
        None => Ok(file.into_bytes()),
        Some(line) => Err(too_long(line)),
    }
}

fn too_long(line: &str) -> Error {
    let name = line.trim_start().split(':').next().unwrap_or_default();
    let count = line.chars().count();
    Error::template(format!("_headers: the line of {name} has {count} characters, over {LINE}"))
        .help("use fewer different inline scripts and styles: move them to static/_assets/")
}

/// The whole `netlify.toml` of a repository: how to build, and the rules that no build changes.
/// Those of the build come from `_headers`, and Netlify joins the two.
pub fn netlify_toml() -> String {
    let mut file = String::from(
        "# How Netlify builds and serves the site. The headers are those that no build changes; the\n\
         # Content-Security-Policy, with its hashes, is in the _headers file that each build writes.\n\n\
         [build]\ncommand = \"sh scripts/host-build.sh\"\npublish = \"dist\"\n\
         # Exit code 0: nothing to do, 1: build.\nignore = \"sh scripts/host-build.sh changed\"\n",
    );
    for rule in fixed_rules() {
        let Some(path) = path(rule.pattern) else { continue };
        let _ = write!(file, "\n[[headers]]\nfor = \"{path}\"\n\n[headers.values]\n");
        for (name, value) in &rule.headers {
            let _ = writeln!(file, "{name} = \"{value}\"");
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::{Csp, rules};
    use super::*;

    #[test]
    fn the_headers_file_sets_each_header_once() {
        let file = headers_file(&rules(&Csp::default())).unwrap();
        let csp = Csp::default();
        let expected = format!(
            "/*\n  Content-Security-Policy: {csp}\n  X-Content-Type-Options: nosniff\n  \
             Referrer-Policy: strict-origin-when-cross-origin\n  \
             Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\n  \
             Strict-Transport-Security: max-age=31536000\n\
             /_assets/*\n  Cache-Control: public, max-age=31536000, immutable\n"
        );
        assert_eq!(String::from_utf8(file).unwrap(), expected);
    }

    #[test]
    fn a_line_that_cloudflare_would_drop_is_an_error() {
        let script_hashes = (0..40).map(|i| format!("sha256-{i:043}=")).collect();
        let error = headers_file(&rules(&Csp { script_hashes, ..Csp::default() })).unwrap_err();
        assert!(error.to_string().contains("Content-Security-Policy has 2"), "{error}");
    }

    #[test]
    fn the_committed_file_is_the_table() {
        super::super::tests::assert_committed("netlify.toml", netlify_toml().as_bytes());
    }
}
