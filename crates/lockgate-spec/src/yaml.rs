//! Values as YAML that every reader takes for the same.

use std::fmt::Write as _;

use lockgate_model::System;
use serde_json::Value;

/// A resolved system as YAML. Durations are milliseconds, shares of traffic basis points, as in the JSON form.
pub fn to_yaml(system: &System) -> String {
    let value =
        serde_json::to_value(system).expect("a system holds strings, numbers and maps with string keys");
    let mut text = String::new();
    block(&value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                indent(depth, text);
                text.push_str(&scalar(key));
                text.push(':');
                nested(value, depth + 1, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(depth, text);
                text.push('-');
                nested(item, depth + 1, text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&inline(value));
            text.push('\n');
        }
    }
}

/// What stands after `key:` or `-`.
fn nested(value: &Value, depth: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(map) => !map.is_empty(),
        // Lists of plain values, such as commands, read best on one line.
        Value::Array(items) => items.iter().any(|it| it.is_object() || it.is_array()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_block {
        text.push('\n');
        block(value, depth, text);
    } else {
        writeln!(text, " {}", inline(value)).expect("writing to a string cannot fail");
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(_) => "{}".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Plain where no reader of YAML can take it for anything but this string; else quoted as JSON, which is YAML.
fn scalar(text: &str) -> String {
    let first = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/' || it == '_');
    let safe = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./".contains(&it));
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if first && safe && !word.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::to_string(text).expect("a string serialises")
}

fn indent(depth: usize, text: &mut String) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}
