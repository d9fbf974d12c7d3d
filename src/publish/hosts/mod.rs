//! The header rules of every host, in one table, and their writers.
//!
//! The hosts differ in what happens where two rules match one path and set the same header: Netlify
//! takes one, Cloudflare joins both with a comma. So no header is set by two rules that can match
//! the same path, and a writer that cannot say "everything but" leaves that rule to the host.

mod csp;
mod netlify;
mod redirects;
mod vercel;

pub use csp::Csp;
pub use netlify::{headers_file, netlify_toml};
pub use redirects::redirects_file;
pub use vercel::{build_output_config, vercel_json};

/// Which paths a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    Everything,
    /// Files with a hash of their content in the name.
    Assets,
    /// All that is not an asset: HTML, feeds, JSON.
    Pages,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    pub pattern: Pattern,
    pub headers: Vec<(&'static str, String)>,
}

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "public, max-age=0, must-revalidate";
const NO_SENSORS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The rules that no build changes: what the host files in a repository can hold.
pub fn fixed_rules() -> Vec<HeaderRule> {
    let rule = |pattern, headers: &[(&'static str, &str)]| HeaderRule {
        pattern,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
    };
    vec![
        rule(
            Pattern::Everything,
            &[
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "strict-origin-when-cross-origin"),
                ("Permissions-Policy", NO_SENSORS),
                ("Strict-Transport-Security", "max-age=31536000"),
            ],
        ),
        rule(Pattern::Assets, &[("Cache-Control", IMMUTABLE)]),
        rule(Pattern::Pages, &[("Cache-Control", REVALIDATE)]),
    ]
}

/// All rules of one build: the fixed ones, and its Content-Security-Policy on everything.
pub fn rules(csp: &Csp) -> Vec<HeaderRule> {
    let mut rules = fixed_rules();
    let everything = rules.iter_mut().filter(|rule| rule.pattern == Pattern::Everything);
    for rule in everything {
        rule.headers.insert(0, ("Content-Security-Policy", csp.to_string()));
    }
    rules
}

/// The headers of one path.
pub fn for_path(rules: &[HeaderRule], path: &str) -> Vec<(&'static str, String)> {
    let asset = path.starts_with("/_assets/");
    let matching = rules.iter().filter(|rule| match rule.pattern {
        Pattern::Everything => true,
        Pattern::Assets => asset,
        Pattern::Pages => !asset,
    });
    matching.flat_map(|rule| rule.headers.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    /// Holds a host file of this repository to the table; `UPDATE_HOST_FILES=1` writes it anew.
    pub fn assert_committed(name: &str, generated: &[u8]) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if std::env::var_os("UPDATE_HOST_FILES").is_some() {
            std::fs::write(&path, generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert_eq!(committed, String::from_utf8_lossy(generated), "{name}: UPDATE_HOST_FILES=1");
    }

    #[test]
    fn no_header_is_set_twice_for_one_path() {
        let rules = rules(&Csp::default());
        for (at, rule) in rules.iter().enumerate() {
            for other in &rules[at + 1..] {
                let disjoint = matches!(
                    (rule.pattern, other.pattern),
                    (Pattern::Assets, Pattern::Pages) | (Pattern::Pages, Pattern::Assets)
                );
                let names = |rule: &HeaderRule| {
                    rule.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>()
                };
                let shared = names(rule).iter().any(|name| names(other).contains(name));
                assert!(disjoint || !shared, "{rule:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_policy_of_a_build_is_on_everything() {
        let csp = Csp { script_hashes: vec!["sha256-abc=".into()], ..Csp::default() };
        let rules = rules(&csp);
        assert_eq!(rules[0].pattern, Pattern::Everything);
        assert_eq!(rules[0].headers[0], ("Content-Security-Policy", csp.to_string()));
    }
}
