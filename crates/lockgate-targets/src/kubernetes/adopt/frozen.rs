//! What is in the cluster as what a release asks for: without what the API server and others say of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::names;

/// Of metadata, what an object is wherever it is.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];
/// Annotations of those who installed it, and of controllers.
const NOTES: [&str; 6] = [
    "meta.helm.sh/",
    "lockgate.dev/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
];
/// Fields that the cluster fills in once, by kind. An object that is made again gets others.
const ASSIGNED: [(&str, &[&str]); 2] = [
    ("Service", &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]),
    ("PersistentVolumeClaim", &["volumeName"]),
];
const HEADLESS: &str = "None";

/// Images as they were written, by container, and what they mean: `{"web": ["shop/web:v1", "shop/web@sha256:..."]}`.
pub(crate) type Images = BTreeMap<String, (String, String)>;

pub(super) fn freeze(live: &Value) -> Value {
    let mut object = live.clone();
    object["metadata"] = metadata(&live["metadata"]);
    let kind = live["kind"].as_str().unwrap_or_default().to_owned();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    let assigned = ASSIGNED.iter().filter(|it| it.0 == kind).flat_map(|it| it.1);
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        let is_headless = spec.get("clusterIP").is_some_and(|it| it == HEADLESS);
        for field in assigned {
            spec.remove(*field);
        }
        if is_headless {
            spec.insert("clusterIP".to_owned(), json!(HEADLESS));
        }
        // How many there are is said apart, and may be an autoscaler's to say.
        if kind == "Deployment" {
            spec.remove("replicas");
        }
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            port.as_object_mut().map(|it| it.remove("nodePort"));
        }
        for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
        {
            claim.as_object_mut().map(|it| it.remove("status"));
        }
    }
    without_nothing(&mut object);
    object
}

fn metadata(live: &Value) -> Value {
    let mut kept: Map<String, Value> = Map::new();
    for key in METADATA {
        if let Some(value) = live.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(labels) = kept.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(names::RELEASE);
        labels.remove(names::ENVIRONMENT);
        labels.insert(names::MANAGED_BY.to_owned(), json!(names::MANAGER));
    }
    if let Some(notes) = kept.get_mut("annotations").and_then(Value::as_object_mut) {
        notes.retain(|key, _| !NOTES.iter().any(|it| key.starts_with(it)));
        if notes.is_empty() {
            kept.remove("annotations");
        }
    }
    Value::Object(kept)
}

/// Templates have a `creationTimestamp` of `null`.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, it| !it.is_null());
            map.values_mut().for_each(without_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nothing),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Puts what the images mean in place of how they were written.
pub(super) fn pin(deployment: &mut Value, images: &Images) {
    each_image(deployment, |name, image| {
        let (text, pinned) = images.get(name)?;
        (image == text).then(|| pinned.clone())
    });
}

/// Puts how the images were written in place of what they mean: another text would start all pods again.
pub(crate) fn unpin(deployment: &mut Value, images: &Images) {
    each_image(deployment, |name, image| {
        let (text, pinned) = images.get(name)?;
        (image == pinned).then(|| text.clone())
    });
}

fn each_image(deployment: &mut Value, other: impl Fn(&str, &str) -> Option<String>) {
    for kind in ["containers", "initContainers"] {
        let containers = deployment.pointer_mut(&format!("/spec/template/spec/{kind}"));
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            let (Some(name), Some(image)) = (container["name"].as_str(), container["image"].as_str()) else {
                continue;
            };
            if let Some(image) = other(name, image) {
                container["image"] = json!(image);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_and_installers_say_is_not_of_the_object() {
        let live = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "7", "managedFields": [],
                "labels": {"app.kubernetes.io/managed-by": "Helm", "lockgate.dev/environment": "prod"},
                "annotations": {"meta.helm.sh/release-name": "shop", "own": "stays"},
            },
            "spec": {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"], "ports": [{"port": 80, "nodePort": 30000}]},
            "status": {"loadBalancer": {}},
        });
        assert_eq!(
            freeze(&live),
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {
                    "name": "web", "namespace": "shop",
                    "labels": {"app.kubernetes.io/managed-by": "lockgate"},
                    "annotations": {"own": "stays"},
                },
                "spec": {"ports": [{"port": 80}]},
            })
        );
    }

    #[test]
    fn an_image_is_pinned_and_written_as_it_was() {
        let deployment = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}, {"name": "side", "image": "x"}]}}}});
        let images = Images::from([("web".to_owned(), ("web:v1".to_owned(), "web@sha256:1".to_owned()))]);
        let mut it = deployment("web:v1");
        pin(&mut it, &images);
        assert_eq!(it, deployment("web@sha256:1"));
        unpin(&mut it, &images);
        assert_eq!(it, deployment("web:v1"));
        let mut other = deployment("web:v2");
        unpin(&mut other, &images);
        assert_eq!(other, deployment("web:v2"), "another image is another one");
    }
}
