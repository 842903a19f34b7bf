//! Compose files: what is read first, what is decided about each service, and then the spec key by key.

mod connection;
mod dependency;
mod deploy;
mod environment;
mod file;
mod health;
mod image;
mod jobs;
mod keys;
mod kinds;
mod merge;
mod mounts;
mod names;
mod needs;
mod network;
mod part;
mod patches;
mod places;
mod ports;
mod reading;
mod service;
mod top;
mod words;

use lockgate_model::Diagnostic;
use lockgate_yaml::{Entry, Kind, Node};

use crate::value::{Map, Value};
use crate::{Imported, Input};
use part::Role;
use reading::Reading;

/// The environment that a Compose file describes.
pub(crate) const ENVIRONMENT: &str = "local";
/// What Compose reads values from, and where the spec's values are then.
pub(crate) const STORE: &str = ".env";

pub(crate) fn import(input: &Input<'_>) -> Result<Imported, Vec<Diagnostic>> {
    let file = file::open(input.name, input.text)?;
    let mut reading = Reading::new(input, &file);
    for twice in &file.duplicates {
        let line = reading.line(twice.first);
        reading.dropped(
            twice.key.clone(),
            twice.again,
            format!("it stands on line {line} already, which holds"),
        );
    }
    let system = top::begin(&mut reading, &file.root);
    let dependencies = dependency::all(&mut reading);
    let services = service::all(&mut reading);
    let jobs = jobs::all(&mut reading);
    network::open(&mut reading);
    top::end(&mut reading, &file.root);
    unread(&mut reading, &file.root);

    let mut spec = Map::default();
    spec.set("lockgate", Value::Text("v1".to_owned()));
    spec.set("system", Value::Text(system));
    spec.set_map("dependencies", dependencies);
    spec.set_map("services", services);
    spec.merge(jobs);
    reading.patches.write(&mut spec);
    spec.set_map("environments", environments(&reading));
    let spec = format!(
        "# Imported from {}; from now on this file is the one to change.\n{}",
        shown_name(input.name),
        spec.print()
    );
    Ok(Imported { spec, report: reading.finished() })
}

/// What has a form that no reader above expects, such as a list where a map is wanted.
fn unread(reading: &mut Reading<'_>, root: &Node) {
    let groups = root.entries().iter().filter(|it| it.key != "services");
    let mut all: Vec<(String, &Entry)> = groups.map(|it| (it.key.clone(), it)).collect();
    for service in root.get("services").map_or(&[][..], Node::entries) {
        let keys = service.value.entries().iter();
        all.extend(keys.map(|it| (format!("services.{}.{}", service.key, it.key), it)));
    }
    for (path, entry) in all {
        let is_below = |it: &str| {
            it.strip_prefix(path.as_str()).is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
        };
        if !reading.report.fields.iter().any(|it| is_below(&it.path)) {
            let why = format!("Compose does not take {} here", entry.value.kind_name());
            reading.dropped(path, entry.key_span, why);
        }
    }
}

fn shown_name(name: &str) -> String {
    name.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

fn environments(reading: &Reading<'_>) -> Map {
    let mut environment = Map::one("target", Value::Text("docker".to_owned()));
    let file = || Value::Map(Map::one("file", Value::Text(STORE.to_owned())));
    let mut stores = Map::default();
    let wanted = &reading.report.values;
    let bundled = reading.parts.iter().any(|it| matches!(&it.role, Role::Dependency(it) if it.signs_in()));
    if bundled || wanted.iter().any(|it| it.is_secret) {
        stores.set("secrets", file());
    }
    if wanted.iter().any(|it| !it.is_secret) {
        stores.set("config", file());
    }
    environment.set_map("stores", stores);
    Map::one(ENVIRONMENT, Value::Map(environment))
}

/// The text of a single value.
fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
        Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_) => None,
    }
}

/// Does it say nothing at all?
fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.is_null(),
        Kind::Seq(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
    }
}

/// The items of a list.
fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Seq(items) => items,
        Kind::Scalar(_) | Kind::Map(_) => &[],
    }
}
