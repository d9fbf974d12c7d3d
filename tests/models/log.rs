//! The log: a line for every decision, and no key in any.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use crate::models::{Models, Reply};
use crate::{KEY, Still, Two, provider};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What this thread logs while the guard lives.
    fn from(level: LevelFilter) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn has(&self, words: &str) {
        let text = self.text();
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

#[tokio::test]
async fn every_decision_has_its_line() {
    let (log, _guard) = Log::from(LevelFilter::INFO);
    let two = Two::start();
    two.groq.then(Reply::status(429).header("retry-after", "9"));
    two.still.answer().await;
    log.has("asked groq (groq-model), first: it answered 429");
    log.has("asked next (next-model), second: groq answered 429");
    two.next.then(Reply::status(500));
    two.still.refusal().await;
    log.has("WARN");
    log.has("no provider gave a good answer: groq answered 429: status 429 until ");
    Still::new("").refusal().await;
    log.has("no provider can be asked: there is none in enrich.providers");
}

#[tokio::test]
async fn no_line_holds_a_key() {
    let (log, _guard) = Log::from(LevelFilter::TRACE);
    let echo = format!(r#"{{"error":{{"message":"Bearer {KEY}"}}}}"#);
    for status in [200, 400, 401, 429, 500] {
        let groq = Models::start();
        groq.then(Reply::body(status, echo.clone()));
        let still = Still::new(&provider("groq", "groq", &groq.openai_url(), ""));
        still.refusal().await;
        log.has("asked groq (groq-model), first: it answered ");
    }
    assert!(!log.text().contains(KEY), "{}", log.text());
}
