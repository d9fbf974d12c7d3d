//! Many edits in a row, drawn by lot: whatever they were, what the server then serves is what a build
//! of the same files writes, for every path, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::kit::{Answer, Server, page_of};
use crate::same::rules;
use crate::site::Site;

/// Long enough that each kind of edit comes after each other kind.
const EDITS: usize = 30;

const TEMPLATES: [&str; 4] =
    ["pages/project.html", "pages/list.html", "pages/group.html", "base.html"];
const TOOLS: [&str; 6] = ["Rust", "PostgreSQL", "Linux", "Python", "Zig", "Elm"];

/// Somebody at work.
struct Editor<'a> {
    site: &'a Site,
    lot: Rng,
    number: usize,
    did: Vec<String>,
}

impl Editor<'_> {
    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.site.root.join(path)).unwrap()
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.lot.usize(..all.len())].clone()
    }

    fn project(&mut self) -> String {
        let folder = fs::read_dir(self.site.root.join("content/projects")).unwrap();
        let mut files: Vec<_> =
            folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        format!("content/projects/{}", self.one_of(&files))
    }

    /// A line of a row's head, exchanged.
    fn set(&self, path: &str, key: &str, value: &str) {
        let text = self.read(path);
        let head = format!("{key} = ");
        let mut found = false;
        let lines = text.lines().map(|line| {
            if !found && line.starts_with(&head) {
                found = true;
                return format!("{key} = {value}");
            }
            line.to_owned()
        });
        let text: String = lines.map(|line| line + "\n").collect();
        self.site.write(path, text);
    }

    /// The theme's own text, or the site's.
    fn template(&self, name: &str) -> String {
        let path = format!("templates/{name}");
        let own = self.site.root.join(&path);
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        fs::read_to_string(if own.exists() { own } else { built_in }).unwrap()
    }

    fn edit(&mut self) {
        self.number += 1;
        let what = match self.lot.u8(0..16) {
            kind @ 0..8 => self.edit_a_project(kind, self.number),
            kind => self.edit_another_file(kind, self.number),
        };
        self.did.push(what);
    }

    fn edit_a_project(&mut self, kind: u8, number: usize) -> String {
        match kind {
            0 => {
                let path = self.project();
                self.set(&path, "title", &format!("\"Title {number}\""));
                format!("title of {path}")
            }
            1 => {
                let path = self.project();
                self.site.write(&path, self.read(&path) + &format!("\n\nParagraph {number}.\n"));
                format!("text of {path}")
            }
            2 => {
                let path = self.project();
                let tools: BTreeSet<_> = (0..3).map(|_| self.one_of(&TOOLS)).collect();
                self.set(&path, "technologies", &format!("{tools:?}").replace(['{', '}'], ""));
                let text = self.read(&path);
                let line = text.lines().find(|line| line.starts_with("technologies")).unwrap();
                let list = line.trim_start_matches("technologies = ");
                self.set(&path, "technologies", &format!("[{list}]"));
                format!("groups of {path}")
            }
            3 => {
                let path = self.project();
                self.set(&path, "slug", &format!("\"slug-{number}\""));
                format!("path of {path}")
            }
            4 => {
                let path = self.project();
                let place = self.lot.u8(1..9);
                self.set(&path, "featured_order", &place.to_string());
                format!("place of {path}")
            }
            5 => {
                let path = format!("content/projects/new-{number}.md");
                let text = format!(
                    "+++\ntitle = \"New {number}\"\nslug = \"new-{number}\"\ntechnologies = [\"Zig\"]\n\
                     featured_order = {number}\ncreated_at = \"2026-01-02T03:04:05Z\"\n\
                     updated_at = \"2026-01-02T03:04:05Z\"\n+++\n\nNew text {number}.\n"
                );
                self.site.write(&path, text);
                format!("new {path}")
            }
            6 => {
                let path = self.project();
                fs::remove_file(self.site.root.join(&path)).unwrap();
                let left = LEFT.replace("slug = \"left\"", &format!("slug = \"left-{number}\""));
                self.site.write(&format!("content/projects/left-{number}.md"), left);
                format!("removed {path}")
            }
            _ => {
                let path = self.project();
                let to = format!("content/projects/moved-{number}.md");
                fs::rename(self.site.root.join(&path), self.site.root.join(to)).unwrap();
                format!("moved {path}")
            }
        }
    }

    fn edit_another_file(&mut self, kind: u8, number: usize) -> String {
        match kind {
            8 => {
                let name = self.one_of(&TEMPLATES);
                let text = self.template(name);
                let at = if name == "base.html" { "</footer>" } else { "{% endblock %}" };
                let (before, after) = text.rsplit_once(at).unwrap();
                self.site.write(
                    &format!("templates/{name}"),
                    format!("{before}<p>part {number}</p>{at}{after}"),
                );
                format!("template {name}")
            }
            9 => {
                let name = self.one_of(&TEMPLATES);
                let _ = fs::remove_file(self.site.root.join("templates").join(name));
                format!("built-in {name} again")
            }
            10 => {
                let css = format!("/* {number} */ .part-{number} {{ color: red }}\n");
                self.site.write("static/_assets/css/_site.css", css);
                "a style".to_owned()
            }
            11 => {
                let pictures = ["tidebook.jpg", "ridgeway.jpg", "lectern.jpg"];
                let (from, to) = (self.one_of(&pictures), self.one_of(&pictures));
                let folder = self.site.root.join("content/images/projects");
                let bytes = fs::read(folder.join(from)).unwrap();
                fs::write(folder.join(to), bytes).unwrap();
                format!("picture {to} as {from}")
            }
            12 => {
                let about = self.read("content/page_layouts/about.json");
                let (before, rest) = about.split_once("\"text\": \"").unwrap();
                let (_, after) = rest.split_once('"').unwrap();
                let text = format!("{before}\"text\": \"Heading {number}\"{after}");
                self.site.write("content/page_layouts/about.json", text);
                "a layout".to_owned()
            }
            13 => {
                let name = self.one_of(&TEMPLATES);
                let good = self.template(name);
                let path = format!("templates/{name}");
                self.site.write(&path, format!("{good}\n{{{{ row.title | nosuch }}}}{{% if %}}"));
                self.pause();
                self.site.write(&path, good);
                format!("template {name} broken and mended")
            }
            14 => {
                let path = self.project();
                let good = self.read(&path);
                self.site.write(&path, "+++\ntitle = \"x\nslug = 3\n+++\n");
                self.pause();
                self.site.write(&path, good);
                format!("{path} broken and mended")
            }
            _ => {
                self.set("content/profile.toml", "designation", &format!("\"Mason {number}\""));
                "the shared row".to_owned()
            }
        }
    }

    /// Some edits come before the last was taken, some after.
    fn pause(&mut self) {
        std::thread::sleep(Duration::from_millis(self.lot.u64(0..120)));
    }
}

/// There is always one project.
const LEFT: &str = "+++\ntitle = \"Left\"\nslug = \"left\"\ntechnologies = [\"Elm\"]\n\
    created_at = \"2026-01-02T03:04:05Z\"\nupdated_at = \"2026-01-02T03:04:05Z\"\n+++\n\nWhat is left.\n";

/// Everything that can be reached: by the names in what was fetched, and by those hosts know.
fn crawl(server: &Server, site: &Site) -> BTreeMap<String, Answer> {
    let mut found: BTreeMap<String, Answer> = BTreeMap::new();
    let known = [
        "/",
        "/404.html",
        "/robots.txt",
        "/sitemap.xml",
        "/health.json",
        "/health-pages.json",
        "/site.webmanifest",
        "/atom.xml",
        "/api/v1/portfolio/full.json",
    ];
    let mut asked: Vec<String> = known.map(str::to_owned).to_vec();
    for folder in [Path::new(env!("CARGO_MANIFEST_DIR")).join("static"), site.root.join("static")] {
        let files = crate::site::tree(&folder).into_keys();
        asked.extend(files.filter(|it| !it.starts_with("_assets/")).map(|it| format!("/{it}")));
    }
    while let Some(path) = asked.pop() {
        if found.contains_key(&path) || path.starts_with("/_frieze/") {
            continue;
        }
        let answer = server.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        if answer.header("content-type").unwrap().contains("charset") {
            asked.extend(named(answer.text()));
        }
        found.insert(path, answer);
    }
    found
}

/// The paths of this site that a text names.
fn named(text: &str) -> Vec<String> {
    let text = text.replace("https://frieze.example/", "/");
    let ends = |c: char| "\"' <>()[]{},;&\\#?\n".contains(c);
    let begins = |at: usize| text[..at].ends_with(['"', '\'', '=', '(', ',', '>', ' ']);
    let starts = text.match_indices('/').filter(|(at, _)| begins(*at));
    let paths = starts.map(|(at, _)| text[at..].split(ends).next().unwrap_or_default());
    // Texts have slashes, too; what is a path here has letters on one side and an end.
    let is_path = |path: &&str| {
        *path == "/"
            || (path.len() > 2
                && !path.contains("//")
                && (path.ends_with('/') || path.rsplit('/').next().unwrap().contains('.')))
    };
    paths.filter(is_path).map(str::to_owned).collect()
}

/// Waits until nothing changes any more: of a file that is gone, systems tell later than of others.
fn quiet(server: &Server) {
    let (mut at, mut since) = (String::new(), Instant::now());
    while since.elapsed() < Duration::from_secs(1) {
        let status: serde_json::Value =
            serde_json::from_str(&server.text("/_frieze/status.json")).unwrap();
        if status["at"] != at.as_str() {
            (at, since) = (status["at"].as_str().unwrap().to_owned(), Instant::now());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn as_built(seed: u64) {
    let site = Site::copy_of(".");
    // Only builds give models their jobs.
    site.jobs("");
    site.edit("frieze.toml", "related = {", "# related = {");
    for folder in ["static/_assets/css", "templates/pages"] {
        fs::create_dir_all(site.root.join(folder)).unwrap();
    }
    let server = Server::dev(&site, &[]);
    let mut editor = Editor { site: &site, lot: Rng::with_seed(seed), number: 0, did: Vec::new() };
    for _ in 0..EDITS {
        editor.edit();
        editor.pause();
        if editor.lot.u8(0..4) == 0 {
            // Somebody looks on: what was rendered meanwhile must not stay.
            let list = server.get("/projects/");
            assert!(list.status == 200 || list.status == 500);
            server.get("/");
        }
    }
    let did = editor.did.join("\n");
    // What came before these was taken.
    for last in ["First", "Last"] {
        let row = LEFT.replace("left", "mark").replace("Left", "Mark").replace("What", last);
        site.write("content/projects/mark.md", row);
        server.until("/projects/mark/", |answer| {
            String::from_utf8_lossy(&answer.body).contains(&format!("{last} is mark."))
        });
    }
    server.until("/_frieze/status.json", |answer| {
        let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        status["faults"].as_array().unwrap().is_empty()
    });
    quiet(&server);
    let served = crawl(&server, &site);
    drop(server);
    site.build();
    let built = site.dist();
    let headers = String::from_utf8(built["_headers"].clone()).unwrap();
    let mut wrong = Vec::new();
    for (file, bytes) in &built {
        if ["_headers", "_redirects"].contains(&file.as_str()) {
            continue;
        }
        let path = format!("/{}", file.strip_suffix("index.html").unwrap_or(file));
        let Some(answer) = served.get(&path) else {
            panic!("seed {seed}: {path} is built and was not served, after\n{did}");
        };
        let body = if file.ends_with(".html") { page_of(answer) } else { &answer.body };
        if body != bytes {
            wrong.push(format!("{path}: {}", difference(body, bytes)));
        }
        for (name, value) in rules(&headers, &path) {
            assert_eq!(answer.header(&name), Some(value.as_str()), "seed {seed}: {path}: {name}");
        }
    }
    let wrong = wrong.join("\n");
    assert!(wrong.is_empty(), "seed {seed}: after\n{did}\nis not what is built:\n{wrong}");
    for path in served.keys() {
        let file = format!("{}{}", &path[1..], if path.ends_with('/') { "index.html" } else { "" });
        assert!(built.contains_key(&file), "seed {seed}: {path} is served and not built\n{did}");
    }
}

/// Where two texts begin to differ.
fn difference(served: &[u8], built: &[u8]) -> String {
    let at = served.iter().zip(built).take_while(|(a, b)| a == b).count();
    let near = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[at.saturating_sub(80)..bytes.len().min(at + 160)])
            .into_owned()
    };
    format!("served: …{}…\nbuilt: …{}…", near(served), near(built))
}

#[test]
fn after_many_edits_everything_is_as_it_is_built() {
    as_built(1);
}

#[test]
fn after_many_other_edits_everything_is_as_it_is_built() {
    as_built(2);
}

#[test]
fn after_yet_other_edits_everything_is_as_it_is_built() {
    as_built(3);
}
