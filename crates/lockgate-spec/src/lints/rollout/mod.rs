//! Lints of how a new version takes over, and of how many instances there are.

mod capacity;
mod freeze;
mod strategy;
mod timing;
mod weights;

use lockgate_model::{Diagnostic, Service, TargetKind};

use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    weights::check(seen, report);
    strategy::check(seen, report);
    timing::check(seen, report);
    freeze::check(seen, report);
    capacity::check(seen, report);
}

/// Instances that are there at the least.
fn instances(service: &Service) -> u16 {
    service.autoscaling.as_ref().map_or(service.replicas, |it| it.min)
}

fn counted(replicas: u16) -> String {
    if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") }
}

fn is_kubernetes(seen: &Seen<'_>) -> bool {
    matches!(seen.system.target, TargetKind::Kubernetes(_))
}
