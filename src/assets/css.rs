//! Style sheets: entries are bundled with what they import, minified, compiled for the browsers in
//! use, and their `url()`s pointed at fingerprinted files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lightningcss::bundler::{Bundler, ResolveResult, SourceProvider};
use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions};
use lightningcss::targets::{Browsers, Targets};
use lightningcss::values::url::Url;
use lightningcss::visitor::{Visit, VisitTypes, Visitor};

use crate::error::{Error, Result};

/// Style sheets by name, such as `css/main.css`.
pub type Sources = BTreeMap<String, String>;

/// Whether a style sheet is published; the others exist to be imported.
pub fn is_entry(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    super::dimensions::has_extension(file, "css") && !file.starts_with('_')
}

/// Bundles an entry; `locate` gives the published URL of a file by its name.
pub fn bundle(
    entry: &str,
    sources: &Sources,
    locate: &dyn Fn(&str) -> Option<String>,
) -> Result<String> {
    let failed = |what: String| {
        Error::template(format!("static/_assets/{entry}: {what}"))
            .help("mend the style sheet; the line is the one in the file named")
    };
    let provider = Provider(sources);
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    let mut sheet = bundler.bundle(Path::new(entry)).map_err(|error| failed(error.to_string()))?;
    let mut urls = Urls { entry, locate, missing: None };
    if sheet.visit(&mut urls).is_err()
        && let Some(missing) = urls.missing
    {
        return Err(failed(format!("url({missing}) names a file that does not exist")));
    }
    let targets = Targets::from(browsers());
    let minify = MinifyOptions { targets, ..MinifyOptions::default() };
    sheet.minify(minify).map_err(|error| failed(error.to_string()))?;
    let print = PrinterOptions { minify: true, targets, ..PrinterOptions::default() };
    sheet.to_css(print).map(|result| result.code).map_err(|error| failed(error.to_string()))
}

/// Browsers of 2023 and newer. A version is its parts in one number: major, minor, patch.
fn browsers() -> Browsers {
    let version = |major: u32, minor: u32| Some(major << 16 | minor << 8);
    Browsers {
        chrome: version(111, 0),
        edge: version(111, 0),
        firefox: version(113, 0),
        safari: version(16, 4),
        ios_saf: version(16, 4),
        ..Browsers::default()
    }
}

/// Lets the bundler read from memory: a theme's files are partly in the binary.
struct Provider<'a>(&'a Sources);

impl SourceProvider for Provider<'_> {
    type Error = std::io::Error;

    fn read<'a>(&'a self, file: &Path) -> std::io::Result<&'a str> {
        let name = file.to_string_lossy().replace('\\', "/");
        self.0.get(&name).map(String::as_str).ok_or_else(|| {
            std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!("there is no style sheet static/_assets/{name}"),
            )
        })
    }

    fn resolve(&self, specifier: &str, from: &Path) -> std::io::Result<ResolveResult> {
        if specifier.starts_with("http:") || specifier.starts_with("https:") {
            return Ok(ResolveResult::External(specifier.to_owned()));
        }
        let folder = from.parent().unwrap_or(Path::new(""));
        Ok(PathBuf::from(joined(&folder.to_string_lossy(), specifier)).into())
    }
}

/// `../fonts/x.woff2` seen from `css` is `fonts/x.woff2`.
fn joined(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

struct Urls<'a> {
    entry: &'a str,
    locate: &'a dyn Fn(&str) -> Option<String>,
    missing: Option<String>,
}

impl<'i> Visitor<'i> for Urls<'_> {
    type Error = ();

    fn visit_types(&self) -> VisitTypes {
        lightningcss::visit_types!(URLS)
    }

    fn visit_url(&mut self, url: &mut Url<'i>) -> std::result::Result<(), ()> {
        let target = url.url.to_string();
        if target.starts_with('#') || target.starts_with('/') || target.contains(':') {
            return Ok(());
        }
        let folder = self.entry.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some(found) = (self.locate)(&joined(folder, &target)) else {
            self.missing = Some(target);
            return Err(());
        };
        url.url = found.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn locate(name: &str) -> Option<String> {
        (name == "fonts/a.woff2").then(|| "/_assets/fonts/a.123.woff2".to_owned())
    }

    #[test]
    fn imports_are_bundled_and_urls_fingerprinted() {
        let files = sources(&[
            ("css/main.css", "@import './_font.css';\n.a { color: red; .b & { margin: 0px } }"),
            ("css/_font.css", "@font-face { font-family: A; src: url('../fonts/a.woff2') }"),
        ]);
        let css = bundle("css/main.css", &files, &locate).unwrap();
        assert!(css.contains("url(/_assets/fonts/a.123.woff2)"), "{css}");
        assert!(css.contains(".a{color:red}"), "{css}");
        assert!(!css.contains("@import"), "{css}");
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let files = sources(&[
            ("css/a.css", "a { background: url(x.png) }"),
            ("css/b.css", "@import 'c.css';"),
        ]);
        let error = bundle("css/a.css", &files, &locate).unwrap_err();
        assert!(error.to_string().contains("url(x.png)"), "{error}");
        let error = bundle("css/b.css", &files, &locate).unwrap_err();
        assert!(error.to_string().contains("c.css"), "{error}");
    }

    #[test]
    fn a_syntax_error_names_file_and_line() {
        let files = sources(&[("css/a.css", "a { color: red }\n} b")]);
        let error = bundle("css/a.css", &files, &locate).unwrap_err();
        assert!(error.to_string().contains("css/a.css"), "{error}");
    }
}
