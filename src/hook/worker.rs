//! The one who deploys: waits until a deployment is due, and never does two at a time.

use std::sync::Arc;
use std::time::Duration;

use super::journal::Written;
use super::rule::Rule;
use super::state::Entry;
use super::{Receiver, poll};

/// The clock may be set while it waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After something could not be written down.
const PAUSE: Duration = Duration::from_secs(1);

pub async fn run(receiver: Arc<Receiver>) {
    let rule = Rule::of(&receiver.config.hook);
    let mut changed = receiver.journal.subscribe();
    loop {
        receiver.journal.follow_clock().await;
        changed.borrow_and_update();
        let wait = receiver.journal.look(|state, now| {
            rule.due(state).map(|due| u64::try_from(due.saturating_sub(now)).unwrap_or(0))
        });
        let time = wait.map_or(LONGEST_WAIT, |it| Duration::from_millis(it).min(LONGEST_WAIT));
        tokio::select! {
            biased;
            () = receiver.asked(1) => return,
            _ = changed.changed() => continue,
            () = tokio::time::sleep(time) => {}
        }
        let is_due =
            receiver.journal.look(|state, now| rule.due(state).is_some_and(|due| due <= now));
        if is_due && !deploy(&receiver).await {
            return;
        }
    }
}

/// False where it was let go of.
async fn deploy(receiver: &Receiver) -> bool {
    // What the database has pending by now is deployed with the rest.
    poll::look_before_a_deployment(receiver).await;
    let count = receiver.journal.look(|state, _| state.pending.as_ref().map(|it| it.count));
    // A build that ran meanwhile may have taken it in.
    let Some(count) = count else { return true };
    if receiver.journal.write(Entry::Begun { at: 0 }).await != Written::Durably {
        // What is not written down would be done twice.
        tokio::time::sleep(PAUSE).await;
        return true;
    }
    tracing::info!(changes = count, "deploying");
    let outcome = tokio::select! {
        outcome = receiver.way.deploy(&receiver.config) => outcome,
        () = receiver.asked(2) => return false,
    };
    receiver.metrics.deployment(outcome.ok);
    if outcome.ok {
        tracing::info!(changes = count, "deployed: {}", outcome.words);
    } else {
        tracing::warn!(changes = count, "not deployed, to be tried again: {}", outcome.words);
    }
    let ended = Entry::Ended { at: 0, ok: outcome.ok, counts: outcome.counts };
    while receiver.journal.write(ended.clone()).await == Written::Not {
        tokio::select! {
            () = receiver.asked(2) => return false,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    true
}
