//! `extends`: it leads to a service, in one direction, and only where a service itself says it.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::removed;
use crate::checks;
use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let services = seen.tree.get("services");
    let removed = removed::removed(seen);
    for (name, service) in services.into_iter().flat_map(Value::entries) {
        let Some(written) = service.get("extends") else { continue };
        if !written.origin.layer.is_specific() {
            report.push(under_defaults(written));
            continue;
        }
        let Some(base) = written.text() else { continue };
        let known = || services.into_iter().flat_map(Value::entries).map(|it| it.0.as_str());
        if !known().any(|it| it == base) && !removed.contains_key(base) {
            let others: Vec<&str> = known().filter(|it| it != name).collect();
            report.push(checks::unknown_service(base, written.place(), &others));
        }
        report.extend(circle(&seen.tree, name));
    }
    report.extend(removed::bases(seen));
}

fn under_defaults(written: &Value) -> Diagnostic {
    Diagnostic::error(codes::EXTENDS, "`defaults` cannot extend a service")
        .label(written.place(), "nothing reads this")
        .help("write `extends` in each service that shares what another one has")
}

/// The service that each step of `extends` leads to, with the place that says so. It ends where a circle closes.
pub(super) fn chain<'a>(tree: &'a Value, start: &'a str) -> Vec<(&'a str, &'a Value)> {
    let mut chain: Vec<(&str, &Value)> = vec![];
    let mut at = start;
    while let Some(written) = tree.at(&["services", at, "extends"]).filter(|it| it.origin.layer.is_specific())
        && let Some(next) = written.text()
    {
        let seen = chain.iter().any(|it| it.0 == next);
        chain.push((next, written));
        if seen || next == start {
            break;
        }
        at = next;
    }
    chain
}

/// The circle that this service closes. The first by name reports for all that are in it.
fn circle(tree: &Value, start: &str) -> Option<Diagnostic> {
    let chain = chain(tree, start);
    let closed = chain.last().is_some_and(|it| it.0 == start);
    if !closed || chain.iter().any(|it| it.0 < start) {
        return None;
    }
    let names: Vec<&str> = std::iter::once(start).chain(chain.iter().map(|it| it.0)).collect();
    let message = match names[..] {
        [only, _] => format!("`{only}` extends itself"),
        _ => format!("services extend each other in a circle: {}", names.join(" -> ")),
    };
    let steps = names.windows(2).zip(&chain);
    let diagnostic = steps.fold(Diagnostic::error(codes::EXTENDS, message), |it, (step, (_, written))| {
        it.label(written.place(), format!("`{}` extends `{}`", step[0], step[1]))
    });
    Some(diagnostic.help("one of them has to say everything itself"))
}
