//! Stateful sets that wait for ever: their controller replaces a pod only when the one before it is ready, so a pod
//! that was broken by an older description keeps the mended one from being tried.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Preconditions};
use serde_json::Value;

use super::Cluster;
use super::refusal::{is_missing, told};
use super::why::is_ready;
use crate::TargetError;

const REVISION: &str = "controller-revision-hash";

/// Deletes the pods of older revisions that are not ready; their claims, and with them their data, stay.
/// Says whether there were any.
pub(super) async fn replace_broken(
    cluster: &Cluster,
    set: &Value,
    selector: &str,
) -> Result<bool, TargetError> {
    let status = &set["status"];
    let Some(wanted) = status["updateRevision"].as_str().filter(|_| is_held_up(status)) else {
        return Ok(false);
    };
    let pods: Api<Pod> = cluster.api();
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let failed = |error: kube::Error| told(&error, &format!("replace the pods of StatefulSet {name}"));
    let found = pods.list(&ListParams::default().labels(selector)).await.map_err(failed)?;
    let broken = found.items.iter().filter(|it| is_old(it, wanted) && !is_ready(it));
    let mut any = false;
    for pod in broken.filter(|it| it.metadata.deletion_timestamp.is_none()) {
        any = true;
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        tracing::info!(pod = name, "a pod of an older description never became ready; it makes room");
        let this = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
        let how = kube::api::DeleteParams { preconditions: Some(this), ..Default::default() };
        match pods.delete(name, &how).await {
            Ok(_) => (),
            Err(error) if is_missing(&error) => (),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(any)
}

fn is_held_up(status: &Value) -> bool {
    status["currentRevision"] != status["updateRevision"]
        && status["readyReplicas"].as_u64().unwrap_or_default()
            < status["replicas"].as_u64().unwrap_or_default()
}

fn is_old(pod: &Pod, wanted: &str) -> bool {
    pod.metadata.labels.as_ref().and_then(|it| it.get(REVISION)).is_none_or(|it| it != wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_is_held_up_when_an_older_description_is_not_ready() {
        let status = |current: &str, ready: u64| json!({"currentRevision": current, "updateRevision": "b", "replicas": 1, "readyReplicas": ready});
        assert!(is_held_up(&status("a", 0)));
        assert!(!is_held_up(&status("a", 1)), "it is replaced in its turn");
        assert!(!is_held_up(&status("b", 0)), "it starts");
    }

    #[test]
    fn pods_are_told_apart_by_their_revision() {
        let pod = |revision: &str, ready: &str| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"labels": {REVISION: revision}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap()
        };
        assert!(is_old(&pod("a", "False"), "b") && !is_ready(&pod("a", "False")));
        assert!(!is_old(&pod("b", "True"), "b") && is_ready(&pod("b", "True")));
    }
}
