//! Which migrations are applied.

use frieze::pipeline::check::Level::{Error, Note, Warning};

use crate::support::{Bench, list, serious};

const BOOKKEEPING: &str = "20260101000400_bookkeeping";

#[test]
fn what_is_not_applied_or_not_known() {
    let bench = Bench::with("delete from frieze.migrations where version = 20260101000400");
    bench.find(Error, "migration-pending", BOOKKEEPING);
    let migrated = bench.run(&["db", "migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.stderr);
    assert!(serious(&bench.check()).is_empty());

    let bench = Bench::with(
        "update frieze.migrations set checksum = '\\x00' where version = 20260101000400",
    );
    bench.find(Warning, "migration-changed", BOOKKEEPING);
    let bench = Bench::with(
        "insert into frieze.migrations select 20990101000000, 'later', now(), true, '\\x00', 0",
    );
    bench.find(Warning, "migration-unknown", "later");
}

#[test]
fn what_this_server_cannot_take() {
    let bench = Bench::sample();
    bench.site.write("migrations/1_maps.up.sql", "-- needs: no_such_extension\nselect 1;");
    let finding = bench.find(Note, "migration-skipped", "1_maps");
    assert!(finding.message.contains("\"no_such_extension\""), "{finding:?}");
    bench.site.write("migrations/2_more.up.sql", "select 1;");
    bench.find(Error, "migration-pending", "2_more");
}

/// One finding, not forty.
#[test]
fn nothing_is_migrated() {
    let bench = Bench::sample();
    let empty = Bench { url: Bench::bare("").url, site: bench.site };
    let report = empty.check();
    assert_eq!(serious(&report), ["not-migrated frieze.migrations"], "{}", list(&report));
    let mend = report.findings[0].mend.clone().unwrap();
    assert!(mend.starts_with("run `frieze db migrate`"), "{mend}");
    assert_eq!(empty.run(&["db", "migrate"]).code, 0);
    assert_eq!(serious(&empty.check()), ["home-missing /"]);
}

#[test]
fn a_site_without_kits_wants_its_own_migrations() {
    let bench = Bench::bare(
        "[database]\nkits = []\n\n[[pages]]\npath = \"/\"\ntemplate = \"pages/list.html\"\n",
    );
    bench.site.write("migrations/1_own.up.sql", "create table own (id int);");
    bench.find(Error, "not-migrated", "frieze.migrations");
    assert_eq!(bench.run(&["db", "migrate"]).code, 0);
    let report = bench.check();
    assert!(serious(&report).is_empty(), "{}", list(&report));
}
