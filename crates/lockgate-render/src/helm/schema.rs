//! `values.schema.json`: what values there are, and what each must look like.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::values::{Path, Presence, Values};

pub(super) fn schema(chart: &str, values: &Values) -> Value {
    let mut root = closed();
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!(format!("Values of the chart {chart}"));
    for (path, about) in &values.free {
        let map = node(&mut root, path);
        map["description"] = json!(about);
        map["additionalProperties"] = json!({"type": "string"});
    }
    for (path, entry) in &values.entries {
        let (last, parents) = path.split_last().expect("paths of values are never empty");
        let mut schema = entry.schema.clone().unwrap_or_else(|| of_values(entry.values.iter().flatten()));
        schema["description"] = json!(entry.about);
        node(&mut root, parents)["properties"][last] = schema;
    }
    let mut conditions: BTreeMap<&Path, Value> = BTreeMap::new();
    for (path, entry) in values.without_default().filter(|it| it.1.presence == Presence::Always) {
        if entry.guards.is_empty() {
            require(&mut root, path);
        }
        for guard in &entry.guards {
            require(conditions.entry(guard).or_insert_with(|| json!({})), path);
        }
    }
    if !conditions.is_empty() {
        let rules = conditions.into_iter().map(|(guard, then)| json!({"if": is_true(guard), "then": then}));
        root["allOf"] = rules.collect();
    }
    root
}

fn closed() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {}})
}

fn node<'s>(root: &'s mut Value, path: &[String]) -> &'s mut Value {
    path.iter().fold(root, |at, key| {
        let there = at["properties"].as_object_mut().map(|it| it.entry(key.clone()).or_insert_with(closed));
        there.expect("groups of values are objects")
    })
}

/// Every map on the way, and what it leads to.
fn require(schema: &mut Value, path: &[String]) {
    let Some((key, rest)) = path.split_first() else { return };
    let Some(map) = schema.as_object_mut() else { return };
    let required = map.entry("required").or_insert_with(|| json!([]));
    if let Some(names) = required.as_array_mut().filter(|it| !it.contains(&json!(key))) {
        names.push(json!(key));
    }
    if !rest.is_empty() {
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        let below = properties.as_object_mut().map(|it| it.entry(key.clone()).or_insert_with(|| json!({})));
        if let Some(below) = below {
            require(below, rest);
        }
    }
}

fn is_true(path: &[String]) -> Value {
    path.iter().rev().fold(
        json!({"const": true}),
        |inner, key| json!({"required": [key], "properties": {key.as_str(): inner}}),
    )
}

/// What the values that are known have in common. Maps are left open: they are what Kubernetes makes of them.
fn of_values<'v>(values: impl Iterator<Item = &'v Value>) -> Value {
    let mut types: Vec<&str> = values.map(type_of).collect();
    types.sort_unstable();
    types.dedup();
    match types.as_slice() {
        [] => Value::Object(Map::new()),
        [one] => json!({"type": one}),
        several => json!({"type": several}),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(it) if it.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
