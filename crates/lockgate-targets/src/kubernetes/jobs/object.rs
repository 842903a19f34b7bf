//! The Job of an effect, made from the one that was rendered, and the stone that stands for one that never ran.

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use lockgate_model::{EffectKey, Fence, Form, JobSpec, Millis};
use serde_json::{Value, json};

use super::super::workload::{own, set};
use super::super::{Cluster, names};
use crate::{Class, TargetError};

/// Annotation of a Job that only keeps its name from being used.
const NEVER_RAN: &str = "lockgate.dev/never-ran";
/// For a node to be found and the image to be pulled, where nobody watches; whoever watches ends a job by its timeout.
const STARTS_WITHIN: Millis = Millis::mins(10);

/// What its pod needs, and the Job itself.
pub(super) fn wanted(
    cluster: &Cluster,
    fence: &Fence,
    key: &EffectKey,
    job: &JobSpec,
) -> Result<(Vec<Value>, Value), TargetError> {
    let fatal = |text: String| TargetError::new(Class::Fatal, text);
    let Form::Objects(rendered) = &job.form else {
        return Err(fatal(format!(
            "job {} is not made for Kubernetes: its release has no objects for it",
            job.name
        )));
    };
    let (mut jobs, mut beside): (Vec<Value>, Vec<Value>) =
        rendered.0.iter().cloned().partition(|it| it["kind"] == "Job");
    let (Some(mut wanted), true) = (jobs.pop(), jobs.is_empty()) else {
        return Err(fatal(format!("job {} is not one Job", job.name)));
    };
    for object in beside.iter_mut().chain(std::iter::once(&mut wanted)) {
        own(object, cluster, fence);
    }
    shape(&mut wanted, cluster, key, job.timeout);
    Ok((beside, wanted))
}

/// Once, whatever happens: repeats are the release's, since only it knows whether a repeat does harm.
fn shape(wanted: &mut Value, cluster: &Cluster, key: &EffectKey, timeout: Millis) {
    set(wanted, &["metadata", "name"], json!(names::job(&cluster.scope, key)));
    set(wanted, &["metadata", "labels", names::KEY], json!(key.as_str()));
    let backstop = timeout.0.saturating_add(STARTS_WITHIN.0).div_ceil(1_000);
    let once = [
        ("backoffLimit", json!(0)),
        ("completions", json!(1)),
        ("parallelism", json!(1)),
        ("podReplacementPolicy", json!("Failed")),
        ("activeDeadlineSeconds", json!(backstop)),
    ];
    for (name, value) in once {
        set(wanted, &["spec", name], value);
    }
    remove(&mut wanted["spec"], &["ttlSecondsAfterFinished", "podFailurePolicy", "suspend"]);
    let pod = &mut wanted["spec"]["template"]["spec"];
    set(pod, &["restartPolicy"], json!("Never"));
    // It counts the pull of the image too.
    remove(pod, &["activeDeadlineSeconds"]);
}

fn remove(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

/// A Job that never begins.
pub(super) fn tombstone(cluster: &Cluster, fence: &Fence, key: &EffectKey) -> Value {
    let container = json!({ "name": "never-runs", "image": "lockgate.invalid/never-runs" });
    let mut stone = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names::job(&cluster.scope, key),
            "labels": { names::KEY: key.as_str() },
            "annotations": { NEVER_RAN: "true" },
        },
        "spec": {
            "suspend": true,
            "parallelism": 0,
            "template": { "spec": { "restartPolicy": "Never", "containers": [container] } },
        },
    });
    own(&mut stone, cluster, fence);
    stone
}

pub(super) fn is_tombstone(job: &Job) -> bool {
    job.annotations().contains_key(NEVER_RAN)
}
