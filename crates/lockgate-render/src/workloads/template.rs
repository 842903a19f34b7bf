//! Pod templates: what of them says which release they are of is taken away, and which secrets they have is put in.
//!
//! Where Lockgate keeps the values, no object holds one. Containers refer to a Secret `<owner>-secrets-<digest>` that
//! is theirs alone. It has no data, and its annotation `lockgate.dev/secret-refs` says what the target puts in when it
//! writes it: `{"<key>": {"name": ..., "version": ...}}`. Its name changes with what is in it, so a new value restarts
//! who reads it, and an old version keeps the old one.

use std::collections::BTreeMap;

use lockgate_model::{Digest, SecretRef};
use serde_json::{Value, json};

use crate::kubernetes::objects::{SUFFIX, VERSION};

/// Annotation of a Secret: the values that it is made of, by key.
const SECRET_REFS: &str = "lockgate.dev/secret-refs";
/// Annotation of pods: changes with the value of any secret that they have.
const SECRETS: &str = "lockgate.dev/secrets";

/// Where the values are.
pub(super) enum SecretSource<'s> {
    /// In the cluster, whoever put them there.
    Cluster,
    /// With Lockgate: references to the Secret `whole` are to one of the owner's own instead.
    Vault { whole: &'s str, owner: &'s str },
}

/// Where an object of its kind has its pods' template.
fn place(object: &Value) -> Option<&'static str> {
    match object["kind"].as_str()? {
        "Deployment" | "StatefulSet" | "Job" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// Without the version, unless a container reads it: then each version is another workload.
pub(super) fn of_no_release(object: &mut Value) {
    let Some(template) = place(object).and_then(|it| object.pointer_mut(it)) else { return };
    let field = format!("metadata.annotations['{VERSION}']");
    let is_read = entries(template).any(|it| it["valueFrom"]["fieldRef"]["fieldPath"] == field.as_str());
    if is_read {
        return;
    }
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(VERSION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

/// Gives the Secret that its pods have to find, where Lockgate keeps the values.
pub(super) fn with_secrets(
    object: &mut Value,
    refs: &BTreeMap<String, SecretRef>,
    source: &SecretSource<'_>,
) -> Option<Value> {
    // What runs once is not restarted.
    let lasts = object["kind"] != "Job";
    let template = place(object).and_then(|it| object.pointer_mut(it))?;
    let (name, used) = match source {
        SecretSource::Cluster => (None, refs.clone()),
        SecretSource::Vault { whole, owner } => {
            let keys = entries(template).filter_map(|it| key_of(it, whole));
            let used = keys.filter_map(|it| Some((it.to_owned(), refs.get(it)?.clone()))).collect();
            let name = format!("{owner}-secrets-{}", &digest(&used)[..SUFFIX]);
            refer_to(template, whole, &name, &used);
            (Some(name), used)
        }
    };
    if used.is_empty() {
        return None;
    }
    if lasts {
        template["metadata"]["annotations"][SECRETS] = json!(digest(&used));
    }
    name.map(|it| secret(object, &it, &used))
}

/// Of the object's place and labels: it goes when the object is gone.
fn secret(object: &Value, name: &str, used: &BTreeMap<String, SecretRef>) -> Value {
    let refs = serde_json::to_string(used).expect("texts serialise");
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": object["metadata"]["namespace"],
            "labels": object["metadata"]["labels"],
            "annotations": {SECRET_REFS: refs},
        },
        "type": "Opaque",
        "immutable": true,
    })
}

fn digest(used: &BTreeMap<String, SecretRef>) -> String {
    Digest::of_value(used).hex()
}

/// Key of the Secret that an entry reads.
fn key_of<'v>(entry: &'v Value, secret: &str) -> Option<&'v str> {
    let reference = &entry["valueFrom"]["secretKeyRef"];
    reference["key"].as_str().filter(|_| reference["name"] == secret)
}

fn refer_to(template: &mut Value, secret: &str, own: &str, used: &BTreeMap<String, SecretRef>) {
    for kind in CONTAINERS {
        let containers = template["spec"].get_mut(kind).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let entries = container.get_mut("env").and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                if key_of(entry, secret).is_some_and(|it| used.contains_key(it)) {
                    entry["valueFrom"]["secretKeyRef"]["name"] = json!(own);
                }
            }
        }
    }
}

const CONTAINERS: [&str; 2] = ["containers", "initContainers"];

/// Variables of all containers.
fn entries(template: &Value) -> impl Iterator<Item = &Value> {
    let containers = CONTAINERS.into_iter().filter_map(|it| template["spec"][it].as_array()).flatten();
    containers.filter_map(|it| it["env"].as_array()).flatten()
}
