//! The objects of one slot, made from those that were rendered: named, labelled and stamped with its release.

use lockgate_model::{Fence, Form, SlotSpec};
use serde_json::{Map, Value, json};

use super::{Cluster, fence::mark, names};
use crate::{Class, TargetError};

/// What is applied for a slot, in order; its Deployment is the last.
pub(super) fn objects(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    instances: u16,
) -> Result<Vec<Value>, TargetError> {
    let Form::Objects(rendered) = &spec.form else {
        let text = format!("{} is not made for Kubernetes: its release has no objects for it", spec.slot);
        return Err(TargetError::new(Class::Fatal, text));
    };
    let (mut deployments, mut objects): (Vec<Value>, Vec<Value>) =
        rendered.0.iter().cloned().partition(|it| it["kind"] == "Deployment");
    let (Some(mut deployment), true) = (deployments.pop(), deployments.is_empty()) else {
        let text = format!("{} has {} Deployments; a slot has one", spec.slot, deployments.len());
        return Err(TargetError::new(Class::Fatal, text));
    };
    stamp_deployment(&mut deployment, fence, spec, instances);
    objects.push(deployment);
    for object in &mut objects {
        own(object, cluster, fence);
    }
    Ok(objects)
}

/// What every object that is written carries.
fn own(object: &mut Value, cluster: &Cluster, fence: &Fence) {
    set(object, &["metadata", "namespace"], json!(cluster.namespace));
    set(object, &["metadata", "labels", names::PART_OF], json!(cluster.scope.system.as_str()));
    set(object, &["metadata", "labels", names::ENVIRONMENT], json!(cluster.scope.environment.as_str()));
    set(object, &["metadata", "labels", names::MANAGED_BY], json!(names::MANAGER));
    set(object, &["metadata", "annotations", names::FENCE], json!(mark(fence)));
}

fn stamp_deployment(deployment: &mut Value, fence: &Fence, spec: &SlotSpec, instances: u16) {
    let slot = &spec.slot;
    let release = json!(slot.release.to_string());
    set(deployment, &["metadata", "name"], json!(names::deployment(slot)));
    set(deployment, &["metadata", "labels", names::NAME], json!(slot.service.as_str()));
    set(deployment, &["metadata", "labels", names::RELEASE], release.clone());
    for (name, value) in [
        (names::VERSION, spec.version.to_string()),
        (names::WORKLOAD, spec.workload_digest().to_string()),
        (names::REPLICAS, instances.to_string()),
        (names::FENCE, mark(fence)),
    ] {
        set(deployment, &["metadata", "annotations", name], json!(value));
    }
    set(deployment, &["spec", "replicas"], json!(instances));
    let labels = json!({ names::NAME: slot.service.as_str(), names::RELEASE: release });
    set(deployment, &["spec", "selector"], json!({ "matchLabels": labels }));
    set(deployment, &["spec", "template", "metadata", "labels", names::NAME], labels[names::NAME].clone());
    set(deployment, &["spec", "template", "metadata", "labels", names::RELEASE], release);
    let template = &mut deployment["spec"]["template"];
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(names::TRACK);
    }
    set(template, &["metadata", "annotations", names::VERSION], json!(spec.version.as_str()));
    select_slot(&mut template["spec"], &labels);
}

/// Spread constraints and affinities that mean the pods of the service mean those of the slot: pods of two
/// versions would otherwise be spread against each other.
fn select_slot(value: &mut Value, labels: &Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.pointer_mut("/matchLabels") {
                    Some(selected)
                        if key == "labelSelector" && selected[names::NAME] == labels[names::NAME] =>
                    {
                        *selected = labels.clone();
                    }
                    _ => select_slot(value, labels),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| select_slot(it, labels)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Writes a value at a path, making the objects on the way.
pub(super) fn set(object: &mut Value, path: &[&str], value: Value) {
    let mut at = object;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().expect("it was made one just now").entry(*key).or_insert(Value::Null);
    }
    *at = value;
}
