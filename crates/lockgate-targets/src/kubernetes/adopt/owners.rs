//! Ownership of fields: what installers own becomes what Lockgate has applied, so that what a release takes away later
//! goes, and what it changes is nobody else's.

use serde_json::{Map, Value, json};

use super::super::apply::INSTALLERS;
use super::super::names;

/// The list of managers with the fields of all installers as Lockgate's own; `None` when it has them already.
pub(super) fn folded(object: &Value) -> Option<Value> {
    let managers = object.pointer("/metadata/managedFields")?.as_array()?;
    let (theirs, mut others): (Vec<&Value>, Vec<&Value>) = managers.iter().partition(|it| is_installer(it));
    if theirs.iter().all(|it| is_applied(it)) {
        return None;
    }
    let mut fields = Map::new();
    for it in &theirs {
        unite(&mut fields, it["fieldsV1"].as_object().unwrap_or(&Map::new()));
    }
    let newest = theirs.iter().max_by_key(|it| it["time"].as_str().unwrap_or_default())?;
    let ours = json!({
        "manager": names::MANAGER,
        "operation": "Apply",
        "apiVersion": newest["apiVersion"],
        "time": newest["time"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    });
    others.push(&ours);
    Some(json!(others))
}

/// What a subresource is written by, such as `status` or `scale`, is a controller's or an autoscaler's.
fn is_installer(entry: &Value) -> bool {
    let is_whole = entry["subresource"].as_str().is_none_or(str::is_empty);
    is_whole && entry["manager"].as_str().is_some_and(|it| INSTALLERS.contains(&it))
}

fn is_applied(entry: &Value) -> bool {
    entry["manager"] == names::MANAGER && entry["operation"] == "Apply"
}

/// Sets of fields are trees: two of them together have every branch of both.
fn unite(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (key, value) in other {
        let at = into.entry(key).or_insert_with(|| json!({}));
        if let (Some(at), Some(value)) = (at.as_object_mut(), value.as_object()) {
            unite(at, value);
        }
    }
}

/// Who else than Lockgate and the cluster's own controllers has written it.
pub(super) fn others(object: &Value) -> Vec<String> {
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut found: Vec<String> = vec![];
    for entry in managers.into_iter().flatten() {
        let is_whole = entry["subresource"].as_str().is_none_or(str::is_empty);
        let Some(manager) = entry["manager"].as_str().filter(|_| is_whole) else { continue };
        let is_cluster = manager.starts_with("kube-") || manager == names::MANAGER;
        if !is_cluster && !found.iter().any(|it| it == manager) {
            found.push(manager.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn fields_of_installers_become_ours_and_those_of_controllers_stay() {
        let scaler = json!({"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
            "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        let object = |managers: Vec<Value>| json!({"metadata": {"managedFields": managers}});
        let found = folded(&object(vec![
            entry(
                "helm",
                "Update",
                &json!({"f:spec": {"f:ports": {".": {}, "k:{\"port\":80}": {"f:port": {}}}}}),
            ),
            scaler.clone(),
            entry("somebody", "Update", &json!({"f:spec": {"f:other": {}}})),
            entry("lockgate", "Update", &json!({"f:metadata": {"f:labels": {"f:a": {}}}})),
        ]))
        .unwrap();
        let ours = entry(
            "lockgate",
            "Apply",
            &json!({
                "f:spec": {"f:ports": {".": {}, "k:{\"port\":80}": {"f:port": {}}}},
                "f:metadata": {"f:labels": {"f:a": {}}},
            }),
        );
        let other = entry("somebody", "Update", &json!({"f:spec": {"f:other": {}}}));
        assert_eq!(found, json!([scaler, other, ours]));
        assert_eq!(folded(&object(vec![scaler, other, ours])), None, "twice is once");
    }
}
