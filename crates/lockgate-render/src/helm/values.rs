//! The values of a chart: defaults that all environments share, and what differs between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub(super) type Path = Vec<String>;

/// What is proposed to become a value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) about: String,
    /// What it must look like, where that does not follow from the values themselves.
    pub(super) schema: Option<Value>,
    /// By environment; nothing where its place is missing.
    pub(super) values: Vec<Option<Value>>,
    pub(super) presence: Presence,
    /// Values that are `true` where it is needed; empty where it is needed always.
    pub(super) guards: BTreeSet<Path>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Wherever its place is.
    Always,
    /// The template leaves its key out when it is not set.
    Optional,
    /// Given with each release, never by default; the templates ask for it.
    Supplied,
}

#[derive(Default)]
pub(super) struct Values {
    pub(super) entries: BTreeMap<Path, Entry>,
    /// Maps of text in which users may have keys of their own, and what they are.
    pub(super) free: BTreeMap<Path, String>,
}

impl Values {
    /// Takes the value under this path, unless something else is there.
    pub(super) fn bind(&mut self, path: &[String], entry: &Entry) -> bool {
        if let Some(there) = self.entries.get_mut(path) {
            let same = there.values.iter().zip(&entry.values);
            let fits = same.clone().all(|it| it.0 == it.1 || it.0.is_none() || it.1.is_none());
            if !fits || there.presence != entry.presence {
                return false;
            }
            there.values = same.map(|it| it.0.clone().or_else(|| it.1.clone())).collect();
            if there.guards.is_empty() || entry.guards.is_empty() {
                there.guards.clear();
            } else {
                there.guards.extend(entry.guards.iter().cloned());
            }
            return true;
        }
        let overlaps = self.entries.keys().any(|it| it.starts_with(path) || path.starts_with(it.as_slice()));
        if !overlaps {
            self.entries.insert(path.to_vec(), entry.clone());
        }
        !overlaps
    }

    /// What `values.yaml` says.
    pub(super) fn defaults(&self) -> Value {
        let mut tree = json!({});
        for path in self.free.keys() {
            set(&mut tree, path, json!({}));
        }
        for (path, entry) in &self.entries {
            match entry.default() {
                Some(value) => set(&mut tree, path, value.clone()),
                // Templates look into what is above it.
                None if path.len() > 1 => set(&mut tree, &path[..path.len() - 1], json!({})),
                None => {}
            }
        }
        tree
    }

    /// What an environment says beyond the defaults.
    pub(super) fn of_environment(&self, idx: usize) -> Value {
        let mut tree = json!({});
        for (path, entry) in &self.entries {
            if let Some(value) = &entry.values[idx]
                && entry.default().is_none()
            {
                set(&mut tree, path, value.clone());
            }
        }
        tree
    }

    /// Those that each environment or each release must say.
    pub(super) fn without_default(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.entries.iter().filter(|it| it.1.presence != Presence::Optional && it.1.default().is_none())
    }
}

impl Entry {
    /// What every environment has: what only some have is dangerous for the others.
    pub(super) fn default(&self) -> Option<&Value> {
        let first = self.values.first()?.as_ref().filter(|_| self.presence == Presence::Always)?;
        self.values.iter().all(|it| it.as_ref() == Some(first)).then_some(first)
    }
}

/// What is there already stays where a map is set.
fn set(tree: &mut Value, path: &[String], value: Value) {
    let Value::Object(map) = tree else { return };
    match path {
        [] => {}
        [key] => {
            let is_there = map.get(key).is_some_and(Value::is_object) && value == json!({});
            if !is_there {
                map.insert(key.clone(), value);
            }
        }
        [key, rest @ ..] => {
            set(map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())), rest, value);
        }
    }
}

/// How a template names a value; `$` holds within loops as well.
pub(super) fn expression(path: &[String]) -> String {
    path.iter().fold("$.Values".to_owned(), |text, key| {
        if is_identifier(key) { format!("{text}.{key}") } else { format!("(index {text} {})", quoted(key)) }
    })
}

/// A string of Go's templates, which take JSON's escapes.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string serialises")
}

fn is_identifier(key: &str) -> bool {
    key.starts_with(|it: char| it.is_ascii_alphabetic())
        && key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// The text that puts a value in its place: typed, so that no value can turn into another one.
pub(super) fn inserted(chart: &str, path: &[String], values: &[Option<Value>]) -> String {
    let there = || values.iter().flatten();
    let value = expression(path);
    if there().all(Value::is_string) {
        format!("{{{{ {value} | quote }}}}")
    } else if there().all(|it| it.is_i64() || it.is_u64()) {
        format!("{{{{ {value} | int64 }}}}")
    } else if there().all(|it| it.is_boolean() || it.is_number()) {
        format!("{{{{ {value} | toJson }}}}")
    } else {
        format!("{{{{ include \"{chart}.value\" {value} }}}}")
    }
}
