//! Shorthands written out, so that layers merge like with like. What the walk over the file has refused, and
//! the user's own `x-` keys, are left out.

use lockgate_model::{Diagnostic, Span};

use crate::schema::{Keys, Shape, Short};
use lockgate_diagnostics::codes;
use lockgate_yaml::{Entry, Kind, Node, Scalar};

pub(crate) fn normalise(node: &Node, shape: &'static Shape, report: &mut Vec<Diagnostic>) -> Node {
    if node.is_null() {
        return node.clone();
    }
    match (shape, &node.kind) {
        (Shape::List(item) | Shape::Many(item), Kind::Seq(nodes)) => {
            let nodes = nodes.iter().map(|it| normalise(it, item, report)).collect();
            Node { kind: Kind::Seq(nodes), span: node.span }
        }
        (Shape::Many(item), _) => {
            let only = normalise(node, item, report);
            Node { kind: Kind::Seq(vec![only]), span: node.span }
        }
        (Shape::Argvs, Kind::Seq(nodes)) if nodes.iter().all(|it| !matches!(it.kind, Kind::Seq(_))) => {
            Node { kind: Kind::Seq(vec![node.clone()]), span: node.span }
        }
        (Shape::Keys(keys), Kind::Map(entries)) => {
            let mut written: Vec<Entry> = vec![];
            for entry in entries {
                if let Some(field) = keys.field(&entry.key) {
                    written.push(Entry {
                        value: normalise(&entry.value, &field.shape, report),
                        ..entry.clone()
                    });
                }
            }
            port_into_ports(keys, &mut written, report);
            Node { kind: Kind::Map(written), span: node.span }
        }
        (Shape::Keys(keys), Kind::Scalar(scalar)) => from_scalar(node, scalar, keys, report),
        (Shape::Keys(keys), Kind::Seq(_)) if keys.short_field().is_some() => from_field(node, keys, report),
        (Shape::Named(named), Kind::Map(entries)) => {
            let own = entries.iter().filter(|it| !it.key.starts_with("x-"));
            let entries = own
                .map(|it| Entry { value: normalise(&it.value, &named.value, report), ..it.clone() })
                .collect();
            Node { kind: Kind::Map(entries), span: node.span }
        }
        (Shape::Named(named), Kind::Seq(items)) if named.short == Short::Items => from_items(node, items),
        (Shape::Named(named), Kind::Scalar(scalar)) => match named.short {
            Short::Item(value) => {
                let value = Node { kind: Kind::Scalar(Scalar::plain(value)), span: node.span };
                single(&scalar.text, node.span, value, node.span)
            }
            Short::None | Short::Field(_) | Short::Key | Short::Items => node.clone(),
        },
        (
            Shape::Scalar(_)
            | Shape::Argv
            | Shape::Argvs
            | Shape::List(_)
            | Shape::Keys(_)
            | Shape::Named(_)
            | Shape::Any,
            Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_),
        ) => node.clone(),
    }
}

fn single(key: &str, key_span: Span, value: Node, span: Span) -> Node {
    let entry = Entry { key: key.to_owned(), key_span, value };
    Node { kind: Kind::Map(vec![entry]), span }
}

fn from_scalar(node: &Node, scalar: &Scalar, keys: &Keys, report: &mut Vec<Diagnostic>) -> Node {
    match keys.short {
        Short::Field(_) => from_field(node, keys, report),
        Short::Key if keys.field(&scalar.text).is_some() => {
            single(&scalar.text, node.span, Node::empty_map(node.span), node.span)
        }
        Short::Key | Short::None | Short::Items | Short::Item(_) => node.clone(),
    }
}

fn from_field(node: &Node, keys: &Keys, report: &mut Vec<Diagnostic>) -> Node {
    let Some(field) = keys.short_field() else { return node.clone() };
    single(field.key, node.span, normalise(node, &field.shape, report), node.span)
}

fn from_items(node: &Node, items: &[Node]) -> Node {
    let mut entries: Vec<Entry> = vec![];
    for item in items {
        if let Kind::Scalar(scalar) = &item.kind
            && entries.iter().all(|it| it.key != scalar.text)
        {
            let value = Node::empty_map(item.span);
            entries.push(Entry { key: scalar.text.clone(), key_span: item.span, value });
        }
    }
    Node { kind: Kind::Map(entries), span: node.span }
}

/// `port: 8080` is `ports: {http: 8080}`.
fn port_into_ports(keys: &Keys, entries: &mut Vec<Entry>, report: &mut Vec<Diagnostic>) {
    if keys.field("port").is_none() || keys.field("ports").is_none() {
        return;
    }
    let Some(at) = entries.iter().position(|it| it.key == "port") else { return };
    let port = entries.remove(at);
    let http = Entry { key: "http".to_owned(), key_span: port.key_span, value: port.value };
    let Some(ports) = entries.iter_mut().find(|it| it.key == "ports") else {
        let span = Span { end: http.place().end.max(port.key_span.end), ..port.key_span };
        let value = Node { kind: Kind::Map(vec![http]), span };
        entries.push(Entry { key: "ports".to_owned(), key_span: port.key_span, value });
        return;
    };
    if let Some(other) = ports.value.entry("http") {
        report.push(
            Diagnostic::error(codes::DUPLICATE_KEY, "the `http` port is given twice")
                .label(other.key_span, "given again here")
                .label(port.key_span, "`port` is short for `ports: {http: ...}`")
                .help("keep one of them"),
        );
    } else if let Kind::Map(entries) = &mut ports.value.kind {
        entries.push(http);
    }
}
