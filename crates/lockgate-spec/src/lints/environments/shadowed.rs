//! Defaults of an environment that no service takes, because each says otherwise.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;
use lockgate_yaml::{Entry, Kind};

use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let Some(defaults) = seen.entry.value.get("defaults") else { return };
    let services: Vec<(&str, &Value)> = seen
        .tree
        .get("services")
        .into_iter()
        .flat_map(Value::entries)
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    for entry in defaults.entries() {
        walk(entry, &entry.key, &services, report);
    }
}

/// `services` has what each service says at this place.
fn walk(entry: &Entry, name: &str, services: &[(&str, &Value)], report: &mut Vec<Diagnostic>) {
    let inner: Vec<(&str, &Value)> =
        services.iter().filter_map(|(name, value)| Some((*name, value.get(&entry.key)?))).collect();
    if let Kind::Map(entries) = &entry.value.kind {
        for entry in entries {
            // The shorthand of a variable is its value.
            let name = if entry.key == "value" { name } else { &entry.key };
            walk(entry, name, &inner, report);
        }
        return;
    }
    let taken = inner.iter().any(|it| it.1.origin.span == entry.value.span);
    let Some((service, value)) = inner.first().filter(|_| !taken && !entry.value.is_null()) else { return };
    let message = format!("no service takes `{}` from here", shown(name));
    report.push(
        Diagnostic::warning(codes::SHADOWED, message)
            .label(entry.value.span, "each service says otherwise")
            .label(value.place(), format!("`{service}` says this"))
            .help("what is said of one service is not changed by defaults: set it under the environment's `services`"),
    );
}
