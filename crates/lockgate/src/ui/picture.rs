//! From a release's status to the picture of it.

use std::collections::BTreeMap;

use lockgate_engine::{Action, End, Phase, Plan, StageState, StageStatus, Status};
use lockgate_model::{SlotRef, Timestamp};

use super::rates::Rates;
use super::view::{Mark, ServiceLine, StageLine, Tone, View};
use super::words;
use crate::commands::history::{of_ending, of_why};

/// For a release that found everything as it is wanted; "done" alone would let people look for the new version.
pub const NOTHING_TO_DO: &str = "nothing to do: what runs is what is wanted";

pub fn picture(plan: &Plan, status: &Status, rates: &Rates, now: Timestamp) -> View {
    let from = status.from.as_ref().map(|it| format!("{it} → ")).unwrap_or_default();
    let reached = status.stages.iter().filter(|it| it.state != StageState::Dropped);
    let mut stages: Vec<StageLine> = reached.map(|it| stage(it, plan)).collect();
    stages.extend(status.back.iter().map(back_stage));
    View {
        title: format!("{}  {}  {from}{}", status.scope, status.release, status.version),
        elapsed: status.elapsed(now),
        stages,
        services: services(status, rates),
        remarks: remarks(plan, status, now),
    }
}

fn stage(stage: &StageStatus, plan: &Plan) -> StageLine {
    let mark = match stage.state {
        StageState::Done => Mark::Done,
        StageState::Now => Mark::Now,
        StageState::Later | StageState::Dropped => Mark::Later,
        StageState::Failed => Mark::Failed,
    };
    StageLine { mark, name: stage.name.clone(), detail: detail(stage, plan) }
}

fn back_stage(stage: &StageStatus) -> StageLine {
    let mark = match stage.state {
        StageState::Done => Mark::Undone,
        StageState::Now | StageState::Failed => Mark::Now,
        StageState::Later | StageState::Dropped => Mark::Later,
    };
    let open: Vec<&str> =
        stage.tasks.iter().filter(|it| it.state != "done").map(|it| it.what.as_str()).collect();
    StageLine { mark, name: stage.name.clone(), detail: open.join(", ") }
}

/// How far a stage is; for one that has not begun, what it does.
fn detail(stage: &StageStatus, plan: &Plan) -> String {
    let total = stage.tasks.len();
    if 1 < total {
        let done = stage.tasks.iter().filter(|it| it.state == "done").count();
        return format!("{done} of {total}");
    }
    // Stages of more than one task have one for each service.
    let planned = plan.stages.iter().find(|it| it.name == stage.name);
    match planned.map(|it| it.tasks.as_slice()) {
        Some([only]) => match &only.action {
            Action::SetWeights { service, .. } => service.to_string(),
            action => action.to_string(),
        },
        Some(tasks) => format!("{} services", tasks.len()),
        None => String::new(),
    }
}

fn services(status: &Status, rates: &Rates) -> Vec<ServiceLine> {
    let lines = status.services.iter().map(|(name, service)| {
        let arm = |release| rates.arm(&SlotRef { service: name.clone(), release });
        let evidence = status.evidence.services.get(name);
        let compared = evidence.filter(|it| 0 < it.canary.requests && it.baseline.is_some());
        ServiceLine {
            name: name.to_string(),
            weight: service.weight,
            old: service.old.and_then(arm),
            new: service.new.and_then(arm),
            against: compared.map(|it| it.abort.progress),
            promote: compared.map(|it| it.promote.progress),
        }
    });
    lines.collect()
}

fn remarks(plan: &Plan, status: &Status, now: Timestamp) -> Vec<(Tone, String)> {
    let mut remarks = vec![];
    match &status.phase {
        Phase::Ended { end: End::Done { .. } } if plan.stages.is_empty() => {
            remarks.push((Tone::Good, NOTHING_TO_DO.to_owned()));
            return remarks;
        }
        Phase::Ended { end } => {
            let tone = if matches!(end, End::Done { .. }) { Tone::Good } else { Tone::Bad };
            let ending = lockgate_driver::Ending::Engine(end.clone());
            remarks.extend(of_ending(&ending).lines().map(|it| (tone, it.to_owned())));
            return remarks;
        }
        Phase::Back { why } => {
            let why = of_why(why);
            remarks.extend(why.lines().map(|it| (Tone::Bad, it.to_owned())));
        }
        Phase::New | Phase::Forward | Phase::Paused { .. } => (),
    }
    for waiting in status.waiting.iter().take(WAITING_MAX) {
        let until =
            waiting.until.map(|it| format!(", at most {}", words::span(it.since(now)))).unwrap_or_default();
        remarks.push((Tone::Wait, format!("waits for {}{until}", waiting.for_what)));
        remarks.extend(waiting.command.iter().map(|it| (Tone::Plain, format!("  {it}"))));
    }
    let outliers =
        status.evidence.services.iter().filter_map(|(name, it)| Some((name, it.outlier.as_ref()?)));
    remarks.extend(outliers.map(|(name, it)| (Tone::Bad, format!("{name}: {it}"))));
    remarks.extend(status.notes.iter().take(NOTES_MAX).map(|it| (Tone::Wait, it.clone())));
    remarks.extend(counted_by(status).into_iter().map(|it| (Tone::Plain, it)));
    remarks
}

/// A line for each way of counting, with the services that are counted so.
fn counted_by(status: &Status) -> Vec<String> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (service, by) in &status.counted_by {
        services.entry(by).or_default().push(service.as_str());
    }
    services.into_iter().map(|(by, services)| format!("counts of {}: {by}", services.join(", "))).collect()
}

/// What cannot be counted is often the same of many pods.
const NOTES_MAX: usize = 4;
/// More than these say nothing new: they are the tasks of one stage.
const WAITING_MAX: usize = 3;
