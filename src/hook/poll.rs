//! Looking into the database for changes that nobody told of: for webhooks that get lost, and for
//! databases that send none.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Receiver;
use super::state::Entry;
use crate::db::{Database, deploys};
use crate::error::Result;

/// A deployment does not wait for a database any longer.
const LOOK: Duration = Duration::from_secs(5);

/// What the database has pending, by table: a text for each that names its marks.
type Marks = BTreeMap<String, String>;

/// Somebody who waits until a look is done.
pub type Asked = oneshot::Sender<()>;

/// Looks again and again, and whenever it is asked to, if it is to and there is a database; never
/// ends. One look at a time: an older one must not take the place of a younger one.
pub async fn run(receiver: &Receiver, mut asked: mpsc::Receiver<Asked>) {
    if !is_wanted(receiver) {
        return std::future::pending().await;
    }
    let mut asking = None;
    loop {
        look(receiver, asking.as_ref()).await;
        if let Some(asking) = Option::<Asked>::take(&mut asking) {
            let _ = asking.send(());
        }
        tokio::select! {
            () = tokio::time::sleep(receiver.config.hook.poll) => {}
            next = asked.recv() => asking = next,
        }
    }
}

/// What is pending when a deployment begins is part of it, whoever told of it, and no reason for a
/// further one.
pub async fn look_before_a_deployment(receiver: &Receiver) {
    if !is_wanted(receiver) {
        return;
    }
    let looked = async {
        let (tell, told) = oneshot::channel();
        if receiver.look.send(tell).await.is_ok() {
            let _ = told.await;
        }
    };
    if tokio::time::timeout(LOOK, looked).await.is_err() {
        tracing::warn!("no look into the database before the deployment: it takes too long");
    }
}

fn is_wanted(receiver: &Receiver) -> bool {
    !receiver.config.hook.poll.is_zero() && receiver.config.database.url.is_some()
}

async fn look(receiver: &Receiver, asking: Option<&Asked>) {
    let (marks, blind) = match pending(receiver).await {
        Ok(looked) => looked,
        Err(error) => {
            tracing::warn!("no look into the database: {}", error.chain().join(": "));
            let why = "the database cannot be asked: the log says why";
            receiver.set_poll_error(Some(why.to_owned()));
            receiver.metrics.poll(false);
            return;
        }
    };
    // Who has given up waiting deploys by now, and may have read less than is pending.
    let is_deployed = asking.is_some_and(|it| !it.is_closed());
    note(receiver, marks, is_deployed).await;
    let former = receiver.set_poll_error(blind.map(str::to_owned));
    if let Some(why) = blind.filter(|why| former.as_deref() != Some(*why)) {
        tracing::warn!("polling finds nothing: {why}");
    }
    receiver.metrics.poll(true);
}

async fn pending(receiver: &Receiver) -> Result<(Marks, Option<&'static str>)> {
    let database = Database::open(&receiver.config.database).await?;
    let looked = database.with_connection(async |connection| {
        let blind = deploys::why_blind(connection).await?;
        Ok((deploys::pending(connection).await?.into_iter().collect(), blind))
    });
    let looked = looked.await;
    database.close().await?;
    looked
}

/// Only what is new is a change.
async fn note(receiver: &Receiver, marks: Marks, is_deployed: bool) {
    let news = receiver.journal.look(|state, _| {
        (state.polled != marks)
            .then(|| if is_deployed { Vec::new() } else { new(&state.polled, &marks) })
    });
    let Some(tables) = news else { return };
    if !tables.is_empty() {
        tracing::info!(tables = tables.join(", "), "the database has changes pending");
    }
    receiver.journal.write(Entry::Polled { at: 0, tables, marks }).await;
}

/// The tables with marks that were not there before. What a build has left of those that were is
/// known already.
fn new(known: &Marks, now: &Marks) -> Vec<String> {
    let is_new = |(table, marks): &(&String, &String)| {
        let known = known.get(*table).map(String::as_str).unwrap_or_default();
        let known: HashSet<&str> = known.split(',').collect();
        marks.split(',').any(|mark| !known.contains(mark))
    };
    now.iter().filter(is_new).map(|(table, _)| table.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(list: &[(&str, &str)]) -> Marks {
        list.iter().map(|(table, marks)| ((*table).to_owned(), (*marks).to_owned())).collect()
    }

    #[test]
    fn what_a_build_has_left_over_is_not_new() {
        let known = marks(&[("a", "1 1,2 3"), ("b", "3 1")]);
        assert!(new(&known, &known).is_empty());
        assert!(new(&known, &marks(&[("a", "2 3")])).is_empty(), "the rest was taken in");
        assert!(new(&known, &Marks::new()).is_empty());
        assert_eq!(new(&known, &marks(&[("a", "1 1,2 4"), ("b", "3 1")])), ["a"], "it counts more");
        assert_eq!(new(&known, &marks(&[("a", "2 3"), ("b", "4 1")])), ["b"]);
        assert_eq!(new(&Marks::new(), &known), ["a", "b"]);
    }
}
