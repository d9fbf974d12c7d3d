//! Where the remote store is and what opens it. Not to be printed: it holds secrets.

use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use url::Url;

use crate::error::{Error, Result};

const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(30);

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub struct Settings {
    bucket: String,
    pub prefix: Path,
    endpoint: Option<String>,
    region: String,
    key_id: String,
    secret: String,
    token: Option<String>,
}

impl Settings {
    /// Reads the address `s3://bucket/prefix`, and from the environment all that may not be in it.
    pub fn read(url: &str, env: Env) -> Result<Self> {
        let (bucket, prefix) = address(url).ok_or_else(malformed)?;
        let mut missing = Vec::new();
        let mut required = |name| {
            value(env, name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let key_id = required("AWS_ACCESS_KEY_ID");
        let secret = required("AWS_SECRET_ACCESS_KEY");
        let region = required("AWS_REGION");
        if !missing.is_empty() {
            return Err(incomplete(&missing));
        }
        let token = value(env, "AWS_SESSION_TOKEN");
        Ok(Self { bucket, prefix, endpoint: endpoint(env)?, region, key_id, secret, token })
    }

    pub fn address(&self) -> String {
        let (bucket, prefix) = (&self.bucket, self.prefix.as_ref());
        if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") }
    }

    pub fn builder(&self) -> AmazonS3Builder {
        let endpoint = self.endpoint.as_deref();
        // Storage other than Amazon's seldom has a name for each bucket; and no certificate is for
        // a bucket's name with dots in it.
        let bucket_in_host = endpoint.is_none() && !self.bucket.contains('.');
        let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http:"));
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.key_id)
            .with_secret_access_key(&self.secret)
            .with_virtual_hosted_style_request(bucket_in_host)
            .with_client_options(client(plain))
            .with_retry(retry());
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &self.token {
            builder = builder.with_token(token);
        }
        builder
    }
}

fn client(plain: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST)
        .with_default_content_type("application/octet-stream")
}

/// Enough for a hiccup; what lasts longer is not worth the wait.
fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: 2, retry_timeout: Duration::from_secs(15) }
}

/// Variables that a host's form left empty are as good as missing.
fn value(env: Env, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn address(url: &str) -> Option<(String, Path)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return None;
    }
    if !prefix.bytes().all(|byte| plain(byte) || byte == b'/') {
        return None;
    }
    Some((bucket.to_owned(), Path::parse(prefix.trim_matches('/')).ok()?))
}

fn endpoint(env: Env) -> Result<Option<String>> {
    let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
    let found = names.iter().find_map(|name| Some((name, value(env, name)?)));
    let Some((name, endpoint)) = found else { return Ok(None) };
    let fits = |url: &Url| {
        let extras = [url.query(), url.fragment(), url.password()];
        let nothing_else = extras.iter().all(Option::is_none) && url.username().is_empty();
        ["http", "https"].contains(&url.scheme()) && nothing_else
    };
    if Url::parse(&endpoint).is_ok_and(|url| fits(&url)) {
        return Ok(Some(endpoint.trim_end_matches('/').to_owned()));
    }
    Err(Error::config(format!("{name} is no address of a server"))
        .help("it starts with https:// (or http://), and has neither a user nor a query"))
}

/// Says nothing of what was given: where keys were put into it, it would show them.
fn malformed() -> Error {
    Error::config("the address of the remote cache is not of the form s3://bucket/prefix").help(
        "letters, digits, dots, dashes and underscores make up bucket and prefix; endpoint and \
         keys come from the environment",
    )
}

fn incomplete(missing: &[&str]) -> Error {
    let names = missing.join(", ");
    Error::config(format!("the remote cache needs {names} in the environment")).help(
        "set them, and AWS_ENDPOINT_URL if it is not Amazon's; or go without the remote cache",
    )
}
