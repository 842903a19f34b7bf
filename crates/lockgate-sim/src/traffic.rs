//! Requests that users send, and what the data plane counts of them.

use std::collections::BTreeMap;

use lockgate_engine::Plan;
use lockgate_model::{Latency, ReleaseId, Samples, SlotCounts, SlotRef, Timestamp};

use crate::world::World;

/// Requests a second, of each service.
const RATE: u64 = 20;
/// A data plane that was not asked for long answers for this long at most: more adds nothing but large numbers.
const SPAN_MAX_SECS: u64 = 600;

/// How the new version behaves under traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    Good,
    /// Every second request fails.
    Errors,
    /// Nobody uses it, nor the old version.
    Quiet,
}

#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) quality: Quality,
    new: ReleaseId,
    epoch: u32,
    since: Timestamp,
    counts: BTreeMap<SlotRef, (u64, u64)>,
    buckets: usize,
    bounds_ms: Vec<u32>,
}

impl Traffic {
    pub(crate) fn new(plan: &Plan, quality: Quality) -> Traffic {
        let bounds = plan.slots.values().next().map(|it| it.latency_bounds_ms.clone()).unwrap_or_default();
        Traffic {
            quality,
            new: plan.release,
            epoch: 0,
            since: Timestamp(0),
            counts: BTreeMap::new(),
            buckets: bounds.len() + 1,
            bounds_ms: bounds,
        }
    }

    /// The data plane starts again, and counts from zero.
    pub(crate) fn restart(&mut self) {
        self.epoch += 1;
        self.counts.clear();
    }

    /// Time passes and users go on.
    pub(crate) fn flow(&mut self, now: Timestamp, world: &World) {
        let secs = (now.since(self.since).0 / 1_000).min(SPAN_MAX_SECS);
        self.since = self.since.max(now);
        for (name, service) in &world.services {
            for &release in service.slots.keys() {
                let weight = u64::from(service.weight_of(release).basis_points());
                let rate = if self.quality == Quality::Quiet { 0 } else { RATE };
                let requests = secs * rate * weight / 10_000;
                let bad = release == self.new && self.quality == Quality::Errors;
                let slot = SlotRef { service: name.clone(), release };
                let counts = self.counts.entry(slot).or_default();
                counts.0 += requests;
                counts.1 += if bad { requests / 2 } else { 0 };
            }
        }
    }

    pub(crate) fn samples(&self, world: &World) -> Samples {
        let mut slots = BTreeMap::new();
        for (name, service) in &world.services {
            for (&release, state) in &service.slots {
                let slot = SlotRef { service: name.clone(), release };
                let (requests, errors) = self.counts.get(&slot).copied().unwrap_or_default();
                let mut counts = vec![0; self.buckets];
                counts[0] = requests;
                let latency = Latency { bounds_ms: self.bounds_ms.clone(), counts };
                let (ready, wanted, crashes) = (state.ready, state.wanted, state.crashes);
                slots.insert(
                    slot,
                    SlotCounts { requests, errors, latency, ready, wanted, crashes, ..SlotCounts::default() },
                );
            }
        }
        Samples { counter_epoch: self.epoch.to_string(), slots, ..Samples::default() }
    }
}
