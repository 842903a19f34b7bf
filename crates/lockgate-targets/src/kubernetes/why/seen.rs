//! What the cluster says of the pods of a slot or job, as it was read.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Container, ContainerStateTerminated, ContainerStatus, Event, Pod};

#[derive(Clone, Debug, Default)]
#[cfg_attr(test, derive(serde::Deserialize), serde(default, rename_all = "camelCase"))]
pub(crate) struct Seen {
    pub(crate) pods: Vec<Pod>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    pub(crate) deployment: Option<Deployment>,
    /// Of the pods, of what makes them, and of claims that they wait for.
    pub(crate) events: Vec<Event>,
    /// Last lines of containers that ended, by pod and container.
    pub(crate) logs: BTreeMap<String, Vec<String>>,
}

impl Seen {
    /// The newest event of an object with one of these reasons.
    pub(super) fn event(&self, name: &str, reasons: &[&str]) -> Option<&Event> {
        let of = self.events.iter().filter(|it| {
            it.involved_object.name.as_deref() == Some(name)
                && it.reason.as_deref().is_some_and(|it| reasons.contains(&it))
        });
        of.max_by_key(|it| it.last_timestamp.as_ref().map(|it| it.0))
    }

    pub(super) fn logs_of(&self, pod: &str, container: &str) -> &[String] {
        self.logs.get(&log_key(pod, container)).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn log_key(pod: &str, container: &str) -> String {
    format!("{pod}/{container}")
}

/// Containers with what is said of them; those that prepare the others come first.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = (Role, Option<&Container>, &ContainerStatus)> {
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    let init = described(
        spec.and_then(|it| it.init_containers.as_deref()).unwrap_or_default(),
        status.and_then(|it| it.init_container_statuses.as_deref()).unwrap_or_default(),
    );
    let main = described(
        spec.map(|it| it.containers.as_slice()).unwrap_or_default(),
        status.and_then(|it| it.container_statuses.as_deref()).unwrap_or_default(),
    );
    init.map(|it| (Role::Init, it.0, it.1)).chain(main.map(|it| (Role::Main, it.0, it.1)))
}

fn described<'p>(
    specs: &'p [Container],
    statuses: &'p [ContainerStatus],
) -> impl Iterator<Item = (Option<&'p Container>, &'p ContainerStatus)> {
    statuses.iter().map(|status| (specs.iter().find(|it| it.name == status.name), status))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs before the others.
    Init,
    Main,
}

/// How a container ended the last time.
pub(super) fn last_end(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    [&status.state, &status.last_state].into_iter().find_map(|it| it.as_ref()?.terminated.as_ref())
}

/// Why a container does not run yet: reason and message.
pub(super) fn waits(status: &ContainerStatus) -> Option<(&str, &str)> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((waiting.reason.as_deref()?, waiting.message.as_deref().unwrap_or_default()))
}
