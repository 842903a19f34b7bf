//! The state of one instance: is it ready, which requests fail, what has been counted.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Crash, Readiness, SampleConfig};
use crate::dependencies::Dependencies;
use crate::served::Served;

pub(crate) struct App {
    pub(crate) config: SampleConfig,
    pub(crate) dependencies: Dependencies,
    pub(crate) counts: Counts,
    pub(crate) served: Served,
    /// The service ends in good order: streams say goodbye.
    pub(crate) stop: CancellationToken,
    /// The service ends at once, in the middle of whatever it does.
    pub(crate) crash: CancellationToken,
    /// Conversations that left HTTP behind; the end waits for their goodbye.
    pub(crate) upgraded: TaskTracker,
    started: Instant,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) work: AtomicU64,
    pub(crate) errors: AtomicU64,
}

/// What happens to one work request.
pub(crate) struct Fate {
    pub(crate) number: u64,
    pub(crate) delay: Duration,
    pub(crate) fails: bool,
}

impl App {
    pub(crate) fn new(config: SampleConfig) -> io::Result<App> {
        let dependencies = Dependencies::new(&config)?;
        Ok(App {
            config,
            dependencies,
            counts: Counts::default(),
            served: Served::default(),
            stop: CancellationToken::new(),
            crash: CancellationToken::new(),
            upgraded: TaskTracker::new(),
            started: Instant::now(),
        })
    }

    /// What keeps the instance from being ready, each with why; nothing when it is.
    pub(crate) async fn unready(&self) -> Vec<(&'static str, String)> {
        let due = match self.config.readiness {
            Readiness::AtOnce => true,
            Readiness::After(span) => span <= self.started.elapsed(),
            Readiness::Never => false,
        };
        if !due {
            return vec![("start", "still starting".to_owned())];
        }
        self.dependencies.failing().await
    }

    /// Completes when the instance has been ready for the time that its crash waits for.
    pub(crate) async fn crash_after_ready(&self) {
        let Some(Crash::AfterReady(span)) = self.config.crash else { return std::future::pending().await };
        match self.config.readiness {
            Readiness::AtOnce => {}
            Readiness::After(wait) => tokio::time::sleep_until(self.started + wait).await,
            Readiness::Never => return std::future::pending().await,
        }
        tokio::time::sleep(span).await;
    }

    pub(crate) fn take_work(&self) -> Fate {
        let number = self.counts.work.fetch_add(1, Ordering::Relaxed) + 1;
        if self.config.crash == Some(Crash::OnRequest(number)) {
            self.crash.cancel();
        }
        let jitter = self.config.jitter.mul_f64(spread(number));
        let fails = fails(number, self.config.error_ppm);
        if fails {
            self.counts.errors.fetch_add(1, Ordering::Relaxed);
        }
        Fate { number, delay: self.config.latency + jitter, fails }
    }
}

/// Exactly `ppm` of each million requests fail, evenly apart: the floor of `number * rate` grows at a failure.
fn fails(number: u64, ppm: u32) -> bool {
    let failed = |number: u64| u128::from(number) * u128::from(ppm) / 1_000_000;
    failed(number) != failed(number - 1)
}

/// A number of [0, 1) for each request: the golden ratio's multiples fill the range evenly.
fn spread(number: u64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (number as f64 * GOLDEN).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_rate_is_exact_over_every_stretch() {
        for ppm in [0_u32, 1_000, 20_000, 333_333, 1_000_000] {
            let mut failed = 0_u64;
            for number in 1..=10_000_u64 {
                failed += u64::from(fails(number, ppm));
                let exact = number as f64 * f64::from(ppm) / 1e6;
                assert!((failed as f64 - exact).abs() <= 1.0, "{failed} of {number} at {ppm} ppm");
            }
        }
    }

    #[test]
    fn delays_fill_the_jitter_evenly() {
        let below_half = (1..=1_000).filter(|it| spread(*it) < 0.5).count();
        assert!((495..=505).contains(&below_half), "{below_half}");
    }
}
