//! What the site needs to read, what it must not, and who may write.

use frieze::pipeline::check::Level::{self, Error, Note, Warning};

use crate::support::{Bench, list, pick};

/// A defect, and what is said of it.
struct Case {
    plant: &'static str,
    level: Level,
    code: &'static str,
    subject: &'static str,
    says: &'static str,
}

const fn case(
    plant: &'static str,
    level: Level,
    code: &'static str,
    subject: &'static str,
    says: &'static str,
) -> Case {
    Case { plant, level, code, subject, says }
}

fn try_all(cases: &[Case]) {
    for Case { plant, level, code, subject, says } in cases {
        let finding = Bench::with(plant).mends(*level, code, subject);
        assert!(finding.message.contains(says), "{plant}: {finding:?}");
    }
}

#[test]
fn what_the_site_needs_and_may_not_read() {
    try_all(&[
        case(
            "revoke select on skills from anon",
            Error,
            "grant-missing",
            "public.skills",
            "may not read it, but the collection \"skills\" needs to",
        ),
        case(
            "revoke select on skills from anon; grant select (id, name) on skills to anon",
            Error,
            "grant-missing",
            "public.skills",
            "may not read the columns created_at, updated_at, category",
        ),
        case(
            "revoke select on page_layouts from anon",
            Error,
            "grant-missing",
            "public.page_layouts",
            "[layouts] needs to",
        ),
        case(
            "revoke usage on schema public from anon, public",
            Error,
            "schema-closed",
            "public",
            "may not look into this schema",
        ),
        case(
            "drop policy skills_read on skills",
            Warning,
            "policy-missing",
            "public.skills",
            "though it holds ",
        ),
        case(
            "drop policy testimonials_read on testimonials; truncate testimonials",
            Warning,
            "policy-missing",
            "public.testimonials",
            "\"testimonials\" shows none",
        ),
    ]);
}

/// A policy may ask other tables; each refused read is told on its own.
#[test]
fn a_table_that_only_a_policy_reads() {
    let bench = Bench::with(
        "create table editors (id int); drop policy projects_read on projects;
         create policy p on projects for select to anon using (exists (select from editors));
         revoke select on skills from anon",
    );
    bench.find(Error, "grant-missing", "public.skills");
    let finding = bench.find(Error, "collection-unreadable", "collections.projects");
    assert!(finding.message.contains("permission denied for table editors"), "{finding:?}");
    assert!(finding.mend.unwrap().contains("grant select on public.editors to anon;"));
}

#[test]
fn row_level_security_that_is_off() {
    try_all(&[
        case(
            "alter table skills disable row level security",
            Error,
            "rls-off",
            "public.skills",
            "the collection \"skills\" reads",
        ),
        case(
            "alter table page_layouts disable row level security; drop policy page_layouts_read on page_layouts",
            Error,
            "rls-off",
            "public.page_layouts",
            "[layouts] reads",
        ),
    ]);
}

/// The policy that is offered shows no more than the columns say may be seen.
#[test]
fn an_offered_policy_keeps_hidden_rows_hidden() {
    let bench = Bench::with(
        "alter table testimonials disable row level security; drop policy testimonials_read on testimonials;
         insert into testimonials (author_name, content, is_visible) values ('Hidden', 'x', false)",
    );
    let drafts = bench.find(Error, "drafts-visible", "public.testimonials");
    assert_eq!(drafts.sql, None, "{drafts:?}");
    let finding = bench.mends(Error, "rls-off", "public.testimonials");
    assert!(finding.sql.unwrap().ends_with("using (is_visible);"));
    let after = bench.check();
    assert!(pick(&after, "drafts-visible", "public.testimonials").is_empty(), "{}", list(&after));
}

#[test]
fn rows_that_are_meant_to_stay_hidden() {
    try_all(&[
        case(
            // The sample has a draft of its own.
            "create policy loose on page_layouts for select to anon using (true);
             insert into page_layouts (page_name, layout_json, version) values ('draft', '{}', 9)",
            Error,
            "drafts-visible",
            "public.page_layouts",
            "reads 2 rows where is_published is false, which are not published layouts",
        ),
        case(
            "create policy loose on testimonials for select using (true);
             insert into testimonials (author_name, content) values ('Hidden', 'x'), ('Too', 'y')",
            Error,
            "drafts-visible",
            "public.testimonials",
            "reads 3 rows where is_visible is false, which the site would show",
        ),
        case(
            "create table diary (id int, draft boolean); insert into diary values (1, true), (2, false), (3, null);
             alter table diary enable row level security; grant select on diary to anon;
             create policy diary_read on diary for select to anon using (true);
             create policy diary_hide on diary for delete to anon using (false)",
            Warning,
            "drafts-visible",
            "public.diary",
            "reads 1 row where draft is true",
        ),
    ]);
}

#[test]
fn the_engines_tables_are_nobodys_business() {
    try_all(&[
        case(
            "grant select on task_queue to anon",
            Error,
            "engine-open",
            "public.task_queue",
            "anon may select on an engine table, and reads none of its rows today",
        ),
        case(
            "grant select on seed_state to public; create policy p on seed_state for select using (true);
             insert into seed_state (table_name, key, file) values ('x', '{}', 'x')",
            Error,
            "engine-open",
            "public.seed_state",
            "and reads its rows",
        ),
        case(
            "grant select on agent_run_logs to anon",
            Error,
            "engine-open",
            "public.agent_run_logs",
            "anon may select on an engine table",
        ),
        case(
            "grant update on enrichments to anon; grant select on provider_quotas to public",
            Error,
            "engine-open",
            "public.enrichments",
            "anon may update on an engine table",
        ),
        case(
            "alter table task_queue disable row level security",
            Error,
            "rls-off",
            "public.task_queue",
            "as everybody who logs in has, reads and writes every row",
        ),
        case(
            "alter table provider_quotas disable row level security",
            Error,
            "rls-off",
            "public.provider_quotas",
            "off on an engine table",
        ),
        case(
            "grant select (id) on agent_memory to anon; grant insert on agent_memory to anon",
            Error,
            "engine-open",
            "public.agent_memory",
            "may select, insert on an engine table",
        ),
        case(
            "grant usage on schema frieze to public; grant select on frieze.migrations to public",
            Error,
            "engine-open",
            "frieze.migrations",
            "may select",
        ),
    ]);
}

#[test]
fn rights_come_through_other_roles_too() {
    let bench = Bench::with(
        "create role crowd nologin; grant select on task_queue to crowd; grant insert on task_queue to public;
         create role guest nologin in role crowd",
    );
    bench.sql("grant select on skills, profile, projects, experience, solutions, testimonials, page_layouts to guest; grant usage on schema public to guest");
    bench.site.edit(
        "frieze.toml",
        "kits = [\"portfolio\"]",
        "kits = [\"portfolio\"]\nrole = \"guest\"",
    );
    let finding = bench.mends(Error, "engine-open", "public.task_queue");
    assert!(finding.sql.unwrap().ends_with("from crowd, public;"));
}

#[test]
fn what_the_site_does_not_need() {
    try_all(&[case(
        "create table \"Odd notes\" (id int); grant select on \"Odd notes\" to anon",
        Warning,
        "table-open",
        "public.\"Odd notes\"",
        "reads every row, though the site does not",
    )]);
    // A policy says it is meant so: a note, and only where rows are read.
    let bench = Bench::with(
        "create table extra (id int); grant select on extra to anon; alter table extra enable row level security;
         create policy p on extra for select to anon using (true);
         create table empty (like extra); grant select on empty to anon; alter table empty enable row level security;
         create policy p on empty for select to anon using (true); insert into extra values (1)",
    );
    let note = bench.find(Note, "readable-too", "anon");
    assert!(note.message.contains("rows of public.extra,"), "{note:?}");
}

#[test]
fn who_may_write() {
    try_all(&[
        case(
            "alter table skills disable row level security; grant insert, update on skills to anon",
            Error,
            "writable",
            "public.skills",
            "may insert, update rows, and no policy has a say",
        ),
        case(
            "create table guests (n int); grant delete on guests to public",
            Error,
            "writable",
            "public.guests",
            "may delete rows",
        ),
        case(
            "grant update (name) on skills to anon; create policy u on skills for update to anon using (true)",
            Warning,
            "writable-by-policy",
            "public.skills",
            "a policy lets anon update rows",
        ),
        case(
            "create table letters (n int); alter table letters enable row level security;
             grant insert on letters to anon; create policy i on letters for insert to anon with check (true)",
            Note,
            "writable-by-policy",
            "public.letters",
            "a policy lets anon insert rows",
        ),
        case(
            "grant truncate on skills, projects to anon",
            Warning,
            "truncate-granted",
            "anon",
            "may empty public.projects, public.skills",
        ),
        case(
            "create view board as select name from skills; grant insert on board to anon",
            Error,
            "writable",
            "public.board",
            "may insert rows, and no policy has a say, with the rights of the view's owner",
        ),
    ]);
    // Rights without a policy let nothing through.
    let bench = Bench::with("grant insert, update, delete on skills to anon");
    let report = bench.check();
    assert_eq!(report.errors + report.warnings, 0, "{}", list(&report));
}

#[test]
fn ways_past_the_rules_are_noted() {
    let bench = Bench::with(
        "create function peek(which text) returns bigint language sql security definer as 'select 1::bigint';
         alter default privileges in schema public grant select, insert on tables to anon",
    );
    let finding = bench.find(Note, "definer-functions", "anon");
    assert!(finding.message.contains("public.peek(which text)"), "{finding:?}");
    let finding = bench.mends(Note, "default-grants", "anon");
    assert!(
        finding
            .sql
            .unwrap()
            .contains("in schema public revoke insert, select on tables from anon;")
    );
}

/// Supabase looks after these, and extensions after theirs.
#[test]
fn schemas_of_others_are_left_alone() {
    let bench = Bench::with(
        "create schema storage; create table storage.objects (metadata jsonb, is_visible bool);
         grant usage on schema storage to anon; grant all on storage.objects to anon;
         insert into storage.objects values (null, false)",
    );
    let report = bench.check();
    assert_eq!(report.errors + report.warnings, 0, "{}", list(&report));
}
