//! The job: when it calls the deploy hook, and when not.

use crate::kit::{Kit, NET, VAULT};

const HOOK: &str = "https://host.example/deploy/secret";

/// A site with the usual rule, whose hook is known.
async fn kit() -> Kit {
    let mut kit = Kit::new().await;
    kit.site.edit("frieze.toml", "quiet_seconds = 1\nmax_wait_seconds = 5\n", "");
    kit.sql(NET).await;
    let run = kit.run_with(&["hook", "install"], &[("DEPLOY_HOOK_URL", HOOK)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("secret"), "{}", run.stdout);
    kit
}

/// An edit that is quiet by now.
async fn edit(kit: &mut Kit) {
    kit.sql("update projects set title = md5(random()::text)").await;
    kit.later(61).await;
}

const CALLED: &str = "called the deploy hook";

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_updates_in_five_hundred_transactions_are_one_deployment() {
    let mut kit = kit().await;
    kit.sql("insert into projects (title, slug) select 'P' || n, 'p' || n from generate_series(1, 9999) n")
        .await;
    kit.deploy();
    assert_eq!(kit.tick().await, "nothing has changed");
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(crate::postgres::connect(&kit.url).await);
    }
    let updates = others.into_iter().enumerate().map(|(part, mut connection)| async move {
        for n in 0..100 {
            let from = (part * 100 + n) * 20;
            let sql = format!("update projects set summary = 'new' where id in (select id from projects order by slug offset {from} limit 20)");
            crate::postgres::run(&mut connection, &sql).await;
        }
    });
    futures_util::future::join_all(updates).await;
    assert_eq!(kit.text("select count(*) from projects where summary = 'new'").await, "10000");
    assert_eq!(kit.text("select sum(change_count) from site_changes").await, "500");
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED);
    assert_eq!(kit.tick().await, "waiting for the answer of the deploy hook");
    kit.answer("201", "null").await;
    assert_eq!(kit.tick().await, "nothing has changed");
    kit.deploy();
    kit.later(3600).await;
    assert_eq!(kit.tick().await, "nothing has changed");
    assert_eq!((kit.calls().await, kit.marks().await), (1, String::new()));
    let call = kit.text("select url || ' ' || timeout || ' ' || headers from net.calls").await;
    assert_eq!(call, format!("{HOOK} 20000 {{\"Content-Type\": \"application/json\"}}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_never_end_wait_no_longer_than_the_longest_wait() {
    let mut kit = kit().await;
    for minute in 0..9 {
        kit.sql("update projects set title = md5(random()::text)").await;
        assert!(kit.tick().await.starts_with("waiting until"), "minute {minute}");
        kit.later(59).await;
    }
    kit.sql("update projects set title = md5(random()::text)").await;
    kit.later(59).await;
    kit.sql("update projects set title = md5(random()::text)").await;
    kit.later(10).await;
    assert_eq!(kit.tick().await, CALLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_after_the_call_is_another_deployment_after_quiet() {
    let mut kit = kit().await;
    kit.deploy();
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    kit.sql("update projects set title = 'During the build'").await;
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED);
    assert_eq!(kit.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_no_more_deployments_than_its_budget() {
    let mut kit = kit().await;
    kit.sql("insert into frieze.deploys (status, requested_at) select 'accepted', now() - interval '23 hours' from generate_series(1, 90)").await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, "waiting: 90 deployments in 24 hours are the most");
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(status.contains("Deployments asked for by the job in 24 hours: 90 of 90"), "{status}");
    kit.later(3700).await;
    assert_eq!(kit.tick().await, CALLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_refuses_is_called_again_and_never_twice_at_once() {
    let mut kit = kit().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    for (waited, answer) in [
        (60, "500"),
        (120, "503"),
        (240, "404"),
        (480, "500"),
        (960, "500"),
        (1800, "500"),
        (1800, "500"),
    ] {
        kit.answer(answer, "null").await;
        assert!(kit.tick().await.starts_with("waiting until"), "{answer}");
        kit.later(waited - 5).await;
        assert!(kit.tick().await.starts_with("waiting until"), "{answer}");
        kit.later(5).await;
        assert_eq!(kit.tick().await, CALLED, "{answer}");
        assert_eq!(kit.tick().await, "waiting for the answer of the deploy hook");
    }
    kit.answer("null", "'could not resolve host'").await;
    kit.tick().await;
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(
        status.contains("refused: could not resolve host") && status.contains("refused (500)"),
        "{status}"
    );
    assert_eq!(kit.calls().await, 8);
}

/// `pg_net` promises neither delivery nor an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_lost_is_made_again_unless_a_build_began() {
    let mut kit = kit().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.later(299).await;
    assert_eq!(kit.tick().await, "waiting for the answer of the deploy hook");
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED, "lost, and called again");
    kit.sql("insert into site_builds (started_at) values (clock_timestamp())").await;
    assert_eq!(kit.tick().await, "nothing has changed");
    assert_eq!(
        kit.text("select string_agg(status, ' ' order by id) from frieze.deploys").await,
        "lost accepted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_does_not_come_is_asked_for_again_thrice() {
    let mut kit = kit().await;
    kit.deploy();
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    for minutes in [30, 60, 120] {
        assert_eq!(kit.tick().await, "nothing has changed");
        kit.later(minutes * 60 - 10).await;
        assert_eq!(kit.tick().await, "nothing has changed");
        kit.later(11).await;
        assert_eq!(kit.tick().await, CALLED, "after {minutes} minutes");
        kit.answer("200", "null").await;
    }
    assert_eq!(kit.tick().await, "nothing has changed");
    kit.later(24 * 3600).await;
    assert_eq!(kit.tick().await, "nothing has changed", "three times are enough");
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    kit.deploy();
    assert_eq!(kit.marks().await, "");
}

/// A hook that takes longer than `pg_net` waits may well have started a build.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_hook_is_not_called_again_while_its_build_may_come() {
    let mut kit = kit().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.sql("insert into net._http_response (id, timed_out, error_msg) select max(id), true, 'Timeout was reached' from net.calls").await;
    kit.later(120).await;
    assert_eq!(kit.tick().await, "waiting for the answer of the deploy hook");
    kit.later(181).await;
    assert_eq!(kit.tick().await, CALLED, "lost, and called again");
    kit.answer("500", "null").await;
    assert!(kit.tick().await.starts_with("waiting until"));
    // It did work after all.
    kit.sql("insert into site_builds (started_at) values (clock_timestamp())").await;
    kit.later(300).await;
    assert_eq!(kit.tick().await, "nothing has changed");
    let all = "select string_agg(status || ' ' || coalesce(error, status_code::text), ', ' order by id) from frieze.deploys";
    assert_eq!(kit.text(all).await, "lost Timeout was reached, accepted 500");
    assert_eq!(kit.calls().await, 2);
}

/// It may take in what is pending, and may itself have written it.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_runs_is_waited_for_but_not_for_ever() {
    let mut kit = kit().await;
    kit.sql("insert into site_builds (started_at) values (clock_timestamp())").await;
    edit(&mut kit).await;
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.later(530).await;
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.later(11).await;
    assert_eq!(kit.tick().await, CALLED, "no change waits longer than the longest wait");
    kit.answer("200", "null").await;
    kit.sql("update site_builds set started_at = clock_timestamp()").await;
    kit.sql("update projects set title = 'Again'").await;
    kit.later(61).await;
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.sql("update site_builds set status = 'failed'").await;
    assert_eq!(kit.tick().await, CALLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_that_is_refused_stays_a_repetition() {
    let mut kit = kit().await;
    kit.deploy();
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    kit.tick().await;
    kit.later(1801).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("500", "null").await;
    kit.tick().await;
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED);
    let reasons = "select string_agg(reason, ' ' order by id) from frieze.deploys";
    assert_eq!(kit.text(reasons).await, "changes again again");
}

/// Somebody once built from a laptop; the host's login may only read.
#[tokio::test(flavor = "multi_thread")]
async fn builds_that_leave_no_trace_are_asked_for_once_each_in_the_long_run() {
    let mut kit = kit().await;
    kit.deploy();
    let mut calls = Vec::new();
    for _ in 0..3 {
        edit(&mut kit).await;
        let before = kit.calls().await;
        for _ in 0..40 {
            if kit.tick().await == CALLED {
                kit.answer("200", "null").await;
            }
            kit.later(600).await;
        }
        calls.push(kit.calls().await - before);
    }
    assert_eq!(calls, [4, 1, 1]);
}

/// A mark that was lost is lost before its transaction ends; what a build reads until then is old.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_mark_counts_again_when_its_transaction_is_over() {
    let mut kit = kit().await;
    let mut editor = crate::postgres::connect(&kit.url).await;
    let mut holder = crate::postgres::connect(&kit.url).await;
    crate::postgres::run(&mut holder, "begin; lock table site_changes in access exclusive mode")
        .await;
    crate::postgres::run(&mut editor, "begin; update projects set title = 'Open'").await;
    crate::postgres::run(&mut holder, "rollback").await;
    assert!(kit.tick().await.starts_with("waiting until"));
    assert_eq!(kit.marks().await, "(unknown)=1");
    kit.deploy();
    assert_eq!(kit.marks().await, "");
    assert_eq!(kit.tick().await, "nothing has changed");
    crate::postgres::run(&mut editor, "commit").await;
    // Who polls hears of it without any job.
    let pending = frieze::db::deploys::pending(&mut kit.connection).await.unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    assert_eq!(pending[0].0, "(unknown)");
    assert!(kit.tick().await.starts_with("waiting until"));
    assert_eq!(kit.marks().await, "(unknown)=1", "it is heard of once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_keeps_nothing_waiting() {
    let mut kit = kit().await;
    kit.sql("insert into frieze.deploys (status, requested_at) values ('accepted', now() + interval '1 day')").await;
    kit.sql("update projects set title = 'Tomorrow'; update site_changes set first_changed_at = now() + interval '1 day', last_changed_at = now() + interval '1 day'").await;
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED);
}

/// Each strict transaction leaves a row of its own.
#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_a_table_become_one() {
    let mut kit = kit().await;
    kit.sql("insert into site_builds (started_at, finished_at, status) values (now() - interval '2 days', now(), 'succeeded')").await;
    kit.sql("insert into site_changes (table_name) select 'public.projects' from generate_series(1, 150)")
        .await;
    kit.later(61).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    kit.later(3700).await;
    // What a call covered it still covers.
    kit.sql("update frieze.deploys set requested_at = now() - interval '5 minutes'").await;
    assert_eq!(kit.tick().await, "nothing has changed");
    assert_eq!(
        kit.text("select count(*) || ' ' || sum(change_count) from site_changes").await,
        "1 150"
    );
    let covered = "select covered from frieze.deploys";
    let id = kit.text("select id from site_changes").await;
    assert_eq!(kit.text(covered).await, format!("{{\"{id}\": 150}}"));
}

/// `pg_cron` writes every run down, and keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn old_runs_of_the_job_are_forgotten() {
    let mut kit = kit().await;
    kit.sql(
        "create schema cron; create table cron.job (jobid bigint, jobname text);
         create table cron.job_run_details (jobid bigint, runid bigint, end_time timestamptz);
         insert into cron.job values (1, 'frieze-redeploy'), (2, 'another');
         insert into cron.job_run_details select job, n, now() - n * interval '1 hour'
             from generate_series(1, 48) n, generate_series(1, 2) job",
    )
    .await;
    kit.tick().await;
    let left = "select string_agg(jobid || ': ' || n, ', ' order by jobid) from (select jobid, count(*) n from cron.job_run_details group by 1) as it";
    assert_eq!(kit.text(left).await, "1: 23, 2: 48");
}

/// Builds of a login that may only read.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_build_records_itself_the_answer_has_to_do() {
    let mut kit = kit().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    assert_eq!(kit.tick().await, "nothing has changed");
    assert_eq!(kit.marks().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_and_key_come_from_the_vault_where_there_is_one() {
    let mut kit = kit().await;
    kit.sql(VAULT).await;
    let env = [("DEPLOY_HOOK_URL", "https://host.example/vaulted"), ("DEPLOY_HOOK_KEY", "k3y")];
    for _ in 0..2 {
        let run = kit.run_with(&["hook", "install"], &env);
        assert!(run.stdout.contains("The deploy hook's address is in the Vault"), "{}", run.stdout);
    }
    let kept = "select string_agg(name || '=' || decrypted_secret, ' ' order by name) from vault.decrypted_secrets";
    assert_eq!(
        kit.text(kept).await,
        "frieze_deploy_hook=https://host.example/vaulted frieze_deploy_key=k3y"
    );
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    let call = kit.text("select url || ' ' || (headers ->> 'Authorization') from net.calls").await;
    assert_eq!(call, "https://host.example/vaulted Bearer k3y");
    // The one in clear from before does not come back.
    kit.sql("delete from vault.decrypted_secrets").await;
    kit.answer("200", "null").await;
    kit.tick().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, "waiting: no deploy hook is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_use_the_vault_keeps_the_address_itself() {
    let mut kit = kit().await;
    kit.sql(VAULT).await;
    let name = format!("owner_{}", uuid::Uuid::new_v4().simple());
    let database = kit.text("select current_database()").await;
    kit.sql(&format!(
        "create role {name} login; grant anon to {name}; grant all on database {database} to {name};
         grant usage on schema vault to {name}; alter schema frieze owner to {name}; alter schema public owner to {name};
         do $$ declare it record; begin
            for it in select format('alter %s %s owner to {name}', case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end, oid::regclass) as sql
                from pg_class where relnamespace in ('public'::regnamespace, 'frieze'::regnamespace) and relkind in ('r', 'S', 'v') and not exists (
                    select from pg_depend d where d.objid = pg_class.oid and d.deptype in ('i', 'a') and relkind = 'S')
            loop execute it.sql; end loop;
            for it in select format('alter function %s owner to {name}', oid::regprocedure) as sql from pg_proc where pronamespace in ('public'::regnamespace, 'frieze'::regnamespace) and prokind = 'f' and not exists (
                    select from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')
            loop execute it.sql; end loop;
         end $$"
    ))
    .await;
    let url = kit.url.replace("postgres@", &format!("{name}@"));
    let env = [("DATABASE_URL", url.as_str()), ("DEPLOY_HOOK_URL", "https://host.example/own")];
    let run = kit.run_with(&["hook", "install"], &env);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("address is in frieze.deploy_settings"), "{}", run.stdout);
    assert_eq!(
        kit.text("select url from frieze.deploy_settings").await,
        "https://host.example/own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_github_is_told_what_happened() {
    let mut kit = kit().await;
    let url = "https://api.github.com/repos/owner/site/dispatches";
    kit.sql(&format!("update frieze.deploy_settings set url = '{url}', key = 't0ken'")).await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    let call =
        kit.text("select body::text || ' ' || (headers ->> 'Authorization') from net.calls").await;
    assert_eq!(call, "{\"event_type\": \"content\"} Bearer t0ken");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_hook_or_the_extension_it_waits_and_says_so() {
    let mut kit = Kit::new().await;
    let run = kit.ok(&["hook", "install"]);
    assert!(run.stdout.contains("pg_cron: this server does not have it"), "{}", run.stdout);
    assert!(run.stdout.contains("run `frieze hook serve`"), "{}", run.stdout);
    assert!(run.stdout.contains("No deploy hook is known: set DEPLOY_HOOK_URL"), "{}", run.stdout);
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, "waiting: no deploy hook is known");
    kit.sql("update frieze.deploy_settings set url = 'https://host.example/'").await;
    assert_eq!(kit.tick().await, "waiting: pg_net is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_and_editors_see_nothing_of_it() {
    let mut kit = kit().await;
    for role in ["anon", "authenticated", "service_role"] {
        for sql in [
            "select url from frieze.deploy_settings",
            "select frieze.deploy_tick()",
            "select frieze.vault_secret('x')",
            "select frieze.mark('x')",
        ] {
            kit.sql(&format!("set role {role}")).await;
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
                .execute(&mut kit.connection)
                .await;
            let error = done.expect_err(sql).to_string();
            assert!(error.contains("permission denied"), "{role}: {sql}: {error}");
            kit.sql("reset role").await;
        }
    }
}

/// Somebody who edits and does not come to an end keeps no other edit from being deployed.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_is_held_keeps_nothing_waiting() {
    let mut kit = kit().await;
    edit(&mut kit).await;
    assert_eq!(kit.tick().await, CALLED);
    kit.answer("200", "null").await;
    let mut other = crate::postgres::connect(&kit.url).await;
    crate::postgres::run(&mut other, "begin; update projects set title = 'Held'").await;
    kit.sql("insert into testimonials (author_name, content, is_visible) values ('A', 'x', true)")
        .await;
    // Nobody is waited for: the other one still holds it.
    assert!(kit.tick().await.starts_with("waiting until"));
    kit.sql("update site_changes set first_changed_at = first_changed_at - interval '61 s', last_changed_at = last_changed_at - interval '61 s' where table_name like '%testimonials'; update frieze.deploys set requested_at = requested_at - interval '61 s'").await;
    assert_eq!(kit.tick().await, CALLED);
    assert_eq!(
        kit.text("select string_agg(status, ' ' order by id) from frieze.deploys").await,
        "accepted sent"
    );
    crate::postgres::run(&mut other, "commit").await;
}
