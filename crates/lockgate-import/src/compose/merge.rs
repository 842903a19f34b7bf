//! A service laid over the one that it extends, by the rules of Compose: maps merge, lists are joined, and what is
//! run is replaced.

use lockgate_model::Span;
use lockgate_yaml::{Entry, Kind, Node, Scalar, Style};

/// Lists that Compose replaces as a whole.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];
/// Lists of `KEY=value` that mean a map.
const MAPS: [&str; 5] = ["environment", "labels", "args", "annotations", "sysctls"];

pub(super) fn over(base: &[Entry], own: &[Entry]) -> Vec<Entry> {
    let mut merged = base.to_vec();
    for entry in own {
        match merged.iter_mut().find(|it| it.key == entry.key) {
            Some(weaker) => {
                weaker.value = value(&entry.key, &weaker.value, &entry.value);
                weaker.key_span = entry.key_span;
            }
            None => merged.push(entry.clone()),
        }
    }
    merged
}

fn value(key: &str, base: &Node, own: &Node) -> Node {
    if REPLACED.contains(&key) || own.is_null() {
        return own.clone();
    }
    let (base, own) = (as_map(key, base), as_map(key, own));
    let kind = match (&base.kind, &own.kind) {
        (Kind::Map(base), Kind::Map(own)) => Kind::Map(over(base, own)),
        (Kind::Seq(base), Kind::Seq(own)) => {
            let more = own.iter().filter(|it| !base.iter().any(|known| known.kind == it.kind));
            Kind::Seq(base.iter().chain(more).cloned().collect())
        }
        (_, own) => own.clone(),
    };
    Node { kind, span: own.span }
}

/// The long form of what has a short one, so that both merge.
fn as_map(key: &str, node: &Node) -> Node {
    let entries = match (&node.kind, key) {
        (Kind::Seq(items), "depends_on") => {
            let empty = |it: &Node| Node::empty_map(it.span);
            items.iter().filter_map(|it| entry(super::text(it)?, it.span, empty(it))).collect()
        }
        (Kind::Seq(items), _) if MAPS.contains(&key) => items.iter().filter_map(pair).collect(),
        (Kind::Scalar(scalar), "build") if !scalar.is_null() => {
            entry("context", node.span, node.clone()).into_iter().collect()
        }
        _ => return node.clone(),
    };
    Node { kind: Kind::Map(entries), span: node.span }
}

fn pair(item: &Node) -> Option<Entry> {
    let text = super::text(item)?;
    let (key, value) = text.split_once('=').map_or((text, None), |it| (it.0, Some(it.1)));
    let scalar = match value {
        Some(value) => Scalar { text: value.to_owned(), style: Style::Quoted },
        None => Scalar::plain(""),
    };
    entry(key, item.span, Node { kind: Kind::Scalar(scalar), span: item.span })
}

#[expect(clippy::unnecessary_wraps, reason = "it ends the chains of what may be missing")]
fn entry(key: &str, key_span: Span, value: Node) -> Option<Entry> {
    Some(Entry { key: key.to_owned(), key_span, value })
}
