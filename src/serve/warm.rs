//! Pages looked at before anybody asks for them, so that header rules are whole.

use super::desk::Desk;
use crate::pipeline::live::Live;

/// Looks at the pages that nobody has seen yet, one after the other; whatever changes the site does
/// not wait, and has the rest looked at later.
pub fn warm(desk: &Desk) {
    let changes = desk.clock.changes();
    loop {
        let unseen = desk.live.blocking_read().as_ref().map(Live::unseen);
        let unseen = unseen.unwrap_or_default();
        if unseen.is_empty() {
            return;
        }
        for path in unseen {
            let live = desk.live.blocking_read();
            let Some(live) = live.as_ref() else { return };
            if desk.clock.changes() != changes {
                live.left_out();
                return;
            }
            live.look_at(&path);
        }
    }
}
