//! The objects of one slot, made from those that were rendered: named, labelled and stamped with its release.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use lockgate_model::{Fence, Form, SlotSpec};
use serde_json::{Map, Value, json};

use super::adopt::{InstalledImages, unpin};
use super::cluster::CLUSTER_WIDE;
use super::observe::SlotDeployment;
use super::{Cluster, fence::mark, names};
use crate::{Class, TargetError};

/// What is applied for a slot, in order; its Deployment is the last. One that is there already keeps its name and
/// what its pods are selected by, which cannot change, and is written only as it was `found`.
pub(super) fn objects(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    instances: u16,
    found: Option<&SlotDeployment>,
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
    stamp_deployment(&mut deployment, spec, instances);
    match found {
        None => name_by_release(&mut deployment, spec),
        Some(found) => keep_identity(&mut deployment, found),
    }
    objects.push(deployment);
    for object in &mut objects {
        own(object, cluster, fence);
    }
    Ok(objects)
}

/// What every object that is written carries.
pub(super) fn own(object: &mut Value, cluster: &Cluster, fence: &Fence) {
    if !CLUSTER_WIDE.contains(&object["kind"].as_str().unwrap_or_default()) {
        set(object, &["metadata", "namespace"], json!(cluster.namespace));
    }
    set(object, &["metadata", "labels", names::PART_OF], json!(cluster.scope.system.as_str()));
    set(object, &["metadata", "labels", names::ENVIRONMENT], json!(cluster.scope.environment.as_str()));
    set(object, &["metadata", "labels", names::MANAGED_BY], json!(names::MANAGER));
    set(object, &["metadata", "annotations", names::FENCE], json!(mark(fence)));
}

fn stamp_deployment(deployment: &mut Value, spec: &SlotSpec, instances: u16) {
    let slot = &spec.slot;
    set(deployment, &["metadata", "labels", names::NAME], json!(slot.service.as_str()));
    set(deployment, &["metadata", "labels", names::RELEASE], json!(slot.release.to_string()));
    for (name, value) in notes(spec).into_iter().chain([(names::REPLICAS, instances.to_string())]) {
        set(deployment, &["metadata", "annotations", name], json!(value));
    }
    set(deployment, &["spec", "replicas"], json!(instances));
    set(
        deployment,
        &["spec", "template", "metadata", "annotations", names::VERSION],
        json!(spec.version.as_str()),
    );
}

/// What a slot's Deployment says of it.
pub(super) fn notes(spec: &SlotSpec) -> [(&'static str, String); 3] {
    [
        (names::VERSION, spec.version.to_string()),
        (names::WORKLOAD, spec.workload_digest().to_string()),
        (names::SPEC, said(spec)),
    ]
}

/// What later calls need to know of the slot, without what its pods say themselves and without any value.
fn said(spec: &SlotSpec) -> String {
    let mut spec = spec.clone();
    (spec.form, spec.env, spec.secrets) = (Form::Process, BTreeMap::new(), BTreeMap::new());
    serde_json::to_string(&spec).expect("a slot is plain data")
}

fn name_by_release(deployment: &mut Value, spec: &SlotSpec) {
    let slot = &spec.slot;
    let labels = json!({ names::NAME: slot.service.as_str(), names::RELEASE: slot.release.to_string() });
    set(deployment, &["metadata", "name"], json!(names::deployment(slot)));
    set(deployment, &["spec", "selector"], json!({ "matchLabels": labels }));
    let template = &mut deployment["spec"]["template"];
    for (name, value) in labels.as_object().expect("it is made above") {
        set(template, &["metadata", "labels", name], value.clone());
    }
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(names::TRACK);
    }
    select_slot(&mut template["spec"], &labels);
}

fn keep_identity(deployment: &mut Value, found: &SlotDeployment) {
    let labels = json!(found.selector());
    set(deployment, &["metadata", "name"], json!(found.deployment.name_any()));
    set(deployment, &["metadata", "resourceVersion"], json!(found.deployment.resource_version()));
    set(deployment, &["spec", "selector"], json!({ "matchLabels": labels }));
    let template = &mut deployment["spec"]["template"];
    // Any other label or annotation of the pods would start all of them again.
    set(template, &["metadata", "labels"], json!(found.pod_labels()));
    set(template, &["metadata", "annotations"], json!(found.pod_annotations()));
    select_slot(&mut template["spec"], &labels);
    let images = found.annotation(names::INSTALLED);
    if let Some(images) = images.and_then(|it| serde_json::from_str::<InstalledImages>(it).ok()) {
        set(deployment, &["metadata", "annotations", names::INSTALLED], json!(json!(images).to_string()));
        unpin(deployment, &images);
    }
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

#[cfg(test)]
mod tests {
    use lockgate_model::{Health, Millis, Objects, ReleaseId, ServiceName, SlotRef, Stop, Version};

    use super::*;

    fn slot(release: u64) -> SlotSpec {
        SlotSpec {
            slot: SlotRef { service: ServiceName::new("web").unwrap(), release: ReleaseId(release) },
            version: Version::new("v2").unwrap(),
            command: Vec::new(),
            env: BTreeMap::from([("TOKEN".to_owned(), "canary-value".to_owned())]),
            files: None,
            ports: BTreeMap::new(),
            health: Health::Uptime { ready_after: Millis::secs(1) },
            stop: Stop::default(),
            latency_bounds_ms: Vec::new(),
            secrets: BTreeMap::new(),
            form: Form::Objects(Objects::default()),
            metrics: None,
        }
    }

    fn rendered() -> Value {
        let labels = json!({names::NAME: "web", names::TRACK: "stable"});
        let spread = |of: &Value| json!({"labelSelector": {"matchLabels": of}, "topologyKey": "zone"});
        json!({
            "kind": "Deployment",
            "metadata": {"name": "web", "labels": {names::NAME: "web"}},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"topologySpreadConstraints": [spread(&labels), spread(&json!({names::NAME: "db"}))]},
                },
            },
        })
    }

    #[test]
    fn a_slot_is_named_selected_and_spread_by_its_release() {
        let mut deployment = rendered();
        stamp_deployment(&mut deployment, &slot(12), 3);
        name_by_release(&mut deployment, &slot(12));
        let own = json!({names::NAME: "web", names::RELEASE: "r12"});
        assert_eq!(deployment["metadata"]["name"], "web-r12");
        assert_eq!(deployment["spec"]["replicas"], 3);
        assert_eq!(deployment["spec"]["selector"]["matchLabels"], own);
        let template = &deployment["spec"]["template"];
        assert_eq!(template["metadata"]["labels"], own, "the rendered track is no label of a slot");
        let spread = &template["spec"]["topologySpreadConstraints"];
        assert_eq!(spread[0]["labelSelector"]["matchLabels"], own);
        assert_eq!(spread[1]["labelSelector"]["matchLabels"], json!({names::NAME: "db"}), "of others");
    }

    #[test]
    fn no_value_of_a_variable_is_written_on_a_slot() {
        let mut deployment = rendered();
        stamp_deployment(&mut deployment, &slot(12), 3);
        assert!(!deployment.to_string().contains("canary-value"));
    }
}
