//! What lints of several families need.

use lockgate_diagnostics::suggest;
use lockgate_model::{Code, Diagnostic, Severity, System};

use crate::layers::{Layer, Value};

/// Worth knowing, and perhaps as it is meant.
pub(super) fn info(code: Code, message: impl Into<String>) -> Diagnostic {
    Diagnostic { severity: Severity::Info, ..Diagnostic::warning(code, message) }
}

/// Does the root say `value`, and the environment take a `decision` of its own? Then the value is meant for others.
pub(super) fn is_meant_for_others(value: &Value, decision: Option<&Value>) -> bool {
    value.origin.layer == Layer::Spec && decision.is_some_and(|it| it.origin.layer == Layer::Environment)
}

/// Labels the place of a value, when it is written at all.
pub(super) fn label(diagnostic: Diagnostic, value: Option<&Value>, text: impl Into<String>) -> Diagnostic {
    match value {
        Some(value) => diagnostic.label(value.place(), text),
        None => diagnostic,
    }
}

/// Names in one line: the first few, and how many more.
pub(super) fn names(all: &[&str]) -> String {
    const SHOWN_MAX: usize = 3;
    match all.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => suggest::all(all.iter().copied()),
        Some(more) => {
            let shown: Vec<String> = all[..SHOWN_MAX].iter().map(|it| format!("`{it}`")).collect();
            format!("{} and {more} more", shown.join(", "))
        }
    }
}

/// Is this where users are, by its name?
pub(super) fn is_production(system: &System) -> bool {
    let parts: Vec<&str> = system.environment.as_str().split('-').collect();
    parts.iter().any(|it| matches!(*it, "prod" | "production" | "live"))
        && !parts.iter().any(|it| matches!(*it, "pre" | "non" | "not"))
}
