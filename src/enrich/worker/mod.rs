//! A worker: claims what is due, has it performed, records how it ended. Any number of them share
//! a queue, on any number of machines.
//!
//! The database is asked while tasks run, in this same task of the runtime: whatever waits for the
//! shared connection must go on meanwhile, or both would wait for ever.

mod link;
mod report;
mod running;
mod stop;

use std::time::{Duration, Instant};

use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

pub(in crate::enrich) use self::link::Link;
pub use self::report::{Calls, End, Observer, Problem, Report, Tally};
use self::running::{Done, Running};
pub use self::stop::Stop;
use super::queue::{self, Ask};
use super::record::{self, Failed, Outcome};
use super::router::BUILT_IN;
use super::{Call, Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use crate::config::Enrich;
use crate::db::Database;
use crate::error::Result;
use crate::telemetry::SPANS;

/// How a worker goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// After this it is over; a worker that stands has none.
    pub window: Option<Duration>,
    pub concurrency: usize,
    /// Wait for more when there is none.
    pub watch: bool,
    /// All where none is named; else the first named goes first.
    pub task_types: Vec<String>,
    /// Who holds a task, for people.
    pub worker_name: String,
    pub run_id: Uuid,
    pub stop: Stop,
    /// How often a worker that stands looks for what is missing.
    pub look_every: Duration,
    /// How much longer than the window, or than being asked to stop, running tasks may take.
    pub grace: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Of a window, in which tasks are begun.
const FIRST_PART: f64 = 0.9;
const LONGEST_GRACE: Duration = Duration::from_secs(30);

impl Options {
    pub fn new(settings: &Enrich) -> Self {
        Self {
            window: None,
            concurrency: settings.concurrency,
            watch: false,
            task_types: Vec::new(),
            worker_name: worker_name(),
            run_id: Uuid::new_v4(),
            stop: Stop::default(),
            look_every: LOOK_EVERY,
            grace: LONGEST_GRACE,
        }
        .within(settings.window)
    }

    /// For so long, and half as long again for what runs by then: 30 s at most.
    #[must_use]
    pub fn within(self, window: Duration) -> Self {
        Self { window: Some(window), grace: (window / 2).min(LONGEST_GRACE), ..self }
    }
}

/// Host, process and chance.
fn worker_name() -> String {
    let host = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let host = host.into_iter().find_map(|file| std::fs::read_to_string(file).ok());
    let host = host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let host = match host.trim() {
        "" => "worker",
        host => host,
    };
    format!("{host}-{}-{:04x}", std::process::id(), fastrand::u16(..))
}

/// Works through the queue until nothing is due, the window ends, or it is asked to stop. The
/// performer may use the same connection.
pub async fn drain(
    database: &Database,
    connection: &SharedConnection,
    settings: &Enrich,
    performer: &impl Perform,
    options: &Options,
    observer: &impl Observer,
) -> Result<Report> {
    let begun = Instant::now();
    let report = Report { run_id: options.run_id, ..Report::default() };
    let mut worker = Worker {
        link: Link { database, connection, is_patient: options.watch, stop: &options.stop },
        lease: settings.lease,
        options,
        observer,
        running: Running::new(performer, settings.lease),
        report,
        begun,
        pause: FIRST_PAUSE,
        next_claim: begun,
        next_rescue: begun,
        next_own: None,
        stopped: None,
    };
    worker.work().await?;
    let mut report = worker.report;
    let types = &options.task_types;
    let left = worker.link.run(async |connection| queue::counts(connection, types).await).await?;
    (report.due, report.later) = (left.due, left.pending - left.due);
    report.took(begun.elapsed());
    Ok(report)
}

struct Worker<'a, P, O> {
    link: Link<'a>,
    lease: Duration,
    options: &'a Options,
    observer: &'a O,
    running: Running<'a, P>,
    report: Report,
    begun: Instant,
    pause: Duration,
    next_claim: Instant,
    next_rescue: Instant,
    /// When the first of those is due that this worker has put back itself.
    next_own: Option<Instant>,
    stopped: Option<Instant>,
}

impl<P: Perform, O: Observer> Worker<'_, P, O> {
    async fn work(&mut self) -> Result<()> {
        loop {
            self.record().await?;
            self.look_for_stop();
            if self.is_over() {
                return self.let_go().await;
            }
            if self.may_claim() {
                self.rescue().await?;
                if Instant::now() >= self.next_claim {
                    self.claim().await?;
                }
            }
            if self.has_nothing_to_do() {
                return Ok(());
            }
            self.wait().await;
        }
    }

    fn look_for_stop(&mut self) {
        if self.stopped.is_none() && self.options.stop.asked() > 0 {
            self.stopped = Some(Instant::now());
        }
    }

    /// When whatever still runs is given back.
    fn end(&self) -> Option<Instant> {
        if self.options.stop.asked() > 1 {
            return self.stopped;
        }
        let grace = self.options.grace;
        let window = self.options.window.map(|window| self.begun + window + grace);
        let stopped = self.stopped.map(|stopped| stopped + grace);
        window.into_iter().chain(stopped).min()
    }

    fn is_over(&self) -> bool {
        self.end().is_some_and(|end| Instant::now() >= end)
    }

    /// The end of claiming comes before the end of the window.
    fn claims_until(&self) -> Option<Instant> {
        self.options.window.map(|window| self.begun + window.mul_f64(FIRST_PART))
    }

    fn may_claim(&self) -> bool {
        self.stopped.is_none() && !self.is_late(Instant::now()) && self.free() > 0
    }

    fn is_late(&self, time: Instant) -> bool {
        self.claims_until().is_some_and(|until| time >= until)
    }

    fn free(&self) -> usize {
        self.options.concurrency.max(1).saturating_sub(self.running.held())
    }

    fn has_nothing_to_do(&self) -> bool {
        let now = Instant::now();
        if self.running.held() > 0 {
            return false;
        }
        if self.stopped.is_some() || self.is_late(now) {
            return true;
        }
        let waits = self.options.watch || self.next_own.is_some_and(|own| !self.is_late(own));
        !waits && self.next_claim > now
    }

    async fn rescue(&mut self) -> Result<()> {
        if Instant::now() < self.next_rescue {
            return Ok(());
        }
        let rescue = self.link.run(async |connection| queue::rescue(connection).await);
        let rescued = self.running.alongside(rescue).await?;
        self.report.rescued += rescued.pending + rescued.failed;
        let pause = (self.lease / 4).clamp(FIRST_PAUSE, LONGEST_PAUSE * 3);
        self.next_rescue = Instant::now() + pause;
        Ok(())
    }

    async fn claim(&mut self) -> Result<()> {
        // Before the database counts the lease, so that ours ends first.
        let now = Instant::now();
        let count = self.free();
        let ask = Ask {
            worker: &self.options.worker_name,
            count,
            lease: self.lease,
            types: &self.options.task_types,
            run_id: self.options.run_id,
        };
        let span = tracing::info_span!(target: SPANS, "claim", tasks = Empty);
        let claim = self.link.run(async |connection| queue::claim(connection, &ask).await);
        let tasks = self.running.alongside(claim.instrument(span.clone())).await?;
        span.record("tasks", number(tasks.len()));
        self.observer.claimed(tasks.len());
        if self.next_own.is_some_and(|own| own <= now) {
            self.next_own = None;
        }
        self.pause =
            if tasks.is_empty() { (self.pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        // Less than what was asked for: there is no more for the moment.
        self.next_claim = if tasks.len() == count { now } else { Instant::now() + self.pause };
        let end = self.end();
        for task in tasks {
            self.running.start(task, now, end);
        }
        Ok(())
    }

    /// Until a task ends, or it is time for something.
    async fn wait(&mut self) {
        if self.running.held() > 0 && !self.running.done.is_empty() {
            return;
        }
        let mut until = Instant::now() + LONGEST_PAUSE;
        if self.may_claim() {
            let own = self.next_own.unwrap_or(self.next_claim);
            self.next_claim = self.next_claim.min(own.max(Instant::now()));
            until =
                until.min(self.next_claim).min(self.next_rescue.max(Instant::now() + FIRST_PAUSE));
        }
        if let Some(end) = self.end() {
            until = until.min(end);
        }
        let stop = &self.options.stop;
        let asked = stop.asked();
        let pause = async {
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = stop.after(asked) => {}
            }
        };
        self.running.until_one_ends(pause).await;
    }

    /// Records how those ended that have.
    async fn record(&mut self) -> Result<()> {
        let done = std::mem::take(&mut self.running.done);
        if done.is_empty() {
            return Ok(());
        }
        let mut finished: Vec<(Claimed, Effect)> = Vec::new();
        for Done { task, result } in done {
            match result {
                Ok(effect) => finished.push((task, effect)),
                Err(failure) => self.failed(&task, failure).await?,
            }
        }
        self.finished(&finished).await
    }

    async fn finished(&mut self, finished: &[(Claimed, Effect)]) -> Result<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let works: Vec<_> = finished.iter().map(|(task, effect)| (task, effect)).collect();
        let run_id = self.options.run_id;
        let finish =
            self.link.run(async |connection| record::finish_many(connection, &works, run_id).await);
        let span = tracing::info_span!(target: SPANS, "record", tasks = number(works.len()));
        let outcomes = self.running.alongside(finish.instrument(span)).await?;
        for ((task, effect), outcome) in finished.iter().zip(outcomes) {
            match outcome {
                Outcome::Recorded(recorded) => {
                    self.running.span(task.id).in_scope(|| say(&effect.calls));
                    self.report.count(&effect.calls);
                    self.ended(task, &End::Completed(recorded));
                }
                Outcome::Lost => self.ended(task, &End::Lost),
                Outcome::Refused(failure) => self.failed(task, failure).await?,
            }
        }
        Ok(())
    }

    async fn failed(&mut self, task: &Claimed, failure: Failure) -> Result<()> {
        let run_id = self.options.run_id;
        let fail = self
            .link
            .run(async |connection| record::fail(connection, task, &failure, run_id).await);
        let span = self.running.span(task.id);
        let outcome = self.running.alongside(fail.instrument(span)).await?;
        if outcome != Failed::Lost {
            self.report.count(&failure.calls);
        }
        if let Failed::Again(after) | Failed::PutBack(after) = outcome
            && is_worth_waiting(failure.kind)
        {
            // Not a moment too early: it would not be due.
            let due = Instant::now() + after + Duration::from_millis(20);
            self.next_own = Some(self.next_own.map_or(due, |own| own.min(due)));
        }
        self.ended(task, &End::Failed { outcome, message: failure.message });
        Ok(())
    }

    /// Gives back what runs, unharmed.
    async fn let_go(&mut self) -> Result<()> {
        for task in self.running.stop() {
            let put_back =
                self.link.run(async |connection| record::put_back(connection, &task).await);
            let end = if put_back.await? { End::PutBack } else { End::Lost };
            self.ended(&task, &end);
        }
        Ok(())
    }

    fn ended(&mut self, task: &Claimed, end: &End) {
        self.report.note(task, end);
        let span = self.running.span(task.id);
        span.in_scope(|| self.observer.ended(task, end));
        if let End::Failed { outcome, .. } = end {
            span.record("error.type", outcome.name());
            span.record("otel.status_code", "error");
        }
        self.running.forget(task.id);
    }
}

/// The answers that no provider was asked for: the router says the others.
fn say(calls: &[Call]) {
    for Call { provider, model, is_cached, reason, .. } in calls {
        if *is_cached {
            tracing::info!("did not ask {provider} ({model}): {reason}");
        } else if provider == BUILT_IN {
            tracing::info!("asked {provider} ({model}), {reason}");
        }
    }
}

/// As collectors take them.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether a run waits for such a task. Limits end when they say; nobody knows when a server that
/// is down comes back, and a build has better things to do.
fn is_worth_waiting(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Down(_) => false,
        FailureKind::Faulty(after) => after <= LONGEST_PAUSE,
        FailureKind::Retry | FailureKind::Unavailable(_) | FailureKind::Final => true,
    }
}

/// What a task is told that took too long.
fn too_long(limit: Duration) -> Failure {
    let seconds = limit.as_secs_f32();
    Failure::new(FailureKind::Retry, format!("it took longer than {seconds:.1} s"))
}
