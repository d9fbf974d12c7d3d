//! A slow network, to see the site as many people do.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many bytes a second, over all connections together, and so long before each answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    pub bytes_a_second: u64,
    pub latency: Duration,
}

/// Sent at once.
pub const PIECE: usize = 8 * 1024;

impl FromStr for Throttle {
    type Err = String;

    /// `3g`, `slow-4g`, `4g`, or kbit/s and perhaps milliseconds, as in `1600/150`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (rate, latency) = match text {
            "3g" => (400, 400),
            "slow-4g" => (1_600, 150),
            "4g" => (9_000, 60),
            other => {
                let (rate, latency) = other.split_once('/').unwrap_or((other, "0"));
                let number = |text: &str| text.trim().parse::<u64>().ok();
                let parsed = number(rate).filter(|rate| *rate > 0).zip(number(latency));
                parsed.ok_or("write 3g, slow-4g, 4g, or kbit/s and milliseconds, as in 1600/150")?
            }
        };
        Ok(Self { bytes_a_second: rate * 125, latency: Duration::from_millis(latency) })
    }
}

/// The line that all connections share.
#[derive(Debug)]
pub struct Line {
    throttle: Throttle,
    /// When what was sent so far is through.
    free: Mutex<Instant>,
}

impl Line {
    pub fn new(throttle: Throttle) -> Self {
        Self { throttle, free: Mutex::new(Instant::now()) }
    }

    pub fn latency(&self) -> Duration {
        self.throttle.latency
    }

    /// When so many more bytes are through.
    pub fn send(&self, bytes: usize) -> Instant {
        let micros = bytes as u64 * 1_000_000 / self.throttle.bytes_a_second.max(1);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = (*free).max(Instant::now()) + Duration::from_micros(micros);
        *free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_names_or_figures() {
        let slow: Throttle = "slow-4g".parse().unwrap();
        assert_eq!(slow, "1600/150".parse().unwrap());
        assert_eq!(slow.bytes_a_second, 200_000);
        assert_eq!("800".parse::<Throttle>().unwrap().latency, Duration::ZERO);
        for wrong in ["", "0", "fast", "1/x", "-1"] {
            assert!(wrong.parse::<Throttle>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn connections_share_the_line() {
        let line = Line::new("8".parse().unwrap());
        let first = line.send(1_000);
        assert_eq!(line.send(2_000) - first, Duration::from_secs(2));
    }
}
