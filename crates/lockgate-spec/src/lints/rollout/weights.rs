//! Weights of a canary where no router splits the traffic: the share follows from the numbers of instances.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Strategy, TargetKind, Traffic, Weight};

use super::{counted, instances};
use crate::layers::Value;
use crate::lints::shared::{label, names};
use crate::spec::Seen;

/// A share this near to the wanted one is as good as it, in basis points.
const NEAR: u32 = 100;
/// With so many replicas every weight is near: there is a share for each point.
const ENOUGH: u16 = 100;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    if seen.system.rollout.strategy != Strategy::Canary {
        return;
    }
    let Some(target) = by_replicas(seen) else { return };
    // Services of the same size miss the same weights.
    let mut sizes: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (name, service) in seen.system.services.iter().filter(|it| !it.1.ports.is_empty()) {
        sizes.entry(instances(service)).or_default().push(name.as_str());
    }
    for (size, services) in sizes.into_iter().filter(|it| it.0 < ENOUGH) {
        report.extend(missed(seen, size, &services, &target));
    }
}

/// What leaves the split to the replicas, and what would take it over.
struct ByReplicas<'a> {
    place: Option<&'a Value>,
    text: &'static str,
    help: &'static str,
}

fn by_replicas<'a>(seen: &'a Seen<'_>) -> Option<ByReplicas<'a>> {
    match &seen.system.target {
        TargetKind::Kubernetes(it) if it.traffic == Traffic::Replicas => Some(ByReplicas {
            place: seen.tree.at(&["target", "kubernetes", "traffic"]),
            text: "no router: the numbers of replicas split the traffic",
            help: "or let a router split it: `traffic: gateway-api`",
        }),
        TargetKind::Ecs(it) if it.load_balancer.is_none() => Some(ByReplicas {
            place: seen.tree.at(&["target", "ecs", "cluster"]),
            text: "without `load_balancer` the numbers of tasks split the traffic",
            help: "or name the `load_balancer` that splits it",
        }),
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Kubernetes(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => None,
    }
}

fn missed(seen: &Seen<'_>, size: u16, services: &[&str], target: &ByReplicas<'_>) -> Option<Diagnostic> {
    let wanted: Vec<Weight> = seen.system.rollout.steps.iter().map(|it| it.weight).collect();
    let got: Vec<Weight> = wanted.iter().map(|it| nearest(size, *it)).collect();
    let missed: Vec<usize> = (0..wanted.len()).filter(|&at| !is_near(wanted[at], got[at])).collect();
    let first = *missed.first()?;
    let message = format!(
        "with {}, a new version of {} gets {} of the traffic instead of {}",
        counted(size),
        names(services),
        got[first],
        wanted[first]
    );
    let mut diagnostic = Diagnostic::warning(codes::WEIGHT_NOT_REACHED, message);
    let written = seen.tree.at(&["rollout", "steps"]).map_or(&[][..], Value::items);
    for at in missed.iter().copied() {
        let place = written.get(at).and_then(|it| it.get("weight"));
        diagnostic = label(diagnostic, place, format!("becomes {}", got[at]));
    }
    if written.is_empty() {
        let strategy = seen.tree.at(&["rollout", "strategy"]);
        diagnostic = label(diagnostic, strategy, "begins with 10% unless `steps` say otherwise");
    }
    let service = services.first().and_then(|it| seen.tree.at(&["services", it]));
    let replicas = service.and_then(|it| it.at(&["autoscaling", "min"]).or(it.get("replicas")));
    diagnostic = label(diagnostic, replicas, counted(size));
    diagnostic = label(diagnostic, target.place, target.text);
    let enough = missed.iter().filter_map(|at| replicas_for(wanted[*at])).max();
    if let Some(enough) = enough {
        diagnostic = diagnostic.help(format!("{enough} replicas come within one point of the weight"));
    }
    Some(diagnostic.help(target.help))
}

fn is_near(wanted: Weight, got: Weight) -> bool {
    difference(wanted, got) <= NEAR
}

fn difference(a: Weight, b: Weight) -> u32 {
    u32::from(a.basis_points().abs_diff(b.basis_points()))
}

fn replicas_for(weight: Weight) -> Option<u16> {
    (1..=ENOUGH).find(|&size| is_near(weight, nearest(size, weight)))
}

/// The share that comes nearest when at least `size` instances serve, and at most `size` of each version.
fn nearest(size: u16, weight: Weight) -> Weight {
    let shares = (1..=size).flat_map(|new| {
        let rest = f64::from(new) * weight.rest().fraction() / weight.fraction().max(0.000_1);
        let within = |old: f64| old.clamp(f64::from(size - new), f64::from(size));
        [within(rest.floor()), within(rest.ceil())].map(|old| share(f64::from(new), old))
    });
    shares.min_by_key(|it| difference(*it, weight)).unwrap_or(Weight::ALL)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is 0 to 10,000")]
fn share(new: f64, old: f64) -> Weight {
    let points = (10_000.0 * new / (new + old)).round() as u16;
    Weight::from_basis_points(points).unwrap_or(Weight::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(text: &str) -> Weight {
        text.parse().unwrap()
    }

    #[test]
    fn replicas_give_shares_of_small_numbers() {
        for (size, wanted, got) in [
            (1, "10%", "50%"),
            (3, "5%", "25%"),
            (3, "10%", "25%"),
            (3, "50%", "50%"),
            (3, "33%", "33.33%"),
            (3, "75%", "75%"),
            (9, "10%", "10%"),
            (2, "100%", "100%"),
        ] {
            assert_eq!(nearest(size, weight(wanted)), weight(got), "{wanted} of {size}");
        }
    }

    #[test]
    fn many_replicas_give_every_share() {
        let all = (1..=10_000).map(|it| Weight::from_basis_points(it).unwrap());
        for weight in all {
            assert!(is_near(weight, nearest(ENOUGH, weight)), "{weight}");
            assert!(is_near(weight, nearest(ENOUGH + 7, weight)), "{weight}");
        }
    }

    #[test]
    fn the_replicas_that_are_enough_are_the_fewest() {
        for (wanted, enough) in [("10%", 9), ("5%", 16), ("50%", 1), ("1%", 49), ("90%", 9)] {
            assert_eq!(replicas_for(weight(wanted)), Some(enough), "{wanted}");
        }
    }
}
