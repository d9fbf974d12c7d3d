//! Dev mode from its start to its end: the site is opened, changes are taken one after the other,
//! and everything stops when it is told to.

mod asked;
mod assets;
mod attendant;
mod closing;
mod fetching;
mod files;
mod finished;
mod jobs;
mod listening;
mod panics;
mod retry;
mod running;
mod telling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use self::attendant::Attendant;
use super::desk::{Desk, Question};
use super::http::Bound;
use super::stop::Stop;
use super::throttle::Line;
use super::watch::{Folders, Watch};
use super::{Observer, Options, Served, url};
use crate::config::Config;
use crate::db;
use crate::error::Result;

/// Reads the configuration, as often as it changes.
pub type Load = dyn Fn() -> Result<Config> + Send + Sync;

/// How long what is still being done at the end is waited for: pages that wait for images, images
/// that are being made.
const END: Duration = Duration::from_secs(1);

/// Serves the site until the process is told to stop.
pub fn dev(load: &Load, options: &Options, observer: &Arc<dyn Observer>) -> Result<()> {
    let begun = Instant::now();
    let config = load()?;
    let runtime = db::runtime()?;
    let (desk, questions) = Desk::new(Arc::clone(observer));
    let desk = Arc::new(desk);
    let served = runtime.block_on(serve(load, config, options, (&desk, questions), begun));
    runtime.shutdown_timeout(END);
    // To drop it would be to wait for the images that are being made: they end with the process.
    std::mem::forget(desk);
    served
}

async fn serve(
    load: &Load,
    config: Config,
    options: &Options,
    (desk, mut questions): (&Arc<Desk>, mpsc::UnboundedReceiver<Question>),
    begun: Instant,
) -> Result<()> {
    let mut told = Stop::listen();
    let bound = Bound::open(options).await?;
    let (address, network) = (bound.address, bound.network());
    let (stop, stopping) = watch::channel(false);
    let line = options.throttle.map(|throttle| Arc::new(Line::new(throttle)));
    let server = tokio::spawn(bound.serve(Arc::clone(desk) as _, line, stopping));
    let (batches, mut changes) = mpsc::unbounded_channel();
    let watch = Watch::start(Folders::of(&config), batches)?;
    let mut attendant = Attendant::new(load, config, options.drafts, Arc::clone(desk), watch);
    let work = async {
        attendant.start().await;
        let pages = desk.live.read().await.as_ref().map_or(0, |live| live.site().pages.len());
        let (took, database) = (begun.elapsed(), attendant.database());
        desk.started_in(took);
        let (local, network) = (url(address), network.map(url));
        desk.observer.ready(&Served { local, network, database, pages, took });
        attendant.run(&mut changes, &mut questions).await;
    };
    tokio::select! {
        () = work => {}
        () = told.asked() => {}
    }
    let _ = stop.send(true);
    desk.opened();
    let _ = server.await;
    attendant.close().await;
    desk.observer.stopped();
    Ok(())
}
