//! Objects of Kubernetes, as they are read from what programs print.

use std::collections::BTreeMap;

use lockgate_yaml::{Kind, Node, Style, read_foreign};
use serde_json::Value;

/// Kind, namespace and name.
pub type Key = (String, String, String);

/// Every object of a text of YAML; each may be there once only.
pub fn objects(text: &str) -> BTreeMap<Key, Value> {
    let mut objects = BTreeMap::new();
    for object in documents(text) {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
        let before = objects.insert(key.clone(), object);
        assert!(before.is_none(), "{key:?} is there twice");
    }
    objects
}

pub fn documents(text: &str) -> Vec<Value> {
    let foreign = read_foreign(text);
    assert!(foreign.error.is_none(), "{:?}\n{text}", foreign.error);
    assert!(foreign.duplicates.is_empty(), "{:?}\n{text}", foreign.duplicates);
    foreign.documents.iter().map(to_json).filter(|it| !it.is_null()).collect()
}

pub fn to_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.style == Style::Plain => match scalar.text.as_str() {
            "" | "~" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        },
        Kind::Scalar(scalar) => Value::String(scalar.text.clone()),
        Kind::Seq(items) => items.iter().map(to_json).collect(),
        Kind::Map(entries) => entries.iter().map(|it| (it.key.clone(), to_json(&it.value))).collect(),
    }
}
