//! What each of several hosts is asked for, so that together they are what was asked for. Pure.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{DockerFixtures, Fixtures, Keep, ReleaseId, SlotSpec, Weight, Weights};

/// One host among all, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) idx: usize,
    pub(super) hosts: usize,
}

/// Instances as evenly as they can be divided, the first hosts having one more. A service with ports has one on each
/// host at least, for each host's router serves it from its own.
pub(super) fn instances(slot: &SlotSpec, total: u16, place: Place) -> u16 {
    let hosts = u16::try_from(place.hosts).unwrap_or(u16::MAX).max(1);
    let more = place.idx < usize::from(total % hosts);
    let even = total / hosts + u16::from(more);
    if slot.ports.is_empty() || total == 0 { even } else { even.max(1) }
}

/// Of the versions that the host has. One that was added gives all its traffic to the version that it has.
/// `None` when the host has none of them.
pub(super) fn weights(wanted: &Weights, there: &BTreeSet<ReleaseId>) -> Option<Weights> {
    let kept: BTreeMap<ReleaseId, Weight> = wanted.iter().filter(|it| there.contains(&it.0)).collect();
    let is_short = wanted.iter().any(|it| 0 < it.1.basis_points() && !there.contains(&it.0));
    if !is_short {
        return Weights::try_from(kept).ok();
    }
    let most = kept.iter().max_by_key(|it| (it.1.basis_points(), *it.0)).map(|it| *it.0)?;
    Some(Weights::all_to(most))
}

/// Dependencies, and the volumes with their data, are on the first host alone.
pub(super) fn fixtures(fixtures: &Fixtures, place: Place) -> Fixtures {
    match fixtures {
        Fixtures::Docker(it) if 0 < place.idx => {
            let others = DockerFixtures { volumes: vec![], dependencies: BTreeMap::new(), ..(**it).clone() };
            Fixtures::Docker(Box::new(others))
        }
        other => other.clone(),
    }
}

pub(super) fn keep(keep: &Keep, place: Place) -> Keep {
    Keep { fixtures: fixtures(&keep.fixtures, place), ..keep.clone() }
}

#[cfg(test)]
mod tests {
    use lockgate_model::{Form, Health, Millis, Port, PortName, Protocol, Stop, StopSignal, Version};
    use proptest::prelude::*;

    use super::*;

    fn slot(has_ports: bool) -> SlotSpec {
        let port = (PortName::new("http").unwrap(), Port::new(80, Protocol::Http));
        SlotSpec {
            slot: "web@r1".parse().unwrap(),
            version: Version::new("v1").unwrap(),
            command: vec![],
            env: BTreeMap::new(),
            files: None,
            ports: has_ports.then_some(port).into_iter().collect(),
            health: Health::Uptime { ready_after: Millis(1) },
            stop: Stop { signal: StopSignal::Term, drain: Millis(1), grace: Millis(1) },
            latency_bounds_ms: vec![],
            secrets: BTreeMap::new(),
            form: Form::Process,
            metrics: None,
        }
    }

    fn of(has_ports: bool, total: u16, hosts: usize) -> Vec<u16> {
        (0..hosts).map(|idx| instances(&slot(has_ports), total, Place { idx, hosts })).collect()
    }

    #[test]
    fn instances_are_divided_evenly_and_in_order() {
        assert_eq!(of(true, 5, 2), [3, 2]);
        assert_eq!(of(true, 1, 3), [1, 1, 1], "each router needs one");
        assert_eq!(of(false, 1, 3), [1, 0, 0], "a worker runs as often as it is asked for");
        assert_eq!(of(true, 0, 2), [0, 0]);
    }

    #[test]
    fn a_host_that_lacks_the_old_version_serves_the_new_one() {
        let (old, new) = (ReleaseId(1), ReleaseId(2));
        let split = Weights::split(old, new, "10%".parse().unwrap());
        let all = Weights::all_to;
        assert_eq!(weights(&split, &BTreeSet::from([old, new])), Some(split.clone()));
        assert_eq!(weights(&split, &BTreeSet::from([new])), Some(all(new)));
        assert_eq!(weights(&split, &BTreeSet::from([old])), Some(all(old)));
        assert_eq!(weights(&split, &BTreeSet::new()), None);
        assert_eq!(weights(&all(new), &BTreeSet::from([old, new])), Some(all(new)));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_in_dividing(total in 0u16..500, hosts in 1usize..20) {
            let parts = of(false, total, hosts);
            prop_assert_eq!(parts.iter().sum::<u16>(), total);
            prop_assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
            prop_assert!(parts.is_sorted_by(|a, b| a >= b));
            let served = of(true, total, hosts);
            prop_assert_eq!(served.iter().all(|it| 0 < *it), 0 < total);
            if hosts <= usize::from(total) {
                prop_assert_eq!(served, parts, "as many as asked for where that is enough");
            }
        }
    }
}
