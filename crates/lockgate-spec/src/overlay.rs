//! One environment's tree: root defaults, environment defaults, services, the environment's services; and for
//! all else the root and the environment.

use lockgate_model::Diagnostic;

use crate::layers::{Layer, Origin, Value};
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_diagnostics::suggest;
use lockgate_yaml::{Entry, Node};

/// Keys that are layered for each service and not as they stand.
const PER_SERVICE: [&str; 2] = ["services", "defaults"];
/// Keys that hold for every environment alike.
const OF_THE_FILE: [&str; 2] = ["lockgate", "environments"];

/// `root` and `environment` are normalised.
pub(crate) fn tree(root: &Node, environment: &Entry, report: &mut Vec<Diagnostic>) -> Value {
    let overlay = &environment.value;
    unknown_overrides(root, overlay, "services", report);
    unknown_overrides(root, overlay, "dependencies", report);

    let mut tree = Value::empty_map(Origin { layer: Layer::Spec, span: root.span });
    tree.merge(&without(root, &[&OF_THE_FILE[..], &PER_SERVICE[..]].concat()), Layer::Spec, report);
    if !overlay.is_null() {
        let mut overlay = without(overlay, &PER_SERVICE);
        keep_known(root, &mut overlay, "dependencies");
        tree.merge(&overlay, Layer::Environment, report);
    }
    let services = services(root, overlay, report);
    if let Some(map) = tree.map_mut() {
        map.insert("services".to_owned(), services);
    }
    tree
}

fn services(root: &Node, overlay: &Node, report: &mut Vec<Diagnostic>) -> Value {
    let written = root.get("services");
    let span = written.map_or(root.span, |it| it.span);
    let mut services = Value::empty_map(Origin { layer: Layer::Spec, span });
    let own = overlay.get("services");
    for entry in written.map_or(&[][..], Node::entries) {
        let overlay_entry = own.and_then(|it| it.entry(&entry.key));
        if overlay_entry.is_some_and(|it| it.value.is_null()) {
            continue;
        }
        let origin = Origin { layer: Layer::Spec, span: entry.value.span };
        let mut service = Value::empty_map(origin);
        service.key_span = entry.key_span;
        let layers = [
            (root.get("defaults"), Layer::Defaults),
            (overlay.get("defaults"), Layer::EnvironmentDefaults),
            (Some(&entry.value), Layer::Spec),
            (overlay_entry.map(|it| &it.value), Layer::Environment),
        ];
        for (node, layer) in layers {
            if let Some(node) = node.filter(|it| !it.is_null()) {
                service.merge(node, layer, report);
            }
        }
        if let Some(map) = services.map_mut() {
            map.insert(entry.key.clone(), service);
        }
    }
    services
}

/// An environment changes services and dependencies; it does not bring its own.
fn unknown_overrides(root: &Node, overlay: &Node, group: &str, report: &mut Vec<Diagnostic>) {
    let known = || root.get(group).map_or(&[][..], Node::entries).iter().map(|it| it.key.as_str());
    for entry in overlay.get(group).map_or(&[][..], Node::entries) {
        if known().any(|it| it == entry.key) {
            continue;
        }
        let message = format!("`{}` overrides nothing: {group} has no such entry", shown(&entry.key));
        let mut diagnostic = Diagnostic::error(codes::OVERRIDES_NOTHING, message);
        diagnostic = match suggest::nearest(&entry.key, known()) {
            Some(nearest) => diagnostic.label(entry.key_span, format!("did you mean `{nearest}`?")),
            None => diagnostic.label(entry.key_span, "not declared at the root"),
        };
        report.push(
            diagnostic
                .help(format!("declare it under `{group}` first; an environment changes what is there")),
        );
    }
}

fn without(node: &Node, keys: &[&str]) -> Node {
    let kept = node.entries().iter().filter(|it| !keys.contains(&it.key.as_str())).cloned();
    Node { kind: lockgate_yaml::Kind::Map(kept.collect()), span: node.span }
}

fn keep_known(root: &Node, overlay: &mut Node, group: &str) {
    let lockgate_yaml::Kind::Map(entries) = &mut overlay.kind else { return };
    let Some(entry) = entries.iter_mut().find(|it| it.key == group) else { return };
    let lockgate_yaml::Kind::Map(inner) = &mut entry.value.kind else { return };
    inner.retain(|it| root.get(group).is_some_and(|group| group.entry(&it.key).is_some()));
}
