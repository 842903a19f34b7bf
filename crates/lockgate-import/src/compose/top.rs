//! What stands beside the services: names, volumes, networks, files.

use lockgate_yaml::{Entry, Node};

use super::places;
use super::reading::Reading;
use super::{ENVIRONMENT, names, patches, text};
use crate::value::{Map, Value};

/// Reports what comes before the services, and says what the system is called.
pub(super) fn begin(reading: &mut Reading<'_>, root: &Node) -> String {
    for entry in root.entries() {
        let (path, span) = (entry.key.clone(), entry.key_span);
        match entry.key.as_str() {
            "services" | "volumes" | "networks" | "secrets" | "configs" | "models" | "name" => {}
            "version" => {
                reading.mapped_but(path, span, "lockgate", "Compose does not read it any more".to_owned());
            }
            "include" => reading.dropped(
                path,
                span,
                "other files are not read: import what `docker compose config` prints",
            ),
            key if key.starts_with("x-") => {
                let why = "Compose does not read it either; what aliases take of it stands where they are"
                    .to_owned();
                reading.mapped_but(path, span, "nothing", why);
            }
            key => {
                let why = format!("Compose has no key `{}`", lockgate_diagnostics::shown(key));
                reading.dropped(path, span, why);
            }
        }
    }
    let name = root.entry("name").filter(|it| !it.value.is_null());
    let said = name.and_then(|it| reading.plain(&it.value)).filter(|it| !it.is_empty());
    let system = names::fitting(said.as_deref().unwrap_or(reading.fallback));
    if let Some(entry) = name {
        let same = said.as_deref() == Some(system.as_str());
        let why =
            (!same).then(|| format!("it is called `{system}`: the spec takes `a-z`, `0-9` and `-` in names"));
        reading.mapped_but("name", entry.key_span, "system", why);
    }
    system
}

/// Reports what stands beside the services, and keeps what patches of them need.
pub(super) fn end(reading: &mut Reading<'_>, root: &Node) {
    for (group, why) in [
        ("networks", "in the spec all of a system see each other"),
        ("volumes", "the spec has volumes of single services, without drivers and names"),
        ("secrets", "the spec has secrets in variables, not in files"),
        ("configs", "the spec mounts no files"),
        ("models", "the spec has no models"),
    ] {
        let Some(entry) = root.entry(group).filter(|it| !it.value.is_null()) else { continue };
        if entry.value.entries().is_empty() {
            reading.mapped_but(group, entry.key_span, "nothing", "it is empty".to_owned());
        }
        for entry in entry.value.entries() {
            one(reading, group, entry, why);
        }
    }
    undefined(reading, root);
}

fn one(reading: &mut Reading<'_>, group: &'static str, entry: &Entry, why: &str) {
    let name = entry.key.as_str();
    let path = format!("{group}.{name}");
    if reading.needed.contains(&(group, name.to_owned())) || group == "models" {
        if let Some(value) = reading.written(&path, entry).map(|it| with_file(reading, it)) {
            add(reading, group, name, value);
            let to = format!("{} {ENVIRONMENT}: {group}.{name}", patches::FILE);
            reading.patched(path, entry.key_span, to, why);
        }
        return;
    }
    if let Some(to) = reading.volumes.get(name).cloned().filter(|_| group == "volumes") {
        return reading.mapped(path, entry.key_span, to);
    }
    if group == "networks" && reading.plain_network {
        return reading.mapped_but(
            path,
            entry.key_span,
            "system",
            "all of a system see each other".to_owned(),
        );
    }
    if reading.files.contains(name) && group == "secrets" {
        let to = "secrets".to_owned();
        let why = format!("the password in it is a secret now: give its value in `{}`", super::STORE);
        return reading.mapped_but(path, entry.key_span, to, why);
    }
    reading.dropped(path, entry.key_span, "no service uses it");
}

/// A secret or config with the path of its file.
fn with_file(reading: &Reading<'_>, value: Value) -> Value {
    let Value::Map(mut map) = value else { return value };
    if let Some(file) = map.get("file").cloned() {
        map.set("file", places::moved(reading, "file", file));
    }
    Value::Map(map)
}

/// What services name and the file does not define: Compose makes a default network only.
fn undefined(reading: &mut Reading<'_>, root: &Node) {
    let defined = |group: &str, name: &str| root.get(group).is_some_and(|it| it.entry(name).is_some());
    let missing: Vec<(&'static str, String)> =
        reading.needed.iter().filter(|it| !defined(it.0, &it.1) && it.1 != "default").cloned().collect();
    for (group, name) in missing {
        add(reading, group, &name, Value::Map(Map::default()));
    }
}

fn add(reading: &mut Reading<'_>, group: &str, name: &str, value: Value) {
    let set = Map::one(group, Value::Map(Map::one(name, value)));
    reading.patches.add(patches::FILE, ENVIRONMENT, set);
}

/// The names of volumes of which more is said than their names.
pub(super) fn special_volumes(root: &Node) -> impl Iterator<Item = String> {
    let volumes = root.get("volumes").map_or(&[][..], Node::entries);
    let plain = |it: &Entry| {
        let said = it.value.entries().iter();
        said.filter(|it| !it.key.starts_with("x-"))
            .all(|it| it.key == "driver" && text(&it.value) == Some("local"))
    };
    volumes.iter().filter(move |it| !plain(it)).map(|it| it.key.clone())
}
