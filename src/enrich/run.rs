//! A run: what is missing is queued, the queue is worked through, and what is left of quotas is
//! written down.

use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::detect::{Detector, Phase};
use super::queue::{self, NewTask};
use super::task::Tasks;
use super::worker::{self, Link, Observer, Options, Report};
use super::{SharedConnection, memory};
use crate::config::Config;
use crate::db::Database;
use crate::error::Result;

/// Less than this is no time to begin anything.
const LEAST: Duration = Duration::from_millis(200);

/// Of a window, in which it is looked what is missing: the rest is for doing it.
const LOOKING: f64 = 0.5;

/// Whether the configuration knows of anything to do or anybody to ask.
pub fn is_wanted(config: &Config) -> bool {
    !config.enrich.providers.is_empty() || !config.enrich.tasks.is_empty()
}

/// Every log line of it carries the run's id.
pub async fn run(
    database: &Database,
    connection: &SharedConnection,
    config: &Config,
    tasks: &Tasks,
    options: &Options,
    observer: &impl Observer,
) -> Result<Report> {
    // Its level is that of errors, so that even those lines carry it that are always shown.
    let span = tracing::error_span!("enrich", run_id = %options.run_id);
    all(database, connection, config, tasks, options, observer).instrument(span).await
}

async fn all(
    database: &Database,
    connection: &SharedConnection,
    config: &Config,
    tasks: &Tasks,
    options: &Options,
    observer: &impl Observer,
) -> Result<Report> {
    let begun = Some(options.begun.unwrap_or_else(Instant::now));
    let options = &Options { begun, ..options.clone() };
    let link = Link { database, connection, is_patient: options.watch, stop: &options.stop };
    let run = Run {
        detector: Detector::new(&link, config, &options.task_types, options.run_id)?,
        drain: async |options: &Options| {
            worker::drain(database, connection, &config.enrich, tasks, options, observer).await
        },
        options,
    };
    tasks.begin().await;
    let worked =
        if options.watch { Box::pin(run.stand()).await } else { Box::pin(run.once()).await };
    tasks.end().await?;
    let mut report = worked?;
    if report.due + report.later > 0 {
        let why = link.run(async |connection| queue::waits_for(connection).await);
        report.because = why.await?;
    }
    link.run(async |connection| {
        if memory::is_there(connection).await? {
            memory::archive(connection).await?;
        }
        Ok(())
    })
    .await?;
    Ok(report)
}

/// What a run would queue; nothing is written.
pub async fn missing(
    database: &Database,
    connection: &SharedConnection,
    config: &Config,
    options: &Options,
) -> Result<Vec<NewTask>> {
    let link = Link { database, connection, is_patient: false, stop: &options.stop };
    let types = &options.task_types;
    let detector = Detector::new(&link, config, types, options.run_id)?.dry();
    detector.look(Phase::Texts, None).await?;
    detector.look(Phase::Vectors, None).await?;
    Ok(detector.shown())
}

/// Of a window, in which texts are asked for, where there are any.
const TEXTS: f64 = 0.7;

struct Run<'a, D> {
    detector: Detector<'a>,
    drain: D,
    options: &'a Options,
}

impl<D: AsyncFn(&Options) -> Result<Report>> Run<'_, D> {
    /// Texts first, then vectors of them, then a thought about it all.
    async fn once(&self) -> Result<Report> {
        let until = self.options.after(LOOKING);
        let texts = self.detector.look(Phase::Texts, until).await?;
        if texts == 0 {
            self.detector.look(Phase::Vectors, until).await?;
        }
        let first = if texts > 0 { self.first_part() } else { self.options.clone() };
        let mut report = (self.drain)(&first).await?;
        if texts > 0 || report.written > 0 {
            self.go_on(Phase::Vectors, &mut report).await?;
        }
        if report.calls.made > 0 {
            self.go_on(Phase::Reflection, &mut report).await?;
        }
        Ok(report)
    }

    /// The options for texts, which leave some of the window to vectors: a model that keeps all
    /// waiting must not cost those that frieze makes itself.
    fn first_part(&self) -> Options {
        let options = self.options.clone();
        match options.window {
            Some(window) => {
                Options { grace: window.mul_f64(0.1), ..options.within(window.mul_f64(TEXTS)) }
            }
            None => options,
        }
    }

    /// The same in what is left of the window, where there is more to do now.
    async fn go_on(&self, phase: Phase, report: &mut Report) -> Result<()> {
        let until = self.options.begins_until();
        if until.is_some_and(|until| Instant::now() + LEAST >= until)
            || self.options.stop.asked() > 0
            || self.detector.look(phase, until).await? == 0
        {
            return Ok(());
        }
        report.add((self.drain)(self.options).await?);
        Ok(())
    }

    /// Until it is asked to stop, with a look now and then.
    async fn stand(&self) -> Result<Report> {
        self.look().await?;
        tokio::select! {
            report = (self.drain)(self.options) => report,
            stopped = self.look_again() => stopped,
        }
    }

    async fn look(&self) -> Result<()> {
        self.detector.look(Phase::Texts, None).await?;
        self.detector.look(Phase::Vectors, None).await?;
        Ok(())
    }

    async fn look_again(&self) -> Result<Report> {
        loop {
            tokio::time::sleep(self.options.look_every).await;
            // The worker itself says what is wrong with the database.
            if let Err(error) = self.look().await {
                tracing::warn!("nothing was queued: {}", error.chain().join(": "));
            }
        }
    }
}
