//! Where an original lies, if it is ours to replace.

use std::fs::symlink_metadata;
use std::path::{Path, PathBuf};

use super::object::Object;
use crate::assets::images::{Origin, Source};
use crate::config::Config;

/// Two sources with the same home are one original.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Home {
    /// A file, without links on the way to it, and its path below the site for its copy.
    File {
        real: PathBuf,
        below: String,
    },
    Object(Object),
}

impl Home {
    /// Or why the original is left alone, as the rest of a sentence about it.
    pub fn of(source: &Source, config: &Config) -> Result<Self, String> {
        match source.origin() {
            Origin::Theme => Err("belongs to the built-in theme".to_owned()),
            Origin::File(path) => file(path, config),
            Origin::Remote(url) => {
                let storage = config.images.storage.as_ref();
                let object = Object::of(storage, url)?;
                object.map(Self::Object).ok_or_else(|| "is not in the project's storage".to_owned())
            }
        }
    }
}

/// Links are not followed to places outside of the site, where other programs may need the file.
fn file(path: &Path, config: &Config) -> Result<Home, String> {
    let failed = |error: std::io::Error| format!("cannot be looked at: {error}");
    if symlink_metadata(path).map_err(failed)?.is_symlink() {
        return Err("is a link to a file: only the file itself is replaced".to_owned());
    }
    let real = path.canonicalize().map_err(failed)?;
    let trees = [&config.build.content, &config.build.static_files];
    let trees = trees.into_iter().filter_map(|tree| tree.canonicalize().ok());
    let Some(tree) = trees.into_iter().find(|tree| real.starts_with(tree)) else {
        return Err("is reached by a link that leads out of the site".to_owned());
    };
    // A folder that is shared by sites may lie beside them.
    let root = config.root.canonicalize().ok().filter(|root| real.starts_with(root));
    let above = root.as_deref().or(tree.parent()).unwrap_or(&tree);
    let below = real.strip_prefix(above).ok().and_then(Path::to_str);
    let below = below.ok_or("has a name that is not UTF-8")?.to_owned();
    Ok(Home::File { real, below })
}
