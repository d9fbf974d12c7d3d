//! Recording what tasks leave: all of it in one transaction, for those that are still the
//! worker's, and nothing at all for others.

mod answer;
pub(in crate::enrich) mod calls;
mod embedding;
mod failure;
pub(in crate::enrich) mod field;
mod line;
pub(in crate::enrich) mod row;
pub(in crate::enrich) mod seeded;
pub(in crate::enrich) mod table;

use std::collections::HashSet;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

pub(in crate::enrich) use self::failure::error;
pub use self::failure::{Failed, fail, put_back};
pub use self::field::Kept;
use super::{Claimed, Effect, Failure, FailureKind, Write, json as sent};
use crate::db::explain_owner;
use crate::error::{Error, Result};

/// What became of a finished task.
#[derive(Debug)]
pub enum Outcome {
    Recorded(Recorded),
    /// The task is another worker's by now, or somebody cancelled it: nothing was recorded.
    Lost,
    /// What it leaves cannot be recorded: nothing was. The attempt counts as a failed one.
    Refused(Failure),
}

/// What a task changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    pub written: usize,
    /// Values that somebody put there, and that stay.
    pub kept: Vec<Kept>,
}

/// Why recording stopped.
#[derive(Debug)]
pub(in crate::enrich) enum Stop {
    /// The database refused these values, or we did.
    Refused(FailureKind, String),
    /// The database is in trouble.
    Broken(Error),
    /// Others were in the way: the same may succeed at once.
    Again(Error),
}

const DOING: &str = "recording a task";
/// Two transactions that wait for each other are such a case.
const TRIES: usize = 5;

/// Records what a task leaves, and that it is completed.
pub async fn finish(
    connection: &mut PgConnection,
    task: &Claimed,
    effect: &Effect,
    run_id: Uuid,
) -> Result<Outcome> {
    for _ in 1..TRIES {
        match together(connection, &[(task, effect)], run_id).await {
            Err(Stop::Again(_)) => {}
            done => return one(done, effect),
        }
    }
    one(together(connection, &[(task, effect)], run_id).await, effect)
}

/// Records several tasks in one transaction; one by one where something is wrong with any of them.
pub async fn finish_many(
    connection: &mut PgConnection,
    tasks: &[(&Claimed, &Effect)],
    run_id: Uuid,
) -> Result<Vec<Outcome>> {
    match together(connection, tasks, run_id).await {
        Ok(outcomes) => return Ok(outcomes),
        Err(Stop::Broken(error)) => return Err(error),
        Err(Stop::Refused(..) | Stop::Again(_)) => {}
    }
    let mut outcomes = Vec::with_capacity(tasks.len());
    for (task, effect) in tasks {
        outcomes.push(finish(connection, task, effect, run_id).await?);
    }
    Ok(outcomes)
}

fn one(done: Result<Vec<Outcome>, Stop>, effect: &Effect) -> Result<Outcome> {
    match done {
        Ok(mut outcomes) => Ok(outcomes.pop().unwrap_or(Outcome::Lost)),
        Err(Stop::Refused(kind, message)) => {
            Ok(Outcome::Refused(Failure { message, kind, calls: effect.calls.clone() }))
        }
        Err(Stop::Again(error) | Stop::Broken(error)) => Err(error),
    }
}

type Work<'a> = (&'a Claimed, &'a Effect);

async fn together(
    connection: &mut PgConnection,
    tasks: &[Work<'_>],
    run_id: Uuid,
) -> Result<Vec<Outcome>, Stop> {
    let mut transaction = connection.begin().await.map_err(stop)?;
    let owned = complete(&mut transaction, tasks, run_id).await?;
    let ours: Vec<Work> =
        tasks.iter().filter(|(task, _)| owned.contains(&task.id)).copied().collect();
    line::stand(&mut transaction, ours.iter().flat_map(|(_, effect)| &effect.writes)).await?;
    let calls = ours.iter().map(|(task, effect)| (*task, effect.calls.as_slice()));
    calls::log(&mut transaction, calls, run_id).await?;
    answer::cache(&mut transaction, ours.iter().flat_map(|(_, effect)| &effect.answers)).await?;
    let mut outcomes = Vec::with_capacity(tasks.len());
    for (task, effect) in tasks {
        outcomes.push(if owned.contains(&task.id) {
            let recorded = leave(&mut transaction, task, effect, run_id).await?;
            Outcome::Recorded(recorded)
        } else {
            Outcome::Lost
        });
    }
    transaction.commit().await.map_err(stop)?;
    Ok(outcomes)
}

/// Completes the tasks that are still this worker's, and locks them until the end: which they are.
async fn complete(
    transaction: &mut PgConnection,
    tasks: &[Work<'_>],
    run_id: Uuid,
) -> Result<HashSet<Uuid>, Stop> {
    const COMPLETE: &str = "\
        update public.task_queue as t
        set status = 'completed', completed_at = now(), leased_by = null, leased_until = null,
            error_message = null, result = x.result, run_id = $2
        from jsonb_to_recordset($1::jsonb)
            as x(id uuid, attempts int, claimed_at timestamptz, result jsonb)
        where t.id = x.id and t.status = 'processing' and t.attempts = x.attempts
            and t.started_at = x.claimed_at
        returning t.id";
    let rows: Vec<Value> = tasks
        .iter()
        .map(|(task, effect)| {
            json!({"id": task.id, "attempts": task.attempts, "claimed_at": task.claimed_at,
                "result": effect.result})
        })
        .collect();
    let complete = sqlx::query_scalar(COMPLETE).bind(sent::parameter(&rows)).bind(run_id);
    let owned: Vec<Uuid> = complete.persistent(false).fetch_all(transaction).await.map_err(stop)?;
    Ok(owned.into_iter().collect())
}

/// All that is a task's own.
async fn leave(
    transaction: &mut PgConnection,
    task: &Claimed,
    effect: &Effect,
    run_id: Uuid,
) -> Result<Recorded, Stop> {
    let mut recorded = Recorded { kept: effect.kept.clone(), ..Recorded::default() };
    for write in &effect.writes {
        let done = match write {
            Write::Field { .. } => field::write(transaction, task, write, run_id).await?,
            Write::Row { .. } => row::write(transaction, task, write, run_id).await?,
            Write::Embedding { .. } => embedding::write(transaction, write).await?,
        };
        match done {
            Done::Written => recorded.written += 1,
            Done::Kept(kept) => recorded.kept.push(kept),
            Done::Nothing => {}
        }
    }
    embedding::remember(transaction, &effect.memories).await?;
    answer::context(transaction, effect.context.as_ref(), run_id).await?;
    if !recorded.kept.is_empty() {
        say_kept(transaction, task, &recorded.kept).await?;
    }
    Ok(recorded)
}

/// What one write did.
enum Done {
    Written,
    Kept(Kept),
    /// It stands there already.
    Nothing,
}

/// The task's result tells which values were left as they were.
async fn say_kept(
    transaction: &mut PgConnection,
    task: &Claimed,
    kept: &[Kept],
) -> Result<(), Stop> {
    const SAY: &str = "\
        update public.task_queue
        set result = case when jsonb_typeof(result) = 'object' then result else '{}' end
            || jsonb_build_object('kept', $2::jsonb)
        where id = $1";
    let say = sqlx::query(SAY).bind(task.id).bind(sent::parameter(&kept));
    say.persistent(false).execute(transaction).await.map_err(stop)?;
    Ok(())
}

/// What an error of the database means for a task.
pub(in crate::enrich) fn stop(error: sqlx::Error) -> Stop {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .unwrap_or_default()
        .into_owned();
    match (code.get(..2).unwrap_or_default(), code.as_str()) {
        // No answer of the database at all; one that it is going away, has no room, or only reads.
        ("" | "08" | "53", _) | (_, "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25006") => {
            Stop::Broken(explain_owner(error, DOING))
        }
        ("40", _) => Stop::Again(explain_owner(error, DOING)),
        // Names that there are not, or no right to write.
        ("42" | "0A" | "3F", _) => Stop::Refused(FailureKind::Final, said(&error)),
        // Values that a column does not take; a trigger or a constraint that says no, in whatever
        // words; a statement that took too long.
        _ => Stop::Refused(FailureKind::Retry, said(&error)),
    }
}

fn said(error: &sqlx::Error) -> String {
    let Some(answer) = error.as_database_error() else { return error.to_string() };
    let code = answer.code().unwrap_or_default();
    format!("the database refused it: {} ({code})", answer.message())
}
