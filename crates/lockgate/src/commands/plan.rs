//! `plan`: what a release would do.

use std::collections::BTreeMap;

use lockgate_engine::{Action, Kind, Plan, Request, StageKind};
use lockgate_model::{Millis, Observed, ReleaseId, Routing, ServiceName, Sharing};
use lockgate_targets::{CountedBy, ObjectDiff, Platform, Target as _, TargetError};
use serde::Serialize;

use super::drive::target_of;
use crate::args::{Format, Global, PlanArgs};
use crate::exit::Exit;
use crate::freeze::Frozen;
use crate::images::Effort;
use crate::out::{Out, style};
use crate::prepare::{Asked, Freezes, Prepared, prepare};
use crate::ui::images::{self, ImageChange};
use crate::ui::objects;
use crate::ui::picture::NOTHING_TO_DO;

/// Of the objects that differ; all of them are in the JSON.
const OBJECT_LINES_MAX: usize = 20;

pub async fn plan(global: &Global, args: &PlanArgs, out: Out) -> anyhow::Result<Exit> {
    let asked = Asked {
        environment: args.environment.as_ref(),
        version: args.version.as_ref(),
        commit: None,
        images: &args.images,
        effort: Effort::Look,
        freezes: Freezes::Tell,
    };
    let prepared = prepare(global, &asked, out).await?;
    let Prepared { state, scope, snapshot, frozen } = prepared;
    let target = target_of(&snapshot.system, &state.dir, &scope)?;
    // A machine that was never released to has nothing to show, and looking must not start its node.
    let is_new = state.store.releases(&scope, 1).await?.is_empty();
    let observed = match &target {
        Platform::Kubernetes(cluster) => cluster.observe().await?,
        _ if is_new => Observed::default(),
        target => target.observe().await?,
    };
    let newest = state.store.releases(&scope, 1).await?.first().map_or(0, |it| it.id.0);
    let request = Request::new(ReleaseId(newest + 1), Kind::Deploy, snapshot);
    let plan = lockgate_driver::plan_with(&state.store, &request, &observed).await??;
    let (objects, counted_by) = match &target {
        Platform::Kubernetes(cluster) => {
            let counted_by = match judged(&plan) {
                services if services.is_empty() => BTreeMap::new(),
                // The plan stands whoever will count.
                services => cluster.counted_by(&services).await.unwrap_or_default(),
            };
            (Some(Objects::new(cluster.drift(&plan.keep).await)), counted_by)
        }
        _ => (None, BTreeMap::new()),
    };
    match out.format {
        Format::Json => {
            let (images, routing) = (images::changes(&plan), routings(&observed));
            out.json(&Shown { images, routing, counted_by, plan: &plan, objects, frozen });
        }
        Format::Human => {
            let objects = objects.iter().flat_map(Objects::lines);
            let frozen = frozen.map(|it| {
                style::paint(
                    style::WARN,
                    format!("\n  {:<10} {it}; `--despite-freeze REASON` releases all the same", "frozen"),
                )
            });
            let lines = std::iter::once(human(&plan, &observed, &counted_by)).chain(frozen).chain(objects);
            out.data(&lines.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    images: BTreeMap<ServiceName, ImageChange>,
    /// What splits the traffic of each service now.
    routing: BTreeMap<&'a ServiceName, &'a Routing>,
    /// A release would be refused until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Frozen>,
    /// Who counts the requests of each service that is judged, and what Prometheus is asked. On Kubernetes only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counted_by: BTreeMap<ServiceName, CountedBy>,
    /// On Kubernetes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Objects>,
}

/// What the cluster's dry run of the objects says.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Objects {
    Differ(Vec<ObjectDiff>),
    /// The plan stands without the comparison. Why there is none.
    NotCompared(String),
}

impl Objects {
    fn new(found: Result<Vec<ObjectDiff>, TargetError>) -> Objects {
        found.map_or_else(|it| Objects::NotCompared(it.message), Objects::Differ)
    }

    fn lines(&self) -> Vec<String> {
        let found = match self {
            Objects::Differ(found) if found.is_empty() => return vec![],
            Objects::Differ(found) => found,
            Objects::NotCompared(why) => return vec![format!("  {:<10} not compared: {why}", "objects")],
        };
        let mut texts = vec![format!("{} differ from what is in the cluster", found.len())];
        let lines = objects::lines(found);
        texts.extend(lines.iter().take(OBJECT_LINES_MAX).cloned());
        if OBJECT_LINES_MAX < lines.len() {
            texts.push(format!("and {} more lines: lockgate diff", lines.len() - OBJECT_LINES_MAX));
        }
        let mut lines = vec![String::new()];
        lines.extend(under("objects", texts.into_iter()));
        lines
    }
}

fn routings(observed: &Observed) -> BTreeMap<&ServiceName, &Routing> {
    observed.services.iter().map(|it| (it.0, &it.1.routing)).collect()
}

/// Services whose requests decide, those that are new aside: nothing of them can be seen yet.
fn judged(plan: &Plan) -> Vec<ServiceName> {
    let has_gates =
        plan.stages.iter().flat_map(|it| &it.tasks).any(|it| matches!(it.action, Action::Gate { .. }));
    if has_gates { plan.report.changed.clone() } else { vec![] }
}

/// `web: Prometheus monitoring/prometheus:9090, from its own metrics`, and why it is no other.
fn counts(counted_by: &BTreeMap<ServiceName, CountedBy>) -> impl Iterator<Item = String> {
    counted_by.iter().flat_map(|(name, it)| {
        let by = it.by.as_deref().unwrap_or("nobody counts its requests; readiness and crashes are judged");
        std::iter::once(format!("{name}: {by}")).chain(it.notes.iter().map(|it| format!("  {it}")))
    })
}

pub fn human(plan: &Plan, observed: &Observed, counted_by: &BTreeMap<ServiceName, CountedBy>) -> String {
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
    let images = images::changes(plan);
    let images = images.iter().map(|(name, it)| format!("{name}: {}", images::line(it)));
    lines.extend(under("images", images));
    let shifted = |name: &ServiceName| report.changed.contains(name) || report.new.contains(name);
    let routed = observed.services.iter().filter(|it| shifted(it.0));
    lines.extend(under(
        "traffic",
        routed.filter_map(|(name, it)| Some(format!("{name}: {}", split(&it.routing)?))),
    ));
    lines.extend(under("counts", counts(counted_by)));
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

/// Lines below one another, the first behind its title.
fn under(title: &str, texts: impl Iterator<Item = String>) -> Vec<String> {
    let titles = std::iter::once(title).chain(std::iter::repeat(""));
    titles.zip(texts).map(|(title, text)| format!("  {title:<10} {text}")).collect()
}

/// Nothing for the router of this machine, which splits as it is asked to.
fn split(routing: &Routing) -> Option<String> {
    let by = &routing.by;
    match routing.sharing {
        Sharing::Exact if by.is_empty() => None,
        Sharing::Exact => Some(format!("split by {by}")),
        Sharing::Percent => Some(format!("split by {by}, in whole percents")),
        Sharing::Replicas => Some("nothing splits it: the share is that of the instances".to_owned()),
    }
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
