//! From cumulative counters to what happened since the last look.

use lockgate_model::{Counter, Latency, ReleaseId, SlotCounts};
use serde::{Deserialize, Serialize};

use crate::config::Bad;
use crate::primitive::Count;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) requests: Counter,
    pub(crate) errors: Counter,
    pub(crate) connect_failures: Counter,
    pub(crate) crashes: Counter,
    pub(crate) latency: Latency,
}

impl Tally {
    /// Requests and the bad ones among them; `None` when the counts cannot say.
    pub(crate) fn count(&self, bad: Bad) -> Option<Count> {
        match bad {
            Bad::Error => Some(Count::new(self.requests, self.errors)),
            Bad::SlowerThan(bound_ms) => {
                let slow = self.latency.slower_than(bound_ms)?;
                Some(Count::new(self.latency.counts.iter().sum(), slow))
            }
        }
    }

    pub(crate) fn add(&mut self, tick: &Tally) {
        self.requests += tick.requests;
        self.errors += tick.errors;
        self.connect_failures += tick.connect_failures;
        self.crashes += tick.crashes;
        if tick.latency.counts.is_empty() {
            return;
        }
        if self.latency.bounds_ms != tick.latency.bounds_ms {
            self.latency = tick.latency.clone();
            return;
        }
        for (sum, count) in self.latency.counts.iter_mut().zip(&tick.latency.counts) {
            *sum += count;
        }
    }

    fn of(counts: &SlotCounts) -> Tally {
        Tally {
            requests: counts.requests,
            errors: counts.errors,
            connect_failures: counts.connect_failures,
            crashes: counts.crashes,
            latency: counts.latency.clone(),
        }
    }

    /// Counters only grow, so a smaller one was started again.
    fn is_restart_of(&self, earlier: &Tally) -> bool {
        let same_bounds = self.latency.bounds_ms == earlier.latency.bounds_ms;
        let pairs = self.latency.counts.iter().zip(&earlier.latency.counts);
        self.requests < earlier.requests
            || self.errors < earlier.errors
            || self.connect_failures < earlier.connect_failures
            || self.crashes < earlier.crashes
            || (same_bounds && pairs.into_iter().any(|(now, then)| now < then))
    }

    fn since(&self, earlier: &Tally) -> Tally {
        let comparable =
            earlier.latency.counts.is_empty() || self.latency.bounds_ms == earlier.latency.bounds_ms;
        // Counts over other buckets cannot be told apart; the tick has no latency then.
        let latency = if comparable { self.latency.since(&earlier.latency) } else { Latency::default() };
        Tally {
            requests: self.requests - earlier.requests,
            errors: self.errors - earlier.errors,
            connect_failures: self.connect_failures - earlier.connect_failures,
            crashes: self.crashes - earlier.crashes,
            latency,
        }
    }
}

/// What the first reading of a slot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The slot began with this release: all that it counted is news.
    Zero,
    /// The slot is older than the gate: its first reading is the point of reference.
    FirstReading,
}

/// One slot's counters, followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub(crate) release: ReleaseId,
    last: Option<Tally>,
    /// What was compared so far.
    pub(crate) compared: Tally,
}

impl Arm {
    pub(crate) fn new(release: ReleaseId) -> Arm {
        Arm { release, last: None, compared: Tally::default() }
    }

    /// What happened since the last reading.
    pub(crate) fn advance(&mut self, origin: Origin, counts: &SlotCounts) -> Tally {
        let reading = Tally::of(counts);
        let tick = match (&self.last, origin) {
            (None, Origin::Zero) => reading.clone(),
            (None, Origin::FirstReading) => Tally::default(),
            (Some(last), _) if reading.is_restart_of(last) => reading.clone(),
            (Some(last), _) => reading.since(last),
        };
        self.last = Some(reading);
        tick
    }

    pub(crate) fn is_new(&self) -> bool {
        self.last.is_none()
    }

    /// The counters started again from zero.
    pub(crate) fn restart(&mut self) {
        if self.last.is_some() {
            self.last = Some(Tally::default());
        }
    }
}
