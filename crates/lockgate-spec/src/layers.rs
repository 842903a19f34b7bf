//! Layers on top of each other: maps merge, everything else replaces, `null` removes. Every value remembers
//! where it comes from and what it has replaced.

use std::collections::BTreeMap;
use std::rc::Rc;

use lockgate_model::{Diagnostic, Span};

use crate::scalar::Problem;
use crate::schema::Shape;
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_yaml::{Entry, Kind, Node, Scalar};

/// From weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Convention,
    Defaults,
    EnvironmentDefaults,
    Spec,
    Environment,
}

impl Layer {
    pub(crate) fn is_specific(self) -> bool {
        match self {
            Layer::Convention | Layer::Defaults | Layer::EnvironmentDefaults => false,
            Layer::Spec | Layer::Environment => true,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) data: Data,
    pub(crate) origin: Origin,
    pub(crate) key_span: Span,
    /// What it has replaced, weakest first.
    pub(crate) below: Vec<(Origin, String)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) layer: Layer,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Scalar(Scalar),
    Seq(Vec<Value>),
    /// Shared until it is changed: what `defaults` say stands in every service.
    Map(Rc<BTreeMap<String, Value>>),
}

impl Value {
    pub(crate) fn empty_map(origin: Origin) -> Value {
        Value { data: Data::Map(Rc::default()), origin, key_span: origin.span, below: vec![] }
    }

    pub(crate) fn scalar(text: impl Into<String>, origin: Origin) -> Value {
        let data = Data::Scalar(Scalar::plain(text));
        Value { data, origin, key_span: origin.span, below: vec![] }
    }

    fn from_node(
        node: &Node,
        shape: &'static Shape,
        key_span: Span,
        layer: Layer,
        report: &mut Vec<Diagnostic>,
    ) -> Value {
        // What is of another language keeps its nulls: they mean something there.
        let kept = matches!(shape, Shape::Any);
        let data = match &node.kind {
            Kind::Scalar(scalar) => Data::Scalar(scalar.clone()),
            Kind::Seq(nodes) => {
                let items = nodes.iter().filter(|it| kept || !it.is_null());
                let item = inner(shape, "");
                Data::Seq(items.map(|it| Value::from_node(it, item, it.span, layer, report)).collect())
            }
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for entry in entries {
                    if !kept && entry.value.is_null() {
                        removes_nothing(&entry.key, entry.key_span, report);
                        continue;
                    }
                    let shape = inner(shape, &entry.key);
                    let value = Value::from_node(&entry.value, shape, entry.key_span, layer, report);
                    map.insert(entry.key.clone(), value);
                }
                Data::Map(Rc::new(map))
            }
        };
        Value { data, origin: Origin { layer, span: node.span }, key_span, below: vec![] }
    }

    /// Lays `node` over this value, which is of this shape.
    pub(crate) fn merge(
        &mut self,
        node: &Node,
        shape: &'static Shape,
        layer: Layer,
        report: &mut Vec<Diagnostic>,
    ) {
        match (&self.data, &node.kind) {
            (Data::Map(_), Kind::Map(entries)) => self.merge_entries(entries.iter(), shape, layer, report),
            (_, Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_)) => {
                self.replace(Value::from_node(node, shape, self.key_span, layer, report));
            }
        }
    }

    /// Lays some entries of a map over this value, which is a map.
    pub(crate) fn merge_entries<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry> + Clone,
        shape: &'static Shape,
        layer: Layer,
        report: &mut Vec<Diagnostic>,
    ) {
        let Some(map) = self.map_mut() else { return };
        drop_other_alternatives(map, entries.clone(), shape);
        for entry in entries {
            let key = entry.key.as_str();
            match (map.get_mut(key), entry.value.is_null()) {
                (Some(_), true) => drop(map.remove(key)),
                (None, true) => removes_nothing(key, entry.key_span, report),
                (Some(value), false) => {
                    value.key_span = entry.key_span;
                    value.merge(&entry.value, inner(shape, key), layer, report);
                }
                (None, false) => {
                    let shape = inner(shape, key);
                    let value = Value::from_node(&entry.value, shape, entry.key_span, layer, report);
                    map.insert(key.to_owned(), value);
                }
            }
        }
    }

    fn replace(&mut self, mut with: Value) {
        with.below = std::mem::take(&mut self.below);
        with.below.push((self.origin, self.written()));
        *self = with;
    }

    /// The place to show: the value's, or the key's when the value is not written at all.
    pub(crate) fn place(&self) -> Span {
        let span = self.origin.span;
        if span.start == span.end { self.key_span } else { span }
    }

    pub(crate) fn map(&self) -> Option<&BTreeMap<String, Value>> {
        match &self.data {
            Data::Map(map) => Some(map),
            Data::Scalar(_) | Data::Seq(_) => None,
        }
    }

    pub(crate) fn map_mut(&mut self) -> Option<&mut BTreeMap<String, Value>> {
        match &mut self.data {
            Data::Map(map) => Some(Rc::make_mut(map)),
            Data::Scalar(_) | Data::Seq(_) => None,
        }
    }

    /// Does anything in it come from somewhere more specific than what holds for all services?
    pub(crate) fn is_specific(&self) -> bool {
        match &self.data {
            Data::Scalar(_) | Data::Seq(_) => self.origin.layer.is_specific(),
            Data::Map(map) => map.values().any(Value::is_specific),
        }
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.map().into_iter().flatten()
    }

    pub(crate) fn items(&self) -> &[Value] {
        match &self.data {
            Data::Seq(items) => items,
            Data::Scalar(_) | Data::Map(_) => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.map()?.get(key)
    }

    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |it, key| it.get(key))
    }

    /// What it means where a certain type is wanted. What it cannot mean was reported when the file was checked.
    pub(crate) fn read<T>(&self, read: impl Fn(&Scalar) -> Result<T, Problem>) -> Option<T> {
        match &self.data {
            Data::Scalar(scalar) => read(scalar).ok(),
            Data::Seq(_) | Data::Map(_) => None,
        }
    }

    pub(crate) fn field<T>(&self, key: &str, read: impl Fn(&Scalar) -> Result<T, Problem>) -> Option<T> {
        self.get(key)?.read(read)
    }

    /// Text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) => Some(&scalar.text),
            Data::Seq(_) | Data::Map(_) => None,
        }
    }

    /// As YAML on one line.
    pub(crate) fn written(&self) -> String {
        match &self.data {
            Data::Scalar(scalar) => scalar.text.clone(),
            Data::Seq(items) => {
                let items: Vec<String> = items.iter().map(Value::written).collect();
                format!("[{}]", items.join(", "))
            }
            Data::Map(map) => {
                let entries: Vec<String> =
                    map.iter().map(|(key, it)| format!("{key}: {}", it.written())).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// Of keys that exclude each other, the stronger layer's choice holds.
fn drop_other_alternatives<'a>(
    map: &mut BTreeMap<String, Value>,
    mut entries: impl Iterator<Item = &'a Entry> + Clone,
    shape: &Shape,
) {
    let Shape::Keys(keys) = shape else { return };
    let pick = keys.pick.keys();
    if pick.is_empty() {
        return;
    }
    let written = entries.clone();
    if entries.any(|it| pick.contains(&it.key.as_str()) && !it.value.is_null()) {
        map.retain(|key, _| !pick.contains(&key.as_str()) || written.clone().any(|it| it.key == *key));
    }
}

/// The shape of what stands under a key.
pub(crate) fn inner(shape: &'static Shape, key: &str) -> &'static Shape {
    match shape {
        Shape::Keys(keys) => {
            let field = keys.field(key).or_else(|| crate::language::of_an_environment(shape, key));
            field.map_or(&Shape::Any, |it| &it.shape)
        }
        Shape::Named(named) => &named.value,
        Shape::List(item) | Shape::Many(item) => item,
        Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::Any => &Shape::Any,
    }
}

fn removes_nothing(key: &str, span: Span, report: &mut Vec<Diagnostic>) {
    let message = format!("`{}` has no value, and there is none to remove", shown(key));
    report.push(
        Diagnostic::error(codes::OVERRIDES_NOTHING, message)
            .label(span, "empty here, and nothing is set below it")
            .help("an empty value or `null` removes what a weaker layer says; to say nothing, leave the key out")
            .help("for an empty map write `{}`, for an empty string `\"\"`"),
    );
}
