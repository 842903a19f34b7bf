//! Looks a plan over once more: a separate pass that refuses what contradicts itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lockgate_model::{ServiceName, SlotRef, Weight};
use serde::{Deserialize, Serialize};

use crate::plan::{Action, Plan, Stage, StageKind, Task};

/// Effect keys have room for three digits.
const STAGES_MAX: usize = 256;
const TASKS_MAX: usize = 1_000;
const ATTEMPTS_MAX: u16 = 99;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub stage: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.what)
    }
}

pub fn verify(plan: &Plan) -> Vec<Problem> {
    let mut problems = vec![];
    limits(plan, &mut problems);
    references(plan, &mut problems);
    undos(plan, &mut problems);
    weights(plan, &mut problems);
    order(plan, &mut problems);
    problems
}

fn add(problems: &mut Vec<Problem>, stage: &Stage, what: String) {
    problems.push(Problem { stage: stage.name.clone(), what });
}

fn limits(plan: &Plan, problems: &mut Vec<Problem>) {
    if STAGES_MAX < plan.stages.len() {
        let what = format!("{} stages, at most {STAGES_MAX} are possible", plan.stages.len());
        problems.push(Problem { stage: "plan".to_owned(), what });
    }
    for stage in &plan.stages {
        if TASKS_MAX < stage.tasks.len() {
            add(problems, stage, format!("{} tasks, at most {TASKS_MAX} are possible", stage.tasks.len()));
        }
        for task in &stage.tasks {
            if !(1..=ATTEMPTS_MAX).contains(&task.retry.attempts) {
                add(problems, stage, format!("{} attempts at `{}`", task.retry.attempts, task.action));
            }
        }
    }
}

fn references(plan: &Plan, problems: &mut Vec<Problem>) {
    for stage in &plan.stages {
        for action in stage.tasks.iter().flat_map(|it| it.undo.iter().chain([&it.action])) {
            let missing = match action {
                Action::EnsureSlot { slot, .. } => !plan.slots.contains_key(slot),
                Action::Prepare { release } => !plan.fixtures.contains_key(release),
                Action::RunJob { job } => !plan.jobs.contains_key(job),
                Action::SetWeights { to, .. } => to.weights().is_none(),
                Action::Drain { .. }
                | Action::RemoveSlot { .. }
                | Action::Prune
                | Action::Smoke { .. }
                | Action::Gate { .. } => false,
            };
            if missing {
                add(problems, stage, format!("`{action}` names what the plan does not have"));
            }
        }
    }
}

/// Whatever changes what serves can be taken back, until the point of no return.
fn undos(plan: &Plan, problems: &mut Vec<Problem>) {
    let mut clean_up = false;
    for stage in &plan.stages {
        match stage.kind {
            StageKind::CleanUp => clean_up = true,
            StageKind::Revocable if clean_up => {
                add(problems, stage, "it follows the point of no return".to_owned());
            }
            StageKind::Revocable => {
                for task in stage.tasks.iter().filter(|it| needs_undo(it) && it.undo.is_empty()) {
                    add(problems, stage, format!("`{}` has no undo", task.action));
                }
            }
        }
    }
}

fn needs_undo(task: &Task) -> bool {
    match &task.action {
        Action::EnsureSlot { .. } | Action::RemoveSlot { .. } => true,
        // Traffic that had no old version to go to ends when the slot is removed.
        Action::SetWeights { to, .. } => to.old.is_some(),
        // The first release has nothing to go back to.
        Action::Prepare { .. }
        | Action::Prune
        | Action::Drain { .. }
        | Action::RunJob { .. }
        | Action::Smoke { .. }
        | Action::Gate { .. } => false,
    }
}

/// Targets take the requests for a service in their order only, and the tasks of a stage have none.
fn order(plan: &Plan, problems: &mut Vec<Problem>) {
    for stage in &plan.stages {
        let mut seen = BTreeSet::new();
        for task in &stage.tasks {
            let service = match &task.action {
                Action::EnsureSlot { slot, .. }
                | Action::Drain { slot, .. }
                | Action::RemoveSlot { slot } => &slot.service,
                Action::SetWeights { service, .. } => service,
                Action::Prepare { .. }
                | Action::Prune
                | Action::RunJob { .. }
                | Action::Smoke { .. }
                | Action::Gate { .. } => continue,
            };
            if !seen.insert(service) {
                add(problems, stage, format!("{service} is changed twice at the same time"));
            }
        }
    }
}

/// Shares ascend, each part is judged before the next, and nothing takes traffic that was not started.
fn weights(plan: &Plan, problems: &mut Vec<Problem>) {
    let mut last: BTreeMap<&ServiceName, Weight> = BTreeMap::new();
    let mut started: BTreeSet<&SlotRef> = BTreeSet::new();
    let mut unjudged = false;
    for stage in &plan.stages {
        for task in &stage.tasks {
            match &task.action {
                Action::EnsureSlot { slot, .. } => {
                    started.insert(slot);
                }
                Action::Gate { .. } => unjudged = false,
                Action::SetWeights { service, to } => {
                    if last.insert(service, to.weight).is_some_and(|it| to.weight <= it) {
                        add(problems, stage, format!("the share of {service} does not grow"));
                    }
                    let new = to.new.map(|release| super::slot(service, release));
                    if new.is_some_and(|it| !started.contains(&it)) {
                        add(problems, stage, format!("{service} gets traffic before it is started"));
                    }
                    if unjudged {
                        add(problems, stage, format!("{service} gets more traffic before it was judged"));
                    }
                }
                Action::Prepare { .. }
                | Action::Prune
                | Action::Drain { .. }
                | Action::RemoveSlot { .. }
                | Action::RunJob { .. }
                | Action::Smoke { .. } => (),
            }
        }
        let partial =
            |it: &Task| matches!(&it.action, Action::SetWeights { to, .. } if to.weight < Weight::ALL);
        unjudged |= stage.tasks.iter().any(partial);
    }
}
