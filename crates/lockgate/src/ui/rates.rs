//! Requests per second of each slot, from two readings of its counters.

use lockgate_model::{Latency, Samples, SlotCounts, SlotRef, Timestamp};

use super::view::Arm;

/// About five seconds of readings: over less, rates and latencies of slow traffic jump from frame to frame.
const READINGS_MAX: usize = 32;

#[derive(Debug, Default)]
pub struct Rates {
    readings: Vec<(Timestamp, Samples)>,
}

impl Rates {
    pub fn read(&mut self, at: Timestamp, samples: Samples) {
        let restarted = self.readings.last().is_some_and(|it| it.1.counter_epoch != samples.counter_epoch);
        if restarted {
            self.readings.clear();
        }
        if self.readings.len() == READINGS_MAX {
            self.readings.remove(0);
        }
        self.readings.push((at, samples));
    }

    /// What a slot does now; `None` for one that was never seen.
    pub fn arm(&self, slot: &SlotRef) -> Option<Arm> {
        let (to_at, to) = self.readings.last().and_then(|(at, it)| Some((*at, it.slots.get(slot)?)))?;
        let from = self.readings.iter().find_map(|(at, it)| Some((*at, it.slots.get(slot)?)));
        let (from_at, from) = from?;
        let seconds = to_at.since(from_at).as_secs_f64();
        let requests = to.requests.saturating_sub(from.requests);
        Some(Arm {
            rate: (0.0 < seconds).then(|| requests as f64 / seconds),
            requests: to.requests,
            errors: to.errors,
            p95_ms: latency_since(to, from).quantile_ms(0.95),
        })
    }
}

fn latency_since(to: &SlotCounts, from: &SlotCounts) -> Latency {
    if to.latency.bounds_ms == from.latency.bounds_ms {
        to.latency.since(&from.latency)
    } else {
        to.latency.clone()
    }
}
