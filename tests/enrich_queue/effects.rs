//! What tasks of the crash test leave, and whether each of it was left exactly once. Triggers count,
//! since an upsert that was done twice does not show in the rows themselves.

use std::time::Duration;

use frieze::enrich::{CachedAnswer, Call, Claimed, Context, Effect, NewMemory, Write};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kit::{effect, field, row};

/// Every tenth task leaves something in every table, the others a row and the log of a call.
pub fn has_all(number: u64) -> bool {
    number % 10 == 7
}

/// A log of what was written, by the name of the task that wrote it.
pub const COUNTED: &str = "
    create table done (task_id uuid);
    create table items (n int primary key, note text);
    create table audit (what text, key text);
    create function note() returns trigger language plpgsql as $$
    begin
        insert into audit values (tg_argv[0], to_jsonb(new) ->> tg_argv[1]);
        return null;
    end $$;
    create trigger audit after insert or update on done
        for each row execute function note('rows', 'task_id');
    create trigger audit after update on items
        for each row execute function note('fields', 'n');
    create trigger audit after insert or update on enrichments
        for each row execute function note('enrichments', 'task_id');
    create trigger audit after insert or update on agent_run_logs
        for each row execute function note('calls', 'reason');
    create trigger audit after insert or update on ai_response_cache
        for each row execute function note('answers', 'response');
    create trigger audit after insert or update on agent_memory
        for each row execute function note('memories', 'content');
    create trigger audit after insert or update on agent_context
        for each row execute function note('contexts', 'user_query');
    create trigger audit after insert or update on content_embeddings
        for each row execute function note('vectors', 'row_id');
    create trigger audit after update on task_queue
        for each row when (new.status = 'completed') execute function note('completions', 'id')";

/// The call of one attempt, which no other attempt makes.
pub fn call(task: &Claimed) -> Call {
    let attempt = format!("{}/{}/{}", task.id, task.attempts, Uuid::new_v4());
    Call { reason: attempt, ..crate::kit::call() }
}

pub fn of(task: &Claimed, number: u64) -> Effect {
    let id = task.id.to_string();
    let mut writes = vec![row("done", json!({"task_id": id}), &[])];
    let calls = vec![call(task)];
    if !has_all(number) {
        return Effect { calls, ..effect(writes) };
    }
    writes.push(field("items", json!({"n": number}), "note", json!(format!("by {id}"))));
    writes.push(Write::Embedding {
        collection: "items".into(),
        row_id: task.id,
        content_hash: "h".into(),
        vector: vec![1.0, 2.0],
        model: "e".into(),
    });
    Effect {
        calls,
        answers: vec![CachedAnswer {
            prompt_hash: id.replace('-', "").repeat(2),
            response: id.clone(),
            model: "m1".into(),
            provider: "p1".into(),
            is_private: false,
            ttl: Duration::from_hours(2),
        }],
        memories: vec![NewMemory {
            agent_id: "a".into(),
            thought_type: "observation",
            content: id.clone(),
            vector: vec![0.5, 0.25],
            embedding_model: "e".into(),
            metadata: Value::Null,
        }],
        context: Some(Context {
            agent_id: "a".into(),
            query: id,
            response: "r".into(),
            memory_ids: Vec::new(),
        }),
        ..effect(writes)
    }
}

/// How often something was left, and by how many. All of it was left by tasks that completed.
async fn left(connection: &mut PgConnection, what: &str) -> (i64, i64) {
    sqlx::query_as("select count(*), count(distinct key) from audit where what = $1")
        .bind(what)
        .fetch_one(connection)
        .await
        .unwrap()
}

pub async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).persistent(false).fetch_one(connection).await.unwrap()
}

/// `completed` tasks of which `full` left something everywhere, and those that failed for good.
pub async fn are_there_once(connection: &mut PgConnection, completed: i64, full: i64, failed: i64) {
    for (what, once) in [
        ("completions", completed),
        ("rows", completed),
        ("fields", full),
        ("vectors", full),
        ("answers", full),
        ("memories", full),
        ("contexts", full),
    ] {
        assert_eq!(left(connection, what).await, (once, once), "{what}: all of them, and by whom");
    }
    // A line for the row, and one for the field.
    assert_eq!(left(connection, "enrichments").await, (completed + full, completed), "enrichments");
    let (calls, attempts) = left(connection, "calls").await;
    assert_eq!(calls, attempts, "an attempt was logged twice");
    for (what, sql, expected) in [
        (
            "completed tasks with a call of the attempt that completed them",
            "select count(distinct t.id) from task_queue as t join agent_run_logs as l
                on l.reason like t.id || '/' || t.attempts || '/%' where t.status = 'completed'",
            completed,
        ),
        (
            "calls of tasks that failed for good",
            "select count(*) from agent_run_logs as l join task_queue as t on t.id = l.task_id
                where t.status = 'failed'",
            failed,
        ),
        (
            "tasks with several calls that neither failed nor waited",
            "select count(*) from (select task_id from agent_run_logs as l join task_queue as t
                on t.id = l.task_id where (payload -> 'n')::int % 50 > 2
                group by task_id having count(*) > 1) as x",
            0,
        ),
        (
            "effects of tasks that did not complete",
            "select count(*) from audit where what in ('rows', 'vectors', 'answers', 'memories', 'contexts', 'enrichments')
                and key not in (select id::text from task_queue where status = 'completed')",
            0,
        ),
        (
            "fields with another's value",
            "select count(*) from items as i join task_queue as t on (t.payload -> 'n')::int = i.n
                where i.note is distinct from case when i.n % 10 = 7 then 'by ' || t.id end",
            0,
        ),
        ("calls without a task", "select count(*) from agent_run_logs where task_id is null", 0),
        (
            "leases that are left",
            "select count(*) from task_queue where leased_by is not null or leased_until is not null",
            0,
        ),
    ] {
        assert_eq!(number(connection, sql).await, expected, "{what}");
    }
}
