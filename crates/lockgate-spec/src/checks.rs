//! Facts that do not go together, within one environment.

use std::collections::BTreeMap;

use lockgate_model::{
    Amount, Comparison, Diagnostic, RollbackTrigger, SloMetric, SloObjective, Span, Strategy, System,
    Threshold, When,
};

use crate::layers::Value;
use crate::leaf::measure;
use crate::lower::missing;
use crate::scope::Mentions;
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_diagnostics::suggest;

pub(crate) fn unknown_service(name: &str, span: Span, known: &[&str]) -> Diagnostic {
    let message = format!("there is no service `{}`", shown(name));
    let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, message);
    match suggest::nearest(name, known.iter().copied()) {
        Some(nearest) => diagnostic.label(span, format!("did you mean `{nearest}`?")),
        None if known.is_empty() => diagnostic.label(span, "the system has no services"),
        None => diagnostic
            .label(span, "not known")
            .help(format!("there is {}", suggest::all(known.iter().copied()))),
    }
}

pub(crate) fn topology(
    tree: &Value,
    system: &System,
    mentions: &BTreeMap<String, Mentions>,
    report: &mut Vec<Diagnostic>,
) {
    names(tree, report);
    ports(tree, report);
    depends_on(tree, report);
    cycles(tree, system, mentions, report);
}

fn names(tree: &Value, report: &mut Vec<Diagnostic>) {
    for (name, service) in tree.get("services").into_iter().flat_map(Value::entries) {
        if let Some(dependency) = tree.at(&["dependencies", name]) {
            let message = format!("`{name}` is both a service and a dependency");
            report.push(
                Diagnostic::error(codes::NAME_CLASH, message)
                    .label(service.key_span, "the service")
                    .label(dependency.key_span, "the dependency")
                    .help("rename one of them: `depends_on` and references name both alike"),
            );
        }
    }
}

fn ports(tree: &Value, report: &mut Vec<Diagnostic>) {
    let mut taken: BTreeMap<&str, (String, Span)> = BTreeMap::new();
    for (service, value) in tree.get("services").into_iter().flat_map(Value::entries) {
        for (port, value) in value.get("ports").into_iter().flat_map(Value::entries) {
            let Some(number) = value.get("number") else { continue };
            let Some(text) = number.text() else { continue };
            let owner = format!("`{port}` of `{service}`");
            if let Some((other, span)) = taken.get(text) {
                let message = format!("port {} is used twice: {other} and {owner}", shown(text));
                report.push(
                    Diagnostic::error(codes::PORT_TWICE, message)
                        .label(number.place(), owner)
                        .label(*span, other.clone())
                        .help("every port of a system has its own number, so that all services fit on one machine"),
                );
                continue;
            }
            taken.insert(text, (owner, number.place()));
        }
    }
}

fn depends_on(tree: &Value, report: &mut Vec<Diagnostic>) {
    let keys = |group: &str| tree.get(group).into_iter().flat_map(Value::entries).map(|it| it.0.as_str());
    for (service, value) in tree.get("services").into_iter().flat_map(Value::entries) {
        for (name, entry) in value.get("depends_on").into_iter().flat_map(Value::entries) {
            let mut known = keys("services").chain(keys("dependencies"));
            if known.any(|it| it == name) {
                continue;
            }
            let message = format!("`{}` is neither a service nor a dependency", shown(name));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, message);
            let known = || keys("services").chain(keys("dependencies")).filter(|it| it != service);
            let diagnostic = match suggest::nearest(name, known()) {
                Some(nearest) => diagnostic.label(entry.key_span, format!("did you mean `{nearest}`?")),
                None => diagnostic.label(entry.key_span, "not declared"),
            };
            report.push(
                diagnostic
                    .help("services are declared under `services`, what they need under `dependencies`"),
            );
        }
    }
}

/// Where a service says that it depends on another: in `depends_on`, or by a reference.
fn link(tree: &Value, mentions: &BTreeMap<String, Mentions>, from: &str, to: &str) -> Option<Span> {
    let written = tree.at(&["services", from, "depends_on", to]).map(|it| it.key_span);
    written.or_else(|| mentions.get(from)?.get(to).copied())
}

/// Circles share links, and a dense graph has very many; the first ones show where to cut.
const CYCLES_MAX: usize = 5;

fn cycles(
    tree: &Value,
    system: &System,
    mentions: &BTreeMap<String, Mentions>,
    report: &mut Vec<Diagnostic>,
) {
    let next = |name: &str| {
        let service = system.services.get(name);
        let names = service.into_iter().flat_map(|it| it.depends_on.keys().map(String::as_str));
        names.filter(|it| system.services.contains_key(*it)).collect::<Vec<_>>()
    };
    let mut done: Vec<&str> = vec![];
    let mut found = 0;
    for start in system.services.keys().map(lockgate_model::ServiceName::as_str) {
        let mut path: Vec<(&str, Vec<&str>)> = vec![];
        if !done.contains(&start) {
            path.push((start, next(start)));
        }
        while let Some((name, rest)) = path.last_mut() {
            let Some(to) = rest.pop() else {
                done.push(*name);
                path.pop();
                continue;
            };
            if let Some(at) = path.iter().position(|it| it.0 == to) {
                let circle: Vec<&str> = path[at..].iter().map(|it| it.0).collect();
                report.push(cycle(tree, mentions, &circle));
                found += 1;
                if found == CYCLES_MAX {
                    return;
                }
            } else if !done.contains(&to) {
                path.push((to, next(to)));
            }
        }
    }
}

fn cycle(tree: &Value, mentions: &BTreeMap<String, Mentions>, circle: &[&str]) -> Diagnostic {
    let message = match circle {
        [only] => format!("`{only}` depends on itself"),
        _ => format!("services depend on each other in a circle: {} -> {}", circle.join(" -> "), circle[0]),
    };
    let mut diagnostic = Diagnostic::error(codes::CYCLE, message);
    for (idx, from) in circle.iter().enumerate() {
        let to = circle[(idx + 1) % circle.len()];
        if let Some(span) = link(tree, mentions, from, to) {
            diagnostic = diagnostic.label(span, format!("`{from}` depends on `{to}`"));
        }
    }
    diagnostic.help("none of them could be started first; a reference such as `${name.url}` counts as well")
}

pub(crate) fn release(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    let canary = system.rollout.strategy == Strategy::Canary;
    let strategy = tree.at(&["rollout", "strategy"]).map(Value::place);
    let gates = [tree.get("slo"), tree.at(&["rollout", "rollback_on"])];
    let written = |it: &Value| it.entries().next().is_some() || !it.items().is_empty() || it.text().is_some();
    if canary && !gates.into_iter().flatten().any(written) {
        let diagnostic = Diagnostic::warning(codes::NO_GATE, "nothing judges this canary");
        let diagnostic = strategy
            .into_iter()
            .fold(diagnostic, |it, span| it.label(span, "traffic is shifted by time alone"));
        report.push(diagnostic.help(
            "add an `slo` such as `error_rate: {objective: \"< 0.5%\"}`, or `rollback_on: [crash_loop]`",
        ));
    }
    let compatible = tree.at(&["migrations", "compatible"]);
    if let (true, Some(migrations), Some(place)) = (canary, &system.migrations, compatible.map(Value::place))
        && !migrations.compatible
        && migrations.when == When::BeforeRollout
    {
        let message = "the old version cannot use the migrated schema, and a canary runs both versions";
        let diagnostic =
            Diagnostic::warning(codes::INCOMPATIBLE, message).label(place, "the old version breaks");
        let diagnostic =
            strategy.into_iter().fold(diagnostic, |it, span| it.label(span, "both versions run at once"));
        report.push(
            diagnostic.help("split the change: first expand the schema, later contract it, each compatible"),
        );
    }
    triggers(tree, system, report);
}

fn triggers(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    for value in tree.at(&["rollout", "rollback_on"]).map_or(&[][..], Value::items) {
        let Some(metric) = value.text().and_then(crate::threshold::metric) else { continue };
        if !system.rollout.rollback_on.contains(&RollbackTrigger::Slo(metric))
            || system.slo.contains_key(&metric)
        {
            continue;
        }
        let message = format!("`rollback_on` names `{metric}`, which has no SLO");
        let example = match metric {
            SloMetric::Availability => "{alert: \"< 99% for 5m\"}",
            SloMetric::ErrorRate => "{alert: \"> 1% for 5m\"}",
            SloMetric::LatencyP50 | SloMetric::LatencyP95 | SloMetric::LatencyP99 => {
                "{alert: \"> 500ms for 5m\"}"
            }
            SloMetric::Restarts => "{alert: \"> 3 for 5m\"}",
        };
        report.push(
            Diagnostic::error(codes::TRIGGER_WITHOUT_SLO, message)
                .label(value.place(), "no threshold to compare with")
                .help(format!("add `{metric}: {example}` under `slo`")),
        );
    }
}

pub(crate) fn slo(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    for (name, value) in tree.get("slo").into_iter().flat_map(Value::entries) {
        if value.get("objective").is_none() && value.get("alert").is_none() {
            let diagnostic = missing("objective", &format!("the SLO `{name}`"), value.key_span);
            report.push(
                diagnostic.help("say what must hold (`objective`), what must not be seen (`alert`), or both"),
            );
            continue;
        }
        if !fires_while_met(name, value, system) {
            continue;
        }
        let (Some(objective), Some(alert)) = (value.get("objective"), value.get("alert")) else { continue };
        let message = format!("the alert of `{name}` fires while the objective is still met");
        report.push(
            Diagnostic::error(codes::ALERT_STRICTER, message)
                .label(alert.place(), "stricter than the objective")
                .label(objective.place(), "the objective")
                .help("an alert says that the objective is missed by so much that somebody must act"),
        );
    }
}

fn fires_while_met(name: &str, value: &Value, system: &System) -> bool {
    if let Some(slo) = crate::threshold::metric(name).and_then(|it| system.slo.get(&it)) {
        let both = slo.alert.zip(slo.objective);
        return both.is_some_and(|(alert, objective)| is_stricter(alert.limit, objective));
    }
    let both = value.field("alert", measure::threshold).zip(value.field("objective", measure::threshold));
    both.is_some_and(|(alert, objective)| overlap(alert, objective))
}

/// Does an alert with this limit fire while the objective is still met?
pub(crate) fn is_stricter(alert: SloObjective, objective: SloObjective) -> bool {
    match (alert, objective) {
        (SloObjective::ErrorRate(alert), SloObjective::ErrorRate(objective)) => alert < objective,
        (SloObjective::Latency(alert), SloObjective::Latency(objective)) => alert < objective,
        (SloObjective::Count(alert), SloObjective::Count(objective)) => alert < objective,
        (SloObjective::ErrorRate(_) | SloObjective::Latency(_) | SloObjective::Count(_), _) => false,
    }
}

/// Is there an amount that both hold for?
fn overlap(a: Threshold, b: Threshold) -> bool {
    let below = |low: Option<Bound>, high: Option<Bound>| match (low, high) {
        (Some(low), Some(high)) => {
            low.amount < high.amount || (low.amount == high.amount && low.included && high.included)
        }
        (None, _) | (_, None) => true,
    };
    let ((from, to), (other_from, other_to)) = (bounds(a), bounds(b));
    below(from, other_to) && below(other_from, to)
}

#[derive(Clone, Copy)]
struct Bound {
    amount: Amount,
    included: bool,
}

/// Between which amounts a comparison holds.
fn bounds(threshold: Threshold) -> (Option<Bound>, Option<Bound>) {
    let bound = |included| Some(Bound { amount: threshold.amount, included });
    match threshold.comparison {
        Comparison::Less => (None, bound(false)),
        Comparison::AtMost => (None, bound(true)),
        Comparison::Equal => (bound(true), bound(true)),
        Comparison::AtLeast => (bound(true), None),
        Comparison::More => (bound(false), None),
    }
}
