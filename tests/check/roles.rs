//! The role that content is read as. Roles belong to the whole server: each test has its own.

use frieze::pipeline::check::Level::Error;

use crate::support::{Bench, list, pick, serious};

/// The sample, read as another role.
fn read_as(role: &str, sql: &str) -> Bench {
    let bench = Bench::with(sql);
    let with = format!("kits = [\"portfolio\"]\nrole = \"{role}\"");
    bench.site.edit("frieze.toml", "kits = [\"portfolio\"]", &with);
    bench
}

#[test]
fn a_role_that_is_missing() {
    let bench = read_as("odd Reader", "select 1");
    let finding = bench.mends(Error, "role-missing", "\"odd Reader\"");
    assert!(finding.sql.unwrap().contains("create role \"odd Reader\" nologin"));
    // Nothing else is said while nothing can be read.
    let bench = read_as("nobody_at_all", "select 1");
    assert_eq!(serious(&bench.check()), ["role-missing nobody_at_all"]);
}

#[test]
fn a_role_that_may_not_be_taken() {
    let bench = Bench::with("create role passer login");
    let passer = Bench { url: bench.url.replace("postgres@", "passer@"), site: bench.site };
    let finding = passer.find(Error, "role-not-granted", "anon");
    let owner = Bench { url: passer.url.replace("passer@", "postgres@"), site: passer.site };
    owner.sql(&finding.sql.unwrap());
    let passer = Bench { url: owner.url.replace("postgres@", "passer@"), site: owner.site };
    let report = passer.check();
    assert!(serious(&report).is_empty(), "{}", list(&report));
}

#[test]
fn a_role_that_is_above_the_rules() {
    let bench = read_as("bypasser", "create role bypasser nologin bypassrls");
    let finding = bench.find(Error, "role-above-rules", "bypasser");
    // What somebody may log in with is not taken from them by a statement to paste.
    assert_eq!(finding.sql, None);
    assert!(finding.mend.as_ref().unwrap().contains("one that is nobypassrls"));
    bench.sql("alter role bypasser nobypassrls; grant anon to bypasser");
    assert!(pick(&bench.check(), "role-above-rules", "bypasser").is_empty());
    assert!(finding.message.contains("passes by row-level security"), "{finding:?}");
    let bench = read_as("chief", "create role chief nologin superuser");
    let finding = bench.find(Error, "role-above-rules", "chief");
    assert!(finding.message.contains("is a superuser"), "{finding:?}");
    assert_eq!(serious(&bench.check()), ["role-above-rules chief"]);
}

#[test]
fn a_role_that_owns_what_it_reads() {
    let bench = read_as(
        "holder",
        "create role holder nologin; grant usage on schema public to holder; grant anon to holder;
         grant select on all tables in schema public to anon; alter table skills owner to holder",
    );
    let finding = bench.find(Error, "role-owns-table", "public.skills");
    assert_eq!(finding.sql, None);
    bench.sql("alter table skills owner to postgres; grant select on skills to holder");
    assert!(pick(&bench.check(), "role-owns-table", "public.skills").is_empty());
}

/// One finding, not one for each right on each table.
#[test]
fn a_role_that_owns_everything() {
    let bench = read_as("landlord", "create role landlord nologin");
    bench.sql(
        "do $$ declare t text; begin
        for t in select c.oid::regclass::text from pg_class c where relkind = 'r'
            and relnamespace in ('public'::regnamespace, 'frieze'::regnamespace) loop
            execute format('alter table %s owner to landlord', t);
        end loop; end $$; alter schema frieze owner to landlord",
    );
    let report = bench.check();
    let mut found = serious(&report);
    found.retain(|one| !one.starts_with("role-owns-table "));
    found.sort();
    let shown = ["drafts-visible public.page_layouts", "drafts-visible public.testimonials"];
    assert_eq!(found, shown, "{}", list(&report));
    assert_eq!(report.errors, 10, "{}", list(&report));
    let whole = bench.find(Error, "role-owns-table", "landlord");
    assert!(whole.message.contains("public.task_queue"), "{whole:?}");
}
