//! What the data plane counted, per slot. Counters only grow; whoever judges takes differences.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{ServiceName, SlotRef};

/// Upper bounds of the default latency buckets, in milliseconds. A service's own SLO thresholds are added,
/// so that "slower than the objective" is an exact count and never an interpolation.
pub const LATENCY_BOUNDS_MS: [u32; 20] =
    [1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 2_000, 5_000, 10_000];

/// A number that only grows.
pub type Counter = u64;

/// Finished requests by time to the last byte of the response header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Ascending upper bounds in milliseconds.
    pub bounds_ms: Vec<u32>,
    /// One count per bound, and one more for what was slower than the last.
    pub counts: Vec<Counter>,
}

impl Latency {
    /// Requests slower than `bound_ms`, which must be one of the bounds.
    pub fn slower_than(&self, bound_ms: u32) -> Option<Counter> {
        let idx = self.bounds_ms.iter().position(|&it| it == bound_ms)?;
        Some(self.counts.iter().skip(idx + 1).sum())
    }

    /// Upper bound of the bucket that holds the given quantile; `None` without requests or beyond the last bound.
    pub fn quantile_ms(&self, quantile: f64) -> Option<u32> {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = (quantile * total as f64).ceil();
        let mut seen = 0_u64;
        for (idx, count) in self.counts.iter().enumerate() {
            seen += count;
            if rank <= seen as f64 {
                return self.bounds_ms.get(idx).copied();
            }
        }
        None
    }

    /// Counts since `earlier`, which must be an older reading of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &Latency) -> Latency {
        let counts = self.counts.iter().enumerate();
        let counts = counts.map(|(idx, it)| it.saturating_sub(earlier.counts.get(idx).copied().unwrap_or(0)));
        Latency { bounds_ms: self.bounds_ms.clone(), counts: counts.collect() }
    }
}

/// One slot's counters and condition at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotCounts {
    /// Requests that were answered, whatever the answer, and those that failed to be.
    pub requests: Counter,
    /// Among them: status 500 and above, and those that got no whole answer from the instance.
    pub errors: Counter,
    /// Among the errors: no instance could be connected to, or none was ready.
    pub connect_failures: Counter,
    pub latency: Latency,
    /// Instances that pass their health check now.
    pub ready: u16,
    /// Instances that should be up.
    pub wanted: u16,
    /// Times that an instance exited without being asked to.
    pub crashes: Counter,
    /// What the last crash said: exit status and last lines, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_crash: Option<String>,
    /// The same requests by instance, where instances are counted apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<String, InstanceCounts>,
}

/// What one instance of a slot answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCounts {
    pub requests: Counter,
    /// Among them, as [`SlotCounts::errors`].
    pub errors: Counter,
}

/// All slots of the asked services at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// Changes when the counters started again from zero (the data plane was restarted).
    pub counter_epoch: String,
    pub slots: BTreeMap<SlotRef, SlotCounts>,
    /// What could not be counted, and why, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who counted the requests of a service, for people, where it is not the data plane of Lockgate itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted_by: BTreeMap<ServiceName, String>,
    /// Services whose requests are those of the reading before: whoever counts has not read them again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub repeated: BTreeSet<ServiceName>,
    /// What the queries of `rollout.gates` gave, by the name of the gate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, Measured>,
}

/// One look at what is judged beside the SLOs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// `None` when there is no number to judge by.
    pub holds: Option<bool>,
    /// The number, or why there is none, for people.
    pub said: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_counts_are_exact_at_bounds() {
        let latency = Latency { bounds_ms: vec![10, 100, 500], counts: vec![90, 5, 4, 1] };
        assert_eq!(latency.slower_than(100), Some(5));
        assert_eq!(latency.slower_than(500), Some(1));
        assert_eq!(latency.slower_than(99), None);
        assert_eq!(latency.quantile_ms(0.5), Some(10));
        assert_eq!(latency.quantile_ms(0.95), Some(100));
        assert_eq!(latency.quantile_ms(1.0), None);
        assert_eq!(Latency::default().quantile_ms(0.5), None);
    }
}
