//! Dependencies that nothing watches, and alerts on those whose metrics are not read.

use std::collections::BTreeMap;

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::Diagnostic;

use super::is_watched;
use crate::layers::Value;
use crate::lints::shared::{info, is_meant_for_others};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let mentions = mentions(seen);
    not_mentioned(seen, &mentions, report);
    not_monitored(seen, &mentions, report);
}

/// Where alerts and objectives speak of each dependency.
fn mentions<'a>(seen: &'a Seen<'_>) -> BTreeMap<&'a str, Vec<Mention<'a>>> {
    let entries = |key: &str| seen.tree.get(key).into_iter().flat_map(Value::entries);
    let of_slo = entries("slo").map(|(metric, value)| (metric.as_str(), Mention { value, at_key: true }));
    let of_alerts = entries("alerts").filter_map(|(_, value)| {
        let metric = value.get("metric")?;
        Some((metric.text()?, Mention { value: metric, at_key: false }))
    });
    let mut mentions: BTreeMap<&str, Vec<Mention<'_>>> = BTreeMap::new();
    for (metric, mention) in of_slo.chain(of_alerts) {
        if let Some((dependency, _)) = metric.split_once('.') {
            mentions.entry(dependency).or_default().push(mention);
        }
    }
    mentions
}

struct Mention<'a> {
    value: &'a Value,
    /// Is the metric the key, and not the value?
    at_key: bool,
}

/// Who watches none of the dependencies does it elsewhere.
fn not_mentioned(seen: &Seen<'_>, mentions: &BTreeMap<&str, Vec<Mention<'_>>>, report: &mut Vec<Diagnostic>) {
    if mentions.is_empty() || !is_watched(seen) {
        return;
    }
    let queries = seen.tree.get("alerts").into_iter().flat_map(Value::entries);
    let queries: Vec<&str> = queries.filter_map(|it| it.1.get("query")?.text()).collect();
    let used = |name: &str| seen.system.services.values().any(|it| it.depends_on.contains_key(name));
    let forgotten: Vec<&str> = seen
        .system
        .dependencies
        .iter()
        .filter(|(name, it)| it.monitored && used(name.as_str()) && !mentions.contains_key(name.as_str()))
        .filter(|(name, it)| {
            !queries.iter().any(|query| query.contains(name.as_str()) || query.contains(&it.kind))
        })
        .map(|it| it.0.as_str())
        .collect();
    let Some(first) = forgotten.first() else { return };
    let message = format!("no alert and no objective speaks of {}", suggest::all(forgotten.iter().copied()));
    let mut diagnostic = info(codes::UNWATCHED, message);
    for name in &forgotten {
        if let Some(value) = seen.tree.at(&["dependencies", name]) {
            diagnostic = diagnostic.label(value.key_span, "needed by services");
        }
    }
    report.push(
        diagnostic
            .help(format!(
                "add an alert such as `{{metric: {first}.up, alert: \"< 1 for 1m\", severity: critical}}`"
            ))
            .help(format!(
                "or say that it is watched elsewhere: `dependencies: {{{first}: {{monitored: false}}}}`"
            )),
    );
}

fn not_monitored(seen: &Seen<'_>, mentions: &BTreeMap<&str, Vec<Mention<'_>>>, report: &mut Vec<Diagnostic>) {
    for (name, dependency) in seen.system.dependencies.iter().filter(|it| !it.1.monitored) {
        let Some(monitored) = seen.tree.at(&["dependencies", name.as_str(), "monitored"]) else { continue };
        for mention in mentions.get(name.as_str()).map_or(&[][..], Vec::as_slice) {
            if is_meant_for_others(mention.value, Some(monitored)) {
                continue;
            }
            let span = if mention.at_key { mention.value.key_span } else { mention.value.place() };
            let message = format!("the metrics of `{name}` are not read, so nothing can be said of them");
            report.push(
                Diagnostic::error(codes::NOT_MONITORED, message)
                    .label(span, format!("a metric of {}", dependency.kind))
                    .label(monitored.place(), "not read")
                    .help("remove `monitored: false`, or what speaks of its metrics"),
            );
        }
    }
}
