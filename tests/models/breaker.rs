//! The circuit breaker: three failures in a row open it, one trial closes it.

use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use crate::models::Reply;
use crate::{Two, kinds};

/// For what comes at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Groq fails until the circuit opens.
async fn opened() -> Two {
    let two = Two::start();
    two.groq.always(Reply::status(500));
    for _ in 0..3 {
        assert_eq!(two.still.answer().await.provider, "next");
    }
    assert_eq!(two.asked(), (3, 3));
    two
}

/// How often Groq has been asked after so much more time and a question.
async fn after(two: &Two, seconds: u64) -> usize {
    two.still.pass(seconds);
    two.still.answer().await;
    two.groq.requests().len()
}

#[tokio::test]
async fn it_opens_after_three_failures_and_for_twice_as_long_each_time() {
    let two = opened().await;
    let answered = two.still.answer().await;
    assert_eq!(kinds(&answered.calls), [("next", "good")]);
    let reason = &answered.calls[0].reason;
    assert!(
        reason.starts_with("second: groq answered 500: status 500 (failure 3 in a row) until "),
        "{reason}"
    );
    let mut asked = 3;
    for wait in [30, 60, 120, 240, 480, 600, 600] {
        assert_eq!(after(&two, wait - 1).await, asked, "asked before {wait} s were over");
        asked += 1;
        assert_eq!(after(&two, 1).await, asked, "not asked after {wait} s");
    }
}

#[tokio::test]
async fn a_success_closes_it() {
    let two = opened().await;
    two.groq.then(Reply::usual());
    two.still.pass(30);
    assert_eq!(two.still.answer().await.provider, "groq");
    // Two more failures are no three in a row.
    for _ in 0..2 {
        two.still.answer().await;
    }
    assert_eq!(two.groq.requests().len(), 6);
    two.groq.then(Reply::usual());
    assert_eq!(two.still.answer().await.provider, "groq");
}

#[tokio::test]
async fn half_open_it_lets_one_through() {
    let two = opened().await;
    two.still.pass(30);
    // The trial waits for its answer while another question comes.
    let (arrived, arrival) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    two.groq.decide(move |_| {
        arrived.send(()).unwrap();
        answers.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Some(Reply::usual())
    });
    let other = async {
        tokio::task::spawn_blocking(move || arrival.recv_timeout(PATIENCE).unwrap()).await.unwrap();
        let answered = two.still.answer().await;
        answer.send(()).unwrap();
        answered
    };
    let (trial, other) = tokio::join!(two.still.answer(), other);
    assert_eq!((trial.provider.as_str(), other.provider.as_str()), ("groq", "next"));
    assert_eq!(other.calls[0].reason, "second: groq is being tried again");
}

#[tokio::test]
async fn a_trial_that_is_given_up_is_none() {
    let two = opened().await;
    two.still.pass(30);
    let (arrived, arrival) = mpsc::channel();
    two.groq.decide(move |_| arrived.send(()).ok().map(|()| Reply::silence()));
    let arrival = tokio::task::spawn_blocking(move || arrival.recv_timeout(PATIENCE).unwrap());
    tokio::select! {
        _ = two.still.ask() => panic!("nobody answers"),
        arrived = arrival => arrived.unwrap(),
    }
    two.groq.decide(|_| None);
    two.groq.then(Reply::usual());
    assert_eq!(two.still.answer().await.provider, "groq");
}

#[tokio::test]
async fn too_many_requests_are_no_failure_of_the_server() {
    let two = Two::start();
    two.groq.always(Reply::status(429).header("retry-after", "1"));
    for _ in 0..5 {
        two.still.answer().await;
        two.still.pass(2);
    }
    assert_eq!(two.groq.requests().len(), 5);
}

#[tokio::test]
async fn what_fails_at_once_fails_once() {
    let two = Two::start();
    // No answer before all have been sent.
    let together = Arc::new(Barrier::new(4));
    two.groq.decide(move |_| {
        together.wait();
        Some(Reply::status(500))
    });
    let still = &two.still;
    tokio::join!(still.answer(), still.answer(), still.answer(), still.answer());
    assert_eq!(two.groq.requests().len(), 4);
    two.groq.decide(|_| None);
    still.pass(29);
    assert_eq!(still.answer().await.provider, "next");
    still.pass(1);
    assert_eq!(still.answer().await.provider, "groq", "open for longer than after three");
}
