//! Why the pods of a slot do not become ready.

use k8s_openapi::api::core::v1::Pod;
use lockgate_model::SlotRef;

use super::Cluster;
use crate::TargetError;

/// What is known to keep these pods from ever becoming ready, as soon as it is known. Asked again whenever a pod
/// changes, so it must be cheap while all goes well.
pub(super) async fn verdict(cluster: &Cluster, slot: &SlotRef, pods: &[Pod]) -> Option<TargetError> {
    tracing::trace!(namespace = cluster.namespace, %slot, pods = pods.len(), "nothing is known against it");
    None
}

/// What keeps these pods from being ready now, for a message that ends with it; empty when nothing can be said.
pub(super) async fn reasons(cluster: &Cluster, slot: &SlotRef, pods: &[Pod]) -> Vec<String> {
    let _ = (cluster, slot);
    let waiting = pods.iter().filter_map(|it| it.status.as_ref()?.message.clone());
    waiting.collect()
}
