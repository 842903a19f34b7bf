//! What a driver holds in memory, and what is under way between it and the target.

use std::collections::BTreeSet;

use lockgate_engine::{Action, Release, TaskKey};
use lockgate_model::{EffectKey, Fence};

/// Lost in a crash.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    pub(crate) epoch: u64,
    pub(crate) release: Release,
    /// Attempts that this driver has asked for.
    pub(crate) asked: BTreeSet<TaskKey>,
}

/// A request on its way to the target, or worked at there. It outlives the driver that sent it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) key: TaskKey,
    pub(crate) effect: EffectKey,
    pub(crate) action: Action,
    pub(crate) fence: Fence,
    /// Whether its sender still waits for the answer.
    pub(crate) awaited: bool,
    pub(crate) phase: CallPhase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallPhase {
    Sent,
    Working,
}

/// How the work at a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Well,
    Transient,
    Fatal,
    /// It was done, and the answer is lost.
    Lost,
    /// It was given up before it was done, and the answer is lost.
    Dropped,
}
