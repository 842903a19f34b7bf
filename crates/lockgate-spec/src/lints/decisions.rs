//! What the user has decided about diagnostics, and what is not there to be decided.

use lockgate_diagnostics::codes;
use lockgate_model::{Code, Diagnostic, Severity};
use lockgate_yaml::{Entry, Kind, Node};

use super::shared::info;

const CHECKS: &str = "checks";

/// What begins here is found in other files than specs.
const OTHER_FILES: Code = Code(700);

/// Every `checks`, that of the root and those of the environments.
fn places(root: &Node) -> impl Iterator<Item = &Node> {
    let environments = root.get("environments").map_or(&[][..], Node::entries);
    let own = environments.iter().filter_map(|it| it.value.get(CHECKS));
    root.get(CHECKS).into_iter().chain(own)
}

pub(crate) fn has_decisions(root: &Node) -> bool {
    places(root).any(|it| !it.entries().is_empty())
}

/// The spec as if nothing had been decided.
pub(crate) fn undecided(root: &Node) -> Node {
    let mut root = root.clone();
    without(&mut root);
    if let Kind::Map(entries) = &mut root.kind
        && let Some(environments) = entries.iter_mut().find(|it| it.key == "environments")
        && let Kind::Map(environments) = &mut environments.value.kind
    {
        for environment in environments {
            without(&mut environment.value);
        }
    }
    root
}

fn without(node: &mut Node) {
    if let Kind::Map(entries) = &mut node.kind {
        entries.retain(|it| it.key != CHECKS);
    }
}

/// `found` is what would be reported if nothing had been decided.
pub(crate) fn check_decisions(root: &Node, found: &[Diagnostic], report: &mut Vec<Diagnostic>) {
    let own = [codes::UNUSED_CHECK, codes::STAYS_ERROR];
    let off: Vec<Code> = own.into_iter().filter(|it| is_off(root, *it)).collect();
    for entry in places(root).flat_map(Node::entries).filter(|it| !it.value.is_null()) {
        let Ok(code) = entry.key.parse::<Code>() else { continue };
        if OTHER_FILES <= code || own.contains(&code) {
            continue;
        }
        let mut severities = found.iter().filter(|it| it.code == code).map(|it| it.severity).peekable();
        let finding = if severities.peek().is_none() {
            unused(entry, code)
        } else if severities.all(|it| it == Severity::Error) && level(entry) != Some("error") {
            stays(entry, code)
        } else {
            continue;
        };
        report.extend(Some(finding).filter(|it| !off.contains(&it.code)));
    }
}

fn is_off(root: &Node, code: Code) -> bool {
    let entry = root.get(CHECKS).and_then(|it| it.entry(&code.to_string()));
    entry.is_some_and(|it| level(it) == Some("off"))
}

fn level(entry: &Entry) -> Option<&str> {
    match &entry.value.get("level")?.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        Kind::Seq(_) | Kind::Map(_) => None,
    }
}

fn unused(entry: &Entry, code: Code) -> Diagnostic {
    let message = format!("{code} is decided about, and is not found any more");
    info(codes::UNUSED_CHECK, message)
        .label(entry.key_span, "nothing to decide")
        .help("remove it, so that it is seen when it comes back")
}

fn stays(entry: &Entry, code: Code) -> Diagnostic {
    let message = format!("{code} is an error here, and errors stay what they are");
    let diagnostic = info(codes::STAYS_ERROR, message);
    let place = entry.value.entry("level").map_or(entry.key_span, Entry::place);
    diagnostic.label(place, "has no effect").help("what cannot work does not work better unseen: mend it")
}
