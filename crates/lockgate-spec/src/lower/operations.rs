//! Seeds, cron jobs, objectives and alerts of what no canary is judged by.

use std::collections::BTreeMap;

use lockgate_model::{
    AlertRule, CronJob, Diagnostic, JobName, Measure, Seeds, Service, ServiceName, SloSeverity,
};

use super::release::{Wants, chosen, retry_of};
use super::{Context, duration};
use crate::language;
use crate::layers::{Value, inner};
use crate::leaf::measure;
use crate::scalar;
use crate::scope::Mentions;
use lockgate_model::Millis;

type Services = BTreeMap<ServiceName, Service>;

pub(super) fn seeds(context: &mut Context<'_>, services: &Services) -> Option<Seeds> {
    let value = context.tree.get("seeds")?;
    let service = chosen(context, value, "in", services, Wants::Files)?;
    let command = context.argv(value.get("command")?, Some(service.as_str()), &mut Mentions::new());
    let run = match value.get("run").and_then(Value::text) {
        Some("always") => lockgate_model::SeedsRun::Always,
        Some(_) | None => lockgate_model::SeedsRun::Once,
    };
    let timeout = duration(value, "timeout", Millis::mins(10));
    Some(Seeds {
        command,
        service,
        run,
        timeout,
        retry: retry_of(value),
        keep_for: duration(value, "keep_for", Millis::mins(60)),
    })
}

pub(super) fn cron(context: &mut Context<'_>, services: &Services) -> BTreeMap<JobName, CronJob> {
    let shape = inner(inner(&language::ROOT, "cron"), "");
    let mut jobs = BTreeMap::new();
    for (name, value) in context.tree.get("cron").into_iter().flat_map(Value::entries) {
        let Some(service) = chosen(context, value, "in", services, Wants::Files) else { continue };
        let mut written = value.clone();
        let origin = written.origin;
        if let Some(map) = written.map_mut() {
            map.entry("in".to_owned()).or_insert_with(|| Value::scalar(service.as_str(), origin));
        }
        let job = context.typed(&written, shape, Some(service.as_str()), &mut Mentions::new());
        if let (Ok(name), Some(job)) = (JobName::new(name.as_str()), job) {
            jobs.insert(name, job);
        }
    }
    jobs
}

/// What `slo` says of things that are no canary's business.
pub(super) fn objectives(context: &mut Context<'_>) -> BTreeMap<String, Measure> {
    let mut objectives = BTreeMap::new();
    for (name, value) in context.tree.get("slo").into_iter().flat_map(Value::entries) {
        if crate::threshold::metric(name).is_some() || measure::metric(name).is_err() {
            continue;
        }
        known_dependency(context, name, value);
        let text = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
        let measure = Measure {
            objective: value.field("objective", measure::threshold),
            alert: value.field("alert", measure::threshold),
            severity: severity(value),
            runbook: text("runbook"),
        };
        objectives.insert(name.clone(), measure);
    }
    objectives
}

pub(super) fn alerts(context: &mut Context<'_>) -> BTreeMap<String, AlertRule> {
    let shape = inner(inner(&language::ROOT, "alerts"), "");
    let mut alerts = BTreeMap::new();
    for (name, value) in context.tree.get("alerts").into_iter().flat_map(Value::entries) {
        if let Some(metric) = value.get("metric")
            && let Some(text) = metric.text()
        {
            known_dependency(context, text, metric);
            in_unit(context, text, value);
        }
        if let Some(rule) = context.typed(value, shape, None, &mut Mentions::new()) {
            alerts.insert(name.clone(), rule);
        }
    }
    alerts
}

fn in_unit(context: &mut Context<'_>, metric: &str, value: &Value) {
    let Some(alert) = value.get("alert") else { return };
    let (Ok(unit), Some(threshold)) = (measure::metric(metric), alert.read(measure::threshold)) else {
        return;
    };
    if let Err(problem) = measure::in_unit(metric, unit, threshold.amount) {
        context.report.push(problem.at(alert.place()));
    }
}

/// `postgres.up` speaks of a dependency that must be there.
fn known_dependency(context: &mut Context<'_>, metric: &str, value: &Value) {
    let Some((dependency, _)) = metric.split_once('.') else { return };
    let dependencies = || context.tree.get("dependencies").into_iter().flat_map(Value::entries);
    if dependencies().any(|it| it.0 == dependency) {
        return;
    }
    let message = format!("there is no dependency `{}`", lockgate_diagnostics::shown(dependency));
    let names = || dependencies().map(|it| it.0.as_str());
    let span = if value.text().is_some() { value.place() } else { value.key_span };
    let diagnostic = Diagnostic::error(lockgate_diagnostics::codes::UNKNOWN_NAME, message);
    let diagnostic = match lockgate_diagnostics::suggest::nearest(dependency, names()) {
        Some(nearest) => diagnostic.label(span, format!("did you mean `{nearest}`?")),
        None => diagnostic.label(span, "not declared"),
    };
    context.report.push(diagnostic.help("declare it under `dependencies`"));
}

fn severity(value: &Value) -> SloSeverity {
    match value.field("severity", |it| scalar::one_of(it, &["warning", "critical"])) {
        Some("critical") => SloSeverity::Critical,
        Some(_) | None => SloSeverity::Warning,
    }
}
