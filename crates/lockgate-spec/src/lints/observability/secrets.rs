//! Names of secrets that are used by the release itself and not declared.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::{Diagnostic, Edit, Fix};

use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let tree = &seen.tree;
    let bearers = tree.get("smoke").map_or(&[][..], Value::items).iter().filter_map(|it| it.get("bearer"));
    let of = |receiver: &str, key: &str| {
        let value = tree.at(&["notifications", receiver])?;
        is_told(value, seen.system.environment.as_str()).then(|| value.get(key))?
    };
    let told = [of("slack", "webhook"), of("pagerduty", "key"), of("webhook", "secret")];
    let declared = declared(tree);
    for value in bearers.chain(told.into_iter().flatten()) {
        if let Some(name) = value.text().filter(|it| !declared.contains(it)) {
            report.push(undeclared(name, value, &declared));
        }
    }
}

/// Is a receiver told of this environment?
fn is_told(receiver: &Value, environment: &str) -> bool {
    let only = receiver.get("environments").map_or(&[][..], Value::items);
    only.is_empty() || only.iter().any(|it| it.text() == Some(environment))
}

/// The secrets of the release, and those of its services.
fn declared(tree: &Value) -> Vec<&str> {
    let services = tree.get("services").into_iter().flat_map(Value::entries);
    let of_services = services.filter_map(|it| it.1.get("secrets"));
    let all = tree.get("secrets").into_iter().chain(of_services).flat_map(Value::entries);
    all.map(|it| it.0.as_str()).collect()
}

fn undeclared(name: &str, value: &Value, declared: &[&str]) -> Diagnostic {
    let message = format!("there is no secret `{}`", shown(name));
    let diagnostic = Diagnostic::error(codes::UNDECLARED_SECRET, message);
    match suggest::nearest(name, declared.iter().copied()) {
        Some(nearest) => {
            let edits = vec![Edit { span: value.place(), text: nearest.to_owned() }];
            let fix = Fix { title: format!("write `{nearest}`"), edits, safe: false };
            diagnostic.label(value.place(), format!("did you mean `{nearest}`?")).fix(fix)
        }
        None => diagnostic
            .label(value.place(), "not declared")
            .help(format!("declare it: `secrets: {{{}: {{}}}}`", shown(name))),
    }
}
