//! What several objects have in common, and what one of them has beyond that.
//!
//! **Invariant:** the difference only ever adds to what is common, so laying it over gives the whole object back.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Identity;
use crate::kubernetes::objects::Part;

type Objects = BTreeMap<Identity, (Part, Value)>;

/// Objects that all environments have, with what is the same in all of them.
pub(super) fn base<'o>(environments: impl Iterator<Item = &'o Objects>) -> Objects {
    let environments: Vec<&Objects> = environments.collect();
    let Some((first, others)) = environments.split_first() else { return Objects::new() };
    let mut base = Objects::new();
    for (identity, (part, value)) in *first {
        let there: Vec<&Value> = others.iter().filter_map(|it| Some(&it.get(identity)?.1)).collect();
        if there.len() != others.len() {
            continue;
        }
        let all: Vec<&Value> = std::iter::once(value).chain(there).collect();
        if let Some(common) = common("", &all) {
            base.insert(identity.clone(), (part.clone(), common));
        }
    }
    base
}

/// `None` where nothing is.
fn common(key: &str, values: &[&Value]) -> Option<Value> {
    let (first, others) = values.split_first()?;
    if others.iter().all(|it| it == first) {
        return Some((*first).clone());
    }
    if let Some(maps) = values.iter().map(|it| it.as_object()).collect::<Option<Vec<_>>>() {
        let of_key = |key: &String| {
            let values: Option<Vec<&Value>> = maps.iter().map(|it| it.get(key)).collect();
            Some((key.clone(), common(key, &values?)?))
        };
        let map: Map<String, Value> = maps.first()?.keys().filter_map(of_key).collect();
        return (!map.is_empty()).then_some(Value::Object(map));
    }
    let lists = values.iter().map(|it| it.as_array()).collect::<Option<Vec<_>>>()?;
    if !is_merged_by_name(key) || lists.iter().any(|it| names(it) != names(lists[0])) {
        return None;
    }
    let of_index = |idx: usize| {
        let values: Vec<&Value> = lists.iter().map(|it| &it[idx]).collect();
        common("", &values)
    };
    (0..lists[0].len()).map(of_index).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// What is to be added to the base, as a strategic merge patch; `None` for nothing.
pub(super) fn difference(key: &str, base: &Value, whole: &Value) -> Option<Value> {
    match (base, whole) {
        _ if base == whole => None,
        (Value::Object(base), Value::Object(whole)) => {
            let added = whole.iter().filter_map(|(key, it)| {
                let added = match base.get(key) {
                    Some(base) => difference(key, base, it)?,
                    None => it.clone(),
                };
                Some((key.clone(), added))
            });
            Some(Value::Object(added.collect()))
        }
        (Value::Array(base), Value::Array(whole)) if is_merged_by_name(key) => {
            let changed = base.iter().zip(whole).filter_map(|(base, whole)| {
                let mut added = difference("", base, whole)?;
                added["name"] = whole["name"].clone();
                Some(added)
            });
            Some(Value::Array(changed.collect()))
        }
        _ => Some(whole.clone()),
    }
}

/// Other lists are written whole: their order means something, or their items have no names.
fn is_merged_by_name(key: &str) -> bool {
    key == "containers"
}

fn names(items: &[Value]) -> Vec<&Value> {
    items.iter().map(|it| &it["name"]).collect()
}
