//! A project on Supabase: its roles, its schemas, its default privileges, and an owner who is no
//! superuser.

use frieze::pipeline::check::Level::{Error, Note, Warning};

use crate::support::{Bench, list, pick, serious};

const PROJECT: &str = include_str!("../support/supabase.sql");

/// A migrated and seeded project, as its owner sees it.
fn project(privileges: &str) -> Bench {
    let bench = Bench { url: Bench::bare("").url, ..Bench::sample() };
    bench.sql(&format!("set supabase.default_privileges = '{privileges}';{PROJECT}"));
    let owner = Bench { url: bench.url.replace("postgres@", "project_owner@"), site: bench.site };
    for command in ["migrate", "seed"] {
        let run = owner.run(&["db", command]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    owner
}

#[test]
fn a_project_has_nothing_to_mend() {
    for privileges in ["closed", "open"] {
        let report = project(privileges).check();
        assert!(serious(&report).is_empty(), "{privileges}: {}", list(&report));
    }
}

/// What the dashboard makes: a table that is open to everybody, or that anybody may empty.
#[test]
fn what_its_owner_forgets_is_found_and_mended_by_its_owner() {
    let bench = project("open");
    bench.sql("create table notes (id int, draft bool); insert into notes values (1, true)");
    let report = bench.check();
    let mut found = serious(&report);
    found.sort();
    let expected =
        ["drafts-visible public.notes", "table-open public.notes", "writable public.notes"];
    assert_eq!(found, expected, "{}", list(&report));
    bench.mends(Error, "writable", "public.notes");
    bench.mends(Warning, "table-open", "public.notes");
    assert!(serious(&bench.check()).is_empty());

    let bench = project("closed");
    bench.sql("create table notes (id int)");
    assert_eq!(serious(&bench.check()), ["truncate-granted anon"]);
    bench.mends(Warning, "truncate-granted", "anon");
    let note = bench.find(Note, "default-grants", "anon");
    assert!(note.sql.unwrap().contains("for role project_owner in schema public revoke truncate"));
}

#[test]
fn here_the_free_plan_is_this_servers() {
    let bench = project("closed");
    bench.sql("insert into storage.objects (metadata) values ('{\"size\": 900000000}')");
    let finding = bench.find(Warning, "storage-room", "the storage");
    assert!(finding.message.starts_with("90 % of the free plan's 1000 MB"), "{finding:?}");
    assert!(pick(&bench.check(), "database-room", "the database").is_empty());
}
