//! Exact counts of one slot. One lock, so that a reading never shows more errors than requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use lockgate_model::{Counter, Latency, SlotCounts};

/// How one request of a slot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The instance's whole answer was passed on, or the client left while it was.
    Answered(StatusCode),
    /// The instance stopped in the middle of its answer.
    Truncated,
    /// No instance was ready, or none could be connected to.
    Unconnected,
    /// The instance closed the connection instead of answering, or answered with what is not HTTP.
    Reset,
    TimedOut,
    /// The client left before the answer's header, or sent a broken body.
    ClientGone,
}

impl Outcome {
    fn class(self) -> Class {
        match self {
            Outcome::Answered(status) => match status.as_u16() {
                100..=199 => Class::Informational,
                200..=299 => Class::Success,
                300..=399 => Class::Redirect,
                400..=499 => Class::ClientError,
                _ => Class::ServerError,
            },
            Outcome::Truncated | Outcome::Unconnected | Outcome::Reset | Outcome::TimedOut => {
                Class::ServerError
            }
            Outcome::ClientGone => Class::Aborted,
        }
    }
}

#[derive(Clone, Copy)]
enum Class {
    Informational,
    Success,
    Redirect,
    ClientError,
    ServerError,
    Aborted,
}

/// Label of each class on the metrics page, in the order of [`Class`].
pub(crate) const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "aborted"];

#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) requests: Counter,
    pub(crate) errors: Counter,
    pub(crate) connect_failures: Counter,
    pub(crate) resets: Counter,
    pub(crate) retries: Counter,
    pub(crate) tunnels: Counter,
    pub(crate) by_class: [Counter; CLASSES.len()],
    pub(crate) latency: Latency,
    pub(crate) latency_sum: Duration,
}

impl Counts {
    pub(crate) fn to_slot_counts(&self, ready: u16) -> SlotCounts {
        SlotCounts {
            requests: self.requests,
            errors: self.errors,
            connect_failures: self.connect_failures,
            latency: self.latency.clone(),
            ready,
            ..SlotCounts::default()
        }
    }
}

pub(crate) struct Counters(Mutex<Counts>);

impl Counters {
    pub(crate) fn new(bounds_ms: &[u32]) -> Counters {
        let mut bounds_ms = bounds_ms.to_vec();
        bounds_ms.sort_unstable();
        bounds_ms.dedup();
        let counts = vec![0; bounds_ms.len() + 1];
        Counters(Mutex::new(Counts { latency: Latency { bounds_ms, counts }, ..Counts::default() }))
    }

    pub(crate) fn read(&self) -> Counts {
        self.with(|it| it.clone())
    }

    pub(crate) fn retry(&self) {
        self.with(|it| it.retries += 1);
    }

    pub(crate) fn tunnel(&self) {
        self.with(|it| it.tunnels += 1);
    }

    /// `latency` is the time to the answer's header, or the time that a client waited in vain.
    pub(crate) fn finished(&self, outcome: Outcome, latency: Option<Duration>) {
        let class = outcome.class();
        self.with(|it| {
            it.requests += 1;
            it.by_class[class as usize] += 1;
            it.errors += u64::from(matches!(class, Class::ServerError));
            it.connect_failures += u64::from(outcome == Outcome::Unconnected);
            it.resets += u64::from(matches!(outcome, Outcome::Reset | Outcome::Truncated));
            let Some(latency) = latency else { return };
            it.latency_sum += latency;
            let bucket =
                it.latency.bounds_ms.partition_point(|&ms| Duration::from_millis(ms.into()) < latency);
            it.latency.counts[bucket] += 1;
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        // Counts are plain numbers: a panic elsewhere cannot leave them half written.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
