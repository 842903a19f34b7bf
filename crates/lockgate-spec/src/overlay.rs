//! One environment's tree: root defaults, environment defaults, services, the environment's services; and for
//! all else the root and the environment.

use lockgate_model::Diagnostic;

use crate::language;
use crate::layers::{Layer, Origin, Value, inner};
use crate::schema::Shape;
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_diagnostics::suggest;
use lockgate_yaml::{Entry, Kind, Node};

/// Keys that are layered for each service and not as they stand.
const PER_SERVICE: [&str; 3] = ["services", "defaults", "build"];
/// Keys that hold for every environment alike.
const OF_THE_FILE: [&str; 3] = ["lockgate", "include", "environments"];
/// What a service shares with the one that it extends. How it is reached, asked and scaled is its own.
const SHARED: [&str; 9] =
    ["image", "build", "command", "files", "env", "secrets", "depends_on", "resources", "egress"];

/// `root` and `environment` are normalised.
pub(crate) fn tree(root: &Node, environment: &Entry, report: &mut Vec<Diagnostic>) -> Value {
    let overlay = &environment.value;
    unknown_overrides(root, overlay, "services", report);
    unknown_overrides(root, overlay, "dependencies", report);

    let mut tree = Value::empty_map(Origin { layer: Layer::Spec, span: root.span });
    let written = root
        .entries()
        .iter()
        .filter(|it| !OF_THE_FILE.contains(&it.key.as_str()) && !PER_SERVICE.contains(&it.key.as_str()));
    tree.merge_entries(written, &language::ROOT, Layer::Spec, report);
    let dependencies = overlay.entry("dependencies").map(|it| known(root, it));
    let written = overlay.entries().iter();
    let written = written.filter(|it| !PER_SERVICE.contains(&it.key.as_str()) && it.key != "dependencies");
    tree.merge_entries(written.chain(&dependencies), &language::ROOT, Layer::Environment, report);
    let services = Services { root, overlay }.tree(report);
    if let Some(map) = tree.map_mut() {
        map.insert("services".to_owned(), services);
    }
    for entry in
        overlay.get("dependencies").map_or(&[][..], Node::entries).iter().filter(|it| it.value.is_null())
    {
        without_dependency(&mut tree, &entry.key);
    }
    tree
}

/// A dependency that an environment removes is not needed there, and nothing is measured of it.
fn without_dependency(tree: &mut Value, name: &str) {
    let measured = |metric: &str| metric.split_once('.').is_some_and(|it| it.0 == name);
    let Some(map) = tree.map_mut() else { return };
    if let Some(slo) = map.get_mut("slo").and_then(Value::map_mut) {
        slo.retain(|metric, _| !measured(metric));
    }
    if let Some(alerts) = map.get_mut("alerts").and_then(Value::map_mut) {
        alerts.retain(|_, it| !it.get("metric").and_then(Value::text).is_some_and(measured));
    }
    for service in map.get_mut("services").and_then(Value::map_mut).into_iter().flatten() {
        let needs = service.1.map_mut().and_then(|it| it.get_mut("depends_on")).and_then(Value::map_mut);
        if let Some(needs) = needs {
            needs.remove(name);
        }
    }
}

struct Services<'a> {
    root: &'a Node,
    overlay: &'a Node,
}

impl<'a> Services<'a> {
    fn tree(&self, report: &mut Vec<Diagnostic>) -> Value {
        let written = self.root.get("services");
        let span = written.map_or(self.root.span, |it| it.span);
        let mut services = Value::empty_map(Origin { layer: Layer::Spec, span });
        let shared = self.shared(report);
        for entry in written.map_or(&[][..], Node::entries) {
            if self.own(&entry.key).1.is_some_and(Node::is_null) {
                continue;
            }
            let service = self.service(entry, shared.clone(), report);
            if let Some(map) = services.map_mut() {
                map.insert(entry.key.clone(), service);
            }
        }
        services
    }

    /// What every service has unless it says otherwise.
    fn shared(&self, report: &mut Vec<Diagnostic>) -> Value {
        let mut shared = Value::empty_map(Origin { layer: Layer::Spec, span: self.root.span });
        for (node, layer) in [(self.root, Layer::Defaults), (self.overlay, Layer::EnvironmentDefaults)] {
            let build = node.entries().iter().filter(|it| it.key == "build");
            shared.merge_entries(build, shape_of_service(), layer, report);
            if let Some(defaults) = node.get("defaults").filter(|it| !it.is_null()) {
                shared.merge(defaults, shape_of_service(), layer, report);
            }
        }
        shared
    }

    fn service(&self, entry: &Entry, shared: Value, report: &mut Vec<Diagnostic>) -> Value {
        let origin = Origin { layer: Layer::Spec, span: entry.value.span };
        let mut service = Value { origin, key_span: entry.key_span, ..shared };
        let bases = self.bases(&entry.key);
        for base in bases.iter().rev() {
            let (root, overlay) = self.own(base);
            for (node, layer) in [(root, Layer::Spec), (overlay, Layer::Environment)] {
                let entries = node.map_or(&[][..], Node::entries).iter();
                let entries = entries.filter(|it| SHARED.contains(&it.key.as_str()));
                service.merge_entries(entries, shape_of_service(), layer, report);
            }
        }
        let (root, overlay) = self.own(&entry.key);
        for (node, layer) in [(root, Layer::Spec), (overlay, Layer::Environment)] {
            if let Some(node) = node.filter(|it| !it.is_null()) {
                service.merge(node, shape_of_service(), layer, report);
            }
        }
        // Who extends another service and says nothing of images runs the image of that one.
        let says = |it: &Node| it.get("image").or(it.get("build")).is_some();
        if !bases.is_empty()
            && ![root, overlay].into_iter().flatten().any(says)
            && let Some(map) = service.map_mut()
        {
            map.remove("image");
            map.remove("build");
        }
        service
    }

    /// What the root and the environment say of a service.
    fn own(&self, name: &str) -> (Option<&'a Node>, Option<&'a Node>) {
        let of = |node: &'a Node| node.get("services").and_then(|it| it.get(name));
        (of(self.root), of(self.overlay))
    }

    /// The services that one extends, the nearest first. A circle ends where it closes; it is reported elsewhere.
    fn bases(&self, name: &str) -> Vec<&'a str> {
        let mut bases: Vec<&str> = vec![];
        let mut at = name;
        while let Some(base) = self.extended(at) {
            if bases.contains(&base) || base == name {
                break;
            }
            bases.push(base);
            at = base;
        }
        bases
    }

    fn extended(&self, name: &str) -> Option<&'a str> {
        let (root, overlay) = self.own(name);
        let written = overlay.and_then(|it| it.get("extends")).or_else(|| root?.get("extends"))?;
        match &written.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::Seq(_) | Kind::Map(_) => None,
        }
    }
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

fn shape_of_service() -> &'static Shape {
    inner(inner(&language::ROOT, "services"), "")
}

/// The overrides of what the root declares.
fn known(root: &Node, overlay: &Entry) -> Entry {
    let mut overlay = overlay.clone();
    if let Kind::Map(entries) = &mut overlay.value.kind {
        entries.retain(|it| root.get(&overlay.key).is_some_and(|group| group.entry(&it.key).is_some()));
    }
    overlay
}
