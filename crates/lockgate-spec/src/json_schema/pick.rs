//! Keys of which not all can be meant, as a schema.

use serde_json::{Map, Value as Json, json};

use super::{Place, set};
use crate::schema::Pick;
use lockgate_diagnostics::suggest;

pub(super) fn choice(pick: Pick, place: Place, object: &mut Json) {
    let keys = pick.keys();
    if keys.is_empty() {
        return;
    }
    set(object, "allOf", keys.iter().map(|it| excludes(it, keys)).collect());
    // Elsewhere another layer may choose.
    if let (Pick::ExactlyOne(keys), Place::Alone) = (pick, place) {
        set(object, "anyOf", keys.iter().map(|it| json!({"required": [it]})).collect());
    }
}

/// A key that has a value leaves nothing but nulls, which remove, to the others. `oneOf` would say the same, and an
/// editor could not say where the mistake is.
fn excludes(key: &str, keys: &[&str]) -> Json {
    let message = format!("keep one of {}", suggest::list(keys.iter().copied()));
    let nothing = json!({"type": "null", "errorMessage": message});
    let others = keys.iter().filter(|it| **it != key);
    let others: Map<String, Json> = others.map(|it| ((*it).to_owned(), nothing.clone())).collect();
    json!({
        "if": {"required": [key], "properties": {key: {"not": {"type": "null"}}}},
        "then": {"properties": others},
    })
}
