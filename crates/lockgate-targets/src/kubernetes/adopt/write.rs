//! What taking over writes: labels, annotations and who owns the fields; never what an object does.

use std::collections::BTreeMap;

use kube::api::{DynamicObject, Patch};
use lockgate_model::{Fence, Fixtures, Form, Objects, SlotSpec};
use serde_json::{Map, Value, json};

use super::super::apply::Identity;
use super::super::fence::mark;
use super::super::refusal::{is_conflict, told};
use super::super::{Cluster, names, workload};
use super::frozen::{Images, freeze, unpin};
use super::{Mode, TakeOver, find, owners};
use crate::{Class, TargetError};

/// Times that an object may change between our reading and writing; controllers write its status.
const WRITES_MAX: u16 = 20;
/// What installers say on an object of theirs, and what is not true any more.
const INSTALLED_BY: [&str; 2] = ["meta.helm.sh/", "kubectl.kubernetes.io/last-applied-configuration"];

/// An object, and what is to be said on it.
pub(super) struct Stamp {
    /// As it was looked at.
    object: Value,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
}

impl Stamp {
    pub(super) fn text(&self) -> String {
        let text = |at: &str| self.object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        format!("{} {}", text("/kind"), text("/metadata/name"))
    }
}

/// In the order in which they are written: a Deployment that is a slot has all that a slot has.
pub(super) fn stamps(cluster: &Cluster, fence: &Fence, taking: &TakeOver) -> Vec<Stamp> {
    let scope = &cluster.scope;
    let stamp = |object: &Value| Stamp {
        object: object.clone(),
        labels: BTreeMap::from([
            (names::PART_OF, scope.system.to_string()),
            (names::ENVIRONMENT, scope.environment.to_string()),
            (names::MANAGED_BY, names::MANAGER.to_owned()),
        ]),
        annotations: BTreeMap::from([(names::FENCE, mark(fence))]),
    };
    let mut stamps = vec![];
    if let Fixtures::Objects(Objects(objects)) = &taking.fixtures {
        stamps.extend(objects.iter().map(stamp));
    }
    let mut slots = vec![];
    for spec in &taking.slots {
        let Form::Objects(Objects(objects)) = &spec.form else { continue };
        for object in objects {
            let it = stamp(object);
            if object["kind"] == "Deployment" {
                let images = taking.images.get(&spec.slot.service).cloned().unwrap_or_default();
                slots.push(of_slot(it, spec, &images));
            } else {
                stamps.push(it);
            }
        }
    }
    stamps.extend(slots);
    stamps
}

fn of_slot(mut stamp: Stamp, spec: &SlotSpec, images: &Images) -> Stamp {
    unpin(&mut stamp.object, images);
    stamp.labels.insert(names::NAME, spec.slot.service.to_string());
    stamp.labels.insert(names::RELEASE, spec.slot.release.to_string());
    stamp.annotations.extend(workload::notes(spec));
    let images = serde_json::to_string(images).expect("texts serialise");
    stamp.annotations.insert(names::INSTALLED, images);
    stamp
}

/// Writes one, or tries it out. Somebody else's change to what the object does ends it: what was looked at is not
/// what is there.
pub(super) async fn write(cluster: &Cluster, stamp: &Stamp, mode: Mode) -> Result<(), TargetError> {
    for _ in 0..WRITES_MAX {
        let Some(live) = find::read(cluster, &stamp.object).await? else {
            let text = format!("{} was deleted while it was being taken over", stamp.text());
            return Err(TargetError::new(Class::Transient, text));
        };
        if freeze(&live) != stamp.object {
            let text = format!("somebody changed {} while it was being taken over", stamp.text());
            return Err(TargetError::new(Class::Transient, text).hint("adopt again: it looks first"));
        }
        let Some(said) = say(cluster, stamp, live, mode).await? else { continue };
        if own(cluster, &said, mode).await? {
            return Ok(());
        }
    }
    let text = format!("{} is changed by somebody else all the time", stamp.text());
    Err(TargetError::new(Class::Transient, text))
}

/// The object with its labels and annotations; `None` when somebody wrote it since it was read.
async fn say(
    cluster: &Cluster,
    stamp: &Stamp,
    live: Value,
    mode: Mode,
) -> Result<Option<Value>, TargetError> {
    let Some(mut patch) = patch(stamp, &live) else { return Ok(Some(live)) };
    patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    let Some(mut said) = send(cluster, &live, &patch, mode).await? else { return Ok(None) };
    if mode == Mode::TryOut {
        said["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    }
    Ok(Some(said))
}

/// What is not said yet, and what is said that is over.
fn patch(stamp: &Stamp, live: &Value) -> Option<Value> {
    let metadata = &live["metadata"];
    let mut annotations = stamp.annotations.clone();
    if stamp.labels.contains_key(names::RELEASE) {
        let replicas = live.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        annotations.insert(names::REPLICAS, replicas.to_string());
    }
    let missing = |wanted: &BTreeMap<&'static str, String>, found: &Value| -> Map<String, Value> {
        let missing = wanted.iter().filter(|(key, value)| found[**key] != value.as_str());
        missing.map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
    };
    let labels = missing(&stamp.labels, &metadata["labels"]);
    let mut notes = missing(&annotations, &metadata["annotations"]);
    let said = metadata["annotations"].as_object().into_iter().flatten();
    let over = said.filter(|(key, _)| INSTALLED_BY.iter().any(|it| key.starts_with(it)));
    notes.extend(over.map(|(key, _)| (key.clone(), Value::Null)));
    let is_said = labels.is_empty() && notes.is_empty();
    (!is_said).then(|| json!({"metadata": {"labels": labels, "annotations": notes}}))
}

/// Whether its fields are ours now; not when somebody wrote it since it was read.
async fn own(cluster: &Cluster, said: &Value, mode: Mode) -> Result<bool, TargetError> {
    let Some(managers) = owners::folded(said) else { return Ok(true) };
    let version = &said["metadata"]["resourceVersion"];
    let patch = json!({"metadata": {"resourceVersion": version, "managedFields": managers}});
    Ok(send(cluster, said, &patch, mode).await?.is_some())
}

async fn send(
    cluster: &Cluster,
    object: &Value,
    patch: &Value,
    mode: Mode,
) -> Result<Option<Value>, TargetError> {
    let of = Identity::of(object)?;
    let api = cluster.dynamic(of.api_version, of.kind)?;
    let sent: Result<DynamicObject, kube::Error> =
        api.patch(of.name, &mode.params(), &Patch::Merge(patch)).await;
    match sent {
        Ok(written) => {
            let mut value = serde_json::to_value(&written).unwrap_or_default();
            (value["apiVersion"], value["kind"]) = (of.api_version.into(), of.kind.into());
            Ok(Some(value))
        }
        Err(error) if is_conflict(&error) => Ok(None),
        Err(error) => {
            let doing = format!("take over {} {} in namespace {}", of.kind, of.name, cluster.namespace);
            Err(told(&error, &doing))
        }
    }
}
