//! The pods of slots: which are ready, how often they crashed, and what the last crash said.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;
use kube::api::{ListParams, LogParams};
use lockgate_model::ServiceName;

use super::super::refusal::told;
use super::super::{Cluster, names};
use crate::TargetError;

/// Lines of a log that tell why.
const TAIL: i64 = 10;

/// In one request, whichever services are asked for.
pub(super) async fn list(cluster: &Cluster, services: &[ServiceName]) -> Result<Vec<Pod>, TargetError> {
    let of: Vec<_> = services.iter().map(ServiceName::as_str).collect();
    let selector =
        format!("{}={},{} in ({})", names::PART_OF, cluster.scope.system, names::NAME, of.join(","));
    let listed = cluster.api::<Pod>().list(&ListParams::default().labels(&selector)).await;
    Ok(listed.map_err(|it| told(&it, &format!("list Pods in namespace {}", cluster.namespace)))?.items)
}

/// Restarts of its containers, and one more once it failed for good: evicted, say.
pub(super) fn crashes(pod: &Pod) -> u64 {
    let restarts: i32 = statuses(pod).iter().map(|it| it.restart_count).sum();
    let has_failed = pod.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Failed");
    u64::try_from(restarts).unwrap_or_default() + u64::from(has_failed)
}

pub(super) fn is_running(pod: &Pod) -> bool {
    statuses(pod).iter().any(|it| it.state.as_ref().is_some_and(|it| it.running.is_some()))
}

/// Paths that the kubelet asks for.
pub(super) fn probed(pod: &Pod) -> BTreeSet<String> {
    let containers = pod.spec.iter().flat_map(|it| &it.containers);
    let probes =
        containers.flat_map(|it| [&it.readiness_probe, &it.liveness_probe, &it.startup_probe]).flatten();
    probes.filter_map(|it| it.http_get.as_ref()?.path.clone()).collect()
}

/// What the crash that is known last said, of any of these pods.
pub(super) async fn last_crash(cluster: &Cluster, pods: &[&Pod]) -> Option<String> {
    let failed = pods.iter().find_map(|pod| {
        let status = pod.status.as_ref().filter(|it| it.phase.as_deref() == Some("Failed"))?;
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        Some(format!("pod {} failed: {} {}", pod.name_any(), text(&status.reason), text(&status.message)))
    });
    let ended = pods.iter().flat_map(|pod| statuses(pod).iter().map(move |it| (*pod, it)));
    let ended = ended.filter_map(|(pod, status)| {
        let last = status.last_state.as_ref()?.terminated.as_ref()?;
        Some((last.finished_at.as_ref().map(|it| it.0), pod, status, last))
    });
    let Some((_, pod, status, last)) = ended.max_by_key(|it| it.0) else { return failed };
    let why = last.reason.as_deref().unwrap_or("ended");
    let name = pod.name_any();
    let mut text = format!("pod {name}: {why}, exit code {}", last.exit_code);
    let params = LogParams {
        container: Some(status.name.clone()),
        previous: true,
        tail_lines: Some(TAIL),
        ..LogParams::default()
    };
    // A log that is gone already takes nothing from what is known.
    if let Ok(log) = cluster.api::<Pod>().logs(&name, &params).await
        && !log.trim().is_empty()
    {
        text = format!("{text}\n{}", log.trim_end());
    }
    Some(text)
}

fn statuses(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|it| it.container_statuses.as_deref()).unwrap_or_default()
}
