//! Plan and release: the pure core.
//!
//! [`plan`] decides beforehand all that a release does; [`Release`] is the state machine that carries it out.
//! The shell around it makes facts durable and performs effects.

mod event;
mod plan;
mod planner;
mod release;

pub use event::{
    Effect, End, Entry, Event, IllegalTransition, Input, Outcome, PassedBy, Rejected, Sighting, Why,
};
pub use plan::{
    Action, Gate, GateKind, Kind, Plan, PlanReport, Repeat, Split, Stage, StageKind, Task, TaskKey,
};
pub use planner::{PlanError, Problem, Request, plan, verify};
pub use release::{
    ENTRIES_MAX, PARALLEL_MAX, Phase, Release, ServiceStatus, StageState, StageStatus, Status, TaskStatus,
    Waiting,
};
