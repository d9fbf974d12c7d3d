//! Sites on disk for tests: made, changed, built with the real program, and read back.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A site in a folder of its own.
pub struct Site {
    pub root: PathBuf,
    /// Where the site's database is; the embedded one without.
    pub database_url: Option<String>,
    _folder: TempDir,
}

/// What a run of the program printed and how it ended.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    /// A site with nothing in it.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: folder.path().join("site"), database_url: None, _folder: folder }
    }

    /// A copy of a site of this repository: `.` is the sample portfolio.
    pub fn copy_of(source: &str) -> Self {
        let site = Self::empty();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        for part in ["frieze.toml", "content", "templates", "static", "migrations"] {
            // The sample's own templates and static files are the built-in ones.
            let built_in = source.join("Cargo.toml").exists();
            if built_in && !matches!(part, "frieze.toml" | "content") {
                continue;
            }
            copy(&source.join(part), &site.root.join(part));
        }
        site
    }

    /// The smallest site that builds: one layout page.
    pub fn small() -> Self {
        let site = Self::empty();
        site.write(
            "frieze.toml",
            "[site]\ntitle = \"Small\"\nbase_url = \"https://small.example\"\n\n[layouts]\ntable = \"page_layouts\"\n\n\
             [collections.projects]\nmarkdown = [\"description\"]\nimages = [\"thumbnail_url\"]\n\
             page = { path = \"/projects/{slug}/\", template = \"pages/project.html\" }\n",
        );
        site.layout("home", r#"{"sections": [{"id": "heading", "config": {"text": "Hello"}}]}"#);
        site
    }

    /// Publishes a layout for a page, as content.
    pub fn layout(&self, page: &str, json: &str) {
        let row = format!(
            r#"{{"page_name": "{page}", "version": 1, "is_published": true, "layout_json": {json}}}"#
        );
        self.write(&format!("content/page_layouts/{page}.json"), &row);
    }

    pub fn project(&self, file: &str, slug: &str, body: &str) {
        let text = format!("+++\ntitle = \"{file}\"\nslug = {slug:?}\n+++\n{body}\n");
        self.write(&format!("content/projects/{file}.md"), &text);
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces text in a file; the text must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root.join(path)).unwrap();
        assert!(text.contains(from), "{path} does not hold {from:?}");
        self.write(path, text.replace(from, to));
    }

    /// These jobs for models, in the place of the sample's own.
    pub fn jobs(&self, jobs: &str) {
        let text = fs::read_to_string(self.root.join("frieze.toml")).unwrap();
        let own = text.lines().take_while(|line| !line.starts_with("[enrich"));
        let own = own.collect::<Vec<_>>().join("\n");
        self.write("frieze.toml", format!("{own}\n{jobs}"));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frieze"));
        command.args(["-C", self.root.to_str().unwrap()]).args(arguments);
        // Images are made once for all tests.
        command.env("FRIEZE_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/image-cache"));
        command.env_remove("SUPABASE_URL");
        command.env_remove("DATABASE_URL").env_remove("FRIEZE_BASE_URL").env_remove("RUST_LOG");
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Builds, and fails the test when that fails.
    pub fn build(&self) -> Run {
        let run = self.run(&["build"]);
        assert_eq!(run.code, 0, "build failed:\n{}", run.stderr);
        run
    }

    pub fn page(&self, path: &str) -> String {
        let path = self.root.join("dist").join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every file of the built site.
    pub fn dist(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.root.join("dist"))
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Every file below a folder, by its path relative to it.
pub fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

pub fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if from.exists() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
