//! Views, materialized views and foreign tables.

use frieze::pipeline::check::Level::{Error, Warning};

use crate::support::{Bench, list, pick, serious};

const VOICES: &str =
    "create view voices as select * from testimonials; grant select on voices to anon";

#[test]
fn a_view_that_passes_by_policies() {
    let bench = Bench::with(VOICES);
    let finding = bench.find(Warning, "view-passes-policies", "public.voices");
    assert!(finding.message.contains("though the site does not"), "{finding:?}");
    bench.configure("[collections.voices]");
    let finding = bench.mends(Error, "view-passes-policies", "public.voices");
    assert!(finding.message.contains("policies of public.testimonials do not hold"), "{finding:?}");
    assert!(serious(&bench.check()).is_empty());
}

/// With `security_invoker` the reader needs what the view reads.
#[test]
fn a_view_that_asks_as_the_reader_needs_the_readers_rights() {
    let bench = Bench::with(
        "create table ground (id int, is_visible bool); alter table ground enable row level security;
         create policy p on ground for select to anon using (is_visible);
         create view above with (security_invoker = true) as select * from ground; grant select on above to anon",
    );
    bench.configure("[collections.above]");
    let finding = bench.mends(Error, "grant-missing", "public.ground");
    assert!(
        finding.message.contains("collections") || finding.message.contains("collection \"above\""),
        "{finding:?}"
    );
    assert!(serious(&bench.check()).is_empty(), "{}", list(&bench.check()));
}

#[test]
fn a_view_in_a_view_and_a_view_in_a_query() {
    let bench = Bench::with(&format!(
        "{VOICES}; create view outer_one with (security_invoker) as select * from voices; grant select on outer_one to anon"
    ));
    bench.configure("[collections.outer_one]");
    bench.mends(Error, "view-passes-policies", "public.voices");

    let bench = Bench::with(VOICES);
    bench.configure("[collections.said]\nquery = \"select v.id, v.author_name from public.voices as v where v.company <> $1 -- from nowhere\"\nparameters = [\"x\"]");
    bench.find(Error, "view-passes-policies", "public.voices");
    // A view's name in a text reads nothing.
    let bench = Bench::with(VOICES);
    bench.configure("[collections.said]\nquery = \"select id, 'voices' as name from skills\"");
    bench.find(Warning, "view-passes-policies", "public.voices");
}

#[test]
fn what_can_have_no_policies() {
    let bench = Bench::with(
        "create materialized view frozen as select * from testimonials; grant select on frozen to anon",
    );
    let finding = bench.mends(Warning, "without-policies", "public.frozen");
    assert!(
        finding.message.starts_with("a materialized view has no row-level security"),
        "{finding:?}"
    );
    bench.sql("grant select on frozen to anon");
    bench.configure("[collections.frozen]");
    let finding = bench.find(Warning, "without-policies", "public.frozen");
    assert_eq!(finding.sql, None);

    let bench = Bench::with(
        "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;
         create foreign table far (id int, is_visible bool) server nowhere; grant select on far to anon",
    );
    bench.configure("[collections.far]");
    let report = bench.check();
    assert_eq!(pick(&report, "without-policies", "public.far").len(), 1, "{}", list(&report));
    assert_eq!(
        pick(&report, "collection-unreadable", "collections.far").len(),
        1,
        "{}",
        list(&report)
    );
}
