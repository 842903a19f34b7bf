//! What an environment removes and something else there still needs.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};
use lockgate_yaml::Node;

use super::extends;
use crate::layers::{Data, Value};
use crate::reference::{self, Piece};
use crate::spec::Seen;

/// The services that the environment removes, with the place that does.
pub(super) fn removed<'a>(seen: &Seen<'a>) -> BTreeMap<&'a str, Span> {
    let written = seen.entry.value.get("services").map_or(&[][..], Node::entries);
    written.iter().filter(|it| it.value.is_null()).map(|it| (it.key.as_str(), it.key_span)).collect()
}

/// Says of the errors about names that are not there, which of them are there and removed.
pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let removed = removed(seen);
    if removed.is_empty() {
        return;
    }
    let mut needs = vec![];
    collect(&seen.tree, "", &removed, &mut needs);
    for (name, span) in needs {
        let same = |it: &Diagnostic| {
            let code = [codes::UNKNOWN_NAME, codes::BAD_REFERENCE].contains(&it.code);
            code && it.labels.first().is_some_and(|it| it.span == span)
        };
        if report.iter().any(same) {
            report.retain(|it| !same(it));
            report.push(needed(seen, name, span, removed[name], "needed here"));
        }
    }
}

/// Services without an image of their own that extend one which is removed. On `local` no image is wanted.
pub(super) fn bases(seen: &Seen<'_>) -> Vec<Diagnostic> {
    let removed = removed(seen);
    if removed.is_empty() || !seen.system.target.runs_images() {
        return vec![];
    }
    let mut found = vec![];
    for (name, _) in seen.tree.get("services").into_iter().flat_map(Value::entries) {
        let imageless = seen.system.services.get(name.as_str()).is_some_and(|it| it.image.is_none());
        if let Some((base, written)) = extends::chain(&seen.tree, name).pop().filter(|_| imageless)
            && let Some(at) = removed.get(base)
        {
            found.push(needed(seen, base, written.place(), *at, "its image is run here"));
        }
    }
    found
}

fn needed(seen: &Seen<'_>, name: &str, at: Span, removed: Span, label: &str) -> Diagnostic {
    let environment = &seen.system.environment;
    Diagnostic::error(
        codes::REMOVED,
        format!("`{name}` is needed, and environment `{environment}` removes it"),
    )
    .label(at, label)
    .label(removed, "removed here")
    .help(format!("remove under `environments.{environment}` what needs it as well, or keep `{name}`"))
}

/// The places that name one of the services: in `depends_on`, by `in` and `service`, or in a reference.
fn collect<'a>(
    value: &Value,
    key: &str,
    removed: &BTreeMap<&'a str, Span>,
    needs: &mut Vec<(&'a str, Span)>,
) {
    let known = |name: &str| removed.get_key_value(name).map(|it| *it.0);
    match &value.data {
        Data::Map(map) => {
            for (inner, it) in map.iter() {
                needs.extend(known(inner).filter(|_| key == "depends_on").map(|name| (name, it.key_span)));
                collect(it, inner, removed, needs);
            }
        }
        Data::Seq(items) => items.iter().for_each(|it| collect(it, key, removed, needs)),
        Data::Scalar(scalar) => {
            let text = scalar.text.as_str();
            needs.extend(
                known(text).filter(|_| ["in", "service"].contains(&key)).map(|it| (it, value.place())),
            );
            let pieces = reference::pieces(text).unwrap_or_default();
            let named = pieces.iter().find_map(|it| match it {
                Piece::Reference(inner) => known(first_name(inner)),
                Piece::Text(_) => None,
            });
            needs.extend(named.map(|it| (it, value.place())));
        }
    }
}

/// The service that a reference such as `services.web.url` or `web.url` begins with.
fn first_name(reference: &str) -> &str {
    let reference = reference.strip_prefix("services.").unwrap_or(reference);
    reference.split('.').next().unwrap_or_default()
}
