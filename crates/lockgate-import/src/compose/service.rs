//! Services of the spec, key by key.

use lockgate_yaml::Entry;

use super::dependency::command_words;
use super::needs::{self, Needs};
use super::part::Part;
use super::patches;
use super::ports;
use super::reading::{Reading, to_service};
use super::{connection, deploy, environment, health, image, is_empty, items, keys, mounts, network};
use crate::template;
use crate::value::{Map, Value};

pub(super) fn all(reading: &mut Reading<'_>) -> Map {
    let mut services = Map::default();
    for part in reading.parts.clone() {
        if part.is_service() {
            services.set(&part.name, Value::Map(service(reading, &part)));
        }
    }
    services
}

fn service(reading: &mut Reading<'_>, part: &Part) -> Map {
    let mut spec = Map::default();
    reading.renamed(part);
    reading.patches.add(patches::SERVICE, &part.name, patches::rights());
    image::write(reading, part, &mut spec);
    number(part, &mut spec);
    let mut needs = Needs::default();
    let environment = environment::read(reading, part, &mut needs);
    environment.write(&mut spec);
    needs::write(reading, part, &needs, &mut spec);
    alias(reading, part);
    health::write(reading, part, &mut spec);
    deploy::write(reading, part, &mut spec);
    for entry in &part.keys {
        match entry.key.as_str() {
            "image" | "build" | "environment" | "depends_on" | "healthcheck" | "deploy" | "scale"
            | "cpus" | "mem_limit" | "mem_reservation"
                if !is_empty(&entry.value) => {}
            "ports" if !is_empty(&entry.value) => published(reading, part, entry, &mut spec),
            "expose" if !is_empty(&entry.value) => exposed(reading, part, entry),
            "command" if !is_empty(&entry.value) => command(reading, part, entry, &mut spec),
            "volumes" if !is_empty(&entry.value) => mounts::service(reading, part, entry, &mut spec),
            "stop_signal" | "stop_grace_period" if !is_empty(&entry.value) => {
                stop(reading, part, entry, &mut spec);
            }
            _ => keys::rest(reading, part, entry),
        }
    }
    spec
}

/// A service that was renamed is found under its old name too.
fn alias(reading: &mut Reading<'_>, part: &Part) {
    let said = part.get("networks").is_some() && !reading.plain_network;
    if part.name == part.written || said || part.get("network_mode").is_some() {
        return;
    }
    let aliases = Map::one("aliases", Value::texts([part.written.clone()]));
    let mut networks = Map::one(network::RENDERED[0], Value::Map(aliases));
    if reading.reached.iter().any(|it| it.0 == part.name) {
        networks.set(network::RENDERED[1], Value::Map(Map::default()));
    }
    reading.patches.add(patches::SERVICE, &part.name, Map::one("networks", Value::Map(networks)));
}

fn number(part: &Part, spec: &mut Map) {
    match &part.ports[..] {
        [] => {}
        [(_, only)] => spec.set("port", Value::number(*only)),
        all => {
            let mut ports = Map::default();
            for (name, number) in all {
                ports.set(name, Value::number(*number));
            }
            spec.set("ports", Value::Map(ports));
        }
    }
}

/// A port by its number, as it is said with what is published of it.
fn publish(part: &Part, number: u16, publish: u16, spec: &mut Map) -> bool {
    let Some((name, _)) = part.ports.iter().find(|it| it.1 == number) else { return false };
    let mut said = Map::one("number", Value::number(number));
    said.set("publish", Value::number(publish));
    if part.ports.len() == 1 {
        let is_first = matches!(spec.get("port"), Some(Value::Plain(_)));
        if is_first {
            spec.set("port", Value::Map(said));
        }
        return is_first;
    }
    let Some(Value::Map(ports)) = spec.get("ports") else { return false };
    let mut ports = ports.clone();
    if matches!(ports.get(name), Some(Value::Map(_))) {
        return false;
    }
    ports.set(name, Value::Map(said));
    spec.set("ports", Value::Map(ports));
    true
}

fn published(reading: &mut Reading<'_>, part: &Part, entry: &Entry, spec: &mut Map) {
    let mut patched = false;
    let is_scaled = spec.get("replicas").is_some_and(|it| *it != Value::number(1_u64));
    for (idx, item) in items(&entry.value).iter().enumerate() {
        let path = part.path(&format!("ports[{idx}]"));
        let why = match ports::read(reading, item) {
            Ok(opened) if opened.is_local => ports::ADDRESS.to_owned(),
            Ok(_) if is_scaled => "several instances cannot all have one port of a machine".to_owned(),
            Ok(opened) => {
                let number = opened.number;
                let is_said = opened.publish.is_some_and(|it| publish(part, number, it, spec));
                if is_said {
                    reading.mapped(path, item.span, to_port(part, number));
                    continue;
                }
                taken(reading, part, number)
            }
            Err(why) => why,
        };
        patched = true;
        reading.patched(path, item.span, to_service(&part.name, "ports"), why);
    }
    if patched || items(&entry.value).is_empty() {
        keys::whole(reading, part, entry);
    }
}

fn to_port(part: &Part, number: u16) -> String {
    match &part.ports[..] {
        [_] => format!("services.{}.port", part.name),
        all => {
            let name = all.iter().find(|it| it.1 == number).map_or("http", |it| &it.0);
            format!("services.{}.ports.{name}", part.name)
        }
    }
}

/// Why the spec does not have a port that could be said.
fn taken(reading: &Reading<'_>, part: &Part, number: u16) -> String {
    let owner = reading.parts.iter().find(|it| it.ports.iter().any(|it| it.1 == number));
    match owner {
        Some(owner) if owner.written != part.written => {
            format!("every port of a system has its own number, and {number} is that of `{}`", owner.name)
        }
        _ => "the spec publishes a port once".to_owned(),
    }
}

fn exposed(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let mut patched = items(&entry.value).is_empty();
    for (idx, item) in items(&entry.value).iter().enumerate() {
        let path = part.path(&format!("expose[{idx}]"));
        let why = match ports::exposed(reading, item) {
            Ok(number) if part.ports.iter().any(|it| it.1 == number) => {
                reading.mapped(path, item.span, to_port(part, number));
                continue;
            }
            Ok(number) => taken(reading, part, number),
            Err(why) => why,
        };
        patched = true;
        reading.patched(path, item.span, to_service(&part.name, "expose"), why);
    }
    if patched {
        keys::whole(reading, part, entry);
    }
}

fn command(reading: &mut Reading<'_>, part: &Part, entry: &Entry, spec: &mut Map) {
    let words = command_words(reading, &entry.value);
    let words = words.filter(|it| it.first().is_some_and(|it| !it.is_empty()));
    let Some(words) = words else {
        return keys::whole_but(reading, part, entry, "it cannot be taken apart into words");
    };
    if words.iter().any(|it| template::has_marks(it)) {
        return keys::whole_but(reading, part, entry, "a variable in it has no value here");
    }
    if words.iter().any(|it| crate::secret::is_known_form(it)) {
        let why = "a secret stands in it, which no spec may hold: take it from a variable of the process";
        return reading.dropped(part.path("command"), entry.key_span, why);
    }
    spec.set("command", Value::texts(words.iter().map(|it| connection::escaped(it))));
    let to = format!("services.{}.command", part.name);
    reading.mapped(part.path("command"), entry.key_span, to);
}

fn stop(reading: &mut Reading<'_>, part: &Part, entry: &Entry, spec: &mut Map) {
    let said = reading.plain(&entry.value).unwrap_or_default();
    let (key, value) = if entry.key == "stop_signal" {
        let full = if said.starts_with("SIG") { said } else { format!("SIG{said}") };
        let known = ["SIGTERM", "SIGINT", "SIGQUIT"].contains(&full.as_str());
        ("signal", known.then_some(full))
    } else {
        ("grace", health::duration(&said).map(|it| it.to_string()))
    };
    let Some(value) = value else {
        return keys::whole_but(reading, part, entry, "the spec has other values of it");
    };
    let mut stop = match spec.get("stop") {
        Some(Value::Map(stop)) => stop.clone(),
        _ => Map::default(),
    };
    stop.set(key, Value::Text(value));
    spec.set("stop", Value::Map(stop));
    let to = format!("services.{}.stop.{key}", part.name);
    reading.mapped(part.path(&entry.key), entry.key_span, to);
}

impl Reading<'_> {
    /// Says what the service is, and that it has another name now, under which it is no longer found.
    pub(super) fn renamed(&mut self, part: &Part) {
        let group = if part.is_service() { "services" } else { "dependencies" };
        let path = format!("services.{}", part.written);
        let to = format!("{group}.{}", part.name);
        if part.name == part.written {
            return self.mapped(path, part.span, to);
        }
        let why = format!(
            "the spec takes `a-z`, `0-9` and `-` in names; Compose finds it as `{}` too",
            part.written
        );
        self.mapped_but(path, part.span, to, why);
    }
}
