//! Adding, claiming, putting back, cancelling: who gets what, and in what order.

use std::collections::HashSet;

use frieze::enrich::queue::{self, Added, Ask, NewTask, Retried, Status};
use frieze::enrich::{FailureKind, record};
use serde_json::json;
use uuid::Uuid;

use crate::kit::{Kit, LEASE};

fn task(priority: i32, target: &str) -> NewTask {
    NewTask { priority, target: Some(target.to_owned()), ..NewTask::new("stub") }
}

#[tokio::test]
async fn the_same_work_queued_twice_while_live_is_one_task() {
    let mut kit = Kit::new().await;
    let first = queue::add(&mut kit.connection, &task(5, "a")).await.unwrap();
    assert!(first.is_new());
    let again = queue::add(&mut kit.connection, &task(9, "a")).await.unwrap();
    assert_eq!(again, Added::Live(first.id()));
    // Also while it is worked on; of another type, or without a target, it is another task.
    let claimed = kit.claim("w", 1).await.remove(0);
    assert_eq!(queue::add(&mut kit.connection, &task(5, "a")).await.unwrap(), again);
    let other = NewTask { target: Some("a".into()), ..NewTask::new("other") };
    assert!(queue::add(&mut kit.connection, &other).await.unwrap().is_new());
    for _ in 0..2 {
        assert!(queue::add(&mut kit.connection, &NewTask::new("stub")).await.unwrap().is_new());
    }
    record::finish(&mut kit.connection, &claimed, &crate::kit::effect(vec![]), kit.run_id)
        .await
        .unwrap();
    assert!(queue::add(&mut kit.connection, &task(5, "a")).await.unwrap().is_new());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_queue_the_same_at_once_queue_it_once() {
    let kit = Kit::new().await;
    let mut adders = Vec::new();
    for _ in 0..8 {
        let mut connection = kit.another().await;
        adders.push(tokio::spawn(async move {
            let mut new = 0;
            for n in 0..50 {
                let task = task(5, &format!("t{n}"));
                new += usize::from(queue::add(&mut connection, &task).await.unwrap().is_new());
            }
            new
        }));
    }
    let mut new = 0;
    for adder in adders {
        new += adder.await.unwrap();
    }
    assert_eq!(new, 50);
}

#[tokio::test]
async fn many_are_added_at_once_without_those_that_live_ones_repeat() {
    let mut kit = Kit::new().await;
    kit.add(&task(5, "t1")).await;
    let tasks: Vec<_> = (0..2500).map(|n| task(5, &format!("t{}", n % 2000))).collect();
    assert_eq!(queue::add_many(&mut kit.connection, &tasks).await.unwrap(), 1999);
    assert_eq!(kit.one("select count(*) from task_queue").await, json!(2000));
}

#[tokio::test]
async fn what_is_urgent_goes_first_then_what_waits_longest() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type, target, priority, scheduled_at) values
        ('stub', 'low', 1, now() - interval '1 day'), ('stub', 'mid young', 5, now() - interval '1 hour'),
        ('stub', 'mid old', 5, now() - interval '2 hours'), ('stub', 'high', 10, now()),
        ('stub', 'later', 10, now() + interval '1 hour')")
        .await;
    let all = kit.claim("w", 10).await;
    let order: Vec<_> = all.iter().map(|task| task.target.as_deref().unwrap()).collect();
    assert_eq!(order, ["high", "mid old", "mid young", "low"]);
    assert!(all.iter().all(|task| task.attempts == 1));
    let held = "select count(*) from task_queue where status = 'processing' and leased_by = 'w'
        and started_at = leased_until - interval '1 minute' and started_at <= clock_timestamp()";
    assert_eq!(kit.one(held).await, json!(4));
}

#[tokio::test]
async fn equal_times_are_told_apart_by_their_ids() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type) select 'stub' from generate_series(1, 20)").await;
    let mut claimed = Vec::new();
    for _ in 0..10 {
        claimed.extend(kit.claim("w", 2).await.into_iter().map(|task| task.id));
    }
    assert!(claimed.is_sorted(), "{claimed:?}");
    assert_eq!(claimed.len(), 20);
}

#[tokio::test]
async fn of_several_types_the_first_named_goes_first() {
    let mut kit = Kit::new().await;
    for (name, priority) in [("a", 9), ("b", 1), ("c", 5), ("b", 2)] {
        kit.add(&NewTask { priority, ..NewTask::new(name) }).await;
    }
    let types = ["b".to_owned(), "c".to_owned()];
    let ask =
        Ask { worker: "w", count: 5, lease: LEASE, types: &types, except: &[], run_id: kit.run_id };
    let due = queue::due(&mut kit.connection, &types, 10).await.unwrap();
    let claimed = queue::claim(&mut kit.connection, &ask).await.unwrap();
    let order: Vec<_> = claimed.iter().map(|task| task.task_type.as_str()).collect();
    assert_eq!(order, ["b", "b", "c"]);
    assert_eq!(due.len(), 3);
    assert_eq!(kit.claim("w", 5).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_never_hold_one_task() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type, priority) select 'stub', 1 + n % 10 from generate_series(1, 600) as n").await;
    let run_id = kit.run_id;
    let mut workers = Vec::new();
    for n in 0..6 {
        let mut connection = kit.another().await;
        workers.push(tokio::spawn(async move {
            let (worker, mut ids) = (format!("w{n}"), Vec::new());
            loop {
                let ask = Ask {
                    worker: &worker,
                    count: 7,
                    lease: LEASE,
                    types: &[],
                    except: &[],
                    run_id,
                };
                let claimed = queue::claim(&mut connection, &ask).await.unwrap();
                if claimed.is_empty() {
                    return ids;
                }
                ids.extend(claimed.into_iter().map(|task| task.id));
            }
        }));
    }
    let mut ids: Vec<Uuid> = Vec::new();
    for worker in workers {
        ids.extend(worker.await.unwrap());
    }
    assert_eq!(ids.len(), 600);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 600);
    assert_eq!(kit.all("select distinct attempts from task_queue").await, [json!(1)]);
}

#[tokio::test]
async fn a_claim_waits_for_nobody() {
    let mut kit = Kit::new().await;
    let locked = kit.add(&NewTask { priority: 9, ..NewTask::new("stub") }).await;
    let free = kit.add(&NewTask::new("stub")).await;
    let mut other = kit.another().await;
    let lock = format!("begin; select from task_queue where id = '{locked}' for update");
    crate::postgres::run(&mut other, &lock).await;
    let claimed = kit.claim("w", 5).await;
    assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [free]);
}

#[tokio::test]
async fn what_is_put_back_keeps_its_attempts_and_is_due_at_once() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    assert!(record::put_back(&mut kit.connection, &task).await.unwrap());
    assert_eq!(
        kit.status(task.id).await,
        json!({"status": "pending", "attempts": 0, "error": null})
    );
    let again = kit.claim("w", 1).await.remove(0);
    assert_eq!((again.id, again.attempts), (task.id, 1));
    // Only whoever has it can put it back.
    kit.expire(task.id).await;
    queue::rescue(&mut kit.connection).await.unwrap();
    assert!(!record::put_back(&mut kit.connection, &again).await.unwrap());
}

#[tokio::test]
async fn cancelled_tasks_end_and_their_workers_record_nothing() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    queue::cancel(&mut kit.connection, task.id).await.unwrap();
    let cancelled = json!({"status": "failed", "attempts": 1, "error": "cancelled"});
    assert_eq!(kit.status(task.id).await, cancelled);
    let late = crate::kit::effect(vec![]);
    let outcome = record::finish(&mut kit.connection, &task, &late, kit.run_id).await.unwrap();
    assert!(matches!(outcome, record::Outcome::Lost), "{outcome:?}");
    let error = queue::cancel(&mut kit.connection, task.id).await.unwrap_err();
    assert!(error.report().contains("is failed: only pending and processing"), "{error:?}");
    let error = queue::cancel(&mut kit.connection, Uuid::new_v4()).await.unwrap_err();
    assert!(error.report().contains("there is no task"), "{error:?}");

    for name in ["a", "a", "b"] {
        kit.add(&NewTask::new(name)).await;
    }
    let only = ["a".to_owned()];
    assert_eq!(queue::cancel_pending(&mut kit.connection, &only).await.unwrap(), 2);
    assert_eq!(queue::cancel_pending(&mut kit.connection, &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn failed_tasks_get_all_their_attempts_again_but_cancelled_ones_do_not() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type, target, status, attempts, error_message, created_at) values
        ('a', 'x', 'failed', 3, 'no', now() - interval '1 day'), ('a', 'x', 'failed', 3, 'no', now()),
        ('a', 'y', 'failed', 3, 'no', now()), ('b', null, 'failed', 3, 'no', now()),
        ('b', null, 'failed', 2, 'no', now()), ('b', 'z', 'failed', 3, 'cancelled', now()),
        ('a', 'y', 'pending', 0, null, now())")
        .await;
    // The younger of two that do the same; none that a live one repeats.
    assert_eq!(queue::retry_failed(&mut kit.connection, &["a".to_owned()]).await.unwrap(), 1);
    assert_eq!(queue::retry_failed(&mut kit.connection, &[]).await.unwrap(), 2);
    let pending = "select count(*) from task_queue where status = 'pending' and attempts = 0 and error_message is null";
    assert_eq!(kit.one(pending).await, json!(4));
    let id = |sql: &'static str| format!("select id::text from task_queue where {sql}");
    let cancelled = kit.one(&id("error_message = 'cancelled'")).await;
    let cancelled = cancelled.as_str().unwrap().parse().unwrap();
    let retried = queue::retry(&mut kit.connection, cancelled).await.unwrap();
    assert_eq!(retried, Retried::Pending);
    let repeats = kit.one(&id("status = 'failed' and target = 'y'")).await;
    let retried = queue::retry(&mut kit.connection, repeats.as_str().unwrap().parse().unwrap());
    assert!(matches!(retried.await.unwrap(), Retried::Repeats(_)));
    let error = queue::retry(&mut kit.connection, cancelled).await.unwrap_err();
    assert!(error.report().contains("is pending: only failed tasks"), "{error:?}");
}

#[tokio::test]
async fn a_list_shows_live_tasks_first() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type, target, status, priority, completed_at, scheduled_at) values
        ('a', 'done long ago', 'completed', 9, now() - interval '1 day', now()),
        ('a', 'done', 'completed', 1, now(), now()), ('b', 'failed', 'failed', 5, now(), now()),
        ('b', 'urgent', 'pending', 9, null, now()), ('b', 'never', 'pending', 5, null, 'infinity'),
        ('a', 'now', 'processing', 2, null, now())").await;
    let filter = |status, types: &[&str], limit| queue::Filter {
        status,
        types: types.iter().map(|&name| name.to_owned()).collect(),
        limit,
    };
    let mut targets = Vec::new();
    for filter in
        [filter(None, &[], 10), filter(Some(Status::Completed), &[], 1), filter(None, &["b"], 10)]
    {
        let list = queue::list(&mut kit.connection, &filter).await.unwrap();
        let list: Vec<_> = list.into_iter().map(|task| task.target.unwrap()).collect();
        targets.push(list.join(", "));
    }
    assert_eq!(
        targets,
        ["now, urgent, never, failed, done, done long ago", "done", "urgent, never, failed"]
    );
    let counts = queue::counts(&mut kit.connection, &[]).await.unwrap();
    let expected = queue::Counts { pending: 2, due: 1, processing: 1, completed: 2, failed: 1 };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn an_id_is_found_by_its_beginning() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (id, task_type) values
        ('0123abcd-0000-0000-0000-000000000001', 'a'), ('0123abcd-1000-0000-0000-000000000001', 'a'),
        ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'a')").await;
    let found = queue::find(&mut kit.connection, "0123abcd-1").await.unwrap();
    assert_eq!(found.to_string(), "0123abcd-1000-0000-0000-000000000001");
    assert!(queue::find(&mut kit.connection, "FFFFFFFF").await.is_ok());
    for (id, why) in [("0123abcd", "several tasks"), ("99999999", "there is no task 99999999")] {
        let error = queue::find(&mut kit.connection, id).await.unwrap_err();
        assert!(error.report().contains(why), "{error:?}");
    }
}

#[tokio::test]
async fn a_task_that_was_cancelled_and_tried_again_is_not_its_former_worker_s() {
    let mut kit = Kit::new().await;
    let former = kit.claimed().await;
    queue::cancel(&mut kit.connection, former.id).await.unwrap();
    assert_eq!(queue::retry(&mut kit.connection, former.id).await.unwrap(), Retried::Pending);
    // The attempts begin anew, and the worker may be the same.
    let now = kit.claim("tester", 1).await.remove(0);
    assert_eq!((now.id, now.attempts), (former.id, former.attempts));
    let (late, run_id) = (crate::kit::effect(vec![]), kit.run_id);
    let outcome = record::finish(&mut kit.connection, &former, &late, run_id).await.unwrap();
    assert!(matches!(outcome, record::Outcome::Lost), "{outcome:?}");
    for kind in [FailureKind::Retry, FailureKind::Final, FailureKind::Faulty(LEASE)] {
        let failure = crate::kit::failure(kind);
        let failed = record::fail(&mut kit.connection, &former, &failure, run_id).await.unwrap();
        assert_eq!(failed, record::Failed::Lost, "{kind:?}");
    }
    assert!(!record::put_back(&mut kit.connection, &former).await.unwrap());
    let outcome = record::finish(&mut kit.connection, &now, &late, run_id).await.unwrap();
    assert!(matches!(outcome, record::Outcome::Recorded(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_claim_leaves_some_sorts_alone() {
    let mut kit = Kit::new().await;
    for (payload, is_private) in
        [(json!({}), false), (json!({"job": "j"}), false), (json!({"job": "j"}), true)]
    {
        kit.add(&NewTask { payload, is_private, ..NewTask::new("stub") }).await;
    }
    let one = kit.claim("w", 3).await;
    let sorts: Vec<String> = one.iter().map(queue::sort).collect();
    assert_eq!(sorts.iter().collect::<HashSet<_>>().len(), 3, "{sorts:?}");
    for task in &one {
        record::put_back(&mut kit.connection, task).await.unwrap();
    }
    let types = ["stub".to_owned()];
    for types in [&[][..], &types[..]] {
        let except = &sorts[..2];
        let ask = Ask { worker: "w", count: 3, lease: LEASE, types, except, run_id: kit.run_id };
        let claimed = queue::claim(&mut kit.connection, &ask).await.unwrap();
        assert_eq!(claimed.iter().map(queue::sort).collect::<Vec<_>>(), sorts[2..]);
        record::put_back(&mut kit.connection, &claimed[0]).await.unwrap();
    }
}
