//! Values of production that other environments inherit.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use crate::layers::{Layer, Value};
use crate::lints::shared::{info, is_production};
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let Some(production) = all.iter().find(|it| is_production(&it.system)) else { return };
    if is_production(&seen.system) {
        return;
    }
    for variable in variables::all(seen).filter(|it| it.is_literal() && is_inherited(it.value)) {
        if names_production(variable) {
            report.push(stage(seen, variable));
        }
        report.extend(host(seen, production, variable));
    }
}

fn is_inherited(value: &Value) -> bool {
    matches!(value.origin.layer, Layer::Defaults | Layer::Spec)
}

/// Names that say where a process runs. How it runs is something else: `NODE_ENV`, `RAILS_ENV` and `FLASK_ENV` are
/// `production` wherever it is not developed.
const STAGES: [&str; 5] = ["ENVIRONMENT", "APP_ENV", "DEPLOY_ENV", "STAGE", "DJANGO_SETTINGS_MODULE"];

fn names_production(variable: Variable<'_>) -> bool {
    let word = variable.text.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    STAGES.contains(&variable.name) && matches!(word.as_str(), "prod" | "production")
}

fn stage(seen: &Seen<'_>, variable: Variable<'_>) -> Diagnostic {
    let message = format!("`{}` says `{}` in other environments too", variable.name, shown(variable.text));
    info(codes::PRODUCTION_VALUE, message)
        .label(variable.value.place(), format!("`{}` inherits it", seen.system.environment))
        .help(format!("write `{}: ${{environment.name}}`, or set it in the environment", variable.name))
}

/// The host of production as a whole, not as the end of another one.
fn host(seen: &Seen<'_>, production: &Seen<'_>, variable: Variable<'_>) -> Option<Diagnostic> {
    let host = production.system.policy.host.as_deref().filter(|it| it.contains('.'))?;
    if seen.system.policy.host.as_deref() == Some(host) || !mentions(variable.text, host) {
        return None;
    }
    let message = format!("`{}` leads to `{}` in other environments too", variable.name, shown(host));
    let mut diagnostic = Diagnostic::warning(codes::PRODUCTION_HOST, message)
        .label(variable.value.place(), format!("`{}` inherits it", seen.system.environment));
    if let Some(written) = production.tree.get("host") {
        diagnostic = diagnostic.label(written.place(), "the host of production");
    }
    Some(diagnostic.help("write `${environment.host}`, and give each environment its host"))
}

fn mentions(text: &str, host: &str) -> bool {
    let ends = |it: char| matches!(it, '/' | ':' | ',' | ' ' | '?');
    text.match_indices(host).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + host.len()..]);
        (before.is_empty() || before.ends_with(['/', ',', ' ']))
            && (after.is_empty() || after.starts_with(ends))
    })
}
