//! `plan`: what a release would do.

use std::collections::BTreeMap;

use lockgate_engine::{Kind, Plan, Request, StageKind};
use lockgate_model::{Millis, Observed, ReleaseId};
use lockgate_targets::Target as _;

use super::drive::target_of;
use crate::args::{Format, Global, PlanArgs};
use crate::exit::Exit;
use crate::images::Effort;
use crate::out::{Out, style};
use crate::prepare::{Asked, Prepared, prepare};
use crate::ui::picture::NOTHING_TO_DO;

pub async fn plan(global: &Global, args: &PlanArgs, out: Out) -> anyhow::Result<Exit> {
    let asked = Asked {
        environment: args.environment.as_ref(),
        version: args.version.as_ref(),
        images: &args.images,
        effort: Effort::Look,
    };
    let prepared = prepare(global, &asked, out).await?;
    let Prepared { state, scope, snapshot } = prepared;
    let target = target_of(&snapshot.system.target, &state.dir, &scope)?;
    // A target that was never used has nothing to show, and looking must not start it.
    let is_new = state.store.releases(&scope, 1).await?.is_empty();
    let observed = if is_new { Observed { services: BTreeMap::new() } } else { target.observe().await? };
    let newest = state.store.releases(&scope, 1).await?.first().map_or(0, |it| it.id.0);
    let request = Request::new(ReleaseId(newest + 1), Kind::Deploy, snapshot);
    let plan = lockgate_driver::plan_with(&state.store, &request, &observed).await??;
    match out.format {
        Format::Json => out.json(&plan),
        Format::Human => out.data(&human(&plan)),
    }
    Ok(Exit::Done)
}

pub fn human(plan: &Plan) -> String {
    let mut lines = vec![title(plan)];
    let report = &plan.report;
    let listed = |what: &str, names: &[lockgate_model::ServiceName]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        (!names.is_empty()).then(|| format!("  {what:<10} {}", names.join(", ")))
    };
    lines.extend(listed("changed", &report.changed));
    lines.extend(listed("new", &report.new));
    lines.extend(listed("unchanged", &report.unchanged));
    lines.extend(listed("removed", &report.removed));
    if plan.stages.is_empty() {
        lines.push(format!("\n{}", style::paint(style::GOOD, NOTHING_TO_DO)));
        return lines.join("\n");
    }
    lines.push(String::new());
    for (idx, stage) in plan.stages.iter().enumerate() {
        if plan.point_of_no_return() == Some(idx) {
            let text =
                "  ── point of no return: from here on nothing is undone; `lockgate rollback` goes back ──";
            lines.push(style::paint(style::WARN, text));
        }
        lines.push(format!("  {:>2}. {}", idx + 1, style::paint(style::STRONG, &stage.name)));
        lines.extend(stage.tasks.iter().map(|it| format!("        {}", task(it, stage.kind))));
    }
    lines.push(String::new());
    lines.push(waits(plan));
    lines.extend(report.notes.iter().map(|it| format!("  {} {it}", style::paint(style::HINT, "note:"))));
    lines.join("\n")
}

/// How long it may take, without the work itself.
fn waits(plan: &Plan) -> String {
    let pauses = plan.report.waits;
    if pauses == Millis::ZERO {
        return "  takes the time that the work needs".to_owned();
    }
    let longest = plan.judge.analysis.max_time;
    format!(
        "  waits {pauses} for evidence, less where it suffices earlier, and up to {longest} at a step where it is not enough"
    )
}

fn title(plan: &Plan) -> String {
    let from = plan.from.as_ref().map(|it| format!("{it} → ")).unwrap_or_default();
    format!(
        "{}  {from}{}",
        style::paint(style::STRONG, &plan.scope),
        style::paint(style::STRONG, &plan.version)
    )
}

fn task(task: &lockgate_engine::Task, kind: StageKind) -> String {
    let undo: Vec<String> = task.undo.iter().map(ToString::to_string).collect();
    let undo = match (kind, undo.is_empty()) {
        (StageKind::Revocable, false) => format!("undo: {}", undo.join(", then ")),
        (StageKind::Revocable, true) if matches!(task.action, lockgate_engine::Action::RunJob { .. }) => {
            "not undone".to_owned()
        }
        (StageKind::Revocable, true) | (StageKind::CleanUp, _) => String::new(),
    };
    let attempts = match task.retry.attempts {
        1 => String::new(),
        attempts => format!("up to {attempts} attempts"),
    };
    let remarks: Vec<String> = [undo, attempts].into_iter().filter(|it| !it.is_empty()).collect();
    if remarks.is_empty() {
        return task.action.to_string();
    }
    format!("{}  {}", task.action, style::paint(style::DIM, format!("({})", remarks.join("; "))))
}
