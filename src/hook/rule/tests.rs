//! When deployments are due, by the arithmetic alone.

use super::*;
use crate::hook::state::Entry;

const RULE: Rule = Rule { quiet: 60_000, max_wait: 600_000, per_day: 90 };

fn change(state: &mut State, at: i64) {
    state.apply(Entry::Change { at, table: "t".to_owned(), id: None });
}

fn deploy(state: &mut State, at: i64, ok: bool) {
    state.apply(Entry::Begun { at });
    state.apply(Entry::Ended { at: at + 1, ok, counts: ok });
}

#[test]
fn a_deployment_waits_for_quiet_but_not_for_ever() {
    let mut state = State::default();
    assert_eq!(RULE.due(&state), None);
    change(&mut state, 1_000);
    assert_eq!(RULE.due(&state), Some(61_000));
    change(&mut state, 50_000);
    assert_eq!(RULE.due(&state), Some(110_000));
    for at in (51_000..=590_000).step_by(1_000) {
        change(&mut state, at);
    }
    assert_eq!(RULE.due(&state), Some(601_000));
}

#[test]
fn a_hook_that_fails_is_asked_less_and_less_often() {
    let mut state = State::default();
    change(&mut state, 0);
    let mut waits = Vec::new();
    let mut at = RULE.due(&state).unwrap();
    for _ in 0..9 {
        deploy(&mut state, at, false);
        let next = RULE.due(&state).unwrap();
        waits.push((next - at) / 1000);
        at = next;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    deploy(&mut state, at, true);
    assert_eq!(RULE.due(&state), None);
}

/// Each of these calls may have begun a build.
#[test]
fn a_hook_that_gives_no_answer_is_asked_no_sooner_than_the_quiet_time_after_it_was_given_up() {
    const SLOW: i64 = 120_000;
    let mut state = State::default();
    change(&mut state, 0);
    let (mut waits, mut at) = (Vec::new(), RULE.due(&state).unwrap());
    while at < DAY {
        state.apply(Entry::Begun { at });
        state.apply(Entry::Ended { at: at + SLOW, ok: false, counts: true });
        let next = RULE.due(&state).unwrap();
        waits.push((next - at - SLOW) / 1000);
        at = next;
    }
    assert_eq!(waits[..11], [60, 60, 60, 60, 80, 160, 320, 640, 1280, 2560, 3600]);
    assert!(waits.len() < 40, "{} calls in a day for one edit", waits.len());
}

#[test]
fn no_day_has_more_than_its_budget() {
    let rule = Rule { per_day: 3, ..RULE };
    let (mut state, mut fired) = (State::default(), Vec::new());
    let mut now = 0;
    while now < 3 * DAY {
        change(&mut state, now);
        while let Some(due) = rule.due(&state).filter(|due| *due <= now + 60_000) {
            deploy(&mut state, due, true);
            fired.push(due);
        }
        now += 120_000;
    }
    assert!(fired.len() >= 9, "{fired:?}");
    for four in fired.windows(4) {
        assert!(four[3] - four[0] >= DAY, "{four:?}");
    }
    assert_eq!(Rule { per_day: 0, ..RULE }.due(&state), None);
}
