//! What must hold and what must not be seen, in words.

use lockgate_model::{SloMetric, SloObjective, SloSeverity, Threshold};

use super::markdown::{Page, code, plain};
use crate::facts::Environment;

pub(super) fn table(page: &mut Page, environment: &Environment<'_>) {
    let system = environment.system;
    let mut rows: Vec<Vec<String>> = vec![];
    for (metric, slo) in &system.slo {
        let objective = slo.objective.map_or_else(String::new, |it| limit(*metric, it, true));
        let alert = slo
            .alert
            .map_or_else(String::new, |it| format!("{} for {}", limit(*metric, it.limit, false), it.lasting));
        rows.push(vec![
            code(metric.as_str()),
            objective,
            alert,
            severity(slo.severity).to_owned(),
            link(slo.runbook.as_deref()),
        ]);
    }
    for (name, measure) in &system.objectives {
        let text = |it: &Option<Threshold>| it.as_ref().map_or_else(String::new, |it| plain(&it.to_string()));
        rows.push(vec![
            code(name),
            text(&measure.objective),
            text(&measure.alert),
            severity(measure.severity).to_owned(),
            link(measure.runbook.as_deref()),
        ]);
    }
    for (name, rule) in &system.alerts {
        let what = rule.metric.as_deref().or(rule.query.as_deref()).unwrap_or_default();
        rows.push(vec![
            code(name),
            String::new(),
            format!("{} {}", code(what), plain(&rule.alert.to_string())),
            severity(rule.severity).to_owned(),
            link(rule.runbook.as_deref()),
        ]);
    }
    page.table(&["what", "objective", "alert", "severity", "more"], &rows);
}

pub(super) fn severity(severity: SloSeverity) -> &'static str {
    match severity {
        SloSeverity::Warning => "warning",
        SloSeverity::Critical => "critical",
    }
}

/// An objective says what holds; an alert what is beyond its limit.
pub(super) fn limit(metric: SloMetric, objective: SloObjective, holds: bool) -> String {
    let (good, bad) = ("at most", "more than");
    let word = if holds { good } else { bad };
    match objective {
        SloObjective::ErrorRate(share) if metric == SloMetric::Availability => {
            let word = if holds { "at least" } else { "less than" };
            format!("{word} {} of requests succeed", lockgate_model::Percent(100_000 - share.0.min(100_000)))
        }
        SloObjective::ErrorRate(share) => format!("{word} {share} of requests fail"),
        SloObjective::Latency(latency) => format!("{word} {latency}"),
        SloObjective::Count(count) => format!("{word} {count} {metric}"),
    }
}

fn link(url: Option<&str>) -> String {
    url.map_or_else(String::new, |it| format!("<{}>", it.replace(['<', '>', ' '], "")))
}
