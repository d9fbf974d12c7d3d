//! What pages show of rows beside their columns: rows that are near by their vectors, and what models
//! wrote. It is served as it is built, whatever changes meanwhile.

use crate::kit::{Server, at};
use crate::models::{Models, Reply};
use crate::postgres::{self, connect, run};
use crate::rows::{sql, wait};
use crate::site::Site;

const CONFIG: &str = "[site]
title = \"Notes\"
base_url = \"https://notes.example\"
shared = [\"others\"]
[database]
kits = []
[[pages]]
path = \"/\"
template = \"pages/home.html\"
collections = [\"notes\", \"others\"]
[collections.notes]
order_by = \"place, slug\"
page = { path = \"/{slug}/\", template = \"pages/note.html\" }
related = { limit = 2 }
[collections.others]
related = { limit = 1, in = \"notes\" }
";

const TABLES: &str = "
create table notes (id uuid primary key, slug text not null, title text, place int, is_visible bool not null default true);
create table others (id uuid primary key, title text);
alter table notes enable row level security;
create policy notes_read on notes for select to anon using (is_visible);
grant select on notes, others to anon;
create function id_of(n int) returns uuid language sql as $$
    select ('00000000-0000-0000-0000-00000000000' || n)::uuid
$$;
insert into notes select id_of(n), chr(96 + n), 'Note ' || n, n from generate_series(1, 5) as n;
insert into others values (id_of(9), 'Other');
create function near(of_collection text, n int, numbers text) returns void language sql as $$
    insert into content_embeddings (collection, row_id, content_hash, embedding, embedding_model)
    values (of_collection, id_of(n), 'h', ('[' || numbers || repeat(',0', 1534) || ']')::vector, 'm')
$$;
create function model_wrote(n int, words text) returns void language sql as $$
    insert into enrichments (table_name, row_key, column_name, value, task_type, run_id, provider, model)
    values ('notes', jsonb_build_object('id', id_of(n)), 'title', to_jsonb(words), 'title', gen_random_uuid(), 'p', 'small-1')
$$;
select near('notes', 1, '1,0'), near('notes', 2, '1,0.1'), near('notes', 3, '1,0.2'), near('notes', 4, '0.9,0.9'),
    near('notes', 5, '1,0.01'), near('others', 9, '0.9,1');
select model_wrote(4, 'Note 4');
";

const ROW: &str = "{{ row.title }}{% if row._enriched.title %} by {{ row._enriched.title.model }}{% endif %}\
    {% for near in row._related %}[{{ near.title }} {{ near._url }}\
    {% if near._enriched.title %} by {{ near._enriched.title.model }}{% endif %}]{% endfor %}";

const SHARED: &str = "{% for other in shared.others %}{% for near in other._related %}\
    ({{ near.title }}){% endfor %}{% endfor %}";

fn notes() -> (Site, String) {
    let url = wait(postgres::database());
    let mut site = Site::empty();
    site.write("frieze.toml", CONFIG);
    site.write("templates/pages/note.html", format!("<title>Note</title>{ROW}{SHARED}"));
    site.write(
        "templates/pages/home.html",
        format!("<title>Home</title>{{% for row in notes %}}{ROW};{{% endfor %}}{SHARED}"),
    );
    site.database_url = Some(url.clone());
    let migrated = site.run(&["db", "migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.stderr);
    wait(async { run(&mut connect(&url).await, TABLES).await });
    (site, url)
}

/// A page without the script that listens.
fn page(server: &Server, path: &str) -> String {
    let html = server.text(path);
    let script =
        format!("<script src=\"/_frieze/client.js\" data-at=\"{}\" async></script>", at(&html));
    html.strip_suffix(&script).unwrap().to_owned()
}

/// Every page and file is what a build writes of the same rows.
fn is_as_built(site: &Site, server: &Server) {
    site.build();
    for (file, bytes) in site.dist() {
        let path = format!("/{}", file.strip_suffix("index.html").unwrap_or(&file));
        if file.ends_with(".html") {
            assert_eq!(page(server, &path).as_bytes(), bytes, "{path}");
        } else if file.ends_with(".json") {
            assert!(server.get(&path).body == bytes, "{path}");
        }
    }
}

#[test]
fn rows_that_are_near_and_words_of_models_are_served_as_they_are_built() {
    let (site, url) = notes();
    let server = Server::dev(&site, &[]);
    assert!(page(&server, "/a/").ends_with("Note 1[Note 5 /e/][Note 2 /b/](Note 4)"));
    assert!(page(&server, "/d/").starts_with("<title>Note</title>Note 4 by small-1["));
    is_as_built(&site, &server);
    // A row that others show, in its place.
    sql(&url, "update notes set title = 'Renamed' where slug = 'e'");
    server.until_holds("/a/", "[Renamed /e/]");
    is_as_built(&site, &server);
    // What a model wrote is a person's by now.
    sql(&url, "update notes set title = 'Mine' where slug = 'd'");
    server.until_lacks("/d/", "by small-1");
    server.until_holds("/d/", "Mine[");
    is_as_built(&site, &server);
    // All that is known goes by the place of a row, and the places change.
    sql(
        &url,
        "update enrichments set reverted_at = now(); select model_wrote(4, 'Mine'); update notes set place = 0 where slug = 'd'",
    );
    server.until_holds("/", "Home</title>Mine by small-1[");
    is_as_built(&site, &server);
    sql(&url, "update notes set is_visible = false where slug = 'e'");
    server.until("/e/", |answer| answer.status == 404);
    is_as_built(&site, &server);
    sql(
        &url,
        "select near('notes', 6, '1,0.001'); insert into notes values (id_of(6), 'f', 'Note 6', -1)",
    );
    server.until_holds("/a/", "[Note 6 /f/][Note 2 /b/]");
    is_as_built(&site, &server);
    sql(&url, "delete from notes where slug = 'b'");
    server.until_holds("/a/", "[Note 6 /f/][Note 3 /c/]");
    is_as_built(&site, &server);
}

#[test]
fn vectors_and_words_of_models_are_noticed_where_no_row_changes() {
    let (mut site, url) = notes();
    // No session to listen in: everything is asked for.
    site.database_url = Some(format!("{url}?pgbouncer=true"));
    let server = Server::dev(&site, &[]);
    sql(
        &url,
        "update content_embeddings set embedding = ('[0.9,0.8' || repeat(',0', 1534) || ']')::vector where row_id = id_of(3)",
    );
    server.until_holds("/c/", "Note 3[Note 4 /d/ by small-1]");
    is_as_built(&site, &server);
    sql(&url, "select model_wrote(1, 'Note 1')");
    server.until_holds("/a/", "Note 1 by small-1[");
    is_as_built(&site, &server);
    sql(&url, "update enrichments set reverted_at = now()");
    server.until_lacks("/a/", "by small-1");
    is_as_built(&site, &server);
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
";

const WORDS: &str = "Tidebook tells small harbours who arrives tonight.";
const NOTED: &str = "Description written with small-1";

/// On the embedded database, which takes what files say: a model's words stay where those say nothing.
#[test]
fn a_file_that_is_saved_leaves_the_words_of_a_model() {
    let models = Models::start();
    models.always(Reply::value(&serde_json::json!({"description": WORDS})));
    let site = Site::copy_of(".");
    let path = "content/projects/tidebook.md";
    let file = std::fs::read_to_string(site.root.join(path)).unwrap();
    let front = file.rsplit_once("+++\n").unwrap().0.to_owned();
    site.write(path, format!("{front}description = \"\"\n+++\n"));
    site.jobs(&JOB.replace("URL", &models.url()));
    site.build();
    let built = site.page("projects/tidebook/index.html");
    assert!(built.contains(WORDS) && built.contains(NOTED), "{built}");
    let server = Server::dev(&site, &[]);
    assert_eq!(page(&server, "/projects/tidebook/"), built);
    // In its place, and with another place in the order.
    site.edit(path, "+++\ntitle", "+++\nmeta_title = \"Tides\"\ntitle");
    server.until_holds("/projects/tidebook/", "<title>Tides");
    site.edit(path, "title = \"Tidebook\"", "title = \"A Tidebook\"");
    server.until_holds("/projects/tidebook/", "A Tidebook");
    let served = page(&server, "/projects/tidebook/");
    assert!(served.contains(WORDS) && served.contains(NOTED), "{served}");
    let lists = page(&server, "/");
    drop(server);
    site.build();
    assert_eq!(served, site.page("projects/tidebook/index.html"));
    assert_eq!(lists, site.page("index.html"));
    // A person says something: no model is named any more.
    let server = Server::dev(&site, &[]);
    site.edit(path, "description = \"\"", "description = \"Mine.\"");
    server.until_holds("/projects/tidebook/", "Mine.");
    server.until_lacks("/projects/tidebook/", NOTED);
    let served = page(&server, "/projects/tidebook/");
    drop(server);
    site.build();
    assert_eq!(served, site.page("projects/tidebook/index.html"));
}
