//! The transition table: the only place where a release changes.

use lockgate_model::{Latency, Millis, Samples, Timestamp};

use super::undo;
use super::{Counting, Dark, FailedUndo, GateState, Paused, Position, Release, TaskPhase, TaskState};
use crate::event::{End, Entry, Event, IllegalTransition, Outcome, Why};
use crate::plan::{Action, Repeat, StageKind, Task, TaskKey};

/// Thirty-two ticks at most between looks that fail.
const DARK_DOUBLINGS_MAX: u32 = 5;

impl Release {
    /// Applies one journalled fact.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), IllegalTransition> {
        let illegal = || IllegalTransition { seq: entry.seq, event: Box::new(entry.event.clone()) };
        let in_order = entry.seq == self.next_seq() && self.not_before() <= entry.at;
        if !in_order || !self.transition(entry.at, &entry.event) {
            return Err(illegal());
        }
        self.last = Some((entry.seq, entry.at));
        self.settle(entry.at);
        Ok(())
    }

    /// One event in one state; false for what cannot happen here.
    fn transition(&mut self, at: Timestamp, event: &Event) -> bool {
        match event {
            Event::Started => {
                self.position == Position::New && {
                    self.started_at = Some(at);
                    self.enter_forward(0, at);
                    true
                }
            }
            Event::TaskStarted { key } => {
                self.in_phase(*key, |it| matches!(it, TaskPhase::Ready)) && {
                    self.touch(*key);
                    self.set_phase(*key, TaskPhase::Running { since: at, amnesia: false });
                    self.open_gate(*key, at);
                    true
                }
            }
            Event::TaskFinished { key, outcome } => {
                self.is_running(*key) && {
                    self.finish(*key, outcome, at);
                    true
                }
            }
            Event::TaskLost { key } => {
                self.in_phase(*key, |it| matches!(it, TaskPhase::Running { .. })) && {
                    self.set_phase(*key, TaskPhase::NeedsOperator);
                    true
                }
            }
            Event::TaskFound { key } => {
                let TaskPhase::Running { since, .. } = *self.phase(*key) else { return false };
                self.set_phase(*key, TaskPhase::Running { since, amnesia: false });
                true
            }
            Event::BackoffOver { key } => {
                self.in_phase(*key, |it| matches!(it, TaskPhase::BackingOff { .. })) && {
                    let task = &mut self.tasks[usize::from(key.task)];
                    task.attempt += 1;
                    task.phase = TaskPhase::Ready;
                    true
                }
            }
            Event::Sampled { samples } => {
                self.gate.is_some() && {
                    self.observe(at, samples);
                    true
                }
            }
            Event::NoSignal { why } => {
                self.gate.is_some() && {
                    self.judge.no_signal(at);
                    self.go_dark(at, why);
                    true
                }
            }
            Event::GateHeld { why } => {
                self.gate.is_some() && {
                    self.update_gate(|gate| gate.held = Some(why.clone()));
                    true
                }
            }
            Event::GatePassed { .. } => {
                self.gate.take().is_some() && {
                    let gate = self.tasks.iter_mut().filter(|it| it.is_running());
                    gate.for_each(|it| it.phase = TaskPhase::Done);
                    true
                }
            }
            Event::TurnedBack { why } => {
                self.may_turn_back() && {
                    self.turning = Some(why.clone());
                    true
                }
            }
            Event::Paused { by } => {
                self.paused.is_none() && {
                    self.paused = Some(Paused { by: by.clone(), since: at });
                    true
                }
            }
            Event::Resumed { .. } => {
                let Some(paused) = self.paused.take() else { return false };
                self.judge.postpone_step(at.since(paused.since));
                self.update_gate(|gate| gate.since = gate.since.plus(at.since(paused.since)));
                true
            }
        }
    }

    /// Whether the release can still be taken back.
    pub(super) fn may_turn_back(&self) -> bool {
        let underway = matches!(self.position, Position::New | Position::Forward { .. });
        underway && !self.is_clean_up() && self.turning.is_none()
    }

    /// What follows by itself from what has just happened.
    fn settle(&mut self, at: Timestamp) {
        if self.is_turning() {
            self.turn(at);
        }
        // Empty stages are passed at once, so this may take more than one step.
        while self.paused.is_none() && self.tasks.iter().all(TaskState::is_over) {
            match self.position {
                Position::Forward { stage } if !self.is_turning() => self.enter_forward(stage + 1, at),
                Position::Back { stage } => self.enter_back(stage + 1, at),
                Position::New | Position::Forward { .. } | Position::Ended { .. } => return,
            }
        }
    }

    /// Attempts that must not be repeated blindly are awaited; the others are overtaken, and fences protect
    /// what comes after them.
    fn turn(&mut self, at: Timestamp) {
        let dangerous = self.keys().any(|key| {
            let task = self.task(key).expect("keys name tasks of the current stage");
            task.repeat == Repeat::Dangerous && self.tasks[usize::from(key.task)].is_running()
        });
        if dangerous {
            return;
        }
        self.gate = None;
        self.paused = None;
        if self.touched.is_empty() {
            let why = self.turning.clone().expect("it turns back");
            self.end(End::Cancelled { why }, at);
        } else {
            self.undo = undo::stages(&self.plan, &self.touched);
            self.enter_back(0, at);
        }
    }

    fn end(&mut self, end: End, at: Timestamp) {
        self.tasks.clear();
        self.gate = None;
        self.position = Position::Ended { end, at };
    }

    fn enter_forward(&mut self, stage: u16, at: Timestamp) {
        self.gate = None;
        match self.plan.stages.get(usize::from(stage)) {
            Some(next) => {
                self.tasks = next.tasks.iter().map(|_| TaskState::new()).collect();
                self.position = Position::Forward { stage };
                self.stage_since = Some(at);
            }
            None => self.end(End::Done { leftovers: self.leftovers.clone() }, at),
        }
    }

    fn enter_back(&mut self, stage: u16, at: Timestamp) {
        let Some((_, tasks)) = self.undo.get(usize::from(stage)) else {
            return self.end(self.end_of_the_way_back(), at);
        };
        let given_up = |service: &_| self.failed_undos.iter().any(|it| it.service == *service);
        let fresh = |task: &Task| {
            if given_up(&task.service) { TaskState::given_up() } else { TaskState::new() }
        };
        self.tasks = tasks.iter().map(fresh).collect();
        self.position = Position::Back { stage };
        self.stage_since = Some(at);
    }

    fn end_of_the_way_back(&self) -> End {
        let join =
            |of: fn(&FailedUndo) -> &str| self.failed_undos.iter().map(of).collect::<Vec<_>>().join("; ");
        if self.failed_undos.is_empty() {
            let why = self.turning.clone().expect("a release goes back for a reason");
            return End::RolledBack { why };
        }
        End::Stuck { what: join(|it| &it.what), why: join(|it| &it.why) }
    }

    fn touch(&mut self, key: TaskKey) {
        let revocable = |stage: u16| self.plan.stages[usize::from(stage)].kind == StageKind::Revocable;
        if !key.back && revocable(key.stage) && !self.touched.contains(&(key.stage, key.task)) {
            self.touched.push((key.stage, key.task));
        }
        let task = self.task(key).expect("the key was checked");
        if let Action::SetWeights { service, to } = task.action.clone() {
            self.splits.insert(service, to);
        }
    }

    fn open_gate(&mut self, key: TaskKey, at: Timestamp) {
        let task = self.task(key).expect("the key was checked");
        if let Action::Gate { gate } = task.action.clone() {
            self.judge.start_step(at, gate.pause, gate.kind.step_kind());
            self.gate = Some(GateState {
                since: at,
                next_look: at,
                approval: gate.approval,
                held: None,
                dark: None,
                counting: Counting::default(),
            });
        }
    }

    fn finish(&mut self, key: TaskKey, outcome: &Outcome, at: Timestamp) {
        let task = self.task(key).expect("the key was checked");
        let (retry, what) = (task.retry, task.action.to_string());
        let again = key.attempt < retry.attempts && !self.is_turning();
        let state = &mut self.tasks[usize::from(key.task)];
        match outcome {
            Outcome::Ok { note } => {
                state.note.clone_from(note);
                state.phase = TaskPhase::Done;
            }
            Outcome::Transient { why } if again => {
                state.note = Some(why.clone());
                state.phase = TaskPhase::BackingOff { until: at.plus(retry.wait_after(key.attempt)) };
            }
            Outcome::Transient { why } | Outcome::Fatal { why } => {
                state.note = Some(why.clone());
                state.phase = TaskPhase::Failed;
                self.fail(key, what, why.clone());
            }
        }
    }

    fn fail(&mut self, key: TaskKey, what: String, why: String) {
        if key.back {
            let service = self.task(key).expect("the key was checked").service.clone();
            self.failed_undos.push(FailedUndo { service, what, why });
        } else if self.is_clean_up() {
            self.leftovers.push(format!("{what}: {why}"));
        } else if self.turning.is_none() {
            self.turning = Some(Why::TaskFailed { what, why });
        }
    }

    /// Looks that fail come at longer intervals: each is an entry, and none of them says much.
    fn go_dark(&mut self, at: Timestamp, why: &str) {
        let tick = self.tick();
        self.update_gate(|gate| {
            let times = gate.dark.as_ref().map_or(0, |it| it.times) + 1;
            let wait = tick.0 << times.min(DARK_DOUBLINGS_MAX);
            gate.next_look = at.plus(Millis(wait));
            gate.dark = Some(Dark { times, why: why.to_owned() });
        });
    }

    fn observe(&mut self, at: Timestamp, samples: &Samples) {
        let samples = self.with_bounds(samples);
        let arms = self.arms();
        self.judge.observe(at, &samples, &arms);
        let next_look = at.plus(self.tick());
        let counting = Counting { by: samples.counted_by, notes: samples.notes };
        self.update_gate(|gate| {
            (gate.dark, gate.next_look, gate.counting) = (None, next_look, counting);
        });
    }

    /// The journal leaves the buckets' bounds out: they are in the plan.
    fn with_bounds(&self, samples: &Samples) -> Samples {
        let mut samples = samples.clone();
        for (slot, counts) in &mut samples.slots {
            let planned = self.plan.bounds(slot);
            if counts.latency.bounds_ms.is_empty() && counts.latency.counts.len() == planned.len() + 1 {
                counts.latency = Latency {
                    bounds_ms: planned.to_vec(),
                    counts: std::mem::take(&mut counts.latency.counts),
                };
            }
        }
        samples
    }

    fn update_gate(&mut self, update: impl FnOnce(&mut GateState)) {
        if let Some(gate) = &mut self.gate {
            update(gate);
        }
    }

    fn is_current(&self, key: TaskKey) -> bool {
        self.keys().any(|it| it == key)
    }

    fn phase(&self, key: TaskKey) -> &TaskPhase {
        if self.is_current(key) { &self.tasks[usize::from(key.task)].phase } else { &TaskPhase::Done }
    }

    fn in_phase(&self, key: TaskKey, test: impl Fn(&TaskPhase) -> bool) -> bool {
        self.is_current(key) && test(self.phase(key))
    }

    pub(super) fn is_running(&self, key: TaskKey) -> bool {
        self.is_current(key) && self.tasks[usize::from(key.task)].is_running()
    }

    fn set_phase(&mut self, key: TaskKey, phase: TaskPhase) {
        self.tasks[usize::from(key.task)].phase = phase;
    }
}
