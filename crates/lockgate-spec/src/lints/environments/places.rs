//! Two environments in one place: each release of the one replaces the other.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, TargetKind};

use crate::spec::Seen;

/// Of this environment and those before it in the file.
pub(super) fn check(seen: &Seen<'_>, before: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    report.extend(before.iter().find_map(|other| one_place(seen, other)));
}

fn one_place(seen: &Seen<'_>, other: &Seen<'_>) -> Option<Diagnostic> {
    let place = shared(&seen.system.target, &other.system.target)?;
    let (a, b) = (&other.system.environment, &seen.system.environment);
    let message = format!("`{a}` and `{b}` are both {place}: each release replaces the other's");
    let mut diagnostic = Diagnostic::warning(codes::SAME_PLACE, message);
    for of in [seen, other] {
        let target = of.tree.get("target")?;
        diagnostic = diagnostic.label(target.key_span, format!("of `{}`", of.system.environment));
    }
    Some(diagnostic.help("give each a place of its own"))
}

/// What both targets are, where that is certain. Which cluster the current context means depends on who releases,
/// and the machine of a local environment as well.
fn shared(a: &TargetKind, b: &TargetKind) -> Option<String> {
    match (a, b) {
        (TargetKind::Kubernetes(a), TargetKind::Kubernetes(b)) => {
            let context = a.context.as_ref().filter(|it| Some(*it) == b.context.as_ref())?;
            let same = a.namespace == b.namespace && a.kubeconfig == b.kubeconfig;
            same.then(|| format!("namespace `{}` of `{context}`", a.namespace))
        }
        (TargetKind::Ecs(a), TargetKind::Ecs(b)) => {
            let same = a.region == b.region && a.cluster == b.cluster && a.service == b.service;
            (same && !differ(a.role.as_ref(), b.role.as_ref()))
                .then(|| format!("the services `{}` of `{}`", a.service, a.cluster))
        }
        (TargetKind::AppRunner(a), TargetKind::AppRunner(b)) => {
            let service = a.service.as_ref().filter(|it| Some(*it) == b.service.as_ref())?;
            let same = a.region == b.region && !differ(a.role.as_ref(), b.role.as_ref());
            same.then(|| format!("the service `{service}`"))
        }
        _ => None,
    }
}

/// Roles that are not the same may be of different accounts.
fn differ(a: Option<&String>, b: Option<&String>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}
