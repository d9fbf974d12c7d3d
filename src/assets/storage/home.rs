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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::theme::StaticFile;

    const OWN: &str = "https://abc.supabase.co/storage/v1/object/public/photos/a.jpg";

    fn config(folder: &Path, more: &str) -> Config {
        let site = format!("[site]\ntitle = 't'\nbase_url = 'https://t.example'\n{more}");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("frieze.toml"), site).unwrap();
        let env =
            |name: &str| (name == "SUPABASE_URL").then(|| "https://abc.supabase.co".to_owned());
        Config::load(folder, &Overrides::default(), &env).unwrap()
    }

    fn remote(url: &str) -> Source {
        Source::cached(url, [0; 32], b"", 1)
    }

    #[test]
    fn only_the_projects_own_objects_are_ours() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), "");
        assert!(matches!(Home::of(&remote(OWN), &config), Ok(Home::Object(_))));
        for url in ["https://other.example/a.jpg", &OWN.replace("abc", "xyz")] {
            let reason = Home::of(&remote(url), &config).unwrap_err();
            assert_eq!(reason, "is not in the project's storage", "{url}");
        }
        let built_in = Source::file("icon.png", &StaticFile::BuiltIn(b""), b"", 1);
        assert!(Home::of(&built_in, &config).unwrap_err().contains("theme"));
    }

    #[test]
    fn a_folder_beside_the_site_has_copies_within_it() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            config(&folder.path().join("site"), "[build]\ncontent = '../elsewhere/content'");
        let file = folder.path().join("elsewhere/content/images/a.jpg");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "x").unwrap();
        let path = config.build.content.join("images/a.jpg");
        let source = Source::file("images/a.jpg", &StaticFile::Own(path), b"x", 1);
        let home = Home::of(&source, &config).unwrap();
        let real = file.canonicalize().unwrap();
        assert_eq!(home, Home::File { real, below: "content/images/a.jpg".to_owned() });
    }
}
