//! Lists: items that have a name are the same item wherever it occurs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Unifier, Variants};
use crate::helm::node::Node;
use crate::helm::rules::Place;
use crate::helm::values::{Entry, Path, Presence, expression};

type Lists<'v> = [Option<&'v Vec<Value>>];

impl Unifier<'_> {
    /// `None` where the lists are too different, so that the whole of them must be a value.
    pub(super) fn list(&mut self, path: &mut Path, lists: &Lists<'_>) -> Option<Node> {
        if let Some(names) = merged_names(lists) {
            return Some(self.by_name(path, lists, &names));
        }
        let mut there = lists.iter().flatten();
        let first = there.next()?;
        if !there.all(|it| it.len() == first.len() && it.iter().zip(first.iter()).all(alike)) {
            return None;
        }
        let items = (0..first.len()).map(|idx| {
            let variants: Vec<_> = lists.iter().map(|it| it.and_then(|it| it.get(idx))).collect();
            path.push(idx.to_string());
            let node = self.node(path, &variants);
            path.pop();
            node
        });
        Some(Node::List(items.collect()))
    }

    fn by_name(&mut self, path: &mut Path, lists: &Lists<'_>, names: &[&str]) -> Node {
        let mut items = vec![];
        for name in names {
            let find = |list: &'_ Vec<Value>| list.iter().position(|it| it["name"] == *name);
            let variants: Vec<_> =
                lists.iter().map(|list| list.and_then(|list| find(list).map(|idx| &list[idx]))).collect();
            path.push((*name).to_owned());
            let is_everywhere = lists.iter().zip(&variants).all(|it| it.0.is_none() || it.1.is_some());
            if is_everywhere {
                items.push(self.node(path, &variants));
            } else {
                let here = lists.iter().zip(&variants);
                let values = here.map(|it| it.0.is_some().then(|| json!(it.1.is_some()))).collect();
                let (condition, node) = self.switched(path, values, &variants);
                items.push(Node::Control(format!("{{{{- if {condition} }}}}")));
                items.extend([node, Node::Control("{{- end }}".to_owned())]);
            }
            path.pop();
        }
        Node::List(items)
    }

    /// Rules of an ingress that are the same for every host: the value is the list of the hosts.
    pub(super) fn hosts(&mut self, place: &Place, variants: &Variants<'_>) -> Option<Node> {
        let mut rules = variants.iter().flatten().filter_map(|it| it.as_array()).flatten();
        let first = without_host(rules.next()?)?;
        if !rules.all(|it| without_host(it).as_ref() == Some(&first)) {
            return None;
        }
        let hosts = |rules: &Value| {
            rules.as_array().map(|rules| rules.iter().map(|it| it["host"].clone()).collect::<Value>())
        };
        let values = variants.iter().map(|it| it.and_then(hosts)).collect();
        let entry = Entry {
            schema: place.schema.clone(),
            values,
            ..self.entry(place.about, variants, Presence::Always)
        };
        if !self.values.bind(&place.path, &entry) {
            return None;
        }
        let mut item: std::collections::BTreeMap<String, Node> =
            first.into_iter().map(|(key, value)| (key, Node::Literal(value))).collect();
        item.insert("host".to_owned(), Node::Hole("{{ $host | quote }}".to_owned()));
        Some(Node::List(vec![
            Node::Control(format!("{{{{- range $host := {} }}}}", expression(&place.path))),
            Node::Map(item),
            Node::Control("{{- end }}".to_owned()),
        ]))
    }
}

fn without_host(rule: &Value) -> Option<Map<String, Value>> {
    let mut rule = rule.as_object()?.clone();
    rule.remove("host").filter(Value::is_string)?;
    Some(rule)
}

/// Items without a name can be told apart by their place alone, and a template must know their keys.
fn alike((one, other): (&Value, &Value)) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.keys().eq(other.keys()),
        _ => true,
    }
}

/// The names of all items in an order that suits every list; `None` where some have no name, or where there is none.
fn merged_names<'v>(lists: &Lists<'v>) -> Option<Vec<&'v str>> {
    let mut merged: Vec<&str> = vec![];
    for list in lists.iter().flatten() {
        let names: Vec<&str> = list.iter().map(|it| it.get("name")?.as_str()).collect::<Option<_>>()?;
        if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
            return None;
        }
        let mut place = 0;
        for name in names {
            match merged.iter().position(|it| *it == name) {
                Some(at) if at < place => return None,
                Some(at) => place = at + 1,
                None => {
                    merged.insert(place, name);
                    place += 1;
                }
            }
        }
    }
    (!merged.is_empty()).then_some(merged)
}
