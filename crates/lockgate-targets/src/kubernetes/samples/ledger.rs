//! Sums of a slot that only grow, though the pods that they are made of come, start again and go.

use std::collections::BTreeMap;

use lockgate_model::{Counter, InstanceCounts, Latency, SlotCounts, SlotRef};

use super::families::Reading;

/// **Invariant:** no sum ever shrinks. The first look takes what each pod has counted in its life, so that a
/// process that takes over from another goes on where that one was, unless a pod has gone meanwhile.
/// What a gateway counted before was for other slots as well, and is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    slots: BTreeMap<SlotRef, Sums>,
    /// Bounds that all of a service's histograms have had so far.
    bounds: Option<Vec<u32>>,
}

/// One look at the pods of a slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) pods: Vec<PodLook>,
}

/// Who counted what is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Teller {
    /// The pod, and it was asked just now.
    #[default]
    Pod,
    /// The pod, and somebody read it before, perhaps before its last crash.
    PodEarlier,
    /// Whoever stands before it.
    Gateway,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PodLook {
    /// `None` of a counter that is of no single pod.
    pub(crate) name: Option<String>,
    pub(crate) uid: String,
    pub(crate) teller: Teller,
    /// Container restarts, and one more once the pod failed.
    pub(crate) crashes: u64,
    /// `None` when it could not be read.
    pub(crate) reading: Option<Reading>,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    total: Reading,
    crashes: Counter,
    /// By uid: a pod of the same name may be another one.
    pods: BTreeMap<String, PodSums>,
}

#[derive(Clone, Debug, Default)]
struct PodSums {
    name: Option<String>,
    crashes: u64,
    /// Its counters were seen to begin again before its status told of the crash.
    is_ahead: bool,
    last: Option<Reading>,
    counts: InstanceCounts,
}

impl Ledger {
    pub(crate) fn add(&mut self, looks: &BTreeMap<SlotRef, Look>) {
        for (slot, look) in looks {
            let sums = self.slots.entry(slot.clone()).or_default();
            for pod in &look.pods {
                sums.add(pod);
            }
            sums.pods.retain(|uid, _| look.pods.iter().any(|it| it.uid == *uid));
        }
        self.slots.retain(|it, _| looks.contains_key(it));
        self.note_bounds(looks);
    }

    /// Counts of one slot in those of `planned` bounds that its pods can tell.
    pub(crate) fn counts(&self, slot: &SlotRef, planned: &[u32]) -> SlotCounts {
        let Some(sums) = self.slots.get(slot) else { return SlotCounts::default() };
        let bounds = self.bounds.as_deref().unwrap_or(&[]);
        let bounds_ms: Vec<u32> = planned.iter().copied().filter(|it| bounds.contains(it)).collect();
        let instances = sums.pods.values().filter(|it| it.last.is_some());
        SlotCounts {
            requests: sums.total.requests,
            errors: sums.total.errors,
            latency: sums.latency(bounds_ms),
            crashes: sums.crashes,
            instances: instances.filter_map(|it| Some((it.name.clone()?, it.counts))).collect(),
            ..SlotCounts::default()
        }
    }

    fn note_bounds(&mut self, looks: &BTreeMap<SlotRef, Look>) {
        let readings = looks.values().flat_map(|it| &it.pods).filter_map(|it| it.reading.as_ref());
        for reading in readings.filter(|it| 0 < it.timed) {
            let is_shown = |it: &u32| reading.within.contains_key(it);
            match &mut self.bounds {
                Some(bounds) => bounds.retain(is_shown),
                None => self.bounds = Some(reading.within.keys().copied().collect()),
            }
        }
    }
}

impl Sums {
    fn add(&mut self, pod: &PodLook) {
        let known = self.pods.entry(pod.uid.clone()).or_default();
        known.name.clone_from(&pod.name);
        let has_restarted = known.crashes < pod.crashes;
        self.crashes += pod.crashes.saturating_sub(known.crashes);
        known.crashes = known.crashes.max(pod.crashes);
        // Its counters began again, even if they have grown beyond the last reading since.
        if has_restarted && pod.teller == Teller::Pod && !std::mem::take(&mut known.is_ahead) {
            known.last = None;
        }
        let Some(reading) = &pod.reading else { return };
        let news = match &known.last {
            Some(last) if !reading.is_restart_of(last) => reading.since(last),
            Some(_) => {
                known.is_ahead = true;
                reading.clone()
            }
            None if pod.teller == Teller::Gateway => Reading::default(),
            None => reading.clone(),
        };
        known.counts.requests += news.requests;
        known.counts.errors += news.errors;
        known.last = Some(reading.clone());
        self.total.add(&news);
    }

    fn latency(&self, bounds_ms: Vec<u32>) -> Latency {
        if bounds_ms.is_empty() {
            return Latency::default();
        }
        let mut counts = Vec::with_capacity(bounds_ms.len() + 1);
        let mut below = 0;
        for bound in &bounds_ms {
            let within = self.total.within.get(bound).copied().unwrap_or_default();
            // Pods are not read at one moment in all their series.
            counts.push(within.saturating_sub(below));
            below = within.max(below);
        }
        counts.push(self.total.timed.saturating_sub(below));
        Latency { bounds_ms, counts }
    }
}

impl Reading {
    fn is_restart_of(&self, last: &Reading) -> bool {
        self.requests < last.requests || self.errors < last.errors || self.timed < last.timed
    }

    fn since(&self, last: &Reading) -> Reading {
        let within = self.within.iter().map(|(bound, count)| {
            (*bound, count.saturating_sub(last.within.get(bound).copied().unwrap_or_default()))
        });
        Reading {
            requests: self.requests - last.requests,
            errors: self.errors - last.errors,
            within: within.collect(),
            timed: self.timed - last.timed,
        }
    }

    fn add(&mut self, news: &Reading) {
        self.requests += news.requests;
        self.errors += news.errors;
        self.timed += news.timed;
        for (bound, count) in &news.within {
            *self.within.entry(*bound).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::{ReleaseId, ServiceName};
    use proptest::prelude::*;

    use super::*;

    fn web(release: u64) -> SlotRef {
        SlotRef { service: ServiceName::new("web").unwrap(), release: ReleaseId(release) }
    }

    fn reading(requests: u64, errors: u64) -> Reading {
        let within = BTreeMap::from([(10, requests / 2), (100, requests)]);
        Reading { requests, errors, within, timed: requests }
    }

    fn pod(uid: &str, crashes: u64, reading: Option<Reading>) -> PodLook {
        PodLook {
            name: Some(format!("web-{uid}")),
            uid: uid.to_owned(),
            crashes,
            reading,
            ..PodLook::default()
        }
    }

    fn look(pods: Vec<PodLook>) -> BTreeMap<SlotRef, Look> {
        BTreeMap::from([(web(1), Look { pods })])
    }

    #[test]
    fn sums_survive_their_pods() {
        let mut ledger = Ledger::default();
        ledger.add(&look(vec![pod("a", 3, Some(reading(1_000, 10)))]));
        // A pod that started again has counted from zero.
        ledger.add(&look(vec![pod("a", 3, Some(reading(1_100, 12))), pod("b", 0, Some(reading(40, 0)))]));
        ledger.add(&look(vec![pod("a", 4, Some(reading(1_150, 1))), pod("b", 0, None)]));
        ledger.add(&look(vec![pod("b", 0, Some(reading(60, 0)))]));
        let counts = ledger.counts(&web(1), &[10, 100]);
        assert_eq!((counts.requests, counts.errors, counts.crashes), (1_100 + 40 + 1_150 + 20, 12 + 1, 4));
        assert_eq!(counts.latency.counts, [1_155, 1_155, 0]);
        assert_eq!(counts.instances.keys().collect::<Vec<_>>(), ["web-b"]);
        assert_eq!(counts.instances["web-b"].requests, 60);
    }

    #[test]
    fn a_restart_is_counted_once_whenever_its_status_tells_of_it() {
        let mut ledger = Ledger::default();
        for (crashes, count) in [(0, 50), (0, 5), (1, 9), (1, 12), (2, 30)] {
            ledger.add(&look(vec![pod("a", crashes, Some(reading(count, 0)))]));
        }
        assert_eq!(ledger.counts(&web(1), &[]).requests, 50 + 12 + 30);
    }

    #[test]
    fn a_reading_from_before_a_crash_is_not_taken_for_a_new_life() {
        let mut ledger = Ledger::default();
        for (crashes, count) in [(0, 50), (1, 50), (1, 60), (1, 5)] {
            let pod = PodLook { teller: Teller::PodEarlier, ..pod("a", crashes, Some(reading(count, 0))) };
            ledger.add(&look(vec![pod]));
        }
        assert_eq!(ledger.counts(&web(1), &[]).requests, 60 + 5);
    }

    #[test]
    fn a_gateway_counts_from_the_first_look_on() {
        let mut ledger = Ledger::default();
        for count in [900, 950, 30] {
            let gateway =
                PodLook { name: None, teller: Teller::Gateway, ..pod("g", 0, Some(reading(count, 1))) };
            ledger.add(&look(vec![gateway, pod("a", 0, None)]));
        }
        let counts = ledger.counts(&web(1), &[100]);
        assert_eq!((counts.requests, counts.instances.len()), (50 + 30, 0));
        assert_eq!(counts.latency.counts, [80, 0]);
    }

    #[test]
    fn only_bounds_that_all_pods_have_are_counted_in() {
        let mut ledger = Ledger::default();
        ledger.add(&look(vec![]));
        let mut other = reading(10, 0);
        other.within.remove(&10);
        ledger.add(&look(vec![pod("a", 0, Some(reading(10, 0))), pod("b", 0, Some(other))]));
        let latency = ledger.counts(&web(1), &[5, 10, 100, 500]).latency;
        assert_eq!((latency.bounds_ms, latency.counts), (vec![100], vec![20, 0]));
        assert_eq!(ledger.counts(&web(1), &[5, 500]).latency, Latency::default());
    }

    proptest! {
        #[test]
        fn no_sum_ever_shrinks_and_nothing_is_counted_twice(
            rounds in proptest::collection::vec(
                proptest::collection::btree_map(0..4_u8, (0..50_u64, any::<bool>(), any::<bool>()), 0..4),
                1..20,
            ),
        ) {
            let mut ledger = Ledger::default();
            ledger.add(&look(vec![]));
            // What each pod would count: a restart begins at zero, what was missed by then is lost.
            let mut truth: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
            let (mut sent, mut before) = (0, 0);
            for round in rounds {
                truth.retain(|it, _| round.contains_key(it));
                let pods = round.into_iter().map(|(idx, (more, restarts, is_read))| {
                    let (crashes, count) = truth.entry(idx).or_default();
                    if restarts {
                        (*crashes, *count) = (*crashes + 1, 0);
                    }
                    *count += more;
                    sent += more;
                    pod(&idx.to_string(), *crashes, is_read.then(|| reading(*count, 0)))
                });
                ledger.add(&look(pods.collect()));
                let requests = ledger.counts(&web(1), &[]).requests;
                prop_assert!(before <= requests && requests <= sent, "{before} {requests} {sent}");
                before = requests;
            }
        }
    }
}
