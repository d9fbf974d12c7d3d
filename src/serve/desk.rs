//! What is on the desk: the site in memory, what is wrong with it, and the answers to requests.

mod good;
mod own;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use tokio::sync::{Notify, RwLock, RwLockWriteGuard, broadcast, mpsc};

use super::answer::{Answer, Body};
use super::events::{self, Clock, Event};
use super::faults::{Faults, News, Shown};
use super::http::{Asked, Site};
use super::{Observer, overlay, redirects, types};
use crate::assets::FOLDER as ASSETS;
use crate::error::{Error, Result};
use crate::pipeline::live::{self, Found, Live};
use crate::publish::hosts;
use crate::render::{Rendered, inline_sources};

pub struct Desk {
    /// None until the first time that everything was well.
    pub live: RwLock<Option<Live>>,
    /// Somebody wants to change the site: whoever holds it for long lets go.
    pub wanted: Notify,
    pub faults: Faults,
    pub observer: Arc<dyn Observer>,
    events: broadcast::Sender<Event>,
    pub clock: Arc<Clock>,
    /// Whether the site was read once, however that ended.
    opened: (Mutex<bool>, Condvar),
    /// Whether images that lie elsewhere are being fetched.
    fetching: (Mutex<bool>, Condvar),
    good: Mutex<good::Good>,
    log: Mutex<VecDeque<Note>>,
    pub facts: Mutex<Facts>,
    /// Whoever wants to know how the queue stands asks here, and is told when the facts say so.
    questions: mpsc::UnboundedSender<Question>,
}

pub type Question = std::sync::mpsc::SyncSender<()>;

/// What is told of the database.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub database: String,
    /// How changes of rows are noticed.
    pub watching: String,
    /// Tasks for models by state.
    pub queue: Vec<(String, i64)>,
    pub started_in: Duration,
}

/// A change that was served.
#[derive(Debug, Clone)]
pub struct Note {
    pub what: String,
    pub took: Duration,
}

/// So long a request waits for the site to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long for images that are being fetched.
const IMAGES: Duration = Duration::from_secs(10);
/// So long the status page waits for the database.
const QUEUE_PATIENCE: Duration = Duration::from_millis(500);
/// So many changes are listed.
const LISTED: usize = 50;

impl Desk {
    /// A desk, and what is asked of whoever has the database.
    pub fn new(observer: Arc<dyn Observer>) -> (Self, mpsc::UnboundedReceiver<Question>) {
        let (live, wanted, faults, clock, good, log, facts) = Default::default();
        let (opened, fetching) = Default::default();
        let (events, _) = broadcast::channel(events::AHEAD);
        let (questions, asked) = mpsc::unbounded_channel();
        let desk = Self {
            live,
            wanted,
            faults,
            observer,
            events,
            clock,
            opened,
            fetching,
            good,
            log,
            facts,
            questions,
        };
        (desk, asked)
    }

    /// What is known of the database, the queue as it stands now; as it stood before where the
    /// database takes its time.
    pub fn facts(&self) -> Facts {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        if self.questions.send(tell).is_ok() {
            let _ = told.recv_timeout(QUEUE_PATIENCE);
        }
        lock(&self.facts).clone()
    }

    /// The state that pages are made of now.
    pub fn at(&self) -> String {
        self.clock.at()
    }

    /// The site, to be changed.
    pub async fn write(&self) -> RwLockWriteGuard<'_, Option<Live>> {
        self.wanted.notify_waiters();
        self.live.write().await
    }

    /// The site was read, or will not be: nobody has to wait any more.
    pub fn opened(&self) {
        *lock(&self.opened.0) = true;
        self.opened.1.notify_all();
    }

    /// Whoever comes while the site is being read waits for it.
    fn wait(&self) {
        let opened = lock(&self.opened.0);
        let waited = self.opened.1.wait_timeout_while(opened, PATIENCE, |opened| !*opened);
        drop(waited);
    }

    /// Images that lie elsewhere are being fetched, or are not any more.
    pub fn fetching(&self, are: bool) {
        *lock(&self.fetching.0) = are;
        self.fetching.1.notify_all();
    }

    /// Waits for images that are being fetched.
    fn wait_for_images(&self) {
        let fetching = lock(&self.fetching.0);
        drop(self.fetching.1.wait_timeout_while(fetching, IMAGES, |are| *are));
    }

    /// Everything that was made of the former state is old.
    pub fn moved(&self) {
        self.clock.moved();
    }

    pub fn tell(&self, event: Event) {
        // Where no page is open, nobody listens.
        let _ = self.events.send(event);
    }

    pub fn started_in(&self, took: Duration) {
        lock(&self.facts).started_in = took;
    }

    pub fn noted(&self, what: String, took: Duration) {
        self.observer.changed(&what, took);
        let mut log = lock(&self.log);
        log.push_front(Note { what, took });
        log.truncate(LISTED);
    }

    pub fn log(&self) -> Vec<Note> {
        lock(&self.log).iter().cloned().collect()
    }

    /// Tells people of a fault or of its end.
    pub fn news(&self, news: &News, error: Option<&Error>) {
        match (news, error) {
            (News::Fault, Some(error)) => self.observer.fault(error),
            (News::Mended, _) => self.observer.mended(),
            _ => {}
        }
    }

    fn site(&self, asked: &Asked) -> Answer {
        self.wait();
        let path = asked.path.as_str();
        // Taken before the page is made: a change that comes meanwhile makes it old.
        let at = self.at();
        if self.live.blocking_read().is_none() {
            return self.alone(&Shown::of(asked), StatusCode::SERVICE_UNAVAILABLE);
        }
        let shown = Shown::of(asked);
        let mut found = self.find_again(asked);
        if found.as_ref().is_err_and(is_unfetched) {
            self.wait_for_images();
            found = self.find_again(asked);
        }
        if found.is_ok() {
            self.well(&shown);
        }
        match found {
            Ok(Some(Found::Page(page))) => self.page(&at, &shown, StatusCode::OK, page),
            Ok(Some(Found::File(bytes))) => self.with_rules(path, StatusCode::OK, bytes.into()),
            // A browser that keeps it would show it under this name ever after.
            Ok(Some(Found::Changing(bytes))) => {
                let answer = self.with_rules(path, StatusCode::OK, bytes.into());
                answer.with("Cache-Control", "no-store")
            }
            Ok(None) => self.missing(&at, asked),
            Err(error) => self.wrong(&at, &shown, StatusCode::OK, error),
        }
    }

    /// Nothing is wrong with it any more, or it is gone.
    fn well(&self, shown: &Shown) {
        self.news(&self.faults.page(shown, None), None);
    }

    /// An image's address is known once the page that shows it was rendered: a page that was open
    /// before the server started may ask for one that no page has named yet.
    fn find_again(&self, asked: &Asked) -> Result<Option<Found>> {
        let found = self.find(asked)?;
        let from = asked.from.as_deref().filter(|_| asked.path.starts_with(ASSETS));
        match (&found, from) {
            (None, Some(from)) => {
                self.find(&Asked::path(from))?;
                self.find(asked)
            }
            _ => Ok(found),
        }
    }

    /// What is at a path. A page with images that are new waits until they are made.
    fn find(&self, asked: &Asked) -> Result<Option<Found>> {
        let path = asked.path.as_str();
        let draft = Shown::of(asked).draft;
        for _ in 0..Live::ROUNDS {
            let live = self.live.blocking_read();
            let Some(held) = live.as_ref() else { return Ok(None) };
            let found = match draft {
                Some(version) => held.draft(path, version)?.map(Found::Page),
                None => held.at(path)?,
            };
            let Some(Found::Page(Rendered { pending: true, .. })) = &found else {
                return Ok(found);
            };
            let works = held.works();
            drop(live);
            works.wait()?;
            self.wanted.notify_waiters();
            if let Some(live) = self.live.blocking_write().as_mut() {
                live.images_made()?;
            }
        }
        Err(live::never_made(path))
    }

    fn page(&self, at: &str, shown: &Shown, status: StatusCode, page: Rendered) -> Answer {
        let html = Bytes::from(page.html);
        lock(&self.good).keep(shown, &html);
        self.shown(at, &shown.path, status, &html)
    }

    /// A page with the script that listens, and the headers it has on a host.
    fn shown(&self, at: &str, path: &str, status: StatusCode, html: &[u8]) -> Answer {
        let mut script = overlay::client(at);
        if status == StatusCode::NOT_FOUND {
            script = script.replacen(" async", " data-missing async", 1);
        }
        let body = [html, script.as_bytes()].concat();
        self.with_policy(path, status, body.into(), &inline_sources(html))
    }

    fn with_rules(&self, path: &str, status: StatusCode, body: Bytes) -> Answer {
        self.with_policy(path, status, body, &[])
    }

    /// With the headers of a host. What the page holds itself runs, even where the site has gone on
    /// since the page was made.
    fn with_policy(&self, path: &str, status: StatusCode, body: Bytes, own: &[String]) -> Answer {
        let media_type =
            if status == StatusCode::NOT_FOUND { types::of("/") } else { types::of(path) };
        let mut answer = Answer::new(status, media_type, body);
        let live = self.live.blocking_read();
        let rules = live.as_ref().map(|live| live.header_rules(own)).unwrap_or_default();
        for (name, value) in hosts::for_path(&rules, path) {
            match name {
                // There is no encrypted way to this server, and its name is used for others, too.
                "Strict-Transport-Security" => {}
                "Content-Security-Policy" => {
                    let value = value.replace("; upgrade-insecure-requests", "");
                    answer.headers.push((name, value));
                }
                _ => answer.headers.push((name, value)),
            }
        }
        answer
    }

    /// Where hosts lead elsewhere, so does this; otherwise the site's own page for what is missing.
    fn missing(&self, at: &str, asked: &Asked) -> Answer {
        let path = asked.path.as_str();
        let live = self.live.blocking_read();
        let Some(held) = live.as_ref() else {
            return Answer::text(StatusCode::NOT_FOUND, "not found");
        };
        if let Some((to, status)) = redirects::find(&held.config.redirects, path) {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
            return Answer::to(status, &crate::render::encoded(&to));
        }
        let slashed = path
            .strip_suffix("/index.html")
            .map_or_else(|| format!("{path}/"), |it| format!("{it}/"));
        if held.page_at(&slashed).is_some() {
            let to = format!("{}{}", crate::render::encoded(&slashed), asked.tail());
            return Answer::to(StatusCode::PERMANENT_REDIRECT, &to);
        }
        drop(live);
        let shown = Shown::page("/404.html");
        match self.find(&shown.asked()) {
            Ok(Some(Found::Page(page))) => {
                self.well(&shown);
                self.page(at, &shown, StatusCode::NOT_FOUND, page)
            }
            Err(error) => self.wrong(at, &shown, StatusCode::NOT_FOUND, error),
            Ok(_) => Answer::text(StatusCode::NOT_FOUND, "not found"),
        }
    }

    /// The last good page, where there is one; what is wrong is shown over it.
    fn wrong(&self, at: &str, shown: &Shown, status: StatusCode, error: Error) -> Answer {
        let error = Arc::new(error);
        let news = self.faults.page(shown, Some(Arc::clone(&error)));
        self.news(&news, Some(&error));
        let good = lock(&self.good).get(shown);
        match good {
            Some(html) => self.shown(at, &shown.path, status, &html),
            None if status == StatusCode::OK => {
                self.alone(shown, StatusCode::INTERNAL_SERVER_ERROR)
            }
            None => self.alone(shown, status),
        }
    }

    /// What is wrong, as a page of its own.
    fn alone(&self, shown: &Shown, status: StatusCode) -> Answer {
        let faults = self.fault(shown);
        let waiting = "<header><h1>frieze</h1><p>The site is being read.</p></header>";
        let body = if faults.is_empty() { waiting } else { &faults };
        Answer::own(status, types::of("/"), overlay::page("frieze", body, Some(&self.at())))
    }
}

/// Where dev mode's own things are.
const OWN: &str = "/_frieze/";

impl Site for Desk {
    fn answer(&self, asked: &Asked) -> Answer {
        match asked.path.strip_prefix(OWN) {
            Some(name) => self.own(name, asked),
            None if asked.path == "/_frieze" => Answer::to(StatusCode::PERMANENT_REDIRECT, OWN),
            None => self.site(asked),
        }
    }

    fn stream(&self, asked: &Asked) -> Option<Response<Body>> {
        if asked.path != "/_frieze/events" {
            return None;
        }
        Some(events::stream(&self.events, &self.clock, asked.parameter("at").as_deref()))
    }
}

/// Whether an image is missing that may be on its way.
fn is_unfetched(error: &Error) -> bool {
    error.chain().iter().any(|message| message.contains("was not downloaded"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
