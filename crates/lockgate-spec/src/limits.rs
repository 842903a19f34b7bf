//! What is multiplied when environments are resolved, and how far that may go: a short file can stand for gigabytes.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;
use lockgate_yaml::{Kind, Node};

/// Beyond this a system is better split.
const SERVICES_MAX: usize = 256;
const ENVIRONMENTS_MAX: usize = 32;
/// Of what all services of all environments say together: some hundred times what the largest systems do, and a
/// second of work.
const BYTES_MAX: usize = 32 << 20;
/// What a value takes besides its text.
const VALUE_BYTES: usize = 64;

/// Does the file stay within what can be multiplied?
pub(crate) fn within(root: &Node, report: &mut Vec<Diagnostic>) -> bool {
    let mut within = true;
    for (key, max) in [("services", SERVICES_MAX), ("environments", ENVIRONMENTS_MAX)] {
        let Some(entry) = root.entry(key) else { continue };
        let len = entry.value.entries().len();
        if max < len {
            within = false;
            let message = format!("the spec has {len} {key}; at most {max} are allowed");
            report.push(Diagnostic::error(codes::LIMIT, message).label(entry.key_span, "too many"));
        }
    }
    within && multiplied(root, report)
}

fn multiplied(root: &Node, report: &mut Vec<Diagnostic>) -> bool {
    let environments = root.get("environments").map_or(&[][..], Node::entries);
    let bytes: usize = environments.iter().map(|it| of_environment(root, &it.value)).sum();
    if bytes <= BYTES_MAX {
        return true;
    }
    let message = format!(
        "the services of all environments say {} MiB together; at most {} are allowed",
        bytes >> 20,
        BYTES_MAX >> 20
    );
    let mut diagnostic = Diagnostic::error(codes::LIMIT, message);
    if let Some(entry) = root.entry("defaults").or(root.entry("services")) {
        diagnostic = diagnostic.label(entry.key_span, "said again for every service");
    }
    report.push(
        diagnostic.help("what `defaults` and `extends` bring counts once for each service and environment"),
    );
    false
}

/// What each service brings along, and which one it extends.
type Parts<'a> = BTreeMap<&'a str, (usize, Option<&'a str>)>;

fn of_environment(root: &Node, overlay: &Node) -> usize {
    let mut parts = Parts::new();
    for services in [root, overlay].into_iter().filter_map(|it| it.get("services")) {
        for entry in services.entries() {
            let part = parts.entry(&entry.key).or_default();
            part.0 += size(&entry.value);
            part.1 = entry.value.get("extends").and_then(text).or(part.1);
        }
    }
    let shared =
        |key: &str| [root, overlay].into_iter().filter_map(|it| it.get(key)).map(size).sum::<usize>();
    let shared = shared("defaults") + shared("build");
    parts.keys().map(|name| shared + with_bases(name, &parts)).sum()
}

/// The service and those that it extends; a circle ends after its last name.
fn with_bases(name: &str, parts: &Parts<'_>) -> usize {
    let chain = std::iter::successors(parts.get(name), |it| parts.get(it.1?));
    chain.take(parts.len()).map(|it| it.0).sum()
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        Kind::Seq(_) | Kind::Map(_) => None,
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.kind {
        Kind::Scalar(scalar) => scalar.text.len(),
        Kind::Seq(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|it| it.key.len() + size(&it.value)).sum(),
    };
    VALUE_BYTES + inner
}
