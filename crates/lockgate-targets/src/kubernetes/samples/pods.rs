//! The pods of slots: which are ready, how often they crashed, and what the last crash said.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::jiff::Timestamp;
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

pub(super) fn address(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

/// Paths that the kubelet asks for.
pub(super) fn probed(pod: &Pod) -> BTreeSet<String> {
    let containers = pod.spec.iter().flat_map(|it| &it.containers);
    let probes =
        containers.flat_map(|it| [&it.readiness_probe, &it.liveness_probe, &it.startup_probe]).flatten();
    probes.filter_map(|it| it.http_get.as_ref()?.path.clone()).collect()
}

/// The end of a container, or of a pod, that the cluster tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crash {
    pod: String,
    /// The container whose last words can be read.
    container: Option<String>,
    finished_at: Option<Timestamp>,
    why: String,
}

/// The newest of them. A status may come to tell of a crash later than the counters do that begin again.
pub(super) fn last_crash(pods: &[&Pod]) -> Option<Crash> {
    let ended =
        pods.iter().flat_map(|pod| statuses(pod).iter().filter_map(|it| Crash::of_container(pod, it)));
    let failed = || pods.iter().find_map(|it| Crash::of_pod(it));
    ended.max_by_key(|it| it.finished_at).or_else(failed)
}

impl Crash {
    fn of_container(pod: &Pod, status: &ContainerStatus) -> Option<Crash> {
        let last = status.last_state.as_ref()?.terminated.as_ref()?;
        let why = last.reason.as_deref().unwrap_or("ended");
        let pod = pod.name_any();
        Some(Crash {
            why: format!("pod {pod}: {why}, exit code {}", last.exit_code),
            pod,
            container: Some(status.name.clone()),
            finished_at: last.finished_at.as_ref().map(|it| it.0),
        })
    }

    fn of_pod(pod: &Pod) -> Option<Crash> {
        let status = pod.status.as_ref().filter(|it| it.phase.as_deref() == Some("Failed"))?;
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let pod = pod.name_any();
        let why = format!("pod {pod} failed: {} {}", text(&status.reason), text(&status.message));
        Some(Crash { pod, container: None, finished_at: None, why })
    }

    /// Why it ended, and its last words. A log that is gone already takes nothing from what is known.
    pub(super) async fn told(&self, cluster: &Cluster) -> String {
        let Some(container) = &self.container else { return self.why.clone() };
        let params = LogParams {
            container: Some(container.clone()),
            previous: true,
            tail_lines: Some(TAIL),
            ..LogParams::default()
        };
        match cluster.api::<Pod>().logs(&self.pod, &params).await {
            Ok(log) if !log.trim().is_empty() => format!("{}\n{}", self.why, log.trim_end()),
            _ => self.why.clone(),
        }
    }
}

fn statuses(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|it| it.container_statuses.as_deref()).unwrap_or_default()
}
