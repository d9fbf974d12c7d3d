//! Waiting for a database that is away for a moment, within a bound.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};

use crate::error::{Absence, Error, Result};

const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Does it again while what failed may pass, for no longer than `bound`; the last error stands.
pub async fn within<T>(bound: Duration, attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let delays = ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_max_delay(LONGEST_DELAY)
        .without_max_times()
        .with_jitter();
    let may_pass =
        |error: &Error| error.absence() == Some(Absence::Passing) && begun.elapsed() < bound;
    let tell = |error: &Error, delay: Duration| {
        tracing::warn!(
            "{}; trying again in {:.1} s, for {} s at most",
            error.chain().join(": "),
            delay.as_secs_f32(),
            bound.as_secs()
        );
    };
    (|| attempt()).retry(delays).when(may_pass).notify(tell).await
}
