//! Networks: one that all share is what every system has; others are of Compose only.

use std::collections::BTreeSet;

use lockgate_yaml::{Entry, Node};

use super::part::Part;
use super::patches;
use super::reading::{Reading, to_service};
use super::{items, text};
use crate::value::{Map, Value};

/// Do all services see each other, and nothing else is said of the network between them?
pub(super) fn is_plain(root: &Node, parts: &[Part]) -> bool {
    let of = |it: &Part| -> Option<BTreeSet<String>> {
        if it.get("network_mode").is_some() {
            return None;
        }
        let Some(node) = it.get("networks") else { return Some(["default".to_owned()].into()) };
        let plain = node.entries().iter().all(|it| it.value.is_null() || it.value.entries().is_empty());
        let names =
            items(node).iter().filter_map(text).chain(node.entries().iter().map(|it| it.key.as_str()));
        plain.then(|| names.map(str::to_owned).collect())
    };
    let all: Option<Vec<BTreeSet<String>>> = parts.iter().map(of).collect();
    let same = all.is_some_and(|it| it.windows(2).all(|it| it[0] == it[1]));
    let defined = root.get("networks").map_or(&[][..], Node::entries);
    same && defined.iter().all(|it| is_plain_network(&it.value))
}

fn is_plain_network(node: &Node) -> bool {
    let plain = |it: &Entry| {
        it.key.starts_with("x-")
            || (it.key == "driver" && matches!(text(&it.value), Some("bridge" | "default")))
    };
    node.entries().iter().all(plain)
}

pub(super) fn service(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let path = part.path(&entry.key);
    if entry.key == "networks" && reading.plain_network {
        let why = "all of a system see each other".to_owned();
        return reading.mapped_but(path, entry.key_span, "system", why);
    }
    if entry.key == "network_mode" {
        let mode = text(&entry.value).unwrap_or("");
        let other = mode.strip_prefix("service:").and_then(|it| reading.part(it));
        if let Some(other) = other.map(|it| it.name.clone()) {
            let set = Map::one("network_mode", Value::Text(format!("service:{other}")));
            reading.patches.add(patches::SERVICE, &part.name, set);
            return reading.patched(path, entry.key_span, to_service(&part.name, "network_mode"), ONE);
        }
        return reading.keep(part, entry, ONE);
    }
    let names = items(&entry.value)
        .iter()
        .filter_map(text)
        .chain(entry.value.entries().iter().map(|it| it.key.as_str()));
    for name in names {
        reading.needed.insert(("networks", name.to_owned()));
    }
    reading.keep(part, entry, ONE);
}

const ONE: &str = "in the spec all of a system see each other";

/// What is rendered lets only those reach a dependency that need it; in the file all do.
pub(super) fn open(reading: &mut Reading<'_>) {
    let services: Vec<String> =
        reading.parts.iter().filter(|it| it.is_service()).map(|it| it.name.clone()).collect();
    for part in reading.parts.clone() {
        let published = part.get("ports").is_some_and(|it| !items(it).is_empty());
        let said = part.get("networks").is_some() && !reading.plain_network;
        if part.bundled().is_none() || said || part.get("network_mode").is_some() {
            continue;
        }
        let reaches = |it: &String| reading.reached.contains(&(it.clone(), part.name.clone()));
        if (published || services.iter().all(reaches)) && part.name == part.written {
            continue;
        }
        let mut all = Map::default();
        let mut place = Map::default();
        if part.name != part.written {
            place.set("aliases", Value::texts([part.written.clone()]));
        }
        for network in RENDERED {
            all.set(network, Value::Map(place.clone()));
        }
        reading.patches.add(patches::SERVICE, &part.name, Map::one("networks", Value::Map(all)));
    }
}

/// The networks of what is rendered: that of all, and that of dependencies and those who need them.
pub(super) const RENDERED: [&str; 2] = ["default", "data"];
