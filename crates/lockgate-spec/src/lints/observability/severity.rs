//! Severity against consequence.

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::{Diagnostic, RollbackTrigger, SloMetric, SloSeverity};

use super::is_watched;
use crate::layers::Value;
use crate::lints::shared::info;
use crate::spec::Seen;

/// What takes a release back wakes nobody, and what wakes somebody does not take it back.
pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let triggers = &seen.system.rollout.rollback_on;
    if triggers.is_empty() || !is_watched(seen) {
        return;
    }
    let is_trigger = |metric: SloMetric| triggers.contains(&RollbackTrigger::Slo(metric));
    let of = |severity: SloSeverity| {
        let alerting =
            seen.system.slo.iter().filter(move |it| it.1.alert.is_some() && it.1.severity == severity);
        alerting.map(|it| *it.0)
    };
    let mild: Vec<SloMetric> = of(SloSeverity::Warning).filter(|it| is_trigger(*it)).collect();
    let grave: Vec<SloMetric> = of(SloSeverity::Critical)
        .filter(|it| !is_trigger(*it) && !twin(*it).is_some_and(is_trigger))
        .collect();
    let (Some(first), false) = (mild.first(), grave.is_empty()) else { return };
    let names = |metrics: &[SloMetric]| suggest::all(metrics.iter().map(|it| it.as_str()));
    let message = format!(
        "{} takes a release back and only warns, while {} is critical and does not",
        names(&mild),
        names(&grave)
    );
    let written = seen.tree.at(&["rollout", "rollback_on"]).map_or(&[][..], Value::items);
    let mut diagnostic = info(codes::SEVERITY, message);
    if let Some(trigger) = written.iter().find(|it| it.text() == Some(first.as_str())) {
        diagnostic = diagnostic.label(trigger.place(), "takes a release back");
    }
    for metric in &grave {
        if let Some(severity) = seen.tree.at(&["slo", metric.as_str(), "severity"]) {
            diagnostic = diagnostic.label(severity.place(), "wakes somebody");
        }
    }
    report.push(
        diagnostic
            .help("name under `rollback_on` what is critical, and make critical what takes a release back"),
    );
}

/// The other name of what a metric counts.
fn twin(metric: SloMetric) -> Option<SloMetric> {
    match metric {
        SloMetric::Availability => Some(SloMetric::ErrorRate),
        SloMetric::ErrorRate => Some(SloMetric::Availability),
        SloMetric::LatencyP50 | SloMetric::LatencyP95 | SloMetric::LatencyP99 | SloMetric::Restarts => None,
    }
}
