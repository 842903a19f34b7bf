//! What every service has unless it says otherwise: ports by rule and the health path. They become values of
//! the tree with their own layer, so that they can be explained like any other.

use lockgate_model::{Diagnostic, Span};

use crate::layers::{Layer, Origin, Value};
use crate::port_rule::{self, PortRule};
use crate::scalar;
use lockgate_diagnostics::codes;

struct Rule {
    name: String,
    formula: PortRule,
    span: Span,
}

pub(crate) fn apply(tree: &mut Value, report: &mut Vec<Diagnostic>) {
    let rules = rules(tree);
    let health = tree.at(&["conventions", "health"]).and_then(|it| Some((it.text()?.to_owned(), it.place())));
    let Some(services) = tree.map_mut().and_then(|it| it.get_mut("services")).and_then(Value::map_mut) else {
        return;
    };
    for (name, service) in services {
        for rule in &rules {
            port(name, service, rule, report);
        }
        if let Some((path, span)) = &health {
            health_path(service, path, *span);
        }
    }
}

fn rules(tree: &Value) -> Vec<Rule> {
    let written = tree.at(&["conventions", "ports"]);
    let entries = written.into_iter().flat_map(Value::entries);
    let rules = entries.filter_map(|(name, value)| {
        let formula = value.read(port_rule::parse)?;
        Some(Rule { name: name.clone(), formula, span: value.place() })
    });
    rules.collect()
}

fn port(service_name: &str, service: &mut Value, rule: &Rule, report: &mut Vec<Diagnostic>) {
    let number_of = |service: &Value, name: &str| {
        let value = service.at(&["ports", name, "number"])?;
        let number = value.read(|it| scalar::integer(it, 1, 65_535))?;
        Some((u16::try_from(number).ok()?, value.place()))
    };
    let Some((base, base_span)) = number_of(service, rule.formula.base.as_str()) else { return };
    let Some(number) = rule.formula.apply(base) else {
        let message = format!("the port rule for `{}` leads out of range for `{service_name}`", rule.name);
        report.push(
            Diagnostic::error(codes::BAD_PORT_RULE, message)
                .label(rule.span, "ports are 1 to 65535")
                .label(base_span, format!("applied to {base}")),
        );
        return;
    };
    if let Some((written, span)) = number_of(service, &rule.name) {
        if written != number {
            let message =
                format!("port `{}` of `{service_name}` is {written}; the rule says {number}", rule.name);
            report.push(
                Diagnostic::warning(codes::PORT_RULE_BROKEN, message)
                    .label(span, "this number is used")
                    .label(rule.span, "the rule is here")
                    .label(base_span, format!("it starts from {base}"))
                    .help("remove the port and let the rule set it, or change the rule"),
            );
        }
        return;
    }
    let origin = Origin { layer: Layer::Convention, span: rule.span };
    insert(service, &["ports", &rule.name, "number"], Value::scalar(number.to_string(), origin));
}

fn health_path(service: &mut Value, path: &str, span: Span) {
    let takes_requests = service.get("ports").and_then(Value::map).is_some_and(|it| !it.is_empty());
    if takes_requests && service.at(&["health", "path"]).is_none() {
        let origin = Origin { layer: Layer::Convention, span };
        insert(service, &["health", "path"], Value::scalar(path, origin));
    }
}

/// Sets a value that is not there yet. A map on the way that is something else was reported before.
fn insert(value: &mut Value, path: &[&str], new: Value) {
    let Some((key, rest)) = path.split_first() else { return };
    let origin = new.origin;
    let Some(map) = value.map_mut() else { return };
    if rest.is_empty() {
        map.entry((*key).to_owned()).or_insert(new);
    } else {
        insert(map.entry((*key).to_owned()).or_insert_with(|| Value::empty_map(origin)), rest, new);
    }
}
