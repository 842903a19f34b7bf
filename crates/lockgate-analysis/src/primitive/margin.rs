//! P4: is the canary's error rate surely below `ratio * old + abs`? Capital against the half-plane of rates
//! that are worse, by the projection of the running estimate onto its edge.

use serde::{Deserialize, Serialize};

use super::{Count, Pair};
use crate::nats::Nats;

/// Requests that the past counts for in the running estimate.
const PAST_REQUESTS: f64 = 200.0;
/// What is believed of a service without a past: one error in a thousand requests ...
const PRIOR_RATE: f64 = 0.001;
/// ... with the strength of this many requests.
const PRIOR_REQUESTS: f64 = 1_000.0;
/// Halvings that bring the projection to the last bit of a double.
const HALVINGS: u32 = 80;

/// The canary is worse when its rate is `ratio * old + abs` or more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) ratio: f64,
    pub(crate) abs: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Margin {
    ln_e: Nats,
    /// Requests and errors of both arms before this tick.
    requests: u64,
    bad: u64,
    /// The old version's, before the canary.
    past_requests: u64,
    past_bad: u64,
}

impl Margin {
    /// What the old version's counters say of the time before the canary. Taken once, before the first tick.
    pub(crate) fn remember(&mut self, past: Count) {
        if self.requests == 0 {
            (self.past_requests, self.past_bad) = (past.requests, past.bad);
        }
    }

    pub(crate) fn step(&mut self, edge: Edge, pair: Pair) {
        let estimate = estimate(self.past_rate(), self.requests, self.bad);
        self.ln_e = Nats(self.ln_e.0 + increment(edge, estimate, pair));
        self.requests += pair.canary.requests + pair.baseline.requests;
        self.bad += pair.canary.bad + pair.baseline.bad;
    }

    pub(crate) fn ln_e(&self) -> f64 {
        self.ln_e.0
    }

    fn past_rate(&self) -> f64 {
        (self.past_bad as f64 + PRIOR_RATE * PRIOR_REQUESTS) / (self.past_requests as f64 + PRIOR_REQUESTS)
    }
}

/// The rate that both arms have if the canary is as good, by what was seen before this tick.
pub(crate) fn estimate(past_rate: f64, requests: u64, bad: u64) -> f64 {
    (bad as f64 + PAST_REQUESTS * past_rate) / (requests as f64 + PAST_REQUESTS)
}

pub(crate) fn increment(edge: Edge, estimate: f64, pair: Pair) -> f64 {
    assert!(pair.is_comparable(), "a margin needs requests in both arms");
    let Some((canary, baseline)) = projection(edge, estimate, pair) else { return 0.0 };
    let ln_ratio = |count: Count, null: f64| {
        count.bad() * (estimate / null).ln() + count.good() * ((1.0 - estimate) / (1.0 - null)).ln()
    };
    ln_ratio(pair.canary, canary) + ln_ratio(pair.baseline, baseline)
}

/// The rates (canary, old) on the edge that are nearest to the estimate, by Kullback-Leibler divergence.
/// `None` when the estimate itself lies beyond the edge: nothing can be won then.
pub(crate) fn projection(edge: Edge, estimate: f64, pair: Pair) -> Option<(f64, f64)> {
    let on_edge = |baseline: f64| edge.ratio * baseline + edge.abs;
    if !(0.0 < estimate && estimate < 1.0 && estimate < on_edge(estimate)) {
        return None;
    }
    let slope = |baseline: f64| {
        let canary = on_edge(baseline);
        pair.canary.n() * edge.ratio * (canary - estimate) / (canary * (1.0 - canary))
            + pair.baseline.n() * (baseline - estimate) / (baseline * (1.0 - baseline))
    };
    let mut low = ((estimate - edge.abs) / edge.ratio).max(0.0);
    let mut high = estimate.min((1.0 - edge.abs) / edge.ratio);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    let baseline = f64::midpoint(low, high);
    let canary = on_edge(baseline);
    (0.0 < baseline && canary < 1.0).then_some((canary, baseline))
}
