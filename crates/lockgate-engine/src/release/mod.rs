//! One release under way: a pure state machine.
//!
//! Facts go in ([`Input`] at a [`Timestamp`]), journal entries come out of [`Release::decide`], and
//! [`Release::apply`] is the only function that changes state. What should be under way is never queued:
//! [`Release::wants`] derives it from the state.
//!
//! **Invariant:** nothing here reads a clock, rolls dice, touches a file or a socket, or awaits.
//! **Invariant:** `replay(journal)` equals the live state after every entry.

mod apply;
mod decide;
mod status;
mod task;
mod undo;

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_analysis::{Arms, Judge};
use lockgate_model::{EffectKey, Millis, ServiceName, Timestamp, Weight};

pub use status::{Phase, ServiceStatus, StageState, StageStatus, Status, TaskStatus, Waiting};

use crate::event::{Effect, End, Entry, IllegalTransition, Why};
use crate::plan::{Action, Plan, Repeat, Split, StageKind, Task, TaskKey};
use task::{TaskPhase, TaskState};

/// Attempts that are under way at the same time. More would make one machine slow and no release faster.
pub const PARALLEL_MAX: usize = 8;
/// Entries of one journal: a bake of a day at the default tick.
pub const ENTRIES_MAX: u64 = 10_000;
/// Entries that are kept for what follows when looks have used up the rest.
const ENTRIES_RESERVED: u64 = 1_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Shared: states are copied to look ahead, and the plan never changes.
    plan: Arc<Plan>,
    position: Position,
    /// One per task of the current stage.
    tasks: Vec<TaskState>,
    /// Revocable tasks that started, by stage and task: they are undone even if they failed.
    touched: Vec<(u16, u16)>,
    /// Made when the release turns back.
    undo: Vec<(String, Vec<Task>)>,
    /// Why the release turns back. The way back begins when no dangerous attempt is under way.
    turning: Option<Why>,
    leftovers: Vec<String>,
    /// Undos that failed for good. What else belongs to their services is left as it is.
    failed_undos: Vec<FailedUndo>,
    paused: Option<Paused>,
    gate: Option<GateState>,
    judge: Judge,
    /// The split of each changed service as it was last asked for.
    splits: BTreeMap<ServiceName, Split>,
    started_at: Option<Timestamp>,
    stage_since: Option<Timestamp>,
    last: Option<(u64, Timestamp)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Position {
    New,
    Forward { stage: u16 },
    Back { stage: u16 },
    Ended { end: End, at: Timestamp },
}

#[derive(Clone, Debug, PartialEq)]
struct Paused {
    by: String,
    since: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
struct FailedUndo {
    service: Option<ServiceName>,
    what: String,
    why: String,
}

/// The gate of the current stage.
#[derive(Clone, Debug, PartialEq)]
struct GateState {
    since: Timestamp,
    next_look: Timestamp,
    /// Nothing but an operator's word passes it.
    approval: bool,
    /// Waits for an operator, and why.
    held: Option<String>,
    /// Counting failed the last time.
    dark: Option<Dark>,
    counting: Counting,
}

/// What the last look said of counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counting {
    by: BTreeMap<ServiceName, String>,
    notes: Vec<String>,
}

/// Looks that failed one after the other, and what the last one said.
#[derive(Clone, Debug, PartialEq)]
struct Dark {
    times: u32,
    why: String,
}

impl Release {
    pub fn new(plan: impl Into<Arc<Plan>>) -> Release {
        let plan = plan.into();
        let judge = Judge::new(plan.judge.clone(), plan.judged.clone());
        Release {
            plan,
            position: Position::New,
            tasks: vec![],
            touched: vec![],
            undo: vec![],
            turning: None,
            leftovers: vec![],
            failed_undos: vec![],
            paused: None,
            gate: None,
            judge,
            splits: BTreeMap::new(),
            started_at: None,
            stage_since: None,
            last: None,
        }
    }

    /// Rebuilds the state from its journal. A process that did not live through it calls [`Release::forget`] next.
    pub fn replay(plan: impl Into<Arc<Plan>>, journal: &[Entry]) -> Result<Release, IllegalTransition> {
        let mut release = Release::new(plan);
        for entry in journal {
            release.apply(entry)?;
        }
        Ok(release)
    }

    /// What was under way when the last driver died may or may not have happened: dangerous attempts that had
    /// started are looked at first.
    pub fn forget(&mut self) {
        for task in &mut self.tasks {
            if let TaskPhase::Running { amnesia, .. } = &mut task.phase {
                *amnesia = true;
            }
        }
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan, for whoever outlives this borrow.
    pub fn shared_plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    pub fn ended(&self) -> Option<&End> {
        match &self.position {
            Position::Ended { end, .. } => Some(end),
            Position::New | Position::Forward { .. } | Position::Back { .. } => None,
        }
    }

    /// Number of the next journal entry.
    pub fn next_seq(&self) -> u64 {
        self.last.map_or(0, |it| it.0 + 1)
    }

    /// The earliest time that the next entry may carry: time strictly increases within a release.
    pub fn not_before(&self) -> Timestamp {
        self.last.map_or(Timestamp(0), |it| Timestamp(it.1.0 + 1))
    }

    pub fn effect_key(&self, key: TaskKey) -> EffectKey {
        EffectKey::new(self.plan.release, key.stage, key.task, key.back, key.attempt)
    }

    /// The attempt that an effect key names, if it is one that the current stage waits for.
    pub fn task_of(&self, key: &str) -> Option<TaskKey> {
        self.keys().find(|it| self.effect_key(*it).as_str() == key)
    }

    /// The task that an attempt is made at.
    pub fn task(&self, key: TaskKey) -> Option<&Task> {
        let (stage, task) = (usize::from(key.stage), usize::from(key.task));
        if key.back {
            self.undo.get(stage)?.1.get(task)
        } else {
            self.plan.stages.get(stage)?.tasks.get(task)
        }
    }

    /// Whether this attempt's intent is durable, so that a target may hear of it.
    pub fn has_started(&self, key: TaskKey) -> bool {
        self.keys().any(|it| it == key)
            && matches!(self.tasks[usize::from(key.task)].phase, TaskPhase::Running { .. })
    }

    /// What should be under way now.
    pub fn wants(&self, now: Timestamp) -> Vec<Effect> {
        let mut effects = vec![];
        let mut running =
            self.tasks.iter().filter(|it| matches!(it.phase, TaskPhase::Running { .. })).count();
        for key in self.keys() {
            let task = self.task(key).expect("keys name tasks of the current stage");
            let is_gate = matches!(task.action, Action::Gate { .. });
            match &self.tasks[usize::from(key.task)].phase {
                TaskPhase::Running { .. } if is_gate => {
                    if self.may_look() && self.gate.as_ref().is_some_and(|it| it.next_look <= now) {
                        effects.push(Effect::Sample);
                    }
                }
                TaskPhase::Running { amnesia: true, .. } if task.repeat == Repeat::Dangerous => {
                    effects.push(Effect::Look(key));
                }
                TaskPhase::Running { .. } => effects.push(Effect::Run(key)),
                TaskPhase::Ready if !self.is_turning() && running < PARALLEL_MAX => {
                    running += 1;
                    effects.push(Effect::Run(key));
                }
                TaskPhase::Ready
                | TaskPhase::BackingOff { .. }
                | TaskPhase::NeedsOperator
                | TaskPhase::Done
                | TaskPhase::Failed => (),
            }
        }
        effects
    }

    /// When to call again with [`Input::Tick`] if nothing else happens first, and why.
    pub fn deadline(&self) -> Option<(Timestamp, &'static str)> {
        let waits = self.tasks.iter().filter_map(|it| match &it.phase {
            TaskPhase::BackingOff { until, .. } => Some((*until, "another attempt")),
            _ => None,
        });
        // A gate that is held in a full journal is not looked at any more.
        let looks = |it: &&GateState| it.held.is_none() || self.may_look();
        let look = self.gate.as_ref().filter(looks).map(|it| (it.next_look, "the next look"));
        waits.chain(look).min_by_key(|it| it.0)
    }

    /// Services whose slots are counted, with the versions that are compared.
    pub fn arms(&self) -> BTreeMap<ServiceName, Arms> {
        let judged = self.plan.judged.keys();
        let arms = judged.map(|name| {
            let split = self.splits.get(name);
            let old_serves = split.is_none_or(|it| it.weight < Weight::ALL);
            let baseline = split.and_then(|it| it.old).filter(|_| old_serves);
            (name.clone(), Arms { canary: self.plan.release, baseline })
        });
        arms.collect()
    }

    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// One key per task of the current stage.
    fn keys(&self) -> impl Iterator<Item = TaskKey> + '_ {
        let (back, stage) = match self.position {
            Position::Forward { stage } => (false, stage),
            Position::Back { stage } => (true, stage),
            Position::New | Position::Ended { .. } => (false, 0),
        };
        self.tasks.iter().enumerate().map(move |(idx, it)| {
            let task = u16::try_from(idx).expect("a stage has few tasks");
            TaskKey { back, stage, task, attempt: it.attempt }
        })
    }

    fn may_look(&self) -> bool {
        !self.is_turning() && self.next_seq() < ENTRIES_MAX - ENTRIES_RESERVED
    }

    /// It has to go back and has not begun to.
    fn is_turning(&self) -> bool {
        self.turning.is_some() && matches!(self.position, Position::New | Position::Forward { .. })
    }

    fn is_clean_up(&self) -> bool {
        match self.position {
            Position::Forward { stage } => self.plan.stages[usize::from(stage)].kind == StageKind::CleanUp,
            Position::New | Position::Back { .. } | Position::Ended { .. } => false,
        }
    }

    fn tick(&self) -> Millis {
        self.plan.judge.analysis.tick
    }
}
