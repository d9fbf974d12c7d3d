//! Related rows by vectors, and values that models wrote, as pages show them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/models.rs"]
mod models;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/site.rs"]
mod site;

use models::{Models, Reply};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use site::{Run, Site};

fn done(run: &Run) -> &str {
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    &run.stdout
}

fn report(site: &Site, arguments: &[&str]) -> Value {
    let run = site.run(&[&["build", "--json"], arguments].concat());
    serde_json::from_str(done(&run)).unwrap()
}

/// The projects that a project's page shows as related.
fn related(site: &Site, slug: &str) -> Vec<String> {
    let page = site.page(&format!("projects/{slug}/index.html"));
    page.split_once("Related work").map(|(_, part)| links(part)).unwrap_or_default()
}

/// The projects that the rest of a section leads to.
fn links(part: &str) -> Vec<String> {
    let part = part.split("</section>").next().unwrap();
    let links =
        part.split("href=\"/projects/").skip(1).chain(part.split("href=/projects/").skip(1));
    links.map(|link| link.split('/').next().unwrap().to_owned()).collect()
}

/// On the embedded database: the vectors are made before the rows are read.
#[test]
fn the_sample_shows_related_projects_from_its_first_build_on() {
    let site = Site::copy_of(".");
    site.build();
    let first = related(&site, "tidebook");
    assert_eq!(first.len(), 3, "{first:?}");
    assert!(!first.contains(&"tidebook".to_owned()), "{first:?}");
    let again = report(&site, &[]);
    assert_eq!((&again["written"], &again["reused"]), (&0.into(), &again["pages"]));
    // A page shows the title of another row: it is made again when that changes.
    let near = &first[0];
    let title = site.page(&format!("projects/{near}/index.html"));
    let title = title.split("<h1").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().to_owned();
    site.edit(&format!("content/projects/{near}.md"), &title, "Another name");
    site.build();
    assert!(site.page("projects/tidebook/index.html").contains("Another name"));
    // Without vectors there is no heading either.
    site.edit("frieze.toml", "related = { limit = 3 }", "");
    site.build();
    assert!(!site.page("projects/tidebook/index.html").contains("Related work"));
}

/// The section shows on any page what is near one project.
#[test]
fn a_section_shows_what_is_related_to_a_project() {
    let site = Site::copy_of(".");
    let layout = std::fs::read_to_string(site.root.join("content/page_layouts/home.toml")).unwrap();
    let section = "\n[[layout_json.sections]]\nid = \"near\"\ntype = \"related\"\norder = 99\n\n\
        [layout_json.sections.config]\nheading = \"Near Tidebook\"\nto = \"tidebook\"\nlimit = 2\n";
    site.write("content/page_layouts/home.toml", format!("{layout}{section}"));
    site.build();
    let home = site.page("index.html");
    let (_, shown) = home.split_once("Near Tidebook").expect("the section's heading");
    let shown = links(shown);
    assert_eq!(shown, related(&site, "tidebook")[..2]);
    site.edit(
        "content/page_layouts/home.toml",
        "to = \"tidebook\"",
        "to = \"nothing-of-this-name\"",
    );
    site.build();
    assert!(!site.page("index.html").contains("Near Tidebook"), "a heading above nothing");
}

const NOTES: &str = "[site]
title = \"Notes\"
base_url = \"https://notes.example\"
[database]
kits = []
[[pages]]
path = \"/\"
template = \"pages/home.html\"
collections = [\"others\"]
[collections.notes]
order_by = \"slug\"
page = { path = \"/{slug}/\", template = \"pages/note.html\" }
related = { limit = 2 }
[collections.others]
related = { limit = 1, in = \"notes\" }
";

const TABLES: &str = "
create table notes (id uuid primary key, slug text not null, title text, is_visible bool not null default true);
create table others (id uuid primary key, title text);
alter table notes enable row level security;
create policy notes_read on notes for select to anon using (is_visible);
grant select on notes, others to anon;
insert into notes select ('00000000-0000-0000-0000-00000000000' || n)::uuid, chr(96 + n), 'Note ' || n
from generate_series(1, 5) as n;
insert into others values ('00000000-0000-0000-0000-000000000009', 'Other');
create function near(of_collection text, n int, numbers text, model text default 'm') returns void language sql as $$
    insert into content_embeddings (collection, row_id, content_hash, embedding, embedding_model)
    values (of_collection, ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'h',
        ('[' || numbers || repeat(',0', 1534) || ']')::vector, model)
$$;
select near('notes', 1, '1,0'), near('notes', 2, '1,0.1'), near('notes', 3, '1,0.2'), near('notes', 4, '0.9,0.9'),
    near('notes', 5, '1,0.01'), near('others', 9, '0.9,1'), near('notes', 5, '1,0', 'old');
update notes set is_visible = false where slug = 'e';
";

const NOTE: &str = "<title>{{ row.title }}</title>\
    {% for near in row._related %}[{{ near.title }} {{ near._url }} {{ near._related | length }}]{% endfor %}";

/// Five notes on a server, the fifth of which nobody may see.
async fn notes() -> Site {
    let mut site = Site::empty();
    site.write("frieze.toml", NOTES);
    site.write("templates/pages/note.html", NOTE);
    site.write(
        "templates/pages/home.html",
        "<title>Home</title>{% for other in others %}{% for near in other._related %}{{ near.title }}{% endfor %}{% endfor %}",
    );
    site.database_url = Some(postgres::database().await);
    done(&site.run(&["db", "migrate"]));
    run(&site, TABLES).await;
    site
}

async fn run(site: &Site, sql: &str) {
    let url = site.database_url.clone().unwrap();
    postgres::run(&mut postgres::connect(&url).await, sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_site_shows_is_related() {
    let site = notes().await;
    site.build();
    // The hidden note is the nearest to the first one.
    assert_eq!(
        site.page("a/index.html").split("</title>").nth(1),
        Some("[Note 2 /b/ 0][Note 3 /c/ 0]")
    );
    assert_eq!(
        site.page("d/index.html").split("</title>").nth(1),
        Some("[Note 3 /c/ 0][Note 2 /b/ 0]")
    );
    assert!(site.page("index.html").ends_with("Note 4"), "{}", site.page("index.html"));
    for (path, bytes) in site.dist() {
        assert!(!String::from_utf8_lossy(&bytes).contains("Note 5"), "{path}");
    }
    let again = report(&site, &[]);
    assert_eq!((&again["written"], &again["reused"]), (&0.into(), &again["pages"]));
    // The file of vectors holds the hidden one's no more than the pages do.
    let kept = site.root.join(".frieze/cache/vectors");
    let mut build = site.command(&["build"]);
    done(&Run::of(build.env_remove("FRIEZE_CACHE_DIR").output().unwrap()));
    let kept = String::from_utf8_lossy(&std::fs::read(kept).unwrap()).into_owned();
    assert!(kept.contains("00000000-0000-0000-0000-000000000004"));
    assert!(!kept.contains("00000000-0000-0000-0000-000000000005"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_found_anew() {
    let site = notes().await;
    site.build();
    let before = report(&site, &[])["fingerprint"].clone();
    // Only a vector: no row has changed.
    run(&site, "update content_embeddings set embedding = ('[0.9,0.8' || repeat(',0', 1534) || ']')::vector
        where row_id = '00000000-0000-0000-0000-000000000003'").await;
    let report = report(&site, &[]);
    assert_eq!(
        site.page("d/index.html").split("</title>").nth(1),
        Some("[Note 3 /c/ 0][Note 2 /b/ 0]")
    );
    assert_eq!(
        site.page("c/index.html").split("</title>").nth(1),
        Some("[Note 4 /d/ 0][Note 2 /b/ 0]")
    );
    assert_ne!(report["fingerprint"], before);
    // A row that is related has another title.
    run(&site, "update notes set title = 'Renamed' where slug = 'd'").await;
    site.build();
    assert_eq!(
        site.page("c/index.html").split("</title>").nth(1),
        Some("[Renamed /d/ 0][Note 2 /b/ 0]")
    );
    assert!(site.page("index.html").ends_with("Renamed"));
    // Hidden, and deleted: its vector stays behind and means nothing.
    run(
        &site,
        "update notes set is_visible = false where slug = 'd'; delete from notes where slug = 'c'",
    )
    .await;
    site.build();
    assert_eq!(site.page("a/index.html").split("</title>").nth(1), Some("[Note 2 /b/ 0]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshot_has_them_too() {
    let site = notes().await;
    site.build();
    let before = site.dist();
    std::fs::remove_dir_all(site.root.join("dist")).unwrap();
    done(&site.run(&["build", "--offline"]));
    let after = site.dist();
    for path in ["a/index.html", "d/index.html", "index.html"] {
        assert!(before[path] == after[path], "{path}");
    }
    assert!(site.page("a/index.html").contains("Note 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_vectors_nothing_is_related_and_nothing_fails() {
    let site = notes().await;
    for sql in ["delete from content_embeddings", "drop table content_embeddings"] {
        run(&site, sql).await;
        site.build();
        assert!(site.page("a/index.html").ends_with("</title>"));
    }
}

/// Whoever may only read the content sees no vectors, and the site is whole without.
#[tokio::test(flavor = "multi_thread")]
async fn one_who_may_not_read_them_builds_without() {
    let mut site = notes().await;
    let name = site.database_url.as_ref().unwrap().rsplit('/').next().unwrap().to_owned();
    run(&site, &format!("create role reader_{name} login; grant anon to reader_{name}")).await;
    let url = site.database_url.take().unwrap();
    site.database_url = Some(url.replace("postgres@", &format!("reader_{name}@")));
    site.build();
    assert!(site.page("a/index.html").ends_with("</title>"));
}

const JOB: &str = "
[[enrich.providers]]
kind = \"llama\"
name = \"near\"
model = \"small-1\"
base_url = \"URL\"

[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
from = [\"title\", \"summary\"]

[enrich.tasks.embed]
collection = \"projects\"
from = [\"title\", \"summary\"]
";

const WORDS: &str = "Tidebook tells small harbours who arrives tonight, and where the water is.";

/// The sample on the embedded database, one project of which says nothing.
fn silent(models: &Models) -> (Site, String) {
    models.always(Reply::value(&json!({"description": WORDS})));
    let site = Site::copy_of(".");
    let file = std::fs::read_to_string(site.root.join("content/projects/tidebook.md")).unwrap();
    let front = file.rsplit_once("+++\n").unwrap().0.to_owned() + "+++\n";
    site.write("content/projects/tidebook.md", &front);
    // The sample's own jobs ask for more than is looked at here.
    site.jobs(&JOB.replace("URL", &models.url()));
    (site, front)
}

const NOTED: &str = "Description written with small-1";

#[test]
fn a_page_says_what_a_model_wrote() {
    let models = Models::start();
    let (site, front) = silent(&models);
    site.build();
    let page = site.page("projects/tidebook/index.html");
    assert!(page.contains("who arrives tonight"), "{page}");
    assert!(page.contains(NOTED), "{page}");
    assert!(!site.page("projects/lectern/index.html").contains("written with"));
    // The sync before the second build leaves it there, and nothing is asked or made again.
    let asked = models.chats().len();
    let again = report(&site, &[]);
    assert_eq!((&again["written"], &again["reused"]), (&0.into(), &again["pages"]));
    assert_eq!(models.chats().len(), asked);
    // Who writes it themselves has it, and nobody speaks of a model.
    site.write("content/projects/tidebook.md", format!("{front}\nMine.\n"));
    site.build();
    let page = site.page("projects/tidebook/index.html");
    assert!(page.contains("Mine.") && !page.contains("written with"), "{page}");
    let revert = site.run(&["enrich", "revert", "projects", "description"]);
    assert!(!revert.stdout.contains("tidebook"), "{}", revert.stdout);
    site.build();
    assert!(site.page("projects/tidebook/index.html").contains("Mine."));
}

/// On a server: only models have touched the row since it was seeded, so its file may still write it.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_makes_no_row_newer_than_its_file() {
    let models = Models::start();
    let (mut site, _) = silent(&models);
    site.database_url = Some(postgres::database().await);
    done(&site.run(&["db", "migrate"]));
    done(&site.run(&["db", "seed"]));
    site.build();
    site.edit("content/projects/tidebook.md", "title = \"Tidebook\"", "title = \"Tide book\"");
    let seeded: Value = serde_json::from_str(done(&site.run(&["db", "seed", "--json"]))).unwrap();
    let projects = &seeded["tables"]["projects"];
    assert_eq!((&projects["updated"], &projects["skipped"]), (&1.into(), &0.into()), "{seeded}");
    assert_eq!(projects["enriched"], 1, "{seeded}");
    let text = site.run(&["db", "seed"]);
    assert!(done(&text).contains("1 field kept as a model wrote it"), "{}", text.stdout);
    site.build();
    let page = site.page("projects/tidebook/index.html");
    assert!(page.contains("Tide book") && page.contains(NOTED), "{page}");
    let export = site.run(&["db", "export"]);
    assert!(done(&export).contains("1 value marked as written by models"), "{}", export.stdout);
    let file = std::fs::read_to_string(site.root.join("content/projects/tidebook.md")).unwrap();
    assert!(file.contains(WORDS) && file.contains("[_enriched]\ndescription = {"), "{file}");
}

#[test]
fn what_was_taken_back_is_not_spoken_of() {
    let models = Models::start();
    let (site, _) = silent(&models);
    site.build();
    assert!(site.page("projects/tidebook/index.html").contains(NOTED));
    done(&site.run(&["enrich", "revert", "projects", "description"]));
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", format!("{config}\n[enrich]\nwindow_seconds = 0\n"));
    site.build();
    let page = site.page("projects/tidebook/index.html");
    assert!(!page.contains("who arrives tonight") && !page.contains("written with"), "{page}");
}
