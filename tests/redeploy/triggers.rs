//! What the triggers note, what they do not, and that nobody is kept waiting by them.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _};

use crate::kit::Kit;
use crate::postgres::{connect, run};

/// Statements, and what is marked after each.
async fn expect(kit: &mut Kit, cases: &[(&str, &str)]) {
    for (sql, marks) in cases {
        kit.forget().await;
        kit.sql(sql).await;
        assert_eq!(kit.marks().await, *marks, "{sql}");
    }
}

const SEEN: &str = "public.testimonials=1";

#[tokio::test(flavor = "multi_thread")]
async fn only_what_visitors_can_see_counts() {
    let mut kit = Kit::installed().await;
    expect(
        &mut kit,
        &[
            ("insert into testimonials (author_name, content, is_visible) values ('Hidden', 'x', false)", ""),
            ("insert into testimonials (author_name, content, is_visible) values ('Shown', 'x', true)", SEEN),
            ("insert into testimonials (author_name, content, is_visible) values ('One', 'x', false), ('Two', 'x', true)", SEEN),
            ("update testimonials set content = 'y' where author_name = 'Hidden'", ""),
            ("update testimonials set is_visible = true where author_name = 'Hidden'", SEEN),
            ("update testimonials set is_visible = false where author_name = 'Hidden'", SEEN),
            ("update testimonials set content = 'y' where author_name = 'Shown'", SEEN),
            ("delete from testimonials where author_name = 'Hidden'", ""),
            ("delete from testimonials where author_name = 'Shown'", SEEN),
            ("truncate testimonials", SEEN),
            ("insert into page_layouts (page_name, version, layout_json) values ('home', 2, '{}')", ""),
            ("update page_layouts set layout_json = '{\"sections\": []}' where version = 2", ""),
            ("update page_layouts set is_published = true where version = 2", "public.page_layouts=1"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_no_value_is_no_change() {
    let mut kit = Kit::installed().await;
    let marked = "public.projects=1";
    expect(
        &mut kit,
        &[
            ("update projects set title = title", ""),
            ("update projects set title = 'First', description = 'The *first* text'", ""),
            ("update projects set updated_at = now()", ""),
            ("update projects set title = 'Nobody' where slug = 'nobody'", ""),
            ("delete from projects where slug = 'nobody'", ""),
            ("insert into projects (title, slug) select 'x', 'x' where false", ""),
            ("insert into projects (title, slug) values ('First', 'first') on conflict (slug) do nothing", ""),
            ("insert into projects (title, slug) values ('First', 'first') on conflict (slug) do update set title = excluded.title", ""),
            ("insert into projects (title, slug) values ('New', 'first') on conflict (slug) do update set title = excluded.title", marked),
            ("merge into projects p using (values ('first')) as s (slug) on p.slug = s.slug when matched then update set title = 'New'", ""),
            ("merge into projects p using (values ('first')) as s (slug) on p.slug = s.slug when matched then update set title = 'Newer'", marked),
            ("insert into projects (title, slug) select 'P' || n, 'p' || n from generate_series(1, 500) n", marked),
            ("update projects set title = title || case when slug = 'p400' then '!' else '' end", marked),
            ("update projects set title = title", ""),
            ("update skills set name = 'x'", ""),
            ("insert into skills (name, category) values ('Nobody reads this', 'AI')", ""),
            ("begin; update projects set summary = 'a'; update projects set summary = 'b'; delete from projects where slug = 'p1'; commit", marked),
            ("begin; update projects set summary = 'c'; rollback", ""),
            ("begin; savepoint s; update projects set summary = 'd'; rollback to s; update projects set summary = 'e'; commit", marked),
        ],
    )
    .await;
}

/// Rows are found again by their primary key, which may itself change.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_changes_counts() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into testimonials (id, author_name, content, is_visible) select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'P' || n, 'x', n < 3 from generate_series(1, 4) n").await;
    let swap = "update testimonials set author_name = case id when '00000000-0000-0000-0000-000000000001' then 'P2' else 'P1' end where is_visible";
    let only_key = "update testimonials set id = gen_random_uuid() where author_name = 'P1'";
    let shown = "update testimonials set id = gen_random_uuid(), is_visible = true where author_name = 'P4'";
    let hidden = "update testimonials set id = gen_random_uuid(), is_visible = false where author_name = 'P4'";
    expect(
        &mut kit,
        &[
            ("update testimonials set id = id, content = content", ""),
            (swap, SEEN),
            (only_key, SEEN),
            (shown, SEEN),
            (hidden, SEEN),
            ("update testimonials set content = 'y' where author_name = 'P3'", ""),
            ("begin isolation level repeatable read; update testimonials set content = content; commit", ""),
            // To look rows up might fail such a transaction.
            ("begin isolation level serializable; update testimonials set content = content; commit", SEEN),
            // A key that goes is missed by the trigger that was made for it, until the next install.
            ("alter table testimonials drop constraint testimonials_pkey; update testimonials set content = content", SEEN),
        ],
    )
    .await;
    kit.ok(&["hook", "install"]);
    expect(
        &mut kit,
        &[
            ("update testimonials set content = content", ""),
            ("update testimonials set content = 'z' where author_name = 'P3'", ""),
            ("update testimonials set content = 'z'", SEEN),
            ("update testimonials set is_visible = true where author_name = 'P3'", SEEN),
            ("update testimonials set is_visible = false where author_name = 'P3'", SEEN),
        ],
    )
    .await;
}

/// Keys of several columns and of partitions, and tables whose key finds more than the row.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_again_in_tables_of_many_kinds() {
    let mut kit = Kit::new().await;
    kit.sql(
        r#"create table parts (id int, day date, "a ""b" numeric, note json, primary key (day, id)) partition by range (day);
        create table parts_a partition of parts for values from ('2020-01-01') to ('2021-01-01');
        create table parts_b partition of parts for values from ('2021-01-01') to ('2022-01-01');
        create table parents (id int primary key, text text);
        create table children (primary key (id)) inherits (parents);
        insert into parts select n, date '2020-06-01' + n, n, '{}' from generate_series(1, 400) n;
        insert into parents values (1, 'x'); insert into children values (1, 'x');
        grant select on parts, parents, children to anon"#,
    )
    .await;
    let toml = std::fs::read_to_string(kit.site.root.join("frieze.toml")).unwrap();
    let more =
        "\n[collections.parts]\norder_by = \"id\"\n[collections.parents]\norder_by = \"text\"\n";
    kit.site.write("frieze.toml", toml + more);
    kit.ok(&["hook", "install"]);
    let (parts, part) = ("public.parts=1", "public.parts_a=1");
    expect(
        &mut kit,
        &[
            (r#"update parts set "a ""b" = "a ""b""#, ""),
            (r#"update parts_a set "a ""b" = "a ""b", note = '{}'"#, ""),
            (r#"update parts set "a ""b" = 7.0 where id = 7"#, parts),
            (r#"update parts_a set "a ""b" = 7.00 where id = 7"#, part),
            ("update parts set note = '{ }' where id = 390", parts),
            ("update parts set day = date '2021-12-01' where id = 7", parts),
            ("update parts set id = 401 - id", parts),
            // One of two rows that are the same.
            ("update only parents set text = 'y'", "public.parents=1"),
            ("update parents set text = text", ""),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_ordered_by_when_they_were_touched_count_when_they_are() {
    let mut kit = Kit::new().await;
    kit.site.edit("frieze.toml", "order_by = \"author_name\"", "order_by = \"updated_at desc\"");
    kit.ok(&["hook", "install"]);
    kit.sql(
        "insert into testimonials (author_name, content, is_visible) values ('Shown', 'x', true)",
    )
    .await;
    expect(&mut kit, &[("update testimonials set updated_at = '2020-01-01'", SEEN)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_change_later_decide_then() {
    let mut kit = Kit::installed().await;
    let hidden = "insert into testimonials (author_name, content, is_visible) values (md5(random()::text), 'x', false)";
    expect(&mut kit, &[(hidden, "")]).await;
    kit.sql("create policy everybody on testimonials for select to public using (author_name <> 'Nobody')")
        .await;
    expect(&mut kit, &[(hidden, SEEN), ("insert into testimonials (author_name, content, is_visible) values ('Nobody', 'x', false)", "")]).await;
    kit.sql("create policy never on testimonials as restrictive for select to anon using (content <> 'x')")
        .await;
    expect(&mut kit, &[(hidden, ""), ("update testimonials set content = 'y'", SEEN)]).await;
    // What depends on other rows or on the time cannot be told from the row.
    kit.sql("drop policy never on testimonials; create policy later on testimonials as restrictive for select to anon using (created_at < now() - interval '1 day')")
        .await;
    expect(&mut kit, &[(hidden, SEEN)]).await;
    kit.sql("alter table testimonials disable row level security").await;
    expect(&mut kit, &[(hidden, SEEN)]).await;
}

/// An editor's own rights and settings are neither needed nor in the way.
#[tokio::test(flavor = "multi_thread")]
async fn editors_need_no_rights_of_their_own() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into site_admins values ('00000000-0000-0000-0000-000000000001'); create policy own on testimonials for select to anon using (auth.uid() is not null)").await;
    let admin = "begin; set local role authenticated; set local request.jwt.claims = '{\"sub\": \"00000000-0000-0000-0000-000000000001\"}'; set local search_path = nowhere;";
    let update = format!("{admin} update public.projects set title = 'By an editor'; commit");
    let hidden = format!(
        "{admin} insert into public.testimonials (author_name, content, is_visible) values ('H', 'x', false); commit"
    );
    expect(&mut kit, &[(&update, "public.projects=1"), (&hidden, "")]).await;
    assert_eq!(kit.text("select title from projects").await, "By an editor");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_anybodys_mark() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into projects (title, slug) values ('Second', 'second'), ('Third', 'third')")
        .await;
    // There is a row to add to, which the first holds on to.
    let mut first = connect(&kit.url).await;
    run(&mut first, "begin; update projects set title = 'Open' where slug = 'first'").await;
    for level in ["read committed", "repeatable read", "serializable"] {
        let mut second = connect(&kit.url).await;
        let sql = format!(
            "set statement_timeout = '2s'; begin isolation level {level}; update projects set title = '{level}' where slug = 'second'; commit"
        );
        run(&mut second, &sql).await;
    }
    run(&mut first, "commit").await;
    assert_eq!(kit.marks().await, "public.projects=5");
    let rows: usize = kit.text("select count(*) from site_changes").await.parse().unwrap();
    assert!((2..=4).contains(&rows), "{rows}");
}

/// Marks are nothing that transactions could conflict about.
#[tokio::test(flavor = "multi_thread")]
async fn strict_transactions_do_not_fail_for_marks() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into projects (title, slug) select 'P', 'p' || n from generate_series(1, 8) n")
        .await;
    let (mut one, mut two) = (connect(&kit.url).await, connect(&kit.url).await);
    for level in ["repeatable read", "serializable"] {
        for round in 1..=4 {
            for (connection, slug) in [(&mut one, round), (&mut two, round + 4)] {
                run(connection, &format!("begin isolation level {level}; select title from projects where slug = 'p{slug}'; update projects set title = '{level}' where slug = 'p{slug}'")).await;
            }
            run(&mut one, "commit").await;
            run(&mut two, "commit").await;
        }
    }
    assert_eq!(kit.marks().await, "public.projects=17");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_stands_where_its_mark_cannot_be_written() {
    let mut kit = Kit::installed().await;
    kit.sql("alter table site_changes add constraint broken check (table_name = '(unknown)')")
        .await;
    kit.sql("update projects set title = 'Saved'").await;
    assert_eq!(kit.text("select title from projects").await, "Saved");
    assert_eq!(kit.marks().await, "");
    // The job hears of it all the same.
    assert!(kit.tick().await.starts_with("waiting until"));
    assert_eq!(kit.marks().await, "(unknown)=1");
    assert!(kit.tick().await.starts_with("waiting until"));
    assert_eq!(kit.marks().await, "(unknown)=1", "it is heard of once");

    kit.sql("alter table site_changes drop constraint broken").await;
    kit.forget().await;
    let mut holder = connect(&kit.url).await;
    let mut transaction = holder.begin().await.unwrap();
    let lock = "lock table site_changes in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *transaction).await.unwrap();
    // While that is held for as long as it likes.
    kit.sql("set statement_timeout = '30s'; update projects set title = 'Saved again'").await;
    transaction.rollback().await.unwrap();
    assert!(kit.tick().await.starts_with("waiting until"));
    assert_eq!(kit.marks().await, "(unknown)=1");
}

/// Views, queries, policies, partitions, names that need quotes and types that know no equality.
#[tokio::test(flavor = "multi_thread")]
async fn tables_behind_views_queries_and_policies_are_watched() {
    let mut kit = Kit::new().await;
    kit.sql(
        r#"create schema shop;
        create table shop."Odd ""Name""" ("a b" json, "100 %I" int, "order" point, secret text, primary key ("order")) ;
        "#
        .replace(", primary key (\"order\")", "")
        .as_str(),
    )
    .await;
    kit.sql(
        "create table shop.prices (id int primary key, price numeric);
         create table shop.kinds (id int primary key, name text);
         create view shop.offers as select p.id, price, name from shop.prices p join shop.kinds k using (id);
         create table shop.parts (id int, day date) partition by range (day);
         create table shop.parts_a partition of shop.parts for values from ('2020-01-01') to ('2021-01-01');
         create table shop.parts_b partition of shop.parts for values from ('2021-01-01') to ('2022-01-01');
         create table shop.open_days (day date primary key);
         alter table shop.parts enable row level security;
         create policy open on shop.parts for select to anon using (day in (select day from shop.open_days));
         create materialized view shop.totals as select sum(price) as total from shop.prices;
         create function shop.price(int) returns numeric language plpgsql stable as 'begin return (select price from shop.prices where id = $1); end';
         create view shop.shown as select id, shop.price(id) as price from shop.kinds;
         create table shop.guarded (id int primary key); alter table shop.guarded enable row level security;
         create policy few on shop.guarded for select to anon using (shop.price(id) > 0);
         create function shop.best() returns setof shop.prices language plpgsql stable as 'begin return query select * from shop.prices; end';
         create table shop.aside (id int);
         grant usage on schema shop to anon; grant select on all tables in schema shop to anon",
    )
    .await;
    let toml = std::fs::read_to_string(kit.site.root.join("frieze.toml")).unwrap();
    let toml = toml.replace("[hook]", "[hook]\ntables = [\"shop.aside\"]");
    let more = r#"
[collections.odd]
query = 'select "a b"::text as x from shop."Odd ""Name""" where secret is distinct from $1'
parameters = ["x"]

[collections.offers]
table = "shop.offers"

[collections.parts]
table = "shop.parts"

[collections.totals]
table = "shop.totals"

[collections.best]
query = "select * from shop.best()"

[collections.shown]
table = "shop.shown"

[collections.guarded]
table = "shop.guarded"

[collections.later]
query = "select * from shop.aside where $1 = 'on'"
parameters = ["off"]

[collections.plain]
query = "select upper(name) as name, count(*) as n from shop.kinds group by 1"
"#;
    kit.site.write("frieze.toml", toml + more);
    let run = kit.ok(&["hook", "install", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let names: Vec<_> = report["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["table"].as_str().unwrap())
        .collect();
    for name in [
        "\"shop\".\"Odd \"\"Name\"\"\"",
        "\"shop\".\"kinds\"",
        "\"shop\".\"open_days\"",
        "\"shop\".\"parts\"",
        "\"shop\".\"parts_a\"",
        "\"shop\".\"prices\"",
        "\"shop\".\"aside\"",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert_eq!(report["unwatched"][0]["table"], "\"shop\".\"totals\"");
    assert_eq!(report["opaque"], serde_json::json!(["best", "later", "shown", "guarded"]));
    let odd = r#"shop."Odd ""Name"""=1"#;
    expect(
        &mut kit,
        &[
            (r#"insert into shop."Odd ""Name""" values ('{"a": 1}', 1, '(1,2)', 'y')"#, odd),
            (r#"update shop."Odd ""Name""" set "a b" = '{"a": 1}'"#, ""),
            (r#"update shop."Odd ""Name""" set "a b" = '{"a":  1}'"#, odd),
            (r#"update shop."Odd ""Name""" set "order" = '(1,3)'"#, odd),
            ("insert into shop.prices values (1, 1.0)", "shop.prices=1"),
            ("insert into shop.parts values (1, '2020-05-05')", "shop.parts=1"),
            ("insert into shop.parts_b values (2, '2021-05-05')", "shop.parts_b=1"),
            ("update shop.parts set day = '2021-06-06' where id = 1", "shop.parts=1"),
            ("update shop.parts set day = day", ""),
            ("insert into shop.open_days values ('2020-05-05')", "shop.open_days=1"),
            ("insert into shop.aside values (1)", "shop.aside=1"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installing_again_changes_nothing_and_removing_takes_everything() {
    let mut kit = Kit::installed().await;
    let triggers = "select string_agg(tgrelid::regclass || ' ' || tgname || ' ' || oid, ', ' order by oid) from pg_trigger where tgname like 'frieze%'";
    let before = kit.text(triggers).await;
    assert_eq!(before.split(", ").count(), 13, "{before}");
    kit.ok(&["hook", "install"]);
    assert_eq!(kit.text(triggers).await, before);
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(
        status.contains("Changes of 3 tables are noted") && status.contains("Pending: nothing"),
        "{status}"
    );

    // A collection that is gone is watched no more, and one that comes is.
    kit.site.edit(
        "frieze.toml",
        "[collections.testimonials]\norder_by = \"author_name\"",
        "[collections.skills]",
    );
    kit.ok(&["hook", "install"]);
    expect(&mut kit, &[("truncate testimonials", ""), ("truncate skills", "public.skills=1")])
        .await;
    kit.sql("drop trigger frieze_changes_delete on skills").await;
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(status.contains("Without triggers: public.skills"), "{status}");
    kit.ok(&["hook", "install"]);
    assert!(!kit.ok(&["hook", "status"]).stdout.contains("Without triggers"));

    // A table that is dropped is in nobody's way.
    kit.sql("drop table skills").await;
    let removed = kit.ok(&["hook", "remove"]).stdout;
    assert!(removed.starts_with("Removed the triggers of 2 tables"), "{removed}");
    assert_eq!(kit.text(triggers).await, "");
    let left = "select string_agg(relname, ' ') from pg_class where relnamespace = 'frieze'::regnamespace and relname ~ 'deploy|watched|lost'";
    assert_eq!(kit.text(left).await, "");
    let functions = "select string_agg(proname, ' ' order by proname) from pg_proc where pronamespace = 'frieze'::regnamespace";
    assert_eq!(kit.text(functions).await, "touch_updated_at unmake will_make");
    assert!(kit.ok(&["hook", "remove"]).stdout.starts_with("Nothing to do"));
    assert!(kit.ok(&["hook", "status"]).stdout.starts_with("Nothing is installed"));
    kit.sql("update projects set title = 'Still works'").await;
}

/// What settings were before, they are after, or the next statement of somebody's own would fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_was_never_made_is_not_made() {
    let mut kit = Kit::installed().await;
    kit.sql(
        "insert into testimonials (author_name, content, is_visible) values ('One', 'x', true)",
    )
    .await;
    kit.sql(
        "create function own() returns trigger language plpgsql as $$ begin
            perform current_setting('request.jwt.claims', true)::json, current_setting('request.jwt.claim.sub', true)::uuid;
            return new;
         end $$;
         create trigger own before update on testimonials for each row execute function own()",
    )
    .await;
    let mut session = connect(&kit.url).await;
    for text in ["y", "z"] {
        run(&mut session, &format!("update testimonials set content = '{text}'")).await;
    }
    assert_eq!(kit.marks().await, "public.testimonials=3");
}

/// What is not Postgres's own, or may say another thing tomorrow, is not called, and the row counts.
#[tokio::test(flavor = "multi_thread")]
async fn policies_of_functions_are_not_run_by_who_installed_it() {
    let mut kit = Kit::installed().await;
    kit.sql("create table called (at timestamptz); grant all on called to public;
        create function own(it text) returns boolean language plpgsql as $$ begin insert into called values (now()); return false; end $$")
        .await;
    for policy in [
        "public.own(author_name)",
        "current_setting('role') = 'anon'",
        "current_user = 'anon'",
        "pg_has_role('anon', 'usage')",
        "created_at < now()",
        "exists (select from public.called)",
        "query_to_xml('insert into public.called values (now())', true, true, '') is null",
    ] {
        kit.sql(&format!("create policy own on testimonials for select to anon using ({policy})"))
            .await;
        let insert =
            "insert into testimonials (author_name, content, is_visible) values ('H', 'x', false)";
        expect(&mut kit, &[(insert, SEEN)]).await;
        kit.sql("drop policy own on testimonials").await;
    }
    assert_eq!(kit.text("select count(*) from called").await, "0");
}

/// A column that says when a row was touched may decide who sees it, or be shown by another name.
#[tokio::test(flavor = "multi_thread")]
async fn columns_of_times_count_where_they_matter() {
    let mut kit = Kit::new().await;
    kit.sql("create view days as select id, created_at as day from skills; grant select on days to anon; insert into skills (name, category) values ('x', 'AI')").await;
    let toml = std::fs::read_to_string(kit.site.root.join("frieze.toml")).unwrap();
    kit.site.write("frieze.toml", toml + "\n[collections.days]\norder_by = \"id\"\n");
    kit.ok(&["hook", "install"]);
    kit.sql(
        "insert into testimonials (author_name, content, is_visible) values ('One', 'x', true)",
    )
    .await;
    let touch = "update testimonials set created_at = created_at - interval '1 day'";
    expect(
        &mut kit,
        &[
            (touch, ""),
            ("update skills set created_at = created_at - interval '1 day'", "public.skills=1"),
        ],
    )
    .await;
    kit.sql("create policy old on testimonials as restrictive for select to anon using (created_at < '2100-01-01')").await;
    expect(&mut kit, &[(touch, SEEN)]).await;
    kit.sql("drop policy old on testimonials").await;
    expect(&mut kit, &[(touch, "")]).await;
    kit.site.write("templates/own.html", "{{ row.created_at }}");
    kit.ok(&["hook", "install"]);
    expect(&mut kit, &[(touch, SEEN)]).await;
}

/// Long texts lie aside, and to fetch them all takes longer than the update itself.
#[tokio::test(flavor = "multi_thread")]
async fn bulks_of_long_texts_are_not_fetched() {
    let mut kit = Kit::installed().await;
    kit.sql("insert into testimonials (author_name, is_visible, content) select 'p' || n, true, (select string_agg(md5(n::text || m), '') from generate_series(1, 130) m) from generate_series(1, 1500) n").await;
    let version: u32 =
        kit.text("select current_setting('server_version_num')").await.parse().unwrap();
    let bulk = if version < 170_000 { SEEN } else { "" };
    expect(
        &mut kit,
        &[
            ("update testimonials set company = company", bulk),
            (
                "update testimonials set content = content || '' where right(author_name, 1) = '7'",
                "",
            ),
            ("update testimonials set content = content || '.' where author_name = 'p7'", SEEN),
            (
                "update testimonials set company = case when author_name = 'p1400' then '!' end",
                SEEN,
            ),
        ],
    )
    .await;
}

/// Where all rows are seen, each is looked at as it is written.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_all_are_seen_are_sifted_one_by_one() {
    let mut kit = Kit::installed().await;
    let marked = "public.projects=1";
    kit.sql("insert into projects (title, slug, description) select 'P', 'p' || n, (select string_agg(md5(n::text || m), '') from generate_series(1, 130) m) from generate_series(1, 1500) n").await;
    expect(
        &mut kit,
        &[
            ("update projects set title = title", ""),
            ("update projects set title = title || case when slug = 'p1400' then '!' else '' end", marked),
            ("begin; savepoint one; update projects set title = 'x'; rollback to one; update projects set title = title; commit", ""),
            ("begin; savepoint one; update projects set title = 'x'; rollback to one; update projects set title = 'y' where slug = 'p1'; commit", marked),
            ("begin; update projects set title = title; update projects set title = 'z' where slug = 'p1'; update projects set title = title; commit", marked),
            ("update projects set updated_at = '2020-01-01' where slug < 'p2'", ""),
            // So many times of writing are not told from edits.
            ("update projects set updated_at = '2021-01-01'", marked),
        ],
    )
    .await;
    // It stands in the way of nothing that happens to the table.
    kit.sql("alter table projects drop column demo_link; alter table projects alter column thumbnail_alt type varchar(200); alter table projects add column extra jsonb").await;
    expect(
        &mut kit,
        &[
            ("update projects set extra = '{}' where slug = 'p1'", marked),
            ("update projects set extra = '{}' where slug = 'p1'", ""),
        ],
    )
    .await;
    // Rows of tables that inherit later are not looked at one by one: any update counts.
    kit.sql("create table more () inherits (projects); insert into more (title, slug) values ('M', 'm')").await;
    expect(&mut kit, &[("update projects set title = 'N' where slug = 'm'", marked)]).await;
    kit.sql("drop table more; drop trigger frieze_changes_row on projects").await;
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(status.contains("Without triggers: public.projects"), "{status}");
    kit.ok(&["hook", "install"]);
    expect(&mut kit, &[("update projects set title = 'O' where slug = 'p1'", marked)]).await;
    // What hides rows since the last install counts until the next one.
    kit.sql("drop policy projects_read on projects; create policy others on projects for select to anon using (slug <> 'p1')").await;
    let hidden = "update projects set title = md5(random()::text) where slug = 'p1'";
    expect(&mut kit, &[(hidden, marked)]).await;
    kit.ok(&["hook", "install"]);
    expect(
        &mut kit,
        &[(hidden, ""), ("update projects set title = 'Q' where slug = 'p2'", marked)],
    )
    .await;
}

/// To compare rows must not push a statement over the limit of who sent it.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_just_fits_its_limit_is_not_compared() {
    let mut kit = Kit::installed().await;
    kit.sql(
        "insert into testimonials (author_name, content, is_visible) select 'p' || n, 'x', true from generate_series(1, 600) n",
    )
    .await;
    let slow = "set statement_timeout = '5s'; update testimonials set content = content where (select pg_sleep(4.1))::text = ''";
    expect(&mut kit, &[("update testimonials set content = content", ""), (slow, SEEN)]).await;
}

/// While nothing can be written down, a transaction tries once for each table, however many
/// statements it has.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_mark_does_not_try_again_and_again() {
    let mut kit = Kit::installed().await;
    let mut holder = connect(&kit.url).await;
    run(&mut holder, "begin; lock table site_changes in access exclusive mode").await;
    let many =
        "do $$ begin for n in 1..50 loop update projects set title = n::text; end loop; end $$";
    kit.sql(many).await;
    run(&mut holder, "rollback").await;
    assert_eq!(kit.text("select last_value from frieze.lost_marks").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_constraint_of_one_row_a_table_goes_and_comes_back() {
    let mut kit = Kit::new().await;
    let unique = "select string_agg(conname, ' ') from pg_constraint where conrelid = 'site_changes'::regclass and contype = 'u'";
    assert_eq!(kit.text(unique).await, "site_changes_table_name_key");
    // As somebody may have named it who made the table by hand.
    kit.sql("alter table site_changes rename constraint site_changes_table_name_key to once").await;
    kit.ok(&["hook", "install"]);
    assert_eq!(kit.text(unique).await, "");
    assert!(!kit.site.run(&["db", "check"]).stdout.contains("site_changes"));
    for _ in 0..2 {
        kit.sql("begin isolation level serializable; update projects set title = md5(random()::text); commit").await;
    }
    assert_eq!(kit.text("select count(*) from site_changes").await, "2");
    kit.ok(&["hook", "remove"]);
    assert_eq!(kit.text(unique).await, "site_changes_table_name_key");
    assert_eq!(kit.marks().await, "public.projects=2");
    assert_eq!(kit.text("select count(*) from site_changes").await, "1");
    kit.ok(&["hook", "install"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_renamed_moved_or_switched_off_are_found_again() {
    let mut kit = Kit::installed().await;
    kit.sql("alter table testimonials disable trigger frieze_changes_update").await;
    assert!(kit.ok(&["hook", "status"]).stdout.contains("Without triggers: public.testimonials"));
    kit.ok(&["hook", "install"]);
    assert!(!kit.ok(&["hook", "status"]).stdout.contains("Without triggers"));
    kit.sql(
        "insert into testimonials (author_name, content, is_visible) values ('One', 'x', true)",
    )
    .await;
    expect(&mut kit, &[("update testimonials set content = 'y'", SEEN)]).await;

    kit.sql("alter table testimonials rename to voices").await;
    kit.site.edit(
        "frieze.toml",
        "[collections.testimonials]",
        "[collections.testimonials]\ntable = \"voices\"",
    );
    kit.ok(&["hook", "install"]);
    expect(&mut kit, &[("update voices set content = 'z'", "public.voices=1")]).await;
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(status.contains("public.voices") && !status.contains("testimonials"), "{status}");

    // As they are when nobody runs anything before they are taken away.
    kit.sql("create schema attic; alter table voices set schema attic; alter table projects rename to works").await;
    let removed = kit.ok(&["hook", "remove"]).stdout;
    assert!(removed.starts_with("Removed the triggers of 3 tables"), "{removed}");
    kit.sql("update attic.voices set content = 'still'; update works set title = 'still'").await;
}

/// Who waits for a table keeps everybody waiting who comes after.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_held_is_given_up_soon() {
    let mut kit = Kit::installed().await;
    let mut reader = connect(&kit.url).await;
    run(&mut reader, "begin; select from projects").await;
    let removing = std::thread::spawn({
        let mut command = kit.site.command(&["hook", "remove"]);
        move || command.output().unwrap()
    });
    // Others come through meanwhile, and no later than within a try.
    while !removing.is_finished() {
        kit.sql("set statement_timeout = '3s'; select count(*) from projects").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let run_of = crate::site::Run::of(removing.join().unwrap());
    assert_eq!(run_of.code, 4, "{}", run_of.stderr);
    assert!(run_of.stderr.contains("taking the triggers off public.projects"), "{}", run_of.stderr);
    run(&mut reader, "rollback").await;
    kit.ok(&["hook", "remove"]);
}

/// Neither vectors nor the content's tables: a database with one table of somebody's own.
#[tokio::test(flavor = "multi_thread")]
async fn it_needs_nothing_but_the_tables_it_watches() {
    let mut site = crate::site::Site::empty();
    let url = crate::postgres::database().await;
    site.write(
        "frieze.toml",
        "[site]\ntitle = \"Notes\"\nbase_url = \"https://notes.example\"\n[database]\nkits = []\n\
         [collections.notes]\norder_by = \"id\"\n",
    );
    site.database_url = Some(url.clone());
    let mut connection = connect(&url).await;
    run(&mut connection, "create table notes (id int primary key, text text)").await;
    run(&mut connection, "do $$ begin create role anon nologin; exception when duplicate_object then null; end $$; grant select on notes to anon").await;
    let done = site.run(&["hook", "install"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    run(&mut connection, "insert into notes values (1, 'x')").await;
    let marks: i64 = sqlx::query_scalar("select count(*) from site_changes")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(marks, 1);
    let there = "select to_regclass('task_queue') is null and to_regclass('agent_memory') is null";
    let there: bool = sqlx::query_scalar(there).fetch_one(&mut connection).await.unwrap();
    assert!(there, "more was made than is needed");
}

/// The rounds of a measurement, and how much slower an update may be with triggers.
const ROUNDS: usize = 14;
const MOST: f64 = 1.10;
/// Where no row changes all of them are compared, each with what it was.
const MOST_IN_VAIN: f64 = 1.25;

/// What a bulk update costs with the triggers and without, side by side. The server writes as one
/// does whose data matters: `FRIEZE_TEST_FSYNC=on`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: scripts/measure-triggers.sh runs it alone"]
async fn the_cost_on_a_bulk_update() {
    assert_eq!(std::env::var("FRIEZE_TEST_FSYNC").as_deref(), Ok("on"), "not as a site's server");
    let mut kit = Kit::installed().await;
    kit.sql("insert into projects (title, slug, summary, description) select 'P' || n, 'p' || n, repeat('s', 200), repeat('Some words. ', 50) from generate_series(1, 100000) n; insert into testimonials (author_name, content, is_visible) select 'P' || n, repeat('c', 300), false from generate_series(1, 100000) n").await;
    let mut slow = Vec::new();
    for (what, table, sql) in [
        (
            "every row changes",
            "projects",
            "update projects set summary = repeat(chr(97 + (random() * 20)::int), 200)",
        ),
        ("no row changes", "projects", "update projects set summary = summary"),
        ("hidden rows change", "testimonials", "update testimonials set company = random()::text"),
        // 4 KB of text in each fifth row that does not compress, which lies aside.
        ("long texts stay", "projects", "update projects set summary = summary"),
        ("beside long texts", "projects", "update projects set summary = random()::text"),
    ] {
        if what == "long texts stay" {
            kit.sql("update projects set description = (select string_agg(md5(slug || m), '') from generate_series(1, 130) m) where slug like '%7' or slug like '%2'").await;
        }
        let (with, without) = side_by_side(&mut kit, table, sql).await;
        println!(
            "{what}: {without:.3} s without, {with:.3} s with: {:+.1} %",
            (with / without - 1.0) * 100.0
        );
        let most = if what == "no row changes" { MOST_IN_VAIN } else { MOST };
        if with > without * most {
            slow.push(what);
        }
    }
    assert_eq!(slow, Vec::<&str>::new());
}

/// What it takes with triggers and without. A table's new rows go where the former ones were vacuumed,
/// so its rows lie in one half of it after every other round, and are slower to write from there: each
/// way has as many rounds from either half, and is the mean of both halves' medians.
async fn side_by_side(kit: &mut Kit, table: &str, sql: &str) -> (f64, f64) {
    let mut times: [[Vec<f64>; 2]; 2] = Default::default();
    for round in 0..2 * ROUNDS {
        let is_on = round % 4 == 0 || round % 4 == 3;
        // Postgres keeps rows for a trigger that is disabled, too.
        kit.sql(&format!("select frieze.unwatch('{table}')")).await;
        if is_on {
            kit.sql(&format!("select frieze.watch('{table}', 'anon', '{{updated_at}}')")).await;
        }
        kit.sql(&format!("vacuum analyze {table}")).await;
        kit.sql("checkpoint").await;
        kit.forget().await;
        let begun = Instant::now();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut kit.connection).await.unwrap();
        times[usize::from(is_on)][round % 2].push(begun.elapsed().as_secs_f64());
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [without, with] = times.map(|halves| halves.map(|mut it| median(&mut it)));
    (f64::midpoint(with[0], with[1]), f64::midpoint(without[0], without[1]))
}
