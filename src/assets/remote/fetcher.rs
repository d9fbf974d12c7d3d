//! One download from its URL to the cache: the tries, the redirects, the answer.

use std::time::{Duration, Instant};

use backon::Retryable as _;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, StatusCode};
use url::Url;

use super::answer::{self, Answer};
use super::client::{Clients, check_literal};
use super::copy::{Copy, keep};
use super::failure::{self, Failure};
use super::rules::Rules;
use super::shown::shown;
use super::turns::Turns;
use super::{Fetched, Setting, redirect, retry};
use crate::cache::Cache;
use crate::error::{Error, Result};

pub struct Fetcher<'a> {
    rules: &'a Rules,
    cache: &'a Cache,
    clients: Clients,
    turns: Turns,
    delay: Duration,
}

/// What one request brought.
enum Hop {
    /// The place to ask next.
    To(Url),
    /// The copy from a former build is still good.
    Same,
    New(Answer),
}

impl<'a> Fetcher<'a> {
    pub fn new(setting: Setting, rules: &'a Rules, cache: &'a Cache) -> Self {
        let Setting { lookup, delay } = setting;
        Self { rules, cache, clients: Clients::new(lookup), turns: Turns::new(), delay }
    }

    pub async fn fetch(&self, src: &str) -> Result<Fetched> {
        let url = self.rules.check(src)?;
        let copy = Copy::find(self.cache, &url, self.rules.max_bytes);
        let tried = (|| self.follow(&url, copy.as_ref()))
            .retry(retry::backoff(self.delay))
            .sleep(tokio::time::sleep)
            .when(retry::is_worthwhile)
            .adjust(retry::pause)
            .await;
        match (tried, copy) {
            (Ok(Some(answer)), _) => keep(self.cache, &url, &answer),
            (Ok(None), Some(copy)) => Ok(copy.fetched(None)),
            (Ok(None), None) => {
                Err(failure::status(&url, StatusCode::NOT_MODIFIED, None).into_error())
            }
            (Err(Failure::Passing { error, .. }), Some(copy)) => {
                Ok(copy.fetched(Some(warning(&url, &error))))
            }
            (Err(failure), _) => Err(failure.into_error()),
        }
    }

    /// One try: asks, and goes where it is sent. `None` where the copy is still good.
    async fn follow(&self, url: &Url, copy: Option<&Copy>) -> Result<Option<Answer>, Failure> {
        let (mut at, mut left) = (url.clone(), self.rules.timeout);
        for hops in 0..=redirect::MOST {
            let hop = self.hop_in_time(&at, copy, &mut left).await;
            match hop.map_err(|f| if hops == 0 { f } else { f.on_the_way_from(url) })? {
                Hop::To(next) => at = next,
                Hop::Same => return Ok(None),
                Hop::New(answer) => return Ok(Some(answer)),
            }
        }
        Err(redirect::too_many(url).into())
    }

    /// One request, in the time that is left. Waiting for a turn takes none of it.
    async fn hop_in_time(
        &self,
        at: &Url,
        copy: Option<&Copy>,
        left: &mut Duration,
    ) -> Result<Hop, Failure> {
        let _turn = self.turns.take(at).await;
        let start = Instant::now();
        let hop = tokio::time::timeout(*left, self.hop(at, copy)).await;
        *left = left.saturating_sub(start.elapsed());
        hop.unwrap_or_else(|_| Err(failure::too_slow(at, self.rules.timeout)))
    }

    async fn hop(&self, at: &Url, copy: Option<&Copy>) -> Result<Hop, Failure> {
        let validators = copy.map_or_else(HeaderMap::new, |copy| copy.validators(at));
        let request = self.client(at)?.get(at.clone()).headers(validators.clone());
        let response = request.send().await.map_err(|error| failure::broken(at, error))?;
        match response.status().as_u16() {
            200 => Ok(Hop::New(answer::read(at, response, self.rules.max_bytes).await?)),
            301 | 302 | 303 | 307 | 308 => {
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|location| location.to_str().ok());
                Ok(Hop::To(redirect::target(self.rules, at, location)?))
            }
            304 if !validators.is_empty() => Ok(Hop::Same),
            _ => {
                let after = retry::asked_for(response.headers());
                Err(failure::status(at, response.status(), after))
            }
        }
    }

    /// The client that may speak to a place: to the project's own storage on this machine one that
    /// reaches nothing else, to everything else one that reaches nothing on this machine.
    fn client(&self, url: &Url) -> Result<&Client, Failure> {
        if self.rules.is_local(url) {
            return Ok(self.clients.local(url)?);
        }
        check_literal(url).map_err(|refused| failure::refused_address(url, &refused))?;
        Ok(self.clients.public(url)?)
    }
}

fn warning(url: &Url, error: &Error) -> String {
    let why = error.chain().join(": ");
    format!("the image {} is the copy of a former build: {why}", shown(url))
}
