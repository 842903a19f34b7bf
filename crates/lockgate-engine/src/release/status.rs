//! What is true of a release now, in words and numbers for people and machines.

use std::collections::BTreeMap;

use lockgate_analysis::{Evidence, Verdict};
use lockgate_model::{Millis, ReleaseId, Scope, ServiceName, Timestamp, Version, Weight};
use serde::Serialize;

use super::{Position, Release, TaskPhase, TaskState};
use crate::event::{End, Why};
use crate::plan::{Kind, Task};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use = "an unread report is not actionable"]
pub struct Status {
    pub scope: Scope,
    pub release: ReleaseId,
    pub kind: Kind,
    pub version: Version,
    pub from: Option<Version>,
    pub phase: Phase,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub stages: Vec<StageStatus>,
    /// The stages of the way back, once it has begun.
    pub back: Vec<StageStatus>,
    pub services: BTreeMap<ServiceName, ServiceStatus>,
    pub waiting: Vec<Waiting>,
    /// What the judge says, while the release is at a gate.
    pub verdict: Option<Verdict>,
    pub evidence: Evidence,
    /// Who counts the requests, while the release is at a gate and they are not counted where they are routed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counted_by: BTreeMap<ServiceName, String>,
    /// What could not be counted at the last look, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    New,
    Forward,
    /// It goes back, or will as soon as what is under way has ended.
    Back {
        why: Why,
    },
    Paused {
        by: String,
    },
    Ended {
        end: End,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageStatus {
    pub name: String,
    pub state: StageState,
    /// Tasks of the current stage.
    pub tasks: Vec<TaskStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageState {
    Done,
    Now,
    Later,
    /// The release turned back here.
    Failed,
    /// Not reached, and never will be.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    pub key: String,
    pub what: String,
    pub state: String,
    pub attempt: u16,
    pub attempts_max: u16,
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    pub old: Option<ReleaseId>,
    pub new: Option<ReleaseId>,
    /// Share of the new version as it was last asked for.
    pub weight: Weight,
}

/// One thing that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub for_what: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// A command that ends the waiting.
    pub command: Option<String>,
}

impl Release {
    pub fn status(&self, now: Timestamp) -> Status {
        let splits = self.splits.iter();
        let services = splits
            .map(|(name, it)| (name.clone(), ServiceStatus { old: it.old, new: it.new, weight: it.weight }));
        Status {
            scope: self.plan.scope.clone(),
            release: self.plan.release,
            kind: self.plan.kind,
            version: self.plan.version.clone(),
            from: self.plan.from.clone(),
            phase: self.phase_status(),
            started_at: self.started_at,
            ended_at: match self.position {
                Position::Ended { at, .. } => Some(at),
                Position::New | Position::Forward { .. } | Position::Back { .. } => None,
            },
            stages: self.stage_statuses(),
            back: self.back_statuses(),
            services: services.collect(),
            waiting: self.waiting(now),
            verdict: self.gate.as_ref().map(|_| self.judge.verdict(now)),
            evidence: self.judge.evidence(now),
            counted_by: self.gate.as_ref().map(|it| it.counting.by.clone()).unwrap_or_default(),
            notes: self.gate.as_ref().map(|it| it.counting.notes.clone()).unwrap_or_default(),
        }
    }

    fn phase_status(&self) -> Phase {
        match (&self.position, &self.turning, &self.paused) {
            (Position::Ended { end, .. }, _, _) => Phase::Ended { end: end.clone() },
            (_, Some(why), _) => Phase::Back { why: why.clone() },
            (_, None, Some(paused)) => Phase::Paused { by: paused.by.clone() },
            (Position::New, None, None) => Phase::New,
            (Position::Forward { .. } | Position::Back { .. }, None, None) => Phase::Forward,
        }
    }

    fn stage_statuses(&self) -> Vec<StageStatus> {
        let turned = self.turning.is_some();
        let reached = match self.position {
            Position::New => None,
            Position::Forward { stage } => Some(stage),
            Position::Back { .. } | Position::Ended { .. } if turned => {
                Some(self.touched.iter().map(|it| it.0).max().unwrap_or(0))
            }
            Position::Back { .. } | Position::Ended { .. } => Some(u16::MAX),
        };
        let statuses = (0_u16..).zip(&self.plan.stages).map(|(idx, stage)| {
            let state = match reached {
                Some(reached) if idx < reached => StageState::Done,
                Some(reached) if idx == reached && turned => StageState::Failed,
                Some(reached) if idx == reached => StageState::Now,
                _ if turned => StageState::Dropped,
                _ => StageState::Later,
            };
            let here = matches!(self.position, Position::Forward { stage } if stage == idx);
            let tasks = if here { self.task_statuses(&stage.tasks) } else { vec![] };
            StageStatus { name: stage.name.clone(), state, tasks }
        });
        statuses.collect()
    }

    fn back_statuses(&self) -> Vec<StageStatus> {
        let current = match self.position {
            Position::Back { stage } => stage,
            Position::Ended { .. } => u16::MAX,
            Position::New | Position::Forward { .. } => 0,
        };
        let statuses = (0_u16..).zip(&self.undo).map(|(idx, (name, tasks))| {
            let (state, tasks) = match idx.cmp(&current) {
                std::cmp::Ordering::Less => (StageState::Done, vec![]),
                std::cmp::Ordering::Equal => (StageState::Now, self.task_statuses(tasks)),
                std::cmp::Ordering::Greater => (StageState::Later, vec![]),
            };
            StageStatus { name: name.clone(), state, tasks }
        });
        statuses.collect()
    }

    fn task_statuses(&self, tasks: &[Task]) -> Vec<TaskStatus> {
        let all = self.keys().zip(&self.tasks).zip(tasks);
        let statuses = all.map(|((key, state), task)| TaskStatus {
            key: self.effect_key(key).to_string(),
            what: task.action.to_string(),
            state: state.word().to_owned(),
            attempt: state.attempt,
            attempts_max: task.retry.attempts,
            note: state.note.clone(),
        });
        statuses.collect()
    }

    fn waiting(&self, now: Timestamp) -> Vec<Waiting> {
        let mut waiting = vec![];
        let environment = &self.plan.scope.environment;
        if let Some(paused) = &self.paused {
            waiting.push(Waiting {
                for_what: format!("somebody to resume it ({} paused it)", paused.by),
                since: Some(paused.since),
                until: None,
                command: Some(format!("lockgate resume {environment}")),
            });
        }
        waiting.extend(self.keys().zip(&self.tasks).filter_map(|(key, state)| self.waits_for(key, state)));
        waiting.extend(self.gate_waiting(now));
        waiting
    }

    fn waits_for(&self, key: crate::plan::TaskKey, state: &TaskState) -> Option<Waiting> {
        let task = self.task(key)?;
        let (since, until) = (self.stage_since, None);
        let said = state.note.as_ref().map(|it| format!(" (it said: {it})")).unwrap_or_default();
        match &state.phase {
            TaskPhase::Running { .. } if matches!(task.action, crate::plan::Action::Gate { .. }) => None,
            TaskPhase::Running { since, .. } => {
                Some(Waiting { for_what: task.action.to_string(), since: Some(*since), until, command: None })
            }
            TaskPhase::BackingOff { until } => {
                let (attempt, of) = (state.attempt + 1, task.retry.attempts);
                let for_what = format!("attempt {attempt} of {of}: {}{said}", task.action);
                Some(Waiting { for_what, since, until: Some(*until), command: None })
            }
            TaskPhase::NeedsOperator => {
                let key = self.effect_key(key);
                let command =
                    format!("lockgate resolve {} {key} succeeded|failed", self.plan.scope.environment);
                let for_what = format!("an operator to say how `{}` ended: nobody saw it", task.action);
                Some(Waiting { for_what, since, until, command: Some(command) })
            }
            TaskPhase::Ready | TaskPhase::Done | TaskPhase::Failed => None,
        }
    }

    fn gate_waiting(&self, now: Timestamp) -> Option<Waiting> {
        let gate = self.gate.as_ref()?;
        let since = self.stage_since;
        let environment = &self.plan.scope.environment;
        let promote = Some(format!("lockgate promote {environment}"));
        if let Some(why) = &gate.held {
            let for_what = format!("an operator to promote or abort it: {why}");
            return Some(Waiting { for_what, since, until: None, command: promote });
        }
        if let Some(dark) = &gate.dark {
            let for_what = format!("counts of the new version; asking for them failed: {}", dark.why);
            return Some(Waiting { for_what, since, until: None, command: None });
        }
        let (for_what, until) = match self.judge.verdict(now) {
            Verdict::Pending { until } => ("evidence, or the end of the step".to_owned(), Some(until)),
            Verdict::NotEnough { why, until, .. } => {
                let why: Vec<String> = why.iter().map(ToString::to_string).collect();
                (format!("more evidence: {}", why.join("; ")), Some(until))
            }
            Verdict::NoSignal { since, services } => {
                let names: Vec<String> = services.iter().map(ToString::to_string).collect();
                let of = if names.is_empty() { "anything".to_owned() } else { names.join(", ") };
                (format!("counts of {of}: none for {}", now.since(since)), None)
            }
            Verdict::Pass { .. }
            | Verdict::Fail { .. }
            | Verdict::EnvironmentIncident { .. }
            | Verdict::Undecided { .. } => ("the next look".to_owned(), Some(gate.next_look)),
        };
        Some(Waiting { for_what, since, until, command: None })
    }
}

impl TaskState {
    fn word(&self) -> &'static str {
        match self.phase {
            TaskPhase::Ready => "ready",
            TaskPhase::Running { .. } => "running",
            TaskPhase::BackingOff { .. } => "waiting",
            TaskPhase::NeedsOperator => "needs operator",
            TaskPhase::Done => "done",
            TaskPhase::Failed => "failed",
        }
    }
}

impl Status {
    pub fn elapsed(&self, now: Timestamp) -> Millis {
        self.started_at.map_or(Millis::ZERO, |it| self.ended_at.unwrap_or(now).since(it))
    }
}
