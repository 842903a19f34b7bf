//! What runs now on the target of a scope, looked at without starting anything: the same lines for every target.

use lockgate_model::{ObservedService, ReleaseId, Scope, SlotRef, TargetKind, Version, Weight};
use lockgate_node::{InstanceStatus, LogLine, NodeClient, NodeError, SlotStatus};
use lockgate_targets::{Platform, Target as _};
use serde::Serialize;

use crate::commands::drive::target_of;
use crate::state::State;

/// One slot, as `status` shows it.
#[derive(Serialize)]
pub struct SlotLine {
    pub slot: SlotRef,
    pub version: Version,
    pub weight: Weight,
    pub wanted: u16,
    pub ready: u16,
    /// Unknown where the platform starts what has crashed.
    pub crashes: Option<u64>,
    /// Addresses, or what leads there.
    pub listens: Vec<String>,
    /// One line for each instance.
    pub instances: Vec<String>,
}

/// Who is asked.
pub enum Running {
    /// The supervisor of this machine.
    Node(NodeClient, Scope),
    /// It is not there, so nothing of the scope can be reached.
    NoNode,
    Platform(Platform),
}

impl Running {
    pub async fn of(state: &State, scope: &Scope) -> anyhow::Result<Running> {
        let newest = state.store.releases(scope, 1).await?;
        let system = match newest.first() {
            Some(row) => Some(state.store.snapshot(row.id).await?.system),
            None => None,
        };
        match system {
            Some(system) if !is_here(&system.target) => {
                Ok(Running::Platform(target_of(&system, &state.dir, scope)?))
            }
            Some(_) | None => match NodeClient::connect(&state.dir).await {
                Ok(node) => Ok(Running::Node(node, scope.clone())),
                Err(NodeError::NotRunning { .. }) => Ok(Running::NoNode),
                Err(other) => Err(other.into()),
            },
        }
    }

    pub async fn slots(&self) -> anyhow::Result<Vec<SlotLine>> {
        match self {
            Running::Node(node, scope) => {
                let slots = node.status().await?.slots.into_iter().filter(|it| it.scope == *scope);
                Ok(slots.map(of_node).collect())
            }
            Running::NoNode => Ok(vec![]),
            Running::Platform(target) => {
                let observed = target.observe().await?;
                let services = observed.services.into_iter();
                Ok(services.flat_map(|(name, it)| of_platform(&name, it)).collect())
            }
        }
    }

    pub async fn logs(&self, slot: &SlotRef, lines: u16) -> anyhow::Result<Vec<LogLine>> {
        match self {
            Running::Node(node, _) => Ok(node.logs(slot, lines).await?),
            Running::NoNode => Ok(vec![]),
            Running::Platform(target) => Ok(target.logs(slot, lines).await?),
        }
    }
}

/// Whether the node of this machine runs all of it.
fn is_here(target: &TargetKind) -> bool {
    match target {
        TargetKind::Local(_) => true,
        TargetKind::Docker(docker) => docker.hosts.iter().all(|it| !it.starts_with("ssh://")),
        TargetKind::Kubernetes(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => false,
    }
}

fn of_node(slot: SlotStatus) -> SlotLine {
    SlotLine {
        instances: slot.instances.iter().map(instance).collect(),
        slot: slot.slot,
        version: slot.version,
        weight: slot.weight,
        wanted: slot.wanted,
        ready: slot.ready,
        crashes: Some(slot.crashes),
        listens: slot.listens,
    }
}

/// Number, process, ports and condition.
pub fn instance(instance: &InstanceStatus) -> String {
    let pid = instance.pid.map_or_else(|| "no process".to_owned(), |it| format!("pid {it}"));
    let ports: Vec<String> = instance.ports.values().map(ToString::to_string).collect();
    format!("#{} {pid} :{} {}", instance.number, ports.join(" :"), instance.condition)
}

fn of_platform(name: &lockgate_model::ServiceName, service: ObservedService) -> Vec<SlotLine> {
    let ObservedService { slots, weights, routing } = service;
    let weight = |release: ReleaseId| weights.as_ref().map_or(Weight::NONE, |weights| weights.of(release));
    let lines = slots.into_iter().map(|(release, it)| SlotLine {
        slot: SlotRef { service: name.clone(), release },
        weight: weight(release),
        version: it.version,
        wanted: it.wanted,
        ready: it.ready,
        crashes: None,
        listens: if weights.is_none() || routing.by.is_empty() { vec![] } else { vec![routing.by.clone()] },
        instances: it.instances,
    });
    lines.collect()
}
