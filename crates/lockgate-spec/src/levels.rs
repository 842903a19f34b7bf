//! What the user has decided about diagnostics: `checks` in the spec.

use lockgate_model::{Diagnostic, Severity};

use crate::layers::Value;

/// Errors stay errors: what cannot work does not work better unseen.
pub(crate) fn apply(checks: Option<&Value>, report: &mut Vec<Diagnostic>) {
    let Some(checks) = checks else { return };
    let level = |it: &Diagnostic| checks.at(&[&it.code.to_string(), "level"])?.text();
    report.retain(|it| it.severity == Severity::Error || level(it) != Some("off"));
    for diagnostic in report.iter_mut().filter(|it| it.severity != Severity::Error) {
        diagnostic.severity = match level(diagnostic) {
            Some("error") => Severity::Error,
            Some("warning") => Severity::Warning,
            Some("info") => Severity::Info,
            Some(_) | None => continue,
        };
    }
}
