//! The rule as the job knows it, and the deploy hook's address where secrets are kept.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use sqlx::{Connection as _, PgConnection};

use crate::config::{Hook, Secret};
use crate::db::errors::Explain as _;
use crate::error::Result;

/// Where the deploy hook's address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Vault,
    Settings,
    Nowhere,
}

impl Kept {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Vault => Some("the Vault"),
            Self::Settings => Some("frieze.deploy_settings"),
            Self::Nowhere => None,
        }
    }
}

/// Writes the rule down, and keeps the hook's address where secrets are kept.
pub async fn settle(connection: &mut PgConnection, hook: &Hook) -> Result<Kept> {
    const DOING: &str = "writing the settings of deployments";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let update = sqlx::query(
        "update frieze.deploy_settings set quiet = $1, max_wait = $2, per_day = $3, updated_at = now()",
    );
    let per_day = i32::try_from(hook.per_day).unwrap_or(i32::MAX);
    let update = update.bind(interval(hook.quiet)).bind(interval(hook.max_wait)).bind(per_day);
    update.persistent(false).execute(&mut *transaction).await.or_explain(DOING)?;
    // Not every login may use it.
    let vault = "select coalesce(has_schema_privilege(to_regnamespace('vault'), 'usage')
            and has_table_privilege(to_regclass('vault.decrypted_secrets'), 'select')
            and has_function_privilege(to_regproc('vault.create_secret')::oid, 'execute')
            and has_function_privilege(to_regproc('vault.update_secret')::oid, 'execute'), false)";
    let vault: bool = sqlx::query_scalar(vault)
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await
        .or_explain(DOING)?;
    for (name, column, value) in
        [("frieze_deploy_hook", "url", &hook.url), ("frieze_deploy_key", "key", &hook.key)]
    {
        if let Some(secret) = value {
            keep(&mut transaction, vault, name, column, secret).await?;
        }
    }
    let sql = "select case when frieze.vault_secret('frieze_deploy_hook') is not null then 'vault'
        when url is not null then 'settings' else '' end from frieze.deploy_settings";
    let kept: String = sqlx::query_scalar(sql)
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await
        .or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(match kept.as_str() {
        "vault" => Kept::Vault,
        "settings" => Kept::Settings,
        _ => Kept::Nowhere,
    })
}

async fn keep(
    transaction: &mut PgConnection,
    vault: bool,
    name: &str,
    column: &str,
    secret: &Secret,
) -> Result<()> {
    const DOING: &str = "keeping the deploy hook's address";
    if !vault {
        let sql = match column {
            "url" => "update frieze.deploy_settings set url = $1",
            _ => "update frieze.deploy_settings set key = $1",
        };
        let update = sqlx::query(sql).bind(secret.reveal()).persistent(false);
        update.execute(transaction).await.or_explain(DOING)?;
        return Ok(());
    }
    let known = "select id from vault.decrypted_secrets where name = $1 limit 1";
    let known: Option<uuid::Uuid> = sqlx::query_scalar(known)
        .bind(name)
        .persistent(false)
        .fetch_optional(&mut *transaction)
        .await
        .or_explain(DOING)?;
    let write = match known {
        Some(id) => {
            sqlx::query("select vault.update_secret($2, $1)").bind(secret.reveal()).bind(id)
        }
        None => sqlx::query("select vault.create_secret($1, $2)").bind(secret.reveal()).bind(name),
    };
    write.persistent(false).execute(&mut *transaction).await.or_explain(DOING)?;
    // An older one in clear would come back on the day the secret is taken out of the Vault.
    let forget = match column {
        "url" => "update frieze.deploy_settings set url = null",
        _ => "update frieze.deploy_settings set key = null",
    };
    sqlx::query(forget).persistent(false).execute(transaction).await.or_explain(DOING)?;
    Ok(())
}

fn interval(time: Duration) -> PgInterval {
    let microseconds = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
