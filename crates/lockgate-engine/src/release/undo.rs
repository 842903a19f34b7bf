//! The way back: which undos are carried out, in which order.

use std::collections::BTreeMap;

use lockgate_model::{Millis, Retry};

use crate::plan::{Action, Plan, Repeat, Task};

/// An undo that does not work leaves the system between versions, so it is tried for a minute or two.
const UNDO_RETRY: Retry = Retry { attempts: 8, initial: Millis::secs(1), max: Millis::secs(30), factor: 2 };

/// The undos of what was touched, equal ones once: first the old version is brought back to its full size, then
/// the traffic goes back to it in one step, and only then the new version is drained and removed.
pub(super) fn stages(plan: &Plan, touched: &[(u16, u16)]) -> Vec<(String, Vec<Task>)> {
    let mut ranks: BTreeMap<u8, Vec<Task>> = BTreeMap::new();
    for &(stage, task) in touched {
        let task = &plan.stages[usize::from(stage)].tasks[usize::from(task)];
        for action in &task.undo {
            let undos = ranks.entry(rank(action)).or_default();
            if undos.iter().all(|it| it.action != *action) {
                undos.push(Task {
                    service: task.service.clone(),
                    action: action.clone(),
                    repeat: Repeat::Harmless,
                    retry: UNDO_RETRY,
                    timeout: task.timeout,
                    undo: vec![],
                });
            }
        }
    }
    ranks.into_iter().map(|(rank, tasks)| (name(rank).to_owned(), tasks)).collect()
}

fn rank(action: &Action) -> u8 {
    match action {
        Action::EnsureSlot { .. } => 0,
        Action::SetWeights { .. } => 1,
        Action::Drain { .. } => 2,
        Action::RemoveSlot { .. } => 3,
        // The old version served beside what the new one brought, so this can wait until the new one is gone.
        Action::Prepare { .. } => 4,
        Action::RunJob { .. } | Action::Prune | Action::Smoke { .. } | Action::Gate { .. } => {
            unreachable!("an undo restores, shifts, drains or removes")
        }
    }
}

fn name(rank: u8) -> &'static str {
    [
        "restore the old version",
        "traffic back",
        "drain the new version",
        "remove the new version",
        "restore what stands beside it",
    ][usize::from(rank)]
}
