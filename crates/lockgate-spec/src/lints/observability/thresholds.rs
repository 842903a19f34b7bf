//! Limits of one thing that do not go together: stated twice, in the wrong order, or met when another is missed.

use lockgate_diagnostics::codes;
use lockgate_model::{Comparison, Diagnostic, Slo, SloMetric, SloObjective, SloSeverity, Threshold};

use crate::checks;
use crate::layers::Value;
use crate::leaf::measure;
use crate::lints::shared::is_meant_for_others;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    stated_twice(seen, report);
    for (lower, higher) in [
        (SloMetric::LatencyP50, SloMetric::LatencyP95),
        (SloMetric::LatencyP95, SloMetric::LatencyP99),
        (SloMetric::LatencyP50, SloMetric::LatencyP99),
    ] {
        report.extend(quantiles(seen, lower, higher));
    }
    for (alert, objective) in
        [(SloMetric::Availability, SloMetric::ErrorRate), (SloMetric::ErrorRate, SloMetric::Availability)]
    {
        report.extend(of_errors(seen, alert, objective));
    }
}

fn stated_twice(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, value) in seen.tree.get("alerts").into_iter().flat_map(Value::entries) {
        let Some(metric) = value.get("metric").and_then(Value::text) else { continue };
        let Some(slo) = seen.tree.at(&["slo", metric]) else { continue };
        let (Some(own), Some(other)) = (Limit::of(value), Limit::of(slo)) else { continue };
        let elsewhere = |a: &Limit<'_>, b: &Limit<'_>| is_meant_for_others(a.place, Some(b.place));
        if own.fits(&other) || elsewhere(&own, &other) || elsewhere(&other, &own) {
            continue;
        }
        let [own_text, other_text] = [own.place, other.place].map(Value::written);
        let message = format!("`{metric}` has two limits: `{other_text}`, and `{own_text}` in `{name}`");
        report.push(
            Diagnostic::warning(codes::THRESHOLD_TWICE, message)
                .label(own.place.place(), format!("the limit of `{name}`"))
                .label(other.place.place(), "the limit under `slo`")
                .help("keep the one under `slo`: alerts, gates and panels all follow from it"),
        );
    }
}

struct Limit<'a> {
    place: &'a Value,
    threshold: Threshold,
    is_critical: bool,
}

impl<'a> Limit<'a> {
    fn of(value: &'a Value) -> Option<Limit<'a>> {
        let place = value.get("alert")?;
        let is_critical = value.get("severity").and_then(Value::text) == Some("critical");
        Some(Limit { place, threshold: place.read(measure::threshold)?, is_critical })
    }

    /// The same limit, one on the other side, or a second one that is critical and further out.
    fn fits(&self, other: &Limit<'_>) -> bool {
        let (a, b) = (self.threshold, other.threshold);
        let (Some(side), true) = (Side::of(a), Side::of(a) == Side::of(b)) else { return true };
        if a.amount == b.amount && a.span() == b.span() {
            return true;
        }
        match (self.is_critical, other.is_critical) {
            (true, false) => side.is_further(a, b),
            (false, true) => side.is_further(b, a),
            (true, true) | (false, false) => false,
        }
    }
}

/// On which side of its limit an alert fires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

impl Side {
    fn of(threshold: Threshold) -> Option<Side> {
        match threshold.comparison {
            Comparison::More | Comparison::AtLeast => Some(Side::Above),
            Comparison::Less | Comparison::AtMost => Some(Side::Below),
            Comparison::Equal => None,
        }
    }

    /// Is `a` reached later than `b`?
    fn is_further(self, a: Threshold, b: Threshold) -> bool {
        let beyond = match self {
            Side::Above => b.amount < a.amount,
            Side::Below => a.amount < b.amount,
        };
        beyond || (a.amount == b.amount && b.span() < a.span())
    }
}

/// A quantile is never below a lower one: where the higher one's limit is stricter, the other limit says nothing.
fn quantiles(seen: &Seen<'_>, lower: SloMetric, higher: SloMetric) -> Option<Diagnostic> {
    let (of_lower, of_higher) = (seen.system.slo.get(&lower)?, seen.system.slo.get(&higher)?);
    let key = wrong_order(of_lower, of_higher)?;
    let place = |metric: SloMetric| seen.tree.at(&["slo", metric.as_str(), key]);
    let (low, high) = (place(lower)?, place(higher)?);
    if is_meant_for_others(low, Some(high)) || is_meant_for_others(high, Some(low)) {
        return None;
    }
    let message = match key {
        "alert" => format!("the alert of `{lower}` fires only when the one of `{higher}` does"),
        _ => format!("the objective of `{lower}` is met whenever the one of `{higher}` is"),
    };
    Some(
        Diagnostic::warning(codes::QUANTILES, message)
            .label(low.place(), "says nothing of its own")
            .label(high.place(), format!("stricter, although `{higher}` is never below `{lower}`"))
            .help("exchange the two numbers, or leave one of them out"),
    )
}

/// The key whose limits are in the wrong order. A stricter alert of less weight is a step on the way to the other.
fn wrong_order(lower: &Slo, higher: &Slo) -> Option<&'static str> {
    if let (Some(SloObjective::Latency(low)), Some(SloObjective::Latency(high))) =
        (lower.objective, higher.objective)
        && high < low
    {
        return Some("objective");
    }
    let (low, high) = (lower.alert?, higher.alert?);
    let is_weightier = higher.severity == SloSeverity::Critical || lower.severity == SloSeverity::Warning;
    match (low.limit, high.limit) {
        (SloObjective::Latency(low_limit), SloObjective::Latency(high_limit)) => {
            (high_limit < low_limit && high.lasting <= low.lasting && is_weightier).then_some("alert")
        }
        _ => None,
    }
}

/// Availability and error rate are two names for the same count of failed requests.
fn of_errors(seen: &Seen<'_>, alerting: SloMetric, objecting: SloMetric) -> Option<Diagnostic> {
    let alert = seen.system.slo.get(&alerting)?.alert?;
    let objective = seen.system.slo.get(&objecting)?.objective?;
    if !checks::is_stricter(alert.limit, objective) {
        return None;
    }
    let written = seen.tree.at(&["slo", alerting.as_str(), "alert"])?;
    let other = seen.tree.at(&["slo", objecting.as_str(), "objective"])?;
    let message =
        format!("the alert of `{alerting}` fires while the objective of `{objecting}` is still met");
    Some(
        Diagnostic::warning(codes::AVAILABILITY_AND_ERRORS, message)
            .label(written.place(), "fires")
            .label(other.place(), "still met")
            .help("both count the requests that fail: an availability of 99% is an error rate of 1%"),
    )
}
