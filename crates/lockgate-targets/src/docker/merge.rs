//! What several hosts say, as one answer. Pure.

use std::collections::BTreeSet;

use lockgate_model::{Digest, Observed, ObservedService, ObservedSlot, ReleaseId, ServiceName};

use crate::{Class, LogLine, TargetError};

/// All answers, or one error that says which hosts failed and why.
pub(super) fn all<T>(answers: Vec<(&str, Result<T, TargetError>)>) -> Result<Vec<(&str, T)>, TargetError> {
    let (mut good, mut errors) = (vec![], vec![]);
    for (host, answer) in answers {
        match answer {
            Ok(it) => good.push((host, it)),
            Err(error) => errors.push((host, error)),
        }
    }
    match error(errors) {
        Some(error) => Err(error),
        None => Ok(good),
    }
}

fn error(errors: Vec<(&str, TargetError)>) -> Option<TargetError> {
    let class = errors.iter().map(|it| it.1.class).max_by_key(|it| gravity(*it))?;
    let hint = errors.iter().filter(|it| it.1.class == class).find_map(|it| it.1.hint.clone());
    // A host that is reached by ssh names itself.
    let told = errors.into_iter().map(|(host, it)| {
        if it.message.contains(host) { it.message } else { format!("{host}: {}", it.message) }
    });
    Some(TargetError { class, message: told.collect::<Vec<_>>().join("\n"), hint })
}

/// What another attempt cannot mend comes before what it can.
fn gravity(class: Class) -> u8 {
    match class {
        Class::Away => 0,
        Class::Transient => 1,
        Class::Ambiguous => 2,
        Class::Fatal => 3,
        Class::Fenced => 4,
    }
}

/// What runs on all of them. A slot that not every host has, or not the same, is none that can be left as it is.
pub(super) fn observed(hosts: &[(&str, Observed)]) -> Observed {
    let names: BTreeSet<&ServiceName> = hosts.iter().flat_map(|it| it.1.services.keys()).collect();
    let services = names.into_iter().map(|name| (name.clone(), service(name, hosts)));
    Observed { services: services.collect() }
}

fn service(name: &ServiceName, hosts: &[(&str, Observed)]) -> ObservedService {
    let seen: Vec<(&str, Option<&ObservedService>)> =
        hosts.iter().map(|(host, it)| (*host, it.services.get(name))).collect();
    let there = || seen.iter().filter_map(|it| it.1);
    let all: BTreeSet<ReleaseId> = there().flat_map(|it| it.slots.keys().copied()).collect();
    let slots = all.into_iter().filter_map(|release| {
        let of_hosts: Vec<(&str, Option<&ObservedSlot>)> =
            seen.iter().map(|(host, it)| (*host, it.and_then(|it| it.slots.get(&release)))).collect();
        Some((release, slot(&of_hosts)?))
    });
    ObservedService {
        slots: slots.collect(),
        weights: there().find_map(|it| it.weights.clone()),
        routing: there().next().map(|it| it.routing.clone()).unwrap_or_default(),
    }
}

fn slot(hosts: &[(&str, Option<&ObservedSlot>)]) -> Option<ObservedSlot> {
    let first = hosts.iter().find_map(|it| it.1)?;
    let is_whole = hosts.iter().all(|it| it.1.is_some_and(|it| it.workload == first.workload));
    let there = || hosts.iter().filter_map(|(host, it)| Some((*host, (*it)?)));
    let lines = there().flat_map(|(host, it)| it.instances.iter().map(move |line| format!("{host}: {line}")));
    Some(ObservedSlot {
        version: first.version.clone(),
        // The digest of nothing that runs.
        workload: if is_whole { first.workload } else { Digest::of(b"not on all hosts") },
        wanted: there().fold(0, |sum, it| sum.saturating_add(it.1.wanted)),
        ready: there().fold(0, |sum, it| sum.saturating_add(it.1.ready)),
        in_flight: there().map(|it| it.1.in_flight).sum(),
        instances: lines.collect(),
    })
}

pub(super) fn logs(hosts: Vec<(&str, Vec<LogLine>)>) -> Vec<LogLine> {
    let named = |host: &str, it: LogLine| LogLine { source: format!("{host}: {}", it.source), ..it };
    let lines = hosts.into_iter().flat_map(|(host, lines)| lines.into_iter().map(move |it| named(host, it)));
    lines.collect()
}

/// Releases of a service that a host has.
pub(super) fn releases(observed: &Observed, service: &ServiceName) -> BTreeSet<ReleaseId> {
    let service = observed.services.get(service);
    service.into_iter().flat_map(|it| it.slots.keys().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lockgate_model::{Version, Weights};
    use proptest::prelude::*;

    use super::*;

    fn web() -> ServiceName {
        ServiceName::new("web").unwrap()
    }

    fn seen(slots: &[(u64, u16, &str)]) -> Observed {
        let slots = slots.iter().map(|(release, ready, workload)| {
            let slot = ObservedSlot {
                version: Version::new(format!("v{release}")).unwrap(),
                workload: Digest::of(workload.as_bytes()),
                wanted: ready + 1,
                ready: *ready,
                in_flight: 3,
                instances: vec![format!("#1 of r{release}")],
            };
            (ReleaseId(*release), slot)
        });
        let service = ObservedService {
            slots: slots.collect(),
            weights: Some(Weights::all_to(ReleaseId(1))),
            ..ObservedService::default()
        };
        Observed { services: BTreeMap::from([(web(), service)]) }
    }

    #[test]
    fn a_slot_is_whole_when_every_host_has_it() {
        let hosts = [("a", seen(&[(1, 2, "x"), (2, 1, "y")])), ("b", seen(&[(1, 3, "x")]))];
        let merged = observed(&hosts);
        let first = &merged.services[&web()].slots[&ReleaseId(1)];
        assert_eq!((first.ready, first.wanted, first.in_flight), (5, 7, 6));
        assert_eq!(first.workload, Digest::of(b"x"));
        assert_eq!(first.instances, ["a: #1 of r1", "b: #1 of r1"]);
        let second = &merged.services[&web()].slots[&ReleaseId(2)];
        assert_eq!(second.ready, 1, "it is shown, so that it can be taken away");
        assert_ne!(second.workload, Digest::of(b"y"), "and is not taken for what was released");
        let differing = observed(&[("a", seen(&[(1, 1, "x")])), ("b", seen(&[(1, 1, "z")]))]);
        assert_ne!(differing.services[&web()].slots[&ReleaseId(1)].workload, Digest::of(b"x"));
    }

    #[test]
    fn the_gravest_error_decides_and_every_host_is_named() {
        let lost = || TargetError::new(Class::Transient, "web2 is away").hint("ssh web2");
        let bad = || TargetError::new(Class::Fatal, "no such image").hint("docker pull it");
        let answers = vec![("web1", Ok(())), ("web2", Err(lost())), ("this machine", Err(bad()))];
        let error = all(answers).unwrap_err();
        assert_eq!(error.class, Class::Fatal);
        assert_eq!(error.message, "web2 is away\nthis machine: no such image");
        assert_eq!(error.hint.as_deref(), Some("docker pull it"));
        assert_eq!(all(vec![("a", Ok(1)), ("b", Ok(2))]).unwrap(), [("a", 1), ("b", 2)]);
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_the_order_of_hosts(ready in proptest::collection::vec(0u16..100, 1..6)) {
            let hosts: Vec<(&str, Observed)> = ready.iter().map(|it| ("h", seen(&[(1, *it, "x")]))).collect();
            let backwards: Vec<(&str, Observed)> = hosts.iter().rev().cloned().collect();
            prop_assert_eq!(observed(&hosts), observed(&backwards));
            let merged = observed(&hosts);
            prop_assert_eq!(merged.services[&web()].slots[&ReleaseId(1)].ready, ready.iter().sum::<u16>());
        }
    }
}
