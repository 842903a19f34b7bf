//! Lists: items that have a name of some kind are the same item wherever it occurs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Unifier, Variants};
use crate::helm::node::{FIRST, Node};
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
        // The item of each list that comes next.
        let mut next = vec![0; lists.len()];
        let mut conditions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in names {
            let mut variants = vec![];
            for (list, next) in lists.iter().zip(&mut next) {
                let item = list.and_then(|it| it.get(*next)).filter(|it| identity(it) == Some(*name));
                *next += usize::from(item.is_some());
                variants.push(item);
            }
            let earlier = conditions.entry(name).or_default();
            path.push(match earlier.len() {
                0 => (*name).to_owned(),
                more => format!("{name}-{}", more + 1),
            });
            let is_everywhere = lists.iter().zip(&variants).all(|it| it.0.is_none() || it.1.is_some());
            if is_everywhere {
                items.push(self.node(path, &variants));
            } else {
                let here = lists.iter().zip(&variants);
                let values = here.map(|it| it.0.is_some().then(|| json!(it.1.is_some()))).collect();
                let (condition, node) = self.switched(path, values, &variants);
                // Never twice in one list, whatever the values say.
                let others: Vec<String> = earlier.iter().map(|it| format!("(not {it})")).collect();
                let whole = match others.as_slice() {
                    [] => condition.clone(),
                    others => format!("and {} {condition}", others.join(" ")),
                };
                earlier.push(condition);
                items.push(Node::Control(format!("{{{{- if {whole} }}}}")));
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
        let mut item: BTreeMap<String, Node> =
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
        // What is not there cannot be a value: Helm takes it for a value that is taken away.
        (one, other) => one.is_null() == other.is_null(),
    }
}

/// The key behind the dash of an item, if it is one that an item of this kind cannot be without.
fn first_key(item: &Value) -> Option<&str> {
    let map = item.as_object()?;
    let first = FIRST.into_iter().find(|it| map.contains_key(*it));
    first.or_else(|| map.keys().next().map(String::as_str))
}

/// What tells an item of a list from the others.
fn identity(item: &Value) -> Option<&str> {
    // The latter two are those of secrets that are fetched, and of what an autoscaler aims at.
    let name = item.get("name").or_else(|| item.get("secretKey")).or_else(|| item.pointer("/resource/name"));
    name?.as_str()
}

/// The names of all items, in an order that suits every list: where orders contradict each other, a name is there
/// twice. `None` where some items have no name, or where there is none.
fn merged_names<'v>(lists: &Lists<'v>) -> Option<Vec<&'v str>> {
    let mut merged: Vec<&str> = vec![];
    for list in lists.iter().flatten() {
        let names: Vec<&str> = list.iter().map(identity).collect::<Option<_>>()?;
        if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
            return None;
        }
        merged = merge(&merged, &names);
    }
    let mut items: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for item in lists.iter().flatten().flat_map(|it| it.iter()) {
        items.entry(identity(item)?).or_default().push(item);
    }
    let begin_alike = |it: &[&Value]| {
        it.iter().all(|other| first_key(it[0]).is_some_and(|key| Some(key) == first_key(other)))
    };
    let fits = items.values().all(|it| begin_alike(it));
    fits.then_some(())?;
    (!merged.is_empty()).then_some(merged)
}

/// The shortest list in which both are found in their order.
fn merge<'v>(one: &[&'v str], other: &[&'v str]) -> Vec<&'v str> {
    // How long the longest common part of what is left of each is.
    let mut common = vec![vec![0_usize; other.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            common[i][j] = if one[i] == other[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut merged = vec![];
    while i < one.len() && j < other.len() {
        if one[i] == other[j] {
            merged.push(one[i]);
            (i, j) = (i + 1, j + 1);
        } else if common[i][j + 1] <= common[i + 1][j] {
            merged.push(one[i]);
            i += 1;
        } else {
            merged.push(other[j]);
            j += 1;
        }
    }
    merged.extend(&one[i..]);
    merged.extend(&other[j..]);
    merged
}
