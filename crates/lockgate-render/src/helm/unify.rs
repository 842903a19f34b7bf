//! One object of several environments as one template: what is the same is written, what differs becomes a value,
//! and so does what people expect to set.

mod list;
mod special;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::node::Node;
use super::rules::{self, Place};
use super::scene::{Key, NAMESPACE, Reference, Scene};
use super::values::{Entry, Path, Presence, Values, expression, inserted, quoted};
use crate::kubernetes::objects::{Object, Part};

/// What the name of a hook's copy ends in.
pub(super) const COPY: &str = "-hook";

/// By environment; nothing where the place is missing.
pub(super) type Variants<'v> = [Option<&'v Value>];

pub(super) struct Unifier<'u> {
    pub(super) values: &'u mut Values,
    pub(super) scenes: &'u [Scene<'u>],
    pub(super) chart: &'u str,
    pub(super) key: &'u Key,
    pub(super) part: &'u Part,
    /// The value that says whether what is being looked at is there.
    guard: Option<Path>,
    copies: Option<&'u Copies>,
}

/// Objects of which a hook has copies of its own, and the values that say whether they are there.
pub(super) type Copies = BTreeMap<Key, Option<Path>>;

/// The template of an object, and the value that it hangs on if not all environments have it.
pub(super) fn object(
    values: &mut Values,
    scenes: &[Scene<'_>],
    chart: &str,
    key: &Key,
    copies: Option<&Copies>,
) -> Option<(Node, Option<Path>)> {
    let objects: Vec<Option<&Object>> = scenes.iter().map(|it| it.objects.get(key).copied()).collect();
    let part = &objects.iter().flatten().next()?.part;
    let variants: Vec<Option<&Value>> = objects.iter().map(|it| it.map(|it| &it.value)).collect();
    let mut unifier = Unifier { values, scenes, chart, key, part, guard: None, copies };
    if key.0 == NAMESPACE {
        unifier.guard = Some(unifier.switch_of_namespace());
    } else if variants.iter().any(Option::is_none) {
        unifier.guard = Some(unifier.switch(&rules::guard(&key.0, &key.1, part), &variants));
    }
    let guard = unifier.guard.clone();
    Some((unifier.node(&mut vec![], &variants), guard))
}

impl Unifier<'_> {
    fn node(&mut self, path: &mut Path, variants: &Variants<'_>) -> Node {
        let node = self.of_place(path, variants);
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match Reference::of_field(&keys) {
            Some(reference) => self.copied(reference, node, variants),
            None => node,
        }
    }

    /// While a hook runs, names of objects are those of the copies that it has.
    fn copied(&self, reference: Reference, node: Node, variants: &Variants<'_>) -> Node {
        let Some(copies) = self.copies else { return node };
        let mut providers = BTreeSet::new();
        let mut is_made_everywhere = true;
        for (name, scene) in variants.iter().zip(self.scenes) {
            if let Some(name) = name.and_then(Value::as_str) {
                let found = scene.provider(reference, name).filter(|it| copies.contains_key(*it));
                is_made_everywhere &= found.is_some();
                providers.extend(found);
            }
        }
        let text = match node {
            Node::Hole(text) if !providers.is_empty() => text.replace(" | quote }}", " }}"),
            Node::Literal(Value::String(text)) if !providers.is_empty() => text,
            node => return node,
        };
        let is_hook = format!("include \"{}.before\" $", self.chart);
        let guards = providers.iter().filter_map(|it| copies[*it].as_ref()).map(|it| expression(it));
        let condition = if is_made_everywhere {
            is_hook
        } else {
            format!("and ({is_hook}) (or {} false)", guards.collect::<Vec<_>>().join(" "))
        };
        Node::Hole(format!("\"{text}{{{{ if {condition} }}}}{COPY}{{{{ end }}}}\""))
    }

    fn of_place(&mut self, path: &mut Path, variants: &Variants<'_>) -> Node {
        if let Some(node) = self.special(path, variants) {
            return node;
        }
        if let Some(place) = self.named_place(path)
            && let Some(node) = self.named(&place, variants)
        {
            return node;
        }
        if let Some(maps) = each(variants, Value::as_object)
            && !is_empty_for_some(maps.iter().flatten().map(|it| it.len()))
        {
            return self.map(path, &maps);
        }
        if let Some(lists) = each(variants, Value::as_array)
            && !is_empty_for_some(lists.iter().flatten().map(|it| it.len()))
            && let Some(node) = self.list(path, &lists)
        {
            return node;
        }
        let mut there = variants.iter().flatten();
        let first = there.next().copied().unwrap_or(&Value::Null);
        if there.all(|it| *it == first) {
            return Node::Literal(first.clone());
        }
        let bound = self.generic(path, variants, Presence::Always);
        Node::Hole(self.inserted(&bound, variants))
    }

    fn map(&mut self, path: &mut Path, maps: &[Option<&Map<String, Value>>]) -> Node {
        let mut keys: BTreeSet<&str> =
            maps.iter().flatten().flat_map(|it| it.keys()).map(String::as_str).collect();
        keys.extend(rules::offered(&self.key.0, path));
        let entries = keys.into_iter().map(|key| {
            let variants: Vec<_> = maps.iter().map(|it| it.and_then(|it| it.get(key))).collect();
            let is_everywhere = maps.iter().zip(&variants).all(|it| it.0.is_none() || it.1.is_some());
            path.push(key.to_owned());
            let node =
                if is_everywhere { self.node(path, &variants) } else { self.optional(path, maps, &variants) };
            path.pop();
            (key.to_owned(), node)
        });
        Node::Map(entries.collect())
    }

    /// A key that only some environments have: one that sets its value has it.
    fn optional(
        &mut self,
        path: &mut Path,
        maps: &[Option<&Map<String, Value>>],
        variants: &Variants<'_>,
    ) -> Node {
        let place = self.named_place(path);
        let is_nested = variants.iter().flatten().all(|it| it.is_object() || it.is_array());
        if place.is_none() && is_nested {
            let here = maps.iter().zip(variants);
            let values = here.map(|it| it.0.is_some().then(|| json!(it.1.is_some()))).collect();
            let (condition, node) = self.switched(path, values, variants);
            let lines = node.text().lines().map(str::to_owned).collect();
            return Node::Lines { condition: Some(condition), lines };
        }
        let entry = |it: &Place| Entry {
            schema: it.schema.clone(),
            ..self.entry(it.about, variants, Presence::Optional)
        };
        let named = place.map(|it| (entry(&it), it.path));
        let bound = match named {
            Some((entry, path)) if self.values.bind(&path, &entry) => path,
            _ => self.generic(path, variants, Presence::Optional),
        };
        let (last, parents) = bound.split_last().expect("paths of values are never empty");
        Node::Optional {
            condition: format!("hasKey {} {}", expression(parents), quoted(last)),
            text: self.inserted(&bound, variants),
        }
    }

    /// What only some environments have, and the value that says which.
    fn switched(
        &mut self,
        path: &mut Path,
        values: Vec<Option<Value>>,
        variants: &Variants<'_>,
    ) -> (String, Node) {
        let about = format!("{} `{}`: whether {} is there", self.key.0, self.key.1, path.join("."));
        let mut bound = self.generic_path(path);
        bound.push("enabled".to_owned());
        let entry = Entry { values, ..self.entry(&about, variants, Presence::Always) };
        while !self.values.bind(&bound, &entry) {
            bound.last_mut().expect("it ends in a word").push('_');
        }
        let outer = self.guard.replace(bound.clone());
        let node = self.node(path, variants);
        self.guard = outer;
        (expression(&bound), node)
    }

    fn generic_path(&self, path: &Path) -> Path {
        let (kind, name) = self.key;
        let prefix = ["objects", kind, name].map(str::to_owned);
        prefix.into_iter().chain(path.iter().cloned()).collect()
    }

    fn named_place(&self, path: &Path) -> Option<Place> {
        rules::place(self.key, self.part, path)
    }

    fn named(&mut self, place: &Place, variants: &Variants<'_>) -> Option<Node> {
        if self.key.0 == "Ingress" && place.path.last().is_some_and(|it| it == "hosts") {
            return self.hosts(place, variants);
        }
        let entry =
            Entry { schema: place.schema.clone(), ..self.entry(place.about, variants, Presence::Always) };
        let fits = self.values.bind(&place.path, &entry);
        fits.then(|| Node::Hole(self.inserted(&place.path, variants)))
    }

    /// A value without a name of its own, found under the object's kind, name and fields.
    fn generic(&mut self, path: &Path, variants: &Variants<'_>, presence: Presence) -> Path {
        let (kind, name) = self.key;
        let mut bound = self.generic_path(path);
        let about = format!("{kind} `{name}`: {}", path.join("."));
        let entry = self.entry(&about, variants, presence);
        while !self.values.bind(&bound, &entry) {
            bound.last_mut().expect("it begins with three names").push('_');
        }
        bound
    }

    /// A value that says whether something is there, `true` where it is.
    fn switch(&mut self, path: &[String], variants: &Variants<'_>) -> Path {
        let values: Vec<Option<Value>> = variants.iter().map(|it| Some(json!(it.is_some()))).collect();
        let (kind, name) = self.key;
        let about = format!("Whether {kind} `{name}` is there");
        let mut entry = Entry { values, ..self.entry(&about, variants, Presence::Always) };
        if let Some(guard) = &self.guard {
            entry.guards = BTreeSet::from([guard.clone()]);
        }
        let mut path = path.to_vec();
        while !self.values.bind(&path, &entry) {
            path.insert(path.len() - 1, name.clone());
        }
        path
    }

    /// Helm keeps its own notes of a release in the namespace, so that it must be there before the chart is.
    fn switch_of_namespace(&mut self) -> Path {
        let path = ["namespace", "create"].map(str::to_owned).to_vec();
        let about =
            "Whether the namespace is one of the objects; Helm needs it before, see `--create-namespace`";
        let values = vec![Some(json!(false)); self.scenes.len()];
        let entry = Entry { values, ..self.entry(about, &[], Presence::Always) };
        self.values.bind(&path, &entry);
        path
    }

    fn entry(&self, about: &str, variants: &Variants<'_>, presence: Presence) -> Entry {
        Entry {
            about: about.to_owned(),
            schema: None,
            values: variants.iter().map(|it| it.cloned()).collect(),
            presence,
            guards: self.guard.iter().cloned().collect(),
        }
    }

    fn inserted(&self, path: &[String], variants: &Variants<'_>) -> String {
        let values: Vec<Option<Value>> = variants.iter().map(|it| it.cloned()).collect();
        inserted(self.chart, path, &values)
    }
}

/// A key whose entries all hang on conditions would be left with nothing, which is not the same as empty.
fn is_empty_for_some(lengths: impl Iterator<Item = usize>) -> bool {
    let lengths: Vec<usize> = lengths.collect();
    lengths.contains(&0) && lengths.iter().any(|it| 0 < *it)
}

/// All that are there, if they are of this type.
fn each<'v, T: ?Sized>(
    variants: &Variants<'v>,
    of_type: impl Fn(&'v Value) -> Option<&'v T>,
) -> Option<Vec<Option<&'v T>>> {
    variants.iter().map(|it| it.map_or(Some(None), |it| of_type(it).map(Some))).collect()
}
