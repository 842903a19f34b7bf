//! Variables of which two things are said at once.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (_, service) in seen.tree.get("services").into_iter().flat_map(Value::entries) {
        for (name, needs) in service.get("depends_on").into_iter().flat_map(Value::entries) {
            report.extend(set_by_both(service, name, needs));
        }
        for (name, variable) in service.get("env").into_iter().flat_map(Value::entries) {
            report.extend(required_and_given(name, variable));
        }
    }
}

/// `depends_on` is told to set a variable that has a value already. One of another layer overrides, and means to.
fn set_by_both(service: &Value, dependency: &str, needs: &Value) -> Option<Diagnostic> {
    let named = needs.get("as")?;
    let variable = named.text()?;
    let [plain, secret] = ["env", "secrets"].map(|it| service.at(&[it, variable]));
    let (written, by) = plain.map(|it| (it, "env")).or(secret.map(|it| (it, "secrets")))?;
    let layer = written.get("value").unwrap_or(written).origin.layer;
    if layer != named.origin.layer {
        return None;
    }
    let message =
        format!("`{variable}` is to carry the address of `{dependency}`, and `{by}` declares it as well");
    Some(
        Diagnostic::warning(codes::SET_BY_BOTH, message)
            .label(named.place(), "nothing reads this")
            .label(written.key_span, "this is what the service gets")
            .help(format!("remove one of the two; without `as`, `{by}` alone says what `{variable}` is")),
    )
}

/// Wanted of the store and given here, in one breath. An environment may well give what the root wants.
fn required_and_given(name: &str, variable: &Value) -> Option<Diagnostic> {
    let (required, value) = (variable.get("required")?, variable.get("value")?);
    if required.text() != Some("true") || required.origin.layer != value.origin.layer {
        return None;
    }
    let message = format!("`{name}` is wanted of the store and has a value here");
    Some(
        Diagnostic::warning(codes::REQUIRED_AND_GIVEN, message)
            .label(required.place(), "it has no value in the spec")
            .label(value.place(), "its value in the spec")
            .help("remove `required` to use this value, or the value to have the store's"),
    )
}
