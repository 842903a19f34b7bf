//! Removes what Lockgate made for this scope and nothing needs any more.
//!
//! The rule: of the objects that carry this system's and environment's labels, those go that the fixtures of the
//! release do not name, that no slot or other object of the scope reads, and that say nothing of how traffic is
//! split; of the finished Jobs of one name the last three stay. Claims for disks, namespaces, slots and whatever
//! lacks the labels are never touched.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, DynamicObject, ListParams};
use lockgate_model::{Fixtures, Form, Keep, Objects};
use serde_json::Value;

use super::observe::{self, SlotDeployment};
use super::refusal::{is_missing, is_unknown_kind, told};
use super::{Cluster, jobs, names};
use crate::TargetError;

/// Kinds that are rendered and go when the spec has no use for them.
const KINDS: [(&str, &str); 13] = [
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1", "GRPCRoute"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("batch/v1", "CronJob"),
    ("apps/v1", "StatefulSet"),
    ("v1", "Service"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
];
/// Kinds that pods refer to by name.
const READ: [&str; 3] = ["ConfigMap", "Secret", "ServiceAccount"];
/// Finished Jobs of one name that stay, for whoever wants to read their logs.
const JOBS_KEPT: usize = 3;
/// Annotation of what is there for the time of a release only; whoever made it removes it.
const MADE: &str = "lockgate.dev/made-for";

pub(super) async fn prune(cluster: &Cluster, keep: &Keep) -> Result<(), TargetError> {
    for it in unwanted(cluster, keep).await? {
        delete(cluster, it.api_version, it.kind, &it.name).await?;
    }
    old_jobs(cluster).await
}

pub(super) struct Unwanted {
    api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// What Lockgate made and nothing needs any more.
pub(super) async fn unwanted(cluster: &Cluster, keep: &Keep) -> Result<Vec<Unwanted>, TargetError> {
    let asked = asked(keep);
    let mut objects = BTreeMap::new();
    for (api_version, kind) in KINDS {
        objects.insert(kind, list(cluster, api_version, kind).await?);
    }
    let read = read(cluster, objects.values().flatten()).await?;
    let mut unwanted = vec![];
    for (api_version, kind) in KINDS {
        for object in objects.remove(kind).into_iter().flatten() {
            let name = object.name_any();
            let is_read = READ.contains(&kind) && read.contains(&name);
            if !asked.contains(&(kind.to_owned(), name.clone())) && !is_read && may_go(cluster, &object) {
                unwanted.push(Unwanted { api_version, kind, name });
            }
        }
    }
    Ok(unwanted)
}

/// Names of what the release asks for.
fn asked(keep: &Keep) -> BTreeSet<(String, String)> {
    let fixtures = match &keep.fixtures {
        Fixtures::Objects(Objects(objects)) => objects.as_slice(),
        Fixtures::None | Fixtures::Docker(_) => &[],
    };
    let of_slots = keep.slots.iter().flat_map(|it| match &it.form {
        Form::Objects(Objects(objects)) => objects.as_slice(),
        Form::Process | Form::Container(_) => &[],
    });
    let text = |object: &Value, at: &str| object.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let identity = |it| Some((text(it, "/kind")?, text(it, "/metadata/name")?));
    fixtures.iter().chain(of_slots).filter_map(identity).collect()
}

async fn list(cluster: &Cluster, api_version: &str, kind: &str) -> Result<Vec<DynamicObject>, TargetError> {
    let api = cluster.dynamic(api_version, kind)?;
    match api.list(&ListParams::default().labels(&names::of_scope(&cluster.scope))).await {
        Ok(found) => Ok(found.items),
        Err(error) if is_unknown_kind(&error) => Ok(Vec::new()),
        Err(error) => Err(told(&error, &format!("list {kind}s in namespace {}", cluster.namespace))),
    }
}

fn may_go(cluster: &Cluster, object: &DynamicObject) -> bool {
    let is_fences = object.name_any() == names::fences(&cluster.scope);
    // What something else makes goes with it.
    let is_owned = object.metadata.owner_references.as_ref().is_some_and(|it| !it.is_empty());
    !is_fences && !is_owned && !object.annotations().contains_key(MADE)
}

/// Names of `ConfigMaps`, Secrets and accounts that pods of the scope use, those of releases among them that one
/// can go back to.
async fn read<'a>(
    cluster: &Cluster,
    objects: impl Iterator<Item = &'a DynamicObject>,
) -> Result<BTreeSet<String>, TargetError> {
    let mut names = BTreeSet::new();
    for slot in observe::slots(cluster, None).await? {
        collect(&serde_json::to_value(&slot.deployment.spec).unwrap_or_default(), &mut names);
    }
    for object in objects {
        collect(&object.data, &mut names);
    }
    Ok(names)
}

/// Every name that a pod's description refers to, whatever it is of: too many keep something, too few would not.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text)
                        if matches!(
                            key.as_str(),
                            "name" | "secretName" | "serviceAccountName" | "claimName"
                        ) =>
                    {
                        names.insert(text.clone());
                    }
                    _ => collect(value, names),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// What only a removed slot has read.
pub(super) async fn unused(cluster: &Cluster, removed: &SlotDeployment) -> Result<(), TargetError> {
    let mut had = BTreeSet::new();
    collect(&serde_json::to_value(&removed.deployment.spec).unwrap_or_default(), &mut had);
    let (maps, secrets) = (list(cluster, "v1", "ConfigMap").await?, list(cluster, "v1", "Secret").await?);
    let crons = list(cluster, "batch/v1", "CronJob").await?;
    let read = read(cluster, crons.iter()).await?;
    let is_slots = |it: &&DynamicObject| is_of_slot(it, removed);
    for (kind, objects) in [("ConfigMap", &maps), ("Secret", &secrets)] {
        for object in objects.iter().filter(is_slots) {
            let name = object.name_any();
            if had.contains(&name) && !read.contains(&name) && may_go(cluster, object) {
                delete(cluster, "v1", kind, &name).await?;
            }
        }
    }
    Ok(())
}

/// What is shared by the services of a system is a fixture, and carries no service's name.
fn is_of_slot(object: &DynamicObject, slot: &SlotDeployment) -> bool {
    object.labels().get(names::NAME).is_some_and(|it| it == slot.slot.service.as_str())
}

async fn old_jobs(cluster: &Cluster) -> Result<(), TargetError> {
    let listed =
        cluster.api::<Job>().list(&ListParams::default().labels(&names::of_scope(&cluster.scope))).await;
    let jobs = listed.map_err(|it| told(&it, &format!("list Jobs in namespace {}", cluster.namespace)))?;
    let mut by_name: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    for job in jobs.items.into_iter().filter(is_finished) {
        by_name.entry(job.labels().get(names::NAME).cloned().unwrap_or_default()).or_default().push(job);
    }
    for mut of_name in by_name.into_values() {
        of_name.sort_by_key(|it| std::cmp::Reverse(it.creation_timestamp().map(|it| it.0)));
        for job in of_name.into_iter().skip(JOBS_KEPT).filter(|it| it.owner_references().is_empty()) {
            delete(cluster, "batch/v1", "Job", &job.name_any()).await?;
        }
    }
    Ok(())
}

/// Also one that never began, and the stone that stands for one.
fn is_finished(job: &Job) -> bool {
    if jobs::is_on_record(job) {
        return true;
    }
    let conditions = job.status.as_ref().and_then(|it| it.conditions.as_ref());
    let ends = |type_: &str| matches!(type_, "Complete" | "Failed");
    conditions.is_some_and(|it| it.iter().any(|it| ends(&it.type_) && it.status == "True"))
}

async fn delete(cluster: &Cluster, api_version: &str, kind: &str, name: &str) -> Result<(), TargetError> {
    tracing::info!(kind, name, "nothing needs it any more");
    match cluster.dynamic(api_version, kind)?.delete(name, &DeleteParams::background()).await {
        Err(error) if !is_missing(&error) => {
            Err(told(&error, &format!("delete {kind} {name} in namespace {}", cluster.namespace)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn jobs_that_never_began_are_finished_too() {
        let job = |annotation: &str| -> Job {
            let metadata = json!({ "name": "migrate", "annotations": { annotation: "{}" } });
            serde_json::from_value(json!({ "metadata": metadata, "spec": { "suspend": true } })).unwrap()
        };
        assert!(is_finished(&job("lockgate.dev/never-ran")));
        assert!(!is_finished(&job("lockgate.dev/fence")));
    }
}
