//! Vercel: the `config.json` of a Build Output folder, and the `vercel.json` of a repository.

use serde_json::{Map, Value, json};

use super::redirects::route;
use super::{HeaderRule, Pattern, fixed_rules};
use crate::config::Redirect;

/// What Vercel keeps between builds: the built binary and what builds remember.
const KEPT: [&str; 2] = ["target/host/**", "node_modules/.cache/frieze/**"];

/// The `config.json` in `.vercel/output`, beside the site in `static/`.
///
/// Headers come first and go on to the next route. Assets are told apart once the file is found,
/// so that a missing one is not kept for a year.
pub fn build_output_config(rules: &[HeaderRule], redirects: &[Redirect]) -> Vec<u8> {
    let (assets, others): (Vec<_>, Vec<_>) =
        rules.iter().partition(|rule| rule.pattern == Pattern::Assets);
    let mut routes: Vec<_> = others.into_iter().map(header_route).collect();
    routes.extend(redirects.iter().map(route));
    // Every page has one address: the one that ends with a slash.
    routes.push(json!({
        "src": r"^/(?!\.well-known/)((?:[^/]+/)*[^/.]+)$",
        "headers": { "Location": "/$1/" },
        "status": 308,
    }));
    routes.push(json!({ "handle": "filesystem" }));
    routes.push(json!({ "handle": "error" }));
    routes.push(json!({ "status": 404, "src": "^/.*$", "dest": "/404.html" }));
    routes.push(json!({ "handle": "hit" }));
    routes.extend(assets.into_iter().map(header_route));
    pretty(&json!({ "version": 3, "routes": routes, "cache": KEPT }))
}

fn header_route(rule: &HeaderRule) -> Value {
    let headers: Map<_, _> =
        rule.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut route = json!({ "src": regex(rule.pattern), "headers": headers, "continue": true });
    if rule.pattern == Pattern::Assets {
        // Over what the routes before have set.
        route["important"] = json!(true);
    }
    route
}

fn regex(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Everything => "^/.*$",
        Pattern::Assets => "^/_assets/.*$",
        Pattern::Pages => "^/(?!_assets/).*$",
    }
}

/// The whole `vercel.json` of a repository. It builds the Build Output folder, whose `config.json`
/// brings the Content-Security-Policy; the rules here are those that no build changes. Pages have
/// clean addresses as they are (`/about/` is `about/index.html`): `cleanUrls` would only take other
/// HTML files, like those that prove who owns a domain, away from theirs.
pub fn vercel_json() -> Vec<u8> {
    let headers: Vec<_> = fixed_rules().iter().map(source).collect();
    pretty(&json!({
        "$schema": "https://openapi.vercel.sh/vercel.json",
        "framework": null,
        "buildCommand": "sh scripts/host-build.sh vercel",
        "ignoreCommand": "sh scripts/host-build.sh changed vercel",
        "outputDirectory": ".vercel/output/static",
        "cleanUrls": false,
        "trailingSlash": true,
        "headers": headers,
    }))
}

fn source(rule: &HeaderRule) -> Value {
    let source = match rule.pattern {
        Pattern::Everything => "/(.*)",
        Pattern::Assets => "/_assets/(.*)",
        Pattern::Pages => "/((?!_assets/).*)",
    };
    let header = |(name, value): &(&str, String)| json!({ "key": name, "value": value });
    json!({ "source": source, "headers": rule.headers.iter().map(header).collect::<Vec<_>>() })
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::{Csp, rules};
    use super::*;

    fn config(redirects: &[Redirect]) -> Value {
        serde_json::from_slice(&build_output_config(&rules(&Csp::default()), redirects)).unwrap()
    }

    /// The routes before, in and after each phase, by what marks them.
    fn phases(config: &Value) -> Vec<String> {
        let routes = config["routes"].as_array().unwrap();
        let shown = routes.iter().map(|route| match (&route["handle"], &route["status"]) {
            (Value::String(handle), _) => format!("[{handle}]"),
            (_, Value::Number(status)) => format!("{} {status}", route["src"].as_str().unwrap()),
            _ => route["src"].as_str().unwrap().to_owned(),
        });
        shown.collect()
    }

    #[test]
    fn routes_are_in_the_order_in_which_vercel_takes_them() {
        let moved = Redirect { from: "/old".into(), to: "/new/".into(), status: 301 };
        assert_eq!(
            phases(&config(&[moved])),
            [
                "^/.*$",
                "^/(?!_assets/).*$",
                "^/old/?$ 301",
                r"^/(?!\.well-known/)((?:[^/]+/)*[^/.]+)$ 308",
                "[filesystem]",
                "[error]",
                "^/.*$ 404",
                "[hit]",
                "^/_assets/.*$",
            ]
        );
    }

    #[test]
    fn every_rule_of_the_table_is_a_route() {
        let config = config(&[]);
        assert_eq!(config["version"], 3);
        for rule in rules(&Csp::default()) {
            let routes = config["routes"].as_array().unwrap();
            let route = routes.iter().find(|route| route["src"] == regex(rule.pattern)).unwrap();
            assert_eq!(route["continue"], true);
            for (name, value) in &rule.headers {
                assert_eq!(route["headers"][*name], *value, "{name}");
            }
        }
    }

    #[test]
    fn the_committed_file_is_the_table() {
        super::super::tests::assert_committed("vercel.json", &vercel_json());
    }
}
