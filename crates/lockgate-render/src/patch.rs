//! The user's changes of what is rendered, addressed by kind and name.

use std::collections::BTreeSet;

use serde_json::Value;

/// Maps merge, everything else replaces, `null` removes: the rule by which environments are laid over the root.
pub(crate) fn lay_over(object: &mut Value, set: &Value) {
    let (Value::Object(object), Value::Object(set)) = (&mut *object, set) else {
        *object = set.clone();
        return;
    };
    for (key, value) in set {
        match (object.get_mut(key), value) {
            (_, Value::Null) => {
                object.remove(key);
            }
            (Some(there), value) => lay_over(there, value),
            (None, value) => {
                object.insert(key.clone(), without_nulls(value));
            }
        }
    }
}

/// What removes has nothing to remove in what is new.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|it| !it.1.is_null())
            .map(|(key, it)| (key.clone(), without_nulls(it)))
            .collect(),
        _ => value.clone(),
    }
}

pub(crate) fn suggestion(kind: &str, name: &str, seen: &BTreeSet<(String, String)>) -> String {
    let of_kind: Vec<&str> = seen.iter().filter(|it| it.0 == kind).map(|it| it.1.as_str()).collect();
    if !of_kind.is_empty() {
        return format!("{kind} objects are named {}", of_kind.join(", "));
    }
    let kinds: BTreeSet<&str> = seen.iter().filter(|it| it.1 == name).map(|it| it.0.as_str()).collect();
    let kinds = if kinds.is_empty() { seen.iter().map(|it| it.0.as_str()).collect() } else { kinds };
    format!("kinds that are rendered here: {}", kinds.into_iter().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_is_laid_over_as_environments_are() {
        let mut object = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        lay_over(&mut object, &json!({"a": {"c": [3], "x": {"y": 1, "z": null}}, "d": null}));
        assert_eq!(object, json!({"a": {"b": 1, "c": [3], "x": {"y": 1}}}));
    }
}
