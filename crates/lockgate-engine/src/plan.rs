//! A plan: all that a release will do, decided beforehand. Pure data.

use std::collections::BTreeMap;
use std::fmt;

use lockgate_analysis::{JudgeConfig, StepKind, Traffic};
use lockgate_model::{
    Fixtures, JobName, JobSpec, Keep, Millis, ReleaseId, Retry, Scope, ServiceName, SlotRef, SlotSpec,
    SmokeSpec, Version, Weight, Weights,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Deploy,
    /// Straight back: no canary, no migration.
    Rollback,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub scope: Scope,
    pub release: ReleaseId,
    pub kind: Kind,
    pub version: Version,
    /// The version that serves now, of the services that change.
    pub from: Option<Version>,
    pub stages: Vec<Stage>,
    pub slots: BTreeMap<SlotRef, SlotSpec>,
    pub jobs: BTreeMap<JobName, JobSpec>,
    /// What stands beside the slots, of this release and of the one before it.
    #[serde(default)]
    pub fixtures: BTreeMap<ReleaseId, Fixtures>,
    /// What is kept when it is over.
    #[serde(default)]
    pub keep: Keep,
    pub judge: JudgeConfig,
    /// Services that are judged.
    pub judged: BTreeMap<ServiceName, Traffic>,
    pub report: PlanReport,
}

impl Plan {
    /// Bounds of the latency buckets that a slot is counted in. The old slot has those of its own release.
    pub(crate) fn bounds(&self, slot: &SlotRef) -> &[u32] {
        self.slots.get(slot).map_or(&[], |it| &it.latency_bounds_ms)
    }

    /// Index of the first stage that is not undone any more.
    pub fn point_of_no_return(&self) -> Option<usize> {
        self.stages.iter().position(|it| it.kind == StageKind::CleanUp)
    }
}

/// What the planner found, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "an unread report is not actionable"]
pub struct PlanReport {
    pub changed: Vec<ServiceName>,
    pub new: Vec<ServiceName>,
    pub unchanged: Vec<ServiceName>,
    pub removed: Vec<ServiceName>,
    /// What is done otherwise than one might expect, and why.
    pub notes: Vec<String>,
    /// Pauses and bake, without the time that work takes.
    pub waits: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// As people read it: `canary 5%`.
    pub name: String,
    pub kind: StageKind,
    pub tasks: Vec<Task>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageKind {
    /// Whatever started here is undone when the release turns back.
    Revocable,
    /// After the point of no return: what fails here is left over, and nothing is undone.
    CleanUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub service: Option<ServiceName>,
    pub action: Action,
    pub repeat: Repeat,
    pub retry: Retry,
    pub timeout: Millis,
    /// What takes it back; nothing for what leaves no trace or cannot be undone.
    pub undo: Vec<Action>,
}

/// What a second request for the same attempt may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// Asking again is the same as asking once.
    Harmless,
    /// After a lost answer one looks before acting.
    Dangerous,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Networks, volumes, dependencies, routes and policies of a release.
    Prepare {
        release: ReleaseId,
    },
    EnsureSlot {
        slot: SlotRef,
        instances: u16,
    },
    SetWeights {
        service: ServiceName,
        to: Split,
    },
    Drain {
        slot: SlotRef,
        within: Millis,
    },
    RemoveSlot {
        slot: SlotRef,
    },
    RunJob {
        job: JobName,
    },
    /// Removes what no release needs that one can go back to.
    Prune,
    Smoke {
        check: SmokeSpec,
    },
    Gate {
        gate: Gate,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Prepare { .. } => write!(f, "dependencies, networks, routes and policies"),
            Action::EnsureSlot { slot, instances: 0 } => write!(f, "stop {slot}"),
            Action::EnsureSlot { slot, instances: 1 } => write!(f, "1 instance of {slot}"),
            Action::EnsureSlot { slot, instances } => write!(f, "{instances} instances of {slot}"),
            Action::SetWeights { service, to: Split { old: Some(only), new: None, .. } } => {
                write!(f, "all of {service} to {only}")
            }
            Action::SetWeights { service, to } => write!(f, "{} of {service} to the new version", to.weight),
            Action::Drain { slot, .. } => write!(f, "drain {slot}"),
            Action::RemoveSlot { slot } => write!(f, "remove {slot}"),
            Action::RunJob { job } => write!(f, "run {job}"),
            Action::Prune => write!(f, "remove what no release needs any more"),
            Action::Smoke { check } => write!(f, "ask {} for {}", check.service, check.path),
            Action::Gate { gate } if gate.approval => {
                write!(f, "judge for {}, then wait for `lockgate promote`", gate.pause)
            }
            Action::Gate { gate } if gate.pause == Millis::ZERO => write!(f, "judge, at one look"),
            Action::Gate { gate } => write!(f, "judge for {}", gate.pause),
        }
    }
}

/// A service's traffic over its old and its new slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub old: Option<ReleaseId>,
    pub new: Option<ReleaseId>,
    /// Share of the new slot.
    pub weight: Weight,
}

impl Split {
    /// What the target is asked for; `None` when no slot is left to take traffic.
    pub fn weights(&self) -> Option<Weights> {
        match (self.old, self.new) {
            (Some(old), Some(new)) => Some(Weights::split(old, new, self.weight)),
            (Some(only), None) | (None, Some(only)) => Some(Weights::all_to(only)),
            (None, None) => None,
        }
    }
}

/// A time during which the new version is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    pub kind: GateKind,
    pub pause: Millis,
    /// It is passed by an operator only, once nothing speaks against it.
    #[serde(default)]
    pub approval: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Both versions take traffic.
    Step,
    /// All traffic is the new version's; the old one is kept warm.
    Bake,
}

impl GateKind {
    pub(crate) fn step_kind(self) -> StepKind {
        match self {
            GateKind::Step => StepKind::Compare,
            GateKind::Bake => StepKind::Bake,
        }
    }
}

/// Names one attempt at one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskKey {
    pub back: bool,
    pub stage: u16,
    pub task: u16,
    pub attempt: u16,
}
