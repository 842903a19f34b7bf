//! What runs now: the Deployments of the scope as slots, and how traffic is split between them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use kube::api::ListParams;
use lockgate_model::{Digest, Observed, ObservedSlot, ServiceName, SlotRef, Version};

use super::refusal::told;
use super::{Cluster, names, traffic};
use crate::TargetError;

pub(super) async fn observe(cluster: &Cluster) -> Result<Observed, TargetError> {
    let mut observed = Observed::default();
    for found in slots(cluster, None).await? {
        let service = observed.services.entry(found.slot.service.clone()).or_default();
        service.slots.insert(found.slot.release, seen(&found));
    }
    let services: Vec<ServiceName> = observed.services.keys().cloned().collect();
    for (name, split) in traffic::splits(cluster, &services).await? {
        if let Some(service) = observed.services.get_mut(&name) {
            (service.weights, service.routing) = (split.weights, split.routing);
        }
    }
    Ok(observed)
}

/// A slot and the Deployment that it is.
pub(crate) struct SlotDeployment {
    pub(crate) slot: SlotRef,
    pub(crate) deployment: Deployment,
}

impl SlotDeployment {
    /// Labels that its pods are selected by.
    pub(crate) fn selector(&self) -> BTreeMap<String, String> {
        let spec = self.deployment.spec.as_ref();
        spec.and_then(|it| it.selector.match_labels.clone()).unwrap_or_default()
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.deployment.annotations().get(name).map(String::as_str)
    }
}

/// The slots of this scope, of one service or of all.
pub(crate) async fn slots(
    cluster: &Cluster,
    service: Option<&ServiceName>,
) -> Result<Vec<SlotDeployment>, TargetError> {
    let mut selector = format!("{},{}", names::of_scope(&cluster.scope), names::RELEASE);
    if let Some(service) = service {
        selector.push_str(&format!(",{}={service}", names::NAME));
    }
    let listed = cluster.api::<Deployment>().list(&ListParams::default().labels(&selector)).await;
    let doing = format!("list Deployments in namespace {}", cluster.namespace);
    let deployments = listed.map_err(|it| told(&it, &doing))?.items;
    Ok(deployments
        .into_iter()
        .filter_map(|it| Some(SlotDeployment { slot: slot(&it)?, deployment: it }))
        .collect())
}

fn slot(deployment: &Deployment) -> Option<SlotRef> {
    let label = |name: &str| deployment.labels().get(name);
    let service = label(names::NAME)?.parse().ok()?;
    Some(SlotRef { service, release: label(names::RELEASE)?.parse().ok()? })
}

fn seen(found: &SlotDeployment) -> ObservedSlot {
    let count = |it: Option<i32>| u16::try_from(it.unwrap_or_default()).unwrap_or_default();
    let wanted = found.deployment.spec.as_ref().map(|it| it.replicas.unwrap_or(1));
    let ready = found.deployment.status.as_ref().and_then(|it| it.ready_replicas);
    let version = found.annotation(names::VERSION).and_then(|it| it.parse().ok());
    let workload = found.annotation(names::WORKLOAD).and_then(|it| Digest::try_from(it.to_owned()).ok());
    ObservedSlot {
        version: version.unwrap_or_else(|| Version::new("unknown").expect("it is a version")),
        workload: workload.unwrap_or_else(|| Digest::of(&[])),
        wanted: count(wanted),
        ready: count(ready),
        in_flight: 0,
        instances: Vec::new(),
    }
}
