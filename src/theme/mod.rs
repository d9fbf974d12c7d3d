//! The theme: templates, section manifests and static files. The built-in ones are in the binary;
//! a site's own file of the same name takes the place of the built-in one.

mod touched;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

pub use touched::Touched;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::fs;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static STATIC: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// Every file a build may draw on, by its path relative to `templates/` or `static/`, with `/`.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Templates (`.html`, `.xml`) and section manifests (`.toml`).
    pub templates: BTreeMap<String, Template>,
    pub static_files: BTreeMap<String, StaticFile>,
}

#[derive(Debug, Clone)]
pub struct Template {
    pub text: String,
    /// Where a person would edit it.
    pub origin: String,
}

/// A static file: built in, or on disk.
#[derive(Debug, Clone)]
pub enum StaticFile {
    BuiltIn(&'static [u8]),
    Own(PathBuf),
}

impl StaticFile {
    pub fn read(&self) -> Result<Cow<'static, [u8]>> {
        match self {
            Self::BuiltIn(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Own(path) => fs::read(path).map(Cow::Owned),
        }
    }
}

impl Theme {
    pub fn load(config: &Config) -> Result<Self> {
        let mut templates = built_in_templates()?;
        for file in fs::files_below(&config.build.templates)? {
            let path = config.build.templates.join(&file);
            let template =
                Template { text: fs::read_text(&path)?, origin: path.display().to_string() };
            templates.insert(slashed(&file)?, template);
        }
        let mut static_files = BTreeMap::new();
        for_each_built_in(&STATIC, &mut |path, bytes| {
            static_files.insert(path, StaticFile::BuiltIn(bytes));
            Ok(())
        })?;
        for file in fs::files_below(&config.build.static_files)? {
            let path = config.build.static_files.join(&file);
            static_files.insert(slashed(&file)?, StaticFile::Own(path));
        }
        Ok(Self { templates, static_files })
    }

    /// Looks at one template again; a site's own that is gone leaves the built-in one of its name.
    pub fn reload_template(&mut self, config: &Config, name: &str) -> Result<()> {
        let path = config.build.templates.join(name);
        if path.is_file() {
            let text = fs::read_text(&path)?;
            let origin = path.display().to_string();
            self.templates.insert(name.to_owned(), Template { text, origin });
        } else if let Some(file) = TEMPLATES.get_file(name) {
            let text = String::from_utf8_lossy(file.contents()).into_owned();
            let origin = format!("{name} (built in)");
            self.templates.insert(name.to_owned(), Template { text, origin });
        } else {
            self.templates.remove(name);
        }
        Ok(())
    }

    /// Looks for one static file again.
    pub fn reload_static(&mut self, config: &Config, name: &str) {
        let path = config.build.static_files.join(name);
        if path.is_file() {
            self.static_files.insert(name.to_owned(), StaticFile::Own(path));
        } else if let Some(file) = STATIC.get_file(name) {
            self.static_files.insert(name.to_owned(), StaticFile::BuiltIn(file.contents()));
        } else {
            self.static_files.remove(name);
        }
    }

    /// The section manifests: each section's name and its file.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.templates.iter().filter_map(|(path, template)| {
            let name = path.strip_prefix("sections/")?.strip_suffix(".toml")?;
            Some((name, template))
        })
    }
}

fn built_in_templates() -> Result<BTreeMap<String, Template>> {
    let mut templates = BTreeMap::new();
    for_each_built_in(&TEMPLATES, &mut |path, bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Error::template(format!("the built-in template {path} is not UTF-8")).because(error)
        })?;
        let origin = format!("{path} (built in)");
        templates.insert(path, Template { text: text.to_owned(), origin });
        Ok(())
    })?;
    Ok(templates)
}

fn for_each_built_in(
    dir: &'static Dir<'static>,
    visit: &mut dyn FnMut(String, &'static [u8]) -> Result<()>,
) -> Result<()> {
    for file in dir.files() {
        if !file.path().file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            visit(slashed(file.path())?, file.contents())?;
        }
    }
    dir.dirs().try_for_each(|dir| for_each_built_in(dir, visit))
}

/// A relative path as text with `/` between its segments, on every platform.
pub fn slashed(path: &Path) -> Result<String> {
    let segments = path.iter().map(|segment| {
        segment.to_str().ok_or_else(|| {
            Error::content(format!("the file name {} is not UTF-8", path.display()))
                .help("rename the file")
        })
    });
    Ok(segments.collect::<Result<Vec<_>>>()?.join("/"))
}
