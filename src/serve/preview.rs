//! A finished site as its host would serve it: the headers and redirects that were written beside
//! it, and its page for what is not found.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hyper::StatusCode;
use tokio::sync::watch;

use super::answer::Answer;
use super::http::{Asked, Bound, Site};
use super::throttle::Line;
use super::{Observer, Options, Served, redirects, squeeze, types, url};
use crate::config::{Config, Redirect, Target};
use crate::db;
use crate::error::{Error, Result};
use crate::fs;
use crate::publish::hosts::{self, HeaderRule, Pattern};
use crate::signals::Signals;

/// Serves the output folder until the process is told to stop.
pub fn preview(config: &Config, options: &Options, observer: &Arc<dyn Observer>) -> Result<()> {
    let begun = Instant::now();
    let folder = Folder::open(config)?;
    let pages = folder.pages()?;
    db::runtime()?.block_on(async {
        let bound = Bound::open(options).await?;
        let (local, network) = (url(bound.address), bound.network().map(url));
        let (stop, stopping) = watch::channel(false);
        let line = options.throttle.map(|throttle| Arc::new(Line::new(throttle)));
        let server = tokio::spawn(bound.serve(Arc::new(folder), line, stopping));
        let took = begun.elapsed();
        observer.ready(&Served { local, network, database: None, pages, took });
        Signals::listen().next().await;
        let _ = stop.send(true);
        let _ = server.await;
        observer.stopped();
        Ok(())
    })
}

/// The output folder, and the rules for it.
struct Folder {
    root: PathBuf,
    redirects: Vec<Redirect>,
    rules: Vec<HeaderRule>,
}

impl Folder {
    fn open(config: &Config) -> Result<Self> {
        let output = &config.build.output;
        let (root, rules) = match config.build.target {
            Target::Static => (output.clone(), output.join("_headers")),
            Target::Vercel => (output.join("static"), output.join("config.json")),
        };
        let root = root.canonicalize().map_err(|error| {
            Error::output(format!("there is no finished site in {}", root.display()))
                .because(error)
                .help("build one with `frieze build`, or name its folder with --output")
        })?;
        let text = if rules.is_file() { fs::read_text(&rules)? } else { String::new() };
        Ok(Self { root, redirects: config.redirects.clone(), rules: rules_in(&text) })
    }

    fn pages(&self) -> Result<usize> {
        let files = fs::files_below(&self.root)?;
        Ok(files.iter().filter(|file| file.extension().is_some_and(|end| end == "html")).count())
    }

    /// The file for a path, if it lies in the folder, whatever links there are.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let relative = path.trim_start_matches('/');
        let name = if relative.is_empty() || relative.ends_with('/') { "index.html" } else { "" };
        let file = self.root.join(format!("{relative}{name}")).canonicalize().ok()?;
        (file.starts_with(&self.root) && file.is_file()).then_some(file)
    }

    fn send(&self, asked: &Asked, path: &str, status: StatusCode, file: &Path) -> Answer {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => return Answer::text(StatusCode::INTERNAL_SERVER_ERROR, &error.report()),
        };
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut answer = Answer::new(status, types::of(name), bytes);
        for (name, value) in hosts::for_path(&self.rules, path) {
            // There is no encrypted way to this server.
            match name {
                "Strict-Transport-Security" => {}
                "Content-Security-Policy" => {
                    answer.headers.push((name, value.replace("; upgrade-insecure-requests", "")));
                }
                _ => answer.headers.push((name, value)),
            }
        }
        if asked.wants_part() { answer } else { squeeze::gzip(answer, asked.encodings.as_deref()) }
    }
}

impl Site for Folder {
    fn answer(&self, asked: &Asked) -> Answer {
        // More slashes at the start would make a redirect lead to another host.
        let path = format!("/{}", asked.path.trim_start_matches('/'));
        let path = path.as_str();
        // Hosts read these, and show them to nobody.
        let is_rules = matches!(path, "/_headers" | "/_redirects");
        if let Some(file) = self.file(path).filter(|_| !is_rules) {
            if let Some(folder) = path.strip_suffix("/index.html") {
                return Answer::to(
                    StatusCode::PERMANENT_REDIRECT,
                    &format!("{}/{}", crate::render::encoded(folder), asked.tail()),
                );
            }
            return self.send(asked, path, StatusCode::OK, &file);
        }
        if let Some((to, status)) = redirects::find(&self.redirects, path) {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
            return Answer::to(status, &crate::render::encoded(&to));
        }
        if !path.ends_with('/') && self.file(&format!("{path}/")).is_some() {
            let to = format!("{}/{}", crate::render::encoded(path), asked.tail());
            return Answer::to(StatusCode::PERMANENT_REDIRECT, &to);
        }
        match self.file("/404.html") {
            Some(file) => self.send(asked, path, StatusCode::NOT_FOUND, &file),
            None => Answer::text(StatusCode::NOT_FOUND, "not found"),
        }
    }
}

/// The rules with the policy that stands in a host's file: all else in them never changes.
fn rules_in(text: &str) -> Vec<HeaderRule> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Content-Security-Policy: "));
    let json = || {
        let (_, rest) = text.split_once("\"Content-Security-Policy\":")?;
        let rest = rest.trim_start().strip_prefix('"')?;
        rest.split_once('"').map(|(policy, _)| policy)
    };
    let mut rules = hosts::fixed_rules();
    if let Some(policy) = line.or_else(json) {
        let everything = rules.iter_mut().find(|rule| rule.pattern == Pattern::Everything);
        if let Some(rule) = everything {
            rule.headers.insert(0, ("Content-Security-Policy", policy.to_owned()));
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_read_from_either_hosts_file() {
        let rules = hosts::rules(&hosts::Csp {
            script_hashes: vec!["sha256-x=".to_owned()],
            ..hosts::Csp::default()
        });
        let headers = String::from_utf8(hosts::headers_file(&rules).unwrap()).unwrap();
        assert_eq!(rules_in(&headers), rules);
        let config = String::from_utf8(hosts::build_output_config(&rules, &[])).unwrap();
        assert_eq!(rules_in(&config), rules);
    }

    #[test]
    #[cfg(unix)]
    fn nothing_outside_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("dist");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(root.join("a/index.html"), "a").unwrap();
        std::fs::write(root.parent().unwrap().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(root.parent().unwrap(), root.join("up")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link.txt")).unwrap();
        let served = Folder { root, redirects: Vec::new(), rules: Vec::new() };
        assert!(served.file("/a/").is_some());
        for path in ["/up/secret", "/link.txt", "/a/../../secret", "/a", "/../secret"] {
            assert_eq!(served.file(path), None, "{path}");
        }
    }
}
