//! One task of the current stage.

use lockgate_model::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct TaskState {
    /// Counted from 1.
    pub(super) attempt: u16,
    pub(super) phase: TaskPhase,
    /// What the last attempt said.
    pub(super) note: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TaskPhase {
    /// Nothing of this attempt is durable yet.
    Ready,
    /// The intent is durable. `amnesia`: this process did not live through the start.
    Running {
        since: Timestamp,
        amnesia: bool,
    },
    BackingOff {
        until: Timestamp,
    },
    /// Nobody saw how it ended.
    NeedsOperator,
    Done,
    Failed,
}

impl TaskState {
    pub(super) fn new() -> TaskState {
        TaskState { attempt: 1, phase: TaskPhase::Ready, note: None }
    }

    /// Not tried, because something that it rests on failed.
    pub(super) fn given_up() -> TaskState {
        TaskState { attempt: 1, phase: TaskPhase::Failed, note: None }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, TaskPhase::Done | TaskPhase::Failed)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, TaskPhase::Running { .. } | TaskPhase::NeedsOperator)
    }
}
