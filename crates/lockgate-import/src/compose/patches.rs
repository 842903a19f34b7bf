//! What the language of the spec does not say and Compose does: laid over what is rendered.

use std::collections::BTreeMap;

use lockgate_yaml::{Kind, Node};

use crate::secret;
use crate::value::{Map, Value};

/// Kinds of what the renderer of Compose files makes.
pub(super) const SERVICE: &str = "ComposeService";
pub(super) const FILE: &str = "ComposeFile";

/// Maps of names of which nothing more must be said.
const NAMES: [&str; 6] = ["networks", "volumes", "secrets", "configs", "depends_on", "models"];

#[derive(Debug, Default)]
pub(super) struct Patches(BTreeMap<(&'static str, String), Map>);

impl Patches {
    pub(super) fn add(&mut self, kind: &'static str, name: &str, set: Map) {
        self.0.entry((kind, name.to_owned())).or_default().merge(set);
    }

    /// What is patched of a service, for what is rendered of its image as well.
    pub(super) fn of_image(&self, service: &str) -> Map {
        let mut shared = Map::default();
        let set = self.0.get(&(SERVICE, service.to_owned()));
        for key in ["image", "build", "environment", "env_file", "volumes", "entrypoint", "networks"] {
            if let Some(value) = set.and_then(|it| it.get(key)) {
                shared.set(key, value.clone());
            }
        }
        shared
    }

    pub(super) fn write(&self, spec: &mut Map) {
        let patches = self.0.iter().map(|((kind, name), set)| {
            let mut patch = Map::one("kind", Value::Text((*kind).to_owned()));
            patch.set("name", Value::Text(name.clone()));
            patch.set("set", Value::Map(set.clone()));
            Value::Map(patch)
        });
        let patches: Vec<Value> = patches.collect();
        if !patches.is_empty() {
            spec.set("patches", Value::List(patches));
        }
    }
}

/// What is rendered takes rights from containers that those of the file have.
pub(super) fn rights() -> Map {
    let mut set = Map::default();
    for key in ["cap_drop", "init", "security_opt", "tmpfs"] {
        set.set(key, Value::Plain("null".to_owned()));
    }
    set
}

/// A variable of Compose that must have a value.
pub(super) fn asked(name: &str) -> String {
    format!("${{{name}:?is not set}}")
}

/// What was written without what is secret in it, and the places of what was left out.
pub(super) fn without_secrets(path: &str, node: &Node, left_out: &mut Vec<(String, Node)>) -> Option<Value> {
    let hides = |name: &str, text: &str| {
        let literal = !text.contains('$');
        (literal && secret::is_name(name) && secret::is_value(name, text)) || secret::is_known_form(text)
    };
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => Some(Value::Map(Map::default())),
        Kind::Scalar(scalar) => {
            let (name, text) = scalar.text.split_once('=').unwrap_or(("", &scalar.text));
            if hides(name, text) {
                left_out.push((path.to_owned(), node.clone()));
                return None;
            }
            Some(Value::of(node))
        }
        Kind::Seq(items) => {
            let items = items.iter().enumerate();
            Some(Value::List(
                items
                    .filter_map(|(idx, it)| without_secrets(&format!("{path}[{idx}]"), it, left_out))
                    .collect(),
            ))
        }
        Kind::Map(entries) => {
            let mut map = Map::default();
            // A patch takes null for the wish to remove; where a name alone says something, an empty map says it too.
            let group = path.rsplit('.').next().unwrap_or("");
            for entry in entries {
                let path = format!("{path}.{}", entry.key);
                if entry.value.is_null() {
                    if NAMES.contains(&group) {
                        map.set(&entry.key, Value::Map(Map::default()));
                    }
                    continue;
                }
                if super::text(&entry.value).is_some_and(|it| hides(&entry.key, it)) {
                    left_out.push((path, entry.value.clone()));
                } else if let Some(value) = without_secrets(&path, &entry.value, left_out) {
                    map.set(&entry.key, value);
                }
            }
            Some(Value::Map(map))
        }
    }
}
