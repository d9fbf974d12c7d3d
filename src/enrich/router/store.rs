//! Quotas and blocks in the database: a restart remembers them, and processes add up. What counts
//! is the database's clock.

use std::sync::PoisonError;
use std::time::Duration;

use sqlx::PgConnection;

use super::Router;
use super::state::{Block, State, Unsaved, Window};
use crate::db::explain_owner;
use crate::enrich::SharedConnection;
use crate::error::Result;

const BETWEEN: Duration = Duration::from_secs(1);

/// Seconds, for all times: how long ago, or how long from now.
struct Row {
    provider: String,
    day_requests: i32,
    minute_requests: i32,
    failures: i32,
    day_age: f64,
    minute_age: f64,
    blocked_for: Option<f64>,
    blocked_because: Option<String>,
}

/// The columns as they are selected.
type Columns = (String, i32, i32, i32, f64, f64, Option<f64>, Option<String>);

impl From<Columns> for Row {
    fn from(columns: Columns) -> Self {
        let (
            provider,
            day_requests,
            minute_requests,
            failures,
            day_age,
            minute_age,
            blocked_for,
            blocked_because,
        ) = columns;
        Self {
            provider,
            day_requests,
            minute_requests,
            failures,
            day_age,
            minute_age,
            blocked_for,
            blocked_because,
        }
    }
}

const COLUMNS: &str = "quota.provider, quota.day_requests, quota.minute_requests, quota.failures,
    extract(epoch from now() - quota.day_started)::float8 as day_age,
    extract(epoch from now() - quota.minute_started)::float8 as minute_age,
    extract(epoch from quota.blocked_until - now())::float8 as blocked_for,
    quota.blocked_because";

/// Adds to what others have counted meanwhile, in windows that begin anew when they are over.
const ADD: &str = "insert into public.provider_quotas as quota
        (provider, day_requests, minute_requests, failures, blocked_until, blocked_because)
    values ($1, $2, $2, $3, now() + make_interval(secs => $4), $5)
    on conflict (provider) do update set
        day_requests = excluded.day_requests
            + case when quota.day_started > now() - interval '1 day' then quota.day_requests else 0 end,
        day_started =
            case when quota.day_started > now() - interval '1 day' then quota.day_started else now() end,
        minute_requests = excluded.minute_requests
            + case when quota.minute_started > now() - interval '1 minute' then quota.minute_requests else 0 end,
        minute_started =
            case when quota.minute_started > now() - interval '1 minute' then quota.minute_started else now() end,
        failures = excluded.failures + case when $6 then 0 else quota.failures end,
        blocked_until = greatest(quota.blocked_until, excluded.blocked_until),
        blocked_because = case
            when excluded.blocked_until >= coalesce(quota.blocked_until, excluded.blocked_until)
                then excluded.blocked_because
            else quota.blocked_because end
    returning ";

impl Router {
    /// Learns what is left, before the first question.
    pub async fn load(&self, connection: &SharedConnection) -> Result<()> {
        let sql = format!("select {COLUMNS} from public.provider_quotas as quota");
        let rows: Vec<Columns> = {
            let mut connection = connection.lock().await;
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false);
            let rows = query.fetch_all(&mut *connection).await;
            rows.map_err(|error| explain_owner(error, "reading provider_quotas"))?
        };
        for row in rows {
            self.learn(&row.into());
        }
        Ok(())
    }

    /// Writes what has changed, at most once a second: to be called after each question.
    pub async fn save(&self, connection: &SharedConnection) -> Result<()> {
        let now = (self.clock)();
        {
            let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
            if saved.is_some_and(|last| now.saturating_sub(last) < BETWEEN) {
                return Ok(());
            }
            *saved = Some(now);
        }
        self.save_all(connection).await
    }

    /// Writes what has changed, whenever that was last done: to be called at the end.
    pub async fn save_all(&self, connection: &SharedConnection) -> Result<()> {
        for (index, provider) in self.providers.iter().enumerate() {
            let Some((unsaved, block)) = self.change(index, State::unsaved).flatten() else {
                continue;
            };
            let row = {
                let mut connection = connection.lock().await;
                add(&mut connection, &provider.name, unsaved, block).await
            };
            match row {
                Ok(row) => self.learn(&row),
                Err(error) => {
                    self.change(index, |state, _| state.unsaved.put_back(unsaved));
                    return Err(explain_owner(error, "writing provider_quotas"));
                }
            }
        }
        Ok(())
    }

    fn learn(&self, row: &Row) {
        let known = self.providers.iter().position(|provider| provider.name == row.provider);
        let Some(index) = known else { return };
        self.change(index, |state, now| state.learn(row, now));
    }
}

async fn add(
    connection: &mut PgConnection,
    provider: &str,
    unsaved: Unsaved,
    block: Option<(f64, String)>,
) -> sqlx::Result<Row> {
    let (seconds, why) = block.unzip();
    let query = sqlx::query_as::<_, Columns>(sqlx::AssertSqlSafe(format!("{ADD}{COLUMNS}")));
    query
        .persistent(false)
        .bind(provider)
        .bind(integer(unsaved.requests))
        .bind(integer(unsaved.failures))
        .bind(seconds)
        .bind(why)
        .bind(unsaved.is_well)
        .fetch_one(connection)
        .await
        .map(Row::from)
}

impl State {
    /// What is to be written, which counts as written from here on; with it, the block.
    fn unsaved(&mut self, now: Duration) -> Option<(Unsaved, Option<(f64, String)>)> {
        let unsaved = std::mem::take(&mut self.unsaved);
        let block = self.block.as_ref().filter(|block| unsaved.block && block.until > now);
        let block = block.map(|block| ((block.until - now).as_secs_f64(), block.why.clone()));
        (!unsaved.is_empty()).then_some((unsaved, block))
    }

    /// Takes over what the database knows, and adds what it does not know yet.
    fn learn(&mut self, row: &Row, now: Duration) {
        self.day = window(row.day_requests, row.day_age, self.unsaved.requests, now);
        self.minute = window(row.minute_requests, row.minute_age, self.unsaved.requests, now);
        if !self.unsaved.is_well {
            self.failures = count(row.failures).saturating_add(self.unsaved.failures);
        }
        if !self.unsaved.block {
            self.block = row.blocked_for.filter(|seconds| *seconds > 0.0).map(|seconds| Block {
                until: now + seconds_of(seconds),
                why: row.blocked_because.clone().unwrap_or_else(|| "is blocked".to_owned()),
            });
        }
    }
}

impl Unsaved {
    fn put_back(&mut self, former: Self) {
        self.requests = self.requests.saturating_add(former.requests);
        // What failed before a success since then is forgotten.
        if !self.is_well {
            self.failures = self.failures.saturating_add(former.failures);
        }
        self.is_well |= former.is_well;
        self.block |= former.block;
    }
}

fn window(requests: i32, age: f64, unsaved: u32, now: Duration) -> Window {
    Window { requests: count(requests).saturating_add(unsaved), age: seconds_of(age), at: now }
}

fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default()
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
