//! Where the store lies when nobody says: in a folder that outlives the build.

use std::path::{Path, PathBuf};

/// The store's folder for a site, by the host that builds it, which its environment tells.
pub fn default_folder(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let is = |name: &str, value: &str| env(name).as_deref() == Some(value);
    // Vercel hands `node_modules` to the next build, whether or not npm made it.
    if is("VERCEL", "1") {
        return root.join("node_modules/.cache/frieze");
    }
    // Before Netlify, whose variable Cloudflare used to set as well. With its build cache switched
    // on, Pages keeps the folders of the generators that it finds in a project; `.cache` is that
    // of Eleventy, of Gatsby and of Hugo, which also build sites that need no npm.
    if is("CF_PAGES", "1") {
        return root.join(".cache/frieze");
    }
    // Netlify keeps its cache folder, with all that is in it, as Hugo relies on too. What it puts
    // there of a project is less certain: `node_modules` comes back only where a package.json is,
    // and the script that it published copied `target` without what is in its folders.
    if is("NETLIFY", "true") && !is("NETLIFY_LOCAL", "true") {
        let base = env("NETLIFY_BUILD_BASE").filter(|base| !base.is_empty());
        return PathBuf::from(base.unwrap_or_else(|| "/opt/build".into())).join("cache/frieze");
    }
    root.join(".frieze/cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(vars: &[(&str, &str)]) -> PathBuf {
        let env = |name: &str| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        default_folder(Path::new("/site"), &env)
    }

    #[test]
    fn each_host_keeps_another_folder() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "/site/.frieze/cache"),
            (&[("VERCEL", "1")], "/site/node_modules/.cache/frieze"),
            (&[("CF_PAGES", "1")], "/site/.cache/frieze"),
            (&[("CF_PAGES", "1"), ("NETLIFY", "true")], "/site/.cache/frieze"),
            (&[("NETLIFY", "true")], "/opt/build/cache/frieze"),
            (&[("NETLIFY", "true"), ("NETLIFY_BUILD_BASE", "")], "/opt/build/cache/frieze"),
            (&[("NETLIFY", "true"), ("NETLIFY_BUILD_BASE", "/b")], "/b/cache/frieze"),
            (&[("NETLIFY", "true"), ("NETLIFY_LOCAL", "true")], "/site/.frieze/cache"),
            (&[("VERCEL", ""), ("NETLIFY", ""), ("CF_PAGES", "0")], "/site/.frieze/cache"),
        ];
        for (vars, expected) in cases {
            assert_eq!(folder(vars), Path::new(expected), "{vars:?}");
        }
    }
}
