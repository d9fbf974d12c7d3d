//! Quotas and blocks in the database: a restart remembers them, and processes add up. What counts
//! is the database's clock.

use std::sync::PoisonError;
use std::time::Duration;

use sqlx::PgConnection;

use super::Router;
use super::row::{Columns, Row};
use super::state::{State, Unsaved};
use crate::db::{alone, explain_owner};
use crate::enrich::SharedConnection;
use crate::error::Result;

const BETWEEN: Duration = Duration::from_secs(1);

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
            + case when quota.minute_started > now() - interval '1 minute'
                then quota.minute_requests else 0 end,
        minute_started =
            case when quota.minute_started > now() - interval '1 minute'
                then quota.minute_started else now() end,
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
            let rows = alone!(&mut *connection, query, fetch_all);
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
    let query = query
        .persistent(false)
        .bind(provider)
        .bind(integer(unsaved.requests))
        .bind(integer(unsaved.failures))
        .bind(seconds)
        .bind(why)
        .bind(unsaved.is_well);
    alone!(connection, query, fetch_one).map(Row::from)
}

fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
