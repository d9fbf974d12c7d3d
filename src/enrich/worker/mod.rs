//! A worker: claims what is due, has it performed, records how it ended. Any number of them share
//! a queue, on any number of machines.
//!
//! The database is asked while tasks run, in this same task of the runtime: whatever waits for the
//! shared connection must go on meanwhile, or both would wait for ever.

mod link;
mod options;
mod report;
mod running;
mod signals;
mod stop;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

pub(in crate::enrich) use self::link::Link;
pub use self::options::Options;
pub use self::report::{Calls, End, Observer, Problem, Report, Tally};
use self::running::{Done, Running};
pub use self::signals::Watch;
pub use self::stop::Stop;
use super::queue::{self, Ask};
use super::record::{self, Failed, Outcome};
use super::router::{BUILT_IN, NOBODY, SOON};
use super::{Call, Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use crate::config::Enrich;
use crate::db::Database;
use crate::error::{Error, Result};
use crate::telemetry::SPANS;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

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
    let started = Instant::now();
    let begun = options.begun.unwrap_or(started);
    let options = &Options { begun: Some(begun), ..options.clone() };
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
        next_claim: started,
        next_rescue: started,
        own: Vec::new(),
        rests: HashMap::new(),
        waited_for: HashSet::new(),
        stopped: None,
    };
    if let Err(error) = worker.work().await {
        worker.abandon().await;
        return Err(error);
    }
    let mut report = worker.report;
    let types = &options.task_types;
    let left = worker.link.run(async |connection| queue::counts(connection, types).await).await?;
    (report.due, report.later) = (left.due, left.pending - left.due);
    report.took(started.elapsed());
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
    /// When those are due that this worker has put back itself, and waits for.
    own: Vec<(Instant, String)>,
    /// Sorts of tasks that nobody can be asked about, until then.
    rests: HashMap<String, Instant>,
    /// Tasks that were waited for once, though nobody said that it would help.
    waited_for: HashSet<Uuid>,
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

    fn may_claim(&self) -> bool {
        self.stopped.is_none() && !self.is_late(Instant::now()) && self.free() > 0
    }

    fn is_late(&self, time: Instant) -> bool {
        self.options.begins_until().is_some_and(|until| time >= until)
    }

    /// When the first is due that this worker waits for.
    fn next_own(&self) -> Option<Instant> {
        let rests = |sort| self.rests.get(sort).copied();
        let due = self.own.iter().filter(|(due, sort)| rests(sort).is_none_or(|it| it <= *due));
        due.map(|(due, _)| *due).min()
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
        let waits = self.options.watch || self.next_own().is_some_and(|own| !self.is_late(own));
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
        self.rests.retain(|_, until| *until > now);
        let except: Vec<String> = self.rests.keys().cloned().collect();
        let ask = Ask {
            worker: &self.options.worker_name,
            count,
            lease: self.lease,
            types: &self.options.task_types,
            except: &except,
            run_id: self.options.run_id,
        };
        let span = tracing::info_span!(target: SPANS, "claim", tasks = Empty);
        let claim = self.link.run(async |connection| queue::claim(connection, &ask).await);
        let tasks = self.running.alongside(claim.instrument(span.clone())).await?;
        span.record("tasks", number(tasks.len()));
        self.observer.claimed(tasks.len());
        self.own.retain(|(due, _)| *due > now);
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
            let own = self.next_own().unwrap_or(self.next_claim);
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
                    self.running.span(task).in_scope(|| say(&effect.calls));
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
        let span = self.running.span(task);
        let outcome = self.running.alongside(fail.instrument(span)).await?;
        if outcome != Failed::Lost {
            self.report.count(&failure.calls);
        }
        if let Failed::Again(after) | Failed::PutBack(after) = outcome {
            self.note_wait(task, &failure, after);
        }
        self.ended(task, &End::Failed { outcome, message: failure.message });
        Ok(())
    }

    fn note_wait(&mut self, task: &Claimed, failure: &Failure, after: Duration) {
        let (now, sort) = (Instant::now(), queue::sort(task));
        if let Some(rest) = rest(failure) {
            let until = self.rests.entry(sort.clone()).or_insert(now);
            *until = (*until).max(now + rest);
        }
        if self.is_worth_waiting(task, failure.kind, after) {
            // Not a moment too early: it would not be due.
            self.own.push((now + after + Duration::from_millis(20), sort));
        }
    }

    /// Whether a run waits for such a task. Limits end when they say; nobody knows when a server
    /// that is down comes back, and a build has better things to do.
    fn is_worth_waiting(&mut self, task: &Claimed, kind: FailureKind, after: Duration) -> bool {
        match kind {
            FailureKind::Down(_) | FailureKind::Final => false,
            FailureKind::Faulty(_) => after <= LONGEST_PAUSE && self.waited_for.insert(task.id),
            FailureKind::Retry | FailureKind::Unavailable(_) => {
                self.options.longest_wait.is_none_or(|longest| after <= longest)
            }
        }
    }

    /// After an error that ends it all: whatever it holds, others can have at once.
    async fn abandon(&mut self) {
        let tasks = self.running.stop();
        let give_back = async {
            let mut connection = self.link.connection.lock().await;
            for task in &tasks {
                record::put_back(&mut connection, task).await?;
            }
            Ok::<_, Error>(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(LONGEST_PAUSE, give_back).await {
            tracing::debug!("tasks stay leased: {}", error.chain().join(": "));
        }
    }

    /// Records what is done, and gives back what runs, unharmed.
    async fn let_go(&mut self) -> Result<()> {
        self.running.collect();
        while !self.running.done.is_empty() {
            self.record().await?;
        }
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
        let span = self.running.span(task);
        span.in_scope(|| self.observer.ended(task, end));
        if let End::Failed { outcome, .. } = end {
            span.record("error.type", outcome.name());
            span.record("otel.status_code", "error");
        }
        self.running.forget(task);
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

/// How long tasks of the same sort are left where they are: nobody was there to be asked, or whoever
/// was is left alone now.
fn rest(failure: &Failure) -> Option<Duration> {
    let nobody = |call: &Call| call.provider == NOBODY || call.provider == BUILT_IN;
    match failure.kind {
        FailureKind::Unavailable(wait) | FailureKind::Down(wait) | FailureKind::Faulty(wait) => {
            (wait > SOON || failure.calls.iter().all(nobody)).then_some(wait)
        }
        FailureKind::Retry | FailureKind::Final => None,
    }
}

/// What a task is told that took too long.
fn too_long(limit: Duration) -> Failure {
    let seconds = limit.as_secs_f32();
    Failure::new(FailureKind::Retry, format!("it took longer than {seconds:.1} s"))
}
