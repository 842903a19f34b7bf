//! Counts of several hosts as one, exactly: the counters of a node begin at zero when it is started again, and the sum
//! goes on.

use std::collections::BTreeMap;

use lockgate_model::{InstanceCounts, Latency, Samples, SlotCounts, SlotRef};

/// The sum counts on whichever node was started again.
const EPOCH: &str = "hosts";

/// **Invariant:** what a host counted up to the last look is in the sum for good, until its slot is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    hosts: BTreeMap<String, Sums>,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    /// Of the counters that go on now.
    last: Samples,
    /// What those before them had counted.
    before: BTreeMap<SlotRef, SlotCounts>,
}

impl Ledger {
    /// Takes a reading of every host, and gives the sum of all.
    pub(super) fn add(&mut self, readings: Vec<(&str, Samples)>) -> Samples {
        let mut total = Samples { counter_epoch: EPOCH.to_owned(), ..Samples::default() };
        for (host, reading) in readings {
            let sums = self.hosts.entry(host.to_owned()).or_default();
            if sums.last.counter_epoch != reading.counter_epoch {
                for (slot, counts) in std::mem::take(&mut sums.last.slots) {
                    add_requests(sums.before.entry(slot).or_default(), &counts);
                }
            }
            sums.before.retain(|slot, _| reading.slots.contains_key(slot));
            for (slot, counts) in &reading.slots {
                let sum = total.slots.entry(slot.clone()).or_default();
                if let Some(before) = sums.before.get(slot) {
                    add_requests(sum, before);
                }
                add(sum, counts, host);
            }
            total.notes.extend(reading.notes.iter().map(|it| format!("{host}: {it}")));
            sums.last = reading;
        }
        total
    }
}

fn add(sum: &mut SlotCounts, counts: &SlotCounts, host: &str) {
    add_requests(sum, counts);
    sum.ready = sum.ready.saturating_add(counts.ready);
    sum.wanted = sum.wanted.saturating_add(counts.wanted);
    sum.crashes += counts.crashes;
    if let Some(crash) = &counts.last_crash {
        sum.last_crash = Some(format!("{host}: {crash}"));
    }
    let named = |(name, it): (&String, &InstanceCounts)| (format!("{host}: {name}"), *it);
    sum.instances.extend(counts.instances.iter().map(named));
}

/// What a new node counts from zero again.
fn add_requests(sum: &mut SlotCounts, counts: &SlotCounts) {
    sum.requests += counts.requests;
    sum.errors += counts.errors;
    sum.connect_failures += counts.connect_failures;
    add_latency(&mut sum.latency, &counts.latency);
}

/// The buckets are those of the slot, the same on every host.
fn add_latency(sum: &mut Latency, more: &Latency) {
    if sum.bounds_ms == more.bounds_ms && sum.counts.len() == more.counts.len() {
        sum.counts.iter_mut().zip(&more.counts).for_each(|(sum, more)| *sum += more);
    } else if sum.counts.is_empty() {
        *sum = more.clone();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(epoch: u32, requests: u64, errors: u64) -> Samples {
        let latency = Latency { bounds_ms: vec![10], counts: vec![requests - errors, errors] };
        let counts = SlotCounts { requests, errors, latency, ready: 1, wanted: 2, ..SlotCounts::default() };
        let slots = BTreeMap::from([("web@r1".parse().unwrap(), counts)]);
        Samples { counter_epoch: epoch.to_string(), slots, ..Samples::default() }
    }

    fn sum(ledger: &mut Ledger, readings: &[(&str, Samples)]) -> SlotCounts {
        let samples = ledger.add(readings.to_vec());
        samples.slots[&"web@r1".parse().unwrap()].clone()
    }

    #[test]
    fn a_node_that_was_started_again_takes_nothing_away() {
        let mut ledger = Ledger::default();
        let first = sum(&mut ledger, &[("a", reading(1, 100, 2)), ("b", reading(7, 50, 0))]);
        assert_eq!((first.requests, first.errors, first.ready, first.wanted), (150, 2, 2, 4));
        assert_eq!(first.latency.counts, [148, 2]);
        let second = sum(&mut ledger, &[("a", reading(2, 10, 1)), ("b", reading(7, 60, 0))]);
        assert_eq!((second.requests, second.errors, second.ready), (170, 3, 2));
        assert_eq!(second.latency.counts, [167, 3]);
    }

    proptest! {
        /// Each host counts on, and now and then begins anew right after a look.
        #[test]
        fn every_request_that_was_seen_is_counted_once(
            steps in proptest::collection::vec((0u64..50, 0u64..50, any::<bool>(), any::<bool>()), 1..30)
        ) {
            let mut ledger = Ledger::default();
            let (mut truth, mut epochs, mut counters) = (0, [0, 0], [0, 0]);
            for (a, b, a_again, b_again) in steps {
                for (idx, (more, again)) in [(a, a_again), (b, b_again)].into_iter().enumerate() {
                    if again {
                        (epochs[idx], counters[idx]) = (epochs[idx] + 1, 0);
                    }
                    counters[idx] += more;
                    truth += more;
                }
                let of = |idx: usize| reading(epochs[idx], counters[idx], 0);
                prop_assert_eq!(sum(&mut ledger, &[("a", of(0)), ("b", of(1))]).requests, truth);
            }
        }
    }
}
