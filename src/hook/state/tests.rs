//! What entries make of the state.

use super::seen::REPLAYABLE;
use super::*;

fn change(at: i64, id: Option<u64>) -> Entry {
    Entry::Change { at, table: "t".to_owned(), id }
}

#[test]
fn what_comes_during_a_deployment_stays_pending() {
    let mut state = State::default();
    state.apply(change(1, None));
    state.apply(Entry::Begun { at: 2 });
    state.apply(change(3, None));
    state.apply(Entry::Ended { at: 4, ok: true, counts: true });
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.first, pending.last, pending.count), (3, 3, 1));
}

#[test]
fn what_a_failed_deployment_took_comes_back() {
    let mut state = State::default();
    state.apply(change(1, None));
    state.apply(Entry::Begun { at: 2 });
    state.apply(change(3, None));
    state.apply(Entry::Ended { at: 4, ok: false, counts: false });
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.first, pending.last, pending.count), (1, 3, 2));
    assert_eq!((state.failures, state.spent.len()), (1, 0));
}

#[test]
fn a_deployment_that_was_cut_off_is_tried_again_and_counts() {
    let mut state = State::default();
    state.apply(change(1, None));
    state.apply(Entry::Begun { at: 2 });
    state.interrupted();
    assert_eq!(state.pending.as_ref().unwrap().first, 1);
    assert_eq!((state.failures, state.spent.len(), state.is_unclear), (1, 1, true));
}

#[test]
fn requests_are_forgotten_once_they_are_too_old_to_be_replayed() {
    let mut state = State::default();
    state.apply(change(0, Some(7)));
    state.apply(change(REPLAYABLE, Some(8)));
    assert!(state.has_seen(7) && state.has_seen(8));
    state.apply(change(REPLAYABLE + 1, Some(9)));
    assert!(!state.has_seen(7) && state.has_seen(8));
}

#[test]
fn a_state_that_was_written_down_is_the_same() {
    let mut state = State::default();
    state.apply(change(0, Some(7)));
    state.apply(Entry::Begun { at: 5 });
    let text = serde_json::to_string(&Entry::Whole(Box::new(state.clone()))).unwrap();
    let mut again = State::default();
    again.apply(serde_json::from_str(&text).unwrap());
    assert_eq!(again, state);
    assert!(again.has_seen(7));
}

#[test]
fn the_day_is_counted_from_now_and_not_from_the_last_deployment() {
    let mut state = State::default();
    state.apply(Entry::Begun { at: 5 });
    state.apply(Entry::Ended { at: 6, ok: true, counts: true });
    assert_eq!((state.spent_by(DAY + 4), state.spent_by(DAY + 5)), (1, 0));
}

#[test]
fn a_clock_that_is_set_moves_everything_and_makes_nothing_longer_ago() {
    let mut state = State::default();
    state.apply(change(10, Some(7)));
    state.apply(Entry::Begun { at: 20 });
    state.apply(Entry::Ended { at: 30, ok: true, counts: true });
    state.apply(change(40, None));
    state.apply(Entry::Clock { by: DAY });
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.first, pending.last), (DAY + 40, DAY + 40));
    assert_eq!((state.last_attempt, state.last_success), (Some(DAY + 20), Some(DAY + 30)));
    assert_eq!(state.spent_by(DAY + 50), 1, "the budget is not freed");
    state.apply(change(DAY + 20, Some(8)));
    assert!(state.has_seen(7));
}

#[test]
fn no_time_lies_ahead_after_a_start() {
    let mut state = State::default();
    state.apply(change(DAY, Some(7)));
    state.apply(Entry::Begun { at: DAY });
    state.apply(change(DAY, None));
    state.not_after(100);
    state.interrupted();
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.first, pending.last, state.last_attempt), (100, 100, Some(100)));
    state.apply(change(100 + REPLAYABLE + 1, Some(8)));
    assert!(!state.has_seen(7), "what lay ahead is forgotten in time");
}

#[test]
fn what_is_polled_and_not_new_is_no_change() {
    let mut state = State::default();
    let marks: BTreeMap<_, _> = [("a".to_owned(), "1 1".to_owned())].into();
    state.apply(Entry::Polled { at: 1, tables: Vec::new(), marks: marks.clone() });
    assert_eq!((state.pending.as_ref(), &state.polled), (None, &marks));
    let more = [("b".to_owned(), "1 1".to_owned())].into_iter().chain(marks).collect();
    state.apply(Entry::Polled { at: 2, tables: vec!["b".to_owned()], marks: more });
    assert_eq!(state.pending.unwrap().tables["b"], 1);
}

#[test]
fn what_was_only_found_and_is_gone_needs_no_deployment() {
    let polled = |at, tables: &[&str], there: &[&str]| Entry::Polled {
        at,
        tables: tables.iter().map(|it| (*it).to_owned()).collect(),
        marks: there.iter().map(|it| ((*it).to_owned(), "1 1".to_owned())).collect(),
    };
    let mut state = State::default();
    state.apply(polled(1, &["a", "t"], &["a", "t"]));
    state.apply(change(2, None));
    state.apply(polled(3, &[], &[]));
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.count, pending.tables.contains_key("a")), (2, false), "one was told of");
    state.apply(Entry::Begun { at: 4 });
    state.apply(polled(5, &["a"], &["a"]));
    state.apply(polled(6, &[], &[]));
    assert_eq!(state.pending, None);
    state.apply(polled(7, &["a"], &["a"]));
    state.apply(Entry::Ended { at: 8, ok: true, counts: true });
    state.apply(Entry::Begun { at: 9 });
    state.apply(Entry::Ended { at: 10, ok: false, counts: false });
    state.apply(polled(11, &[], &[]));
    assert!(state.pending.is_some(), "a deployment that failed is tried again");
}
