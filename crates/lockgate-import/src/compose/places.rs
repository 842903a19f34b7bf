//! Paths in what is kept of the file: what is rendered lies in a folder of its own, and Compose takes paths from there.

use super::reading::Reading;
use crate::value::{Map, Value};

/// From the folder of the rendered file, `deploy/compose/local`, to that of the spec.
const UP: &str = "../../..";

/// The value of a key with its paths as the rendered file needs them.
pub(super) fn moved(reading: &Reading<'_>, key: &str, value: Value) -> Value {
    match key {
        "volumes" => each(value, &|it| mount(reading, it)),
        "env_file" | "label_file" => {
            each(value, &|it| within(it, "path", &|path| Value::Text(path_of(reading, &path))))
        }
        "file" | "context" => one(value, &|path| Value::Text(path_of(reading, &path))),
        "additional_contexts" => all(value, &|it| one(it, &|path| Value::Text(dotted(reading, &path)))),
        "build" => match value {
            Value::Map(mut map) => {
                for key in ["context", "additional_contexts"] {
                    if let Some(value) = map.get(key).cloned() {
                        map.set(key, moved(reading, key, value));
                    }
                }
                Value::Map(map)
            }
            value => one(value, &|path| Value::Text(path_of(reading, &path))),
        },
        "develop" => {
            all(value, &|it| each(it, &|it| within(it, "path", &|path| Value::Text(path_of(reading, &path)))))
        }
        "credential_spec" => within(value, "file", &|path| Value::Text(path_of(reading, &path))),
        _ => value,
    }
}

fn one(value: Value, change: &dyn Fn(String) -> Value) -> Value {
    match value {
        Value::Text(text) => change(text),
        value => value,
    }
}

/// Each item of a list, or the only value.
fn each(value: Value, change: &dyn Fn(Value) -> Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(change).collect()),
        value => change(value),
    }
}

/// Each value of a map.
fn all(value: Value, change: &dyn Fn(Value) -> Value) -> Value {
    let Value::Map(map) = value else { return value };
    let mut changed = Map::default();
    for key in map.keys() {
        if let Some(value) = map.get(key) {
            changed.set(key, change(value.clone()));
        }
    }
    Value::Map(changed)
}

/// The text under a key, or the text that stands for the whole.
fn within(value: Value, key: &str, change: &dyn Fn(String) -> Value) -> Value {
    match value {
        Value::Map(mut map) => {
            if let Some(Value::Text(text)) = map.get(key).cloned() {
                map.set(key, change(text));
            }
            Value::Map(map)
        }
        value => one(value, change),
    }
}

fn mount(reading: &Reading<'_>, value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let text = whole(reading, &text);
            let Some((source, rest)) = text.split_once(':') else { return Value::Text(text) };
            Value::Text(format!("{}:{rest}", dotted(reading, source)))
        }
        Value::Map(map) if map.get("type") == Some(&Value::Text("bind".to_owned())) => {
            within(Value::Map(map), "source", &|it| Value::Text(path_of(reading, &it)))
        }
        value => value,
    }
}

/// A text that begins with a variable, with its value: a default in it may be a path.
fn whole(reading: &Reading<'_>, text: &str) -> String {
    let filled = reading.fill(text).filter(|_| text.starts_with('$'));
    let filled = filled.and_then(|it| it.whole().map(|it| it.replace('$', "$$")));
    filled.unwrap_or_else(|| text.to_owned())
}

/// A path where a path is all that can stand.
fn path_of(reading: &Reading<'_>, path: &str) -> String {
    let path = whole(reading, path);
    let is_elsewhere = path.starts_with(['/', '~', '$', '\\']) || path.contains("://") || path.contains('@');
    if is_elsewhere {
        path
    } else {
        format!("{UP}/{}", path.trim_start_matches("./")).trim_end_matches("/.").to_owned()
    }
}

/// A path where a name can stand as well.
fn dotted(reading: &Reading<'_>, path: &str) -> String {
    if path.starts_with('.') { path_of(reading, path) } else { path.to_owned() }
}
