//! What runs now: the Deployments of the scope as slots, their pods, and how traffic is split between them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::ListParams;
use lockgate_model::{Digest, Observed, ObservedSlot, ServiceName, SlotRef, Version};

use super::refusal::told;
use super::why::is_ready;
use super::{Cluster, names, traffic};
use crate::TargetError;

pub(super) async fn observe(cluster: &Cluster) -> Result<Observed, TargetError> {
    let mut observed = Observed::default();
    let slots = slots(cluster, None).await?;
    if slots.is_empty() {
        return Ok(observed);
    }
    let pods = pods(cluster).await?;
    for found in &slots {
        let service = observed.services.entry(found.slot.service.clone()).or_default();
        service.slots.insert(found.slot.release, seen(found, &pods));
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

    /// Labels that its pods have.
    pub(crate) fn pod_labels(&self) -> BTreeMap<String, String> {
        let template = self.deployment.spec.as_ref().and_then(|it| it.template.metadata.as_ref());
        template.and_then(|it| it.labels.clone()).unwrap_or_default()
    }

    pub(super) fn pod_annotations(&self) -> BTreeMap<String, String> {
        let template = self.deployment.spec.as_ref().and_then(|it| it.template.metadata.as_ref());
        template.and_then(|it| it.annotations.clone()).unwrap_or_default()
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.deployment.annotations().get(name).map(String::as_str)
    }

    /// Who else wrote what Lockgate says, its number of instances aside.
    pub(super) fn others(&self) -> Vec<&str> {
        let managers = self.deployment.metadata.managed_fields.iter().flatten();
        let others = managers.filter(|it| it.subresource.is_none());
        let others = others.filter_map(|it| it.manager.as_deref());
        // The controller of Deployments counts its revisions in an annotation.
        let ours = [names::MANAGER, "kube-controller-manager"];
        others.filter(|it| !ours.contains(it)).collect()
    }
}

/// The slots of this scope, of one service or of all.
pub(crate) async fn slots(
    cluster: &Cluster,
    service: Option<&ServiceName>,
) -> Result<Vec<SlotDeployment>, TargetError> {
    let of_service = service.map_or_else(String::new, |it| format!(",{}={it}", names::NAME));
    let selector = format!("{},{}{of_service}", names::of_scope(&cluster.scope), names::RELEASE);
    let listed = cluster.api::<Deployment>().list(&ListParams::default().labels(&selector)).await;
    let doing = format!("list Deployments in namespace {}", cluster.namespace);
    let deployments = listed.map_err(|it| told(&it, &doing))?.items;
    let slots =
        deployments.into_iter().filter_map(|it| Some(SlotDeployment { slot: slot(&it)?, deployment: it }));
    Ok(slots.collect())
}

fn slot(deployment: &Deployment) -> Option<SlotRef> {
    let label = |name: &str| deployment.labels().get(name);
    let service = label(names::NAME)?.parse().ok()?;
    Some(SlotRef { service, release: label(names::RELEASE)?.parse().ok()? })
}

/// All pods of the system: those of slots that were taken over do not know their environment.
async fn pods(cluster: &Cluster) -> Result<Vec<Pod>, TargetError> {
    let selector = format!("{}={}", names::PART_OF, cluster.scope.system);
    let listed = cluster.api::<Pod>().list(&ListParams::default().labels(&selector)).await;
    Ok(listed.map_err(|it| told(&it, &format!("list pods in namespace {}", cluster.namespace)))?.items)
}

fn seen(found: &SlotDeployment, pods: &[Pod]) -> ObservedSlot {
    let selector = found.selector();
    let is_of = |pod: &&Pod| selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value));
    let pods: Vec<&Pod> = pods.iter().filter(is_of).filter(|it| is_living(it)).collect();
    let version = found.annotation(names::VERSION).and_then(|it| it.parse().ok());
    let workload = found.annotation(names::WORKLOAD).and_then(|it| Digest::try_from(it.to_owned()).ok());
    ObservedSlot {
        version: version.unwrap_or_else(|| Version::new("unknown").expect("it is a version")),
        // Of a slot that does not say what it is, so that it is like no other.
        workload: workload.unwrap_or_else(|| Digest::of(found.slot.to_string().as_bytes())),
        wanted: wanted(&found.deployment),
        ready: u16::try_from(pods.iter().filter(|it| is_ready(it)).count()).unwrap_or(u16::MAX),
        in_flight: 0,
        instances: pods.iter().map(|it| line(it)).collect(),
    }
}

/// Instances that the Deployment says there should be.
pub(super) fn wanted(deployment: &Deployment) -> u16 {
    let replicas = deployment.spec.as_ref().map_or(0, |it| it.replicas.unwrap_or(1));
    u16::try_from(replicas).unwrap_or_default()
}

/// Label selector of a Deployment's pods.
pub(super) fn selector_of(deployment: &Deployment) -> String {
    let labels = deployment.spec.as_ref().and_then(|it| it.selector.match_labels.as_ref());
    names::selector(labels.into_iter().flatten())
}

/// Neither on its way out nor ended.
pub(super) fn is_living(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Failed" | "Succeeded"))
}

/// `web-r12-7d9f-x2x: on node-1, ready, restarted 2 times`.
fn line(pod: &Pod) -> String {
    let node = pod.spec.as_ref().and_then(|it| it.node_name.as_deref());
    let place = node.map_or_else(|| "on no node yet".to_owned(), |it| format!("on {it}"));
    let statuses = pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten());
    let restarts: i32 = statuses.clone().map(|it| it.restart_count).sum();
    let waiting = statuses.clone().find_map(|it| it.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    let condition = if is_ready(pod) { "ready" } else { waiting.unwrap_or("not ready") };
    let restarted = match restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        more => format!(", restarted {more} times"),
    };
    format!("{}: {place}, {condition}{restarted}", pod.name_any())
}
