//! A template as a tree, and its text.

use std::collections::BTreeMap;

use lockgate_yaml::{WriteStyle, scalar, write};
use serde_json::Value;

/// Stands around the number of a hole while YAML is written: no string is ever written with this character as it is.
const MARK: char = '\u{1}';

/// Keys that come first in their map.
pub(super) const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];

#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Value),
    Map(BTreeMap<String, Node>),
    List(Vec<Node>),
    /// An expression or a text with expressions, in place of a value.
    Hole(String),
    /// The same, of a key that is there only if the condition holds.
    Optional {
        condition: String,
        text: String,
    },
    /// Lines of a map, with control structures among them; the key is there only if the condition holds.
    Lines {
        condition: Option<String>,
        lines: Vec<String>,
    },
    /// A control structure between the items of a list.
    Control(String),
}

impl Node {
    /// The entry of a map, however deep.
    pub(super) fn get_mut(&mut self, keys: &[&str]) -> Option<&mut Node> {
        let Some((key, rest)) = keys.split_first() else { return Some(self) };
        match self {
            Node::Map(map) => map.get_mut(*key)?.get_mut(rest),
            _ => None,
        }
    }

    /// Puts a node into a map of maps.
    pub(super) fn insert(&mut self, keys: &[String], node: Node) {
        let Some((key, rest)) = keys.split_first() else {
            *self = node;
            return;
        };
        if let Node::Map(map) = self {
            map.entry(key.clone()).or_insert_with(|| Node::Map(BTreeMap::new())).insert(rest, node);
        }
    }

    pub(super) fn text(&self) -> String {
        let mut holes = vec![];
        let value = self.marked(&mut holes);
        let raw = |text: &str| text.starts_with(MARK).then(|| text.to_owned());
        let style = WriteStyle { first: &FIRST, raw: Some(&raw), ..WriteStyle::default() };
        let mut text = String::new();
        for line in write(&value, &style).lines() {
            fill(line, &holes, &mut text);
        }
        text
    }

    /// The tree as a value, in which a marked number stands for what YAML does not know.
    fn marked(&self, holes: &mut Vec<Node>) -> Value {
        match self {
            Node::Literal(value) => marked_literal(value, holes),
            Node::Map(map) => map.iter().map(|(key, it)| (key.clone(), it.marked(holes))).collect(),
            Node::List(items) => items.iter().map(|it| it.marked(holes)).collect(),
            hole => mark(hole.clone(), holes),
        }
    }
}

fn mark(hole: Node, holes: &mut Vec<Node>) -> Value {
    holes.push(hole);
    Value::String(format!("{MARK}{}{MARK}", holes.len() - 1))
}

fn marked_literal(value: &Value, holes: &mut Vec<Node>) -> Value {
    match value {
        Value::String(text) if text.starts_with(MARK) => mark(Node::Hole(escaped(&scalar(text))), holes),
        Value::Array(items) => items.iter().map(|it| marked_literal(it, holes)).collect(),
        Value::Object(map) => map.iter().map(|(key, it)| (key.clone(), marked_literal(it, holes))).collect(),
        _ => value.clone(),
    }
}

/// What Helm prints as it was.
pub(super) fn escaped(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

fn fill(line: &str, holes: &[Node], out: &mut String) {
    let mut parts = line.split(MARK);
    let before = escaped(parts.next().unwrap_or_default());
    let Some(first) = parts.next().and_then(|it| hole(it, holes)) else {
        out.push_str(&before);
        out.push('\n');
        return;
    };
    let indent = before.len() - before.trim_start_matches([' ', '-']).len();
    let pad = " ".repeat(indent);
    let push_if = |condition: &str, out: &mut String| push(out, &[&pad, "{{- if ", condition, " }}\n"]);
    let push_end = |out: &mut String| push(out, &[&pad, "{{- end }}\n"]);
    match first {
        // In place of the item, dash and all.
        Node::Control(text) => push(out, &[pad.get(2..).unwrap_or(""), text, "\n"]),
        Node::Lines { condition, lines } => {
            if let Some(it) = condition {
                push_if(it, out);
            }
            push(out, &[before.trim_end(), "\n"]);
            for line in lines {
                push(out, &[&pad, "  ", line, "\n"]);
            }
            if condition.is_some() {
                push_end(out);
            }
        }
        Node::Optional { condition, text } => {
            push_if(condition, out);
            push(out, &[&before, text, "\n"]);
            push_end(out);
        }
        _ => {
            out.push_str(&before);
            push_inline(first, out);
            while let Some(text) = parts.next() {
                out.push_str(&escaped(text));
                if let Some(node) = parts.next().and_then(|it| hole(it, holes)) {
                    push_inline(node, out);
                }
            }
            out.push('\n');
        }
    }
}

fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

fn hole<'n>(number: &str, holes: &'n [Node]) -> Option<&'n Node> {
    holes.get(number.parse::<usize>().ok()?)
}

fn push_inline(node: &Node, out: &mut String) {
    match node {
        Node::Hole(text) | Node::Optional { text, .. } | Node::Control(text) => out.push_str(text),
        Node::Literal(_) | Node::Map(_) | Node::List(_) | Node::Lines { .. } => {}
    }
}
