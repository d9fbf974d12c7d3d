//! Databases with which nothing is wrong, and that a check leaves as they are.

use frieze::pipeline::check::Level;

use crate::support::{Bench, list, serious};

#[test]
fn the_sample_has_nothing_to_mend() {
    let bench = Bench::sample();
    let report = bench.check();
    assert!(serious(&report).is_empty(), "{}", list(&report));
    let of = |what: &str| report.checked.iter().find(|it| it.what == what).unwrap().count;
    assert_eq!((of("migrations"), of("collections"), of("published layouts")), (5, 6, 2));
    assert_eq!(of("needed by the site"), 7);
    assert!(of("rows") > 20 && of("tables and views") == 21);
    assert_eq!(report.role, "anon");
    assert!(report.server.starts_with("PostgreSQL "), "{}", report.server);
}

#[test]
fn room_is_measured_from_real_sizes() {
    let bench = Bench::with(
        "create schema storage; create table storage.objects (metadata jsonb);
         insert into storage.objects values ('{\"size\": 700000000}'), ('{\"size\": \"150000000\"}'), (null);
         insert into projects (title, slug, description) select 'x', 'big', repeat('é', 10000000)",
    );
    let size: u64 =
        bench.text("select pg_database_size(current_database())::text").parse().unwrap();
    let report = bench.check();
    let room = &report.room;
    assert_eq!((room.database.unwrap().bytes, room.database.unwrap().limit), (size, 500_000_000));
    assert_eq!(room.storage.unwrap().bytes, 850_000_000);
    let reads = room.reads;
    assert!((20_000_000..20_200_000).contains(&reads.bytes_per_build), "{reads:?}");
    assert_eq!(reads.builds_per_month, Some(5_000_000_000 / reads.bytes_per_build));
    assert_eq!(room.transfer, None);
    // Not Supabase's: its limits are not this server's.
    bench.find(Level::Note, "storage-room", "the storage");
    bench.find(Level::Note, "read-room", "reading");
}

#[test]
fn what_a_visit_takes_is_measured_from_the_last_build() {
    let bench = Bench::sample();
    bench.site.write("dist/index.html", "<link href=/_assets/css/a.css>");
    bench.site.write("dist/_assets/css/a.css", "p{}".repeat(100));
    let transfer = bench.check().room.transfer.unwrap();
    assert_eq!((transfer.pages, transfer.bytes_per_visit), (1, 330));
}

/// A site on tables that have nothing to do with frieze.
#[test]
fn a_strangers_database_is_not_told_to_become_ours() {
    let bench = Bench::bare(
        "[database]\nkits = []\nrole = \"stranger\"\n\n[[pages]]\npath = \"/\"\ntemplate = \"pages/list.html\"\n\n\
         [collections.books]\nquery = \"select b.id, b.title from shop.books b join shop.authors a on a.id = b.author where a.name <> $1\"\nparameters = [\"\"]\n",
    );
    bench.sql(
        "create role stranger nologin; create schema shop; grant usage on schema shop to stranger;
         create table shop.authors (id int primary key, name text);
         create table shop.books (id int primary key, title text, author int);
         insert into shop.authors values (1, 'A'); insert into shop.books values (1, 'B', 1);
         alter table shop.authors enable row level security; alter table shop.books enable row level security;
         create policy r on shop.authors for select using (true); create policy r on shop.books for select using (true);
         grant select on shop.authors to stranger; grant select (id, title, author) on shop.books to stranger;
         create table shop.task_queue (id int)",
    );
    let report = bench.check();
    assert!(serious(&report).is_empty(), "{}", list(&report));
    bench.find(Level::Note, "not-migrated", "frieze.migrations");
}

/// Rights, policies and roles.
const RULES: &str = "select md5(string_agg(part, '' order by part)) from (
    select format('%s %s %s %s', oid, relname, relacl, relrowsecurity) as part from pg_class
    union all select p::text from pg_policy p
    union all select format('%s %s %s', oid, rolname, rolbypassrls) from pg_roles where rolname ~ '^(anon|auth|service)'
) parts";

/// One statement that reads every row, with the transaction that wrote it.
const ROWS: &str = "select string_agg(format('select coalesce(string_agg(t.xmin || t::text, '''' order by t.ctid), '''') from %s t',
        c.oid::regclass), ' union all ' order by c.oid)
    from pg_class c where relkind = 'r' and relnamespace in ('public'::regnamespace, 'frieze'::regnamespace)";

fn state(bench: &Bench) -> (String, String) {
    let every = bench.text(ROWS);
    let rows = bench.text(&format!("select md5(string_agg(part, '')) from ({every}) parts(part)"));
    (bench.text(RULES), rows)
}

#[test]
fn a_check_changes_nothing() {
    // A view that writes when it is read, were it let.
    let bench = Bench::with(
        "create table public.log (n int);
         create function public.log_it() returns int language plpgsql volatile security definer as
            $$ begin insert into public.log values (1); return 1; end $$;
         create view public.sly as select public.log_it() as is_visible;
         grant select on public.sly to anon; grant insert on public.log to anon;
         grant all on public.skills, public.task_queue to anon",
    );
    bench.configure("[collections.sly]");
    let before = state(&bench);
    bench.find(Level::Error, "collection-unreadable", "collections.sly");
    assert_eq!(state(&bench), before);
    assert_eq!(bench.text("select count(*)::text from public.log"), "0");
}

#[test]
fn a_user_who_may_only_read_can_check() {
    let bench = Bench::with(
        "create role looker login in role anon; alter role looker set default_transaction_read_only = on",
    );
    let modest = Bench { url: bench.url.replace("postgres@", "looker@"), site: bench.site };
    let report = modest.check();
    assert!(serious(&report).is_empty(), "{}", list(&report));
    modest.find(Level::Note, "migrations-unreadable", "frieze.migrations");
}
