//! A receiver that is killed again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::receiver::{Receiver, site};
use crate::stub::Stub;

/// The changes are numbered; the host takes in what is there when it is called.
#[test]
fn killed_at_any_moment_it_loses_no_change_and_deploys_no_more_than_the_rule_allows() {
    let site = site("quiet_seconds = 1\nmax_wait_seconds = 2\ndeploys_per_day = 100000");
    let edits = Arc::new(AtomicUsize::new(0));
    let deployed = Arc::new(AtomicUsize::new(0));
    let (from, to) = (Arc::clone(&edits), Arc::clone(&deployed));
    let host = Stub::start(move |_, number| {
        let seen = from.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..300)));
        if number % 7 == 0 {
            return (503, Vec::new());
        }
        to.fetch_max(seen, Ordering::SeqCst);
        (200, Vec::new())
    });
    let url = host.url("/");
    let start = || Receiver::start(&site, &[("DEPLOY_HOOK_URL", &url)]);
    let begun = Instant::now();
    let (mut kills, mut checks, mut acknowledged) = (0, 0, 0);
    while begun.elapsed() < Duration::from_secs(30) {
        let receiver = start();
        acknowledged = tell_until_it_is_killed(&receiver, &edits).max(acknowledged);
        kills += 1;
        if kills % 2 == 0 {
            // Nobody edits any more: what was acknowledged must be deployed without that.
            let receiver = start();
            wait_for(&receiver, &deployed, acknowledged);
            receiver.settle();
            // And then there is one edit, which no other can make up for.
            acknowledged = edits.fetch_add(1, Ordering::SeqCst) + 1;
            assert_eq!(receiver.tell("projects"), 202);
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..1500)));
            receiver.kill();
            let receiver = start();
            wait_for(&receiver, &deployed, acknowledged);
            receiver.kill();
            checks += 1;
        }
    }
    let receiver = start();
    wait_for(&receiver, &deployed, acknowledged);
    receiver.settle();
    let took = begun.elapsed().as_secs();
    // One in a second, and one more for each that was cut off on its way.
    let most = usize::try_from(took).unwrap() + 2;
    assert!(host.count() <= most, "{} calls in {took} s", host.count());
    assert!(kills >= 4 && checks >= 2 && acknowledged > 100, "{kills} kills, {acknowledged} edits");
    let at: Vec<_> = host.asked().iter().map(|asked| asked.at).collect();
    for two in at.windows(2) {
        assert!(two[1] - two[0] > Duration::from_millis(900), "{:?}", two[1] - two[0]);
    }
}

/// Gives the last edit that was acknowledged.
fn tell_until_it_is_killed(receiver: &Receiver, edits: &AtomicUsize) -> usize {
    let done = AtomicBool::new(false);
    let send = || {
        let mut last = 0;
        while !done.load(Ordering::SeqCst) {
            // The edit is there before anybody is told of it.
            let edit = edits.fetch_add(1, Ordering::SeqCst) + 1;
            if receiver.tell("projects") == 202 {
                last = edit;
            }
        }
        last
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3).map(|_| scope.spawn(send)).collect();
        std::thread::sleep(Duration::from_millis(fastrand::u64(50..2600)));
        let id = i32::try_from(receiver.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        // While requests are under way.
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
        done.store(true, Ordering::SeqCst);
        senders.into_iter().map(|it| it.join().unwrap()).max().unwrap()
    })
}

fn wait_for(receiver: &Receiver, deployed: &AtomicUsize, edit: usize) {
    let waiting = Instant::now();
    while deployed.load(Ordering::SeqCst) < edit {
        assert!(waiting.elapsed() < PATIENCE, "edit {edit} is not deployed: {}", receiver.health());
        std::thread::sleep(Duration::from_millis(20));
    }
}
