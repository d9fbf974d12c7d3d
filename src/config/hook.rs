//! `[hook]`: when an edit becomes a deployment, and who is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::check::{Env, invalid};
use super::raw::RawHook;
use super::{Overrides, Secret};
use crate::error::{Error, Result};

/// How edits become deployments.
#[derive(Debug, Clone)]
pub struct Hook {
    /// So long nothing may have changed before a deployment.
    pub quiet: Duration,
    /// No change waits longer than this for quiet.
    pub max_wait: Duration,
    /// The most deployments in 24 hours.
    pub per_day: u32,
    /// Tables to watch beside those that the collections are seen to read.
    pub tables: Vec<String>,
    /// Where a deployment is asked for: a secret, since who knows it can deploy.
    pub url: Option<Secret>,
    pub url_env: String,
    /// What is sent along as a bearer token, where the hook wants one.
    pub key: Option<Secret>,
    /// What those know who call the receiver.
    pub secret: Option<Secret>,
    pub secret_env: String,
    /// Who is told how a deployment went.
    pub notify: Option<Secret>,
    pub notify_env: String,
    /// What they know who are told, to see who tells them. It lets nobody in.
    pub notify_secret: Option<Secret>,
    pub notify_secret_env: String,
    /// What the receiver runs instead of calling a deploy hook.
    pub command: Vec<String>,
    /// How long that may take.
    pub command_limit: Duration,
    /// Where the receiver keeps what is pending.
    pub state: PathBuf,
    /// How often the receiver looks into the database for changes nobody told it of; never if zero.
    pub poll: Duration,
    /// This build goes live: it is recorded, and what it read counts as deployed.
    pub is_live: bool,
}

pub fn hook(root: &Path, raw: RawHook, overrides: &Overrides, env: Env) -> Result<Hook> {
    let RawHook {
        quiet_seconds,
        max_wait_seconds,
        deploys_per_day,
        tables,
        url_env,
        key_env,
        secret_env,
        notify_env,
        notify_secret_env,
        command,
        command_minutes,
        state,
        poll_seconds,
    } = raw;
    let quiet = Duration::from_secs(quiet_seconds.unwrap_or(60));
    let max_wait = Duration::from_secs(max_wait_seconds.unwrap_or(600));
    if max_wait < quiet {
        return Err(invalid(
            "hook.max_wait_seconds",
            "is less than hook.quiet_seconds",
            "no change can wait for quiet that long: write a larger number",
        ));
    }
    let url_env = variable(url_env, "DEPLOY_HOOK_URL", "url_env")?;
    let key_env = variable(key_env, "DEPLOY_HOOK_KEY", "key_env")?;
    let secret_env = variable(secret_env, "FRIEZE_HOOK_SECRET", "secret_env")?;
    let notify_env = variable(notify_env, "FRIEZE_NOTIFY_URL", "notify_env")?;
    let notify_secret_env =
        variable(notify_secret_env, "FRIEZE_NOTIFY_SECRET", "notify_secret_env")?;
    let secret = |name: &str| {
        env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Ok(Hook {
        quiet,
        max_wait,
        per_day: deploys_per_day.unwrap_or(90),
        tables,
        url: address(secret(&url_env), &url_env)?,
        url_env,
        key: secret(&key_env).map(Secret::new),
        secret: secret(&secret_env).map(Secret::new),
        secret_env,
        notify: address(secret(&notify_env), &notify_env)?,
        notify_env,
        notify_secret: secret(&notify_secret_env).map(Secret::new),
        notify_secret_env,
        command,
        command_limit: Duration::from_mins(command_minutes.unwrap_or(45).max(1)),
        state: root.join(state.unwrap_or_else(|| ".frieze/hook".to_owned())),
        poll: Duration::from_secs(poll_seconds.unwrap_or(0)),
        is_live: overrides.deploy || goes_live(env),
    })
}

/// What hosts say of a build, or a person for them.
fn goes_live(env: Env) -> bool {
    let is = |name: &str, value: &str| env(name).is_some_and(|it| it == value);
    let yes = ["1", "true", "yes"];
    env("FRIEZE_DEPLOY").is_some_and(|it| yes.contains(&it.trim().to_lowercase().as_str()))
        || is("VERCEL_ENV", "production")
        || (is("NETLIFY", "true") && is("CONTEXT", "production"))
}

/// The name of a variable; an address in its place would be a secret in a file.
fn variable(named: Option<String>, usual: &str, key: &str) -> Result<String> {
    let name = named.unwrap_or_else(|| usual.to_owned());
    if name.contains("://") || name.is_empty() {
        let key = format!("hook.{key}");
        let help = format!(
            "write the name of a variable, as in \"{usual}\", and put the address into that"
        );
        return Err(invalid(&key, "must name an environment variable", &help));
    }
    Ok(name)
}

/// An address that may be called, which no message repeats.
fn address(value: Option<String>, variable: &str) -> Result<Option<Secret>> {
    let Some(value) = value else { return Ok(None) };
    let is_web = Url::parse(&value)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    if is_web {
        return Ok(Some(Secret::new(value)));
    }
    let what =
        format!("the environment variable {variable} does not hold an http or https address");
    Err(Error::config(what).help("copy the whole address of the hook, with https://"))
}
