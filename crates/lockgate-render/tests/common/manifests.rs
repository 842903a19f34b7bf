//! Objects of Kubernetes as texts have them, so that two texts can be compared by what they mean.

use std::collections::BTreeMap;

use lockgate_yaml::{Kind, Node, Style, read_foreign};
use serde_json::Value;

/// By kind and name.
pub type Objects = BTreeMap<(String, String), Value>;

/// Fails where two objects have one name.
pub fn objects(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Objects {
    let mut objects = Objects::new();
    for object in texts.into_iter().flat_map(|it| documents(it.as_ref())) {
        let before = objects.insert(key(&object), object.clone());
        assert!(before.is_none(), "two objects are called {:?}", key(&object));
    }
    objects
}

pub fn key(object: &Value) -> (String, String) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    (text("/kind"), text("/metadata/name"))
}

/// Every document of a text, but for empty ones.
pub fn documents(text: &str) -> Vec<Value> {
    let mut documents = vec![];
    for text in text.split("\n---\n") {
        let foreign = read_foreign(text);
        assert!(foreign.error.is_none(), "{:?}", foreign.error);
        assert!(foreign.duplicates.is_empty(), "a key stands twice");
        documents.extend(foreign.documents.iter().filter(|it| !it.is_null()).map(value));
    }
    documents
}

/// As Kubernetes takes it: whole numbers and truth values are what they are, everything else is text.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Map(entries) => entries.iter().map(|it| (it.key.clone(), value(&it.value))).collect(),
        Kind::Seq(items) => items.iter().map(value).collect(),
        Kind::Scalar(scalar) if scalar.is_null() => Value::Null,
        Kind::Scalar(scalar) if scalar.style == Style::Plain => match scalar.text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        },
        Kind::Scalar(scalar) => scalar.text.clone().into(),
    }
}
