//! Limits on one metric that do not fit together.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, SourceId};

use super::Context;
use crate::fact::{Attribute, Fact, Limit, Severity, Side, Value};
use crate::quantity::Quantity;

type Stated<'a> = (&'a Fact, &'a Limit);
type Group<'a> = Vec<Stated<'a>>;

fn groups<'a>(context: &'a Context<'_>, wanted: &[Attribute]) -> BTreeMap<(SourceId, &'a str), Group<'a>> {
    let mut groups: BTreeMap<(SourceId, &str), Group<'_>> = BTreeMap::new();
    for fact in context.facts.statements.iter().filter(|it| wanted.contains(&it.attribute)) {
        if let Value::Limit(limit) = &fact.value {
            groups.entry((fact.span.source, &fact.subject)).or_default().push((fact, limit));
        }
    }
    groups
}

/// Facts about different environments may differ; what names none is about production.
fn same_scope(a: &Fact, b: &Fact) -> bool {
    let is_production = |it: &Fact| it.scope.is_empty() || it.scope.iter().any(|it| it.starts_with("prod"));
    a.scope.iter().any(|it| b.scope.contains(it)) || (is_production(a) && is_production(b))
}

fn said(fact: &Fact, limit: &Limit) -> String {
    let what = match (fact.attribute, limit.severity) {
        (Attribute::Rollback, _) => "rolled back",
        (Attribute::Target, _) => "aimed at",
        (_, Some(Severity::Warning)) => "a warning",
        (_, Some(Severity::Critical)) => "a critical alert",
        (_, None) => "an alert",
    };
    let side = match limit.side {
        Side::Above => "above",
        Side::Below => "below",
    };
    let held = limit.held_s.map(|value| Quantity { value, unit: crate::quantity::Unit::Seconds });
    let held = held.map_or(String::new(), |it| format!(" for {it}"));
    format!("{what} {side} {}{held}", limit.quantity)
}

pub(crate) fn several_values(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for ((_, subject), group) in groups(context, &[Attribute::Alert, Attribute::Rollback]) {
        let Some((first, second)) = disagreeing(&group) else { continue };
        let mut values: Vec<String> = vec![];
        for (_, limit) in &group {
            let value = limit.quantity.to_string();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let mut diagnostic = Diagnostic::error(
            codes::SEVERAL_LIMITS,
            match values.len() {
                1 => format!("the limit of {subject} holds for different times"),
                _ => format!("the limit of {subject} has several values: {}", values.join(", ")),
            },
        );
        diagnostic = diagnostic.label(first.0.span, said(first.0, first.1));
        diagnostic = diagnostic.label(second.0.span, said(second.0, second.1));
        for (fact, limit) in &group {
            if fact.span != first.0.span && fact.span != second.0.span {
                diagnostic = diagnostic.label(fact.span, said(fact, limit));
            }
        }
        report.push(diagnostic.help("state the limit once, and derive alert, gate and page from it"));
    }
}

/// Two limits of one metric that cannot both be meant.
fn disagreeing<'a>(group: &[Stated<'a>]) -> Option<(Stated<'a>, Stated<'a>)> {
    for (idx, a) in group.iter().enumerate() {
        for b in &group[idx + 1..] {
            let comparable =
                a.1.side == b.1.side && a.1.quantity.unit == b.1.quantity.unit && same_scope(a.0, b.0);
            if comparable && disagree(*a, *b) {
                return Some((*a, *b));
            }
        }
    }
    None
}

fn disagree(a: Stated<'_>, b: Stated<'_>) -> bool {
    let same_value = a.1.quantity.is(b.1.quantity);
    let same_time = match (a.1.held_s, b.1.held_s) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (None, _) | (_, None) => true,
    };
    match (a.0.attribute == Attribute::Rollback, b.0.attribute == Attribute::Rollback) {
        // A warning may come before a critical alert; one level has one value.
        (false, false) => {
            let one_level = a.1.severity == b.1.severity || a.1.severity.is_none() || b.1.severity.is_none();
            one_level && !(same_value && same_time)
        }
        (true, true) => !(same_value && same_time),
        (true, false) => !same_value && stricter(a.1, b.1),
        (false, true) => !same_value && stricter(b.1, a.1),
    }
}

/// Reached earlier.
fn stricter(a: &Limit, b: &Limit) -> bool {
    match a.side {
        Side::Above => a.quantity.value < b.quantity.value,
        Side::Below => b.quantity.value < a.quantity.value,
    }
}

pub(crate) fn alert_inside_target(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for ((_, subject), group) in groups(context, &[Attribute::Alert, Attribute::Target]) {
        let of = |wanted| group.iter().filter(move |it| it.0.attribute == wanted);
        let pair = of(Attribute::Target).find_map(|target| {
            let inside = |alert: &&(&Fact, &Limit)| {
                let (aim, limit) = (target.1.quantity, alert.1.quantity);
                let fires_early = match (target.1.side, alert.1.side) {
                    (Side::Below, Side::Above) => limit.value < aim.value,
                    (Side::Above, Side::Below) => aim.value < limit.value,
                    (Side::Below, Side::Below) | (Side::Above, Side::Above) => false,
                };
                aim.unit == limit.unit && same_scope(target.0, alert.0) && fires_early
            };
            of(Attribute::Alert).find(inside).map(|alert| (target, alert))
        });
        let Some((target, alert)) = pair else { continue };
        let message = format!("the alert on {subject} fires while its target is met");
        report.push(
            Diagnostic::warning(codes::ALERT_INSIDE_TARGET, message)
                .label(alert.0.span, said(alert.0, alert.1))
                .label(target.0.span, said(target.0, target.1))
                .help("alert on what misses the target, or tighten the target"),
        );
    }
}
