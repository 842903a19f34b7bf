//! How a new version takes over.

use lockgate_model::{
    Analysis, Diagnostic, Millis, OnUndecided, RollbackTrigger, Rollout, Step, StepGate, Strategy, Weight,
};
use serde::de::DeserializeOwned;

use super::{Context, duration};
use crate::language;
use crate::layers::{Value, inner};
use crate::scope::Mentions;
use crate::{scalar, threshold};
use lockgate_diagnostics::codes;

/// More steps than this are a continuous shift, which weights in a list do not describe well.
const STEPS_MAX: usize = 32;

pub(super) fn lower(context: &mut Context<'_>) -> Rollout {
    let tree = context.tree;
    let empty = Value::empty_map(tree.origin);
    let value = tree.get("rollout").unwrap_or(&empty);
    let strategy = match value.get("strategy").and_then(Value::text) {
        Some("canary") => Strategy::Canary,
        Some("blue-green") => Strategy::BlueGreen,
        Some("recreate") => Strategy::Recreate,
        Some(_) | None => Strategy::Rolling,
    };
    let steps = match (strategy, value.get("steps")) {
        (Strategy::Rolling | Strategy::Recreate, _) => vec![],
        // All traffic at once, when all of the new version is there.
        (Strategy::BlueGreen, _) => vec![step(10_000, Millis::ZERO)],
        (Strategy::Canary, None) => default_steps(),
        (Strategy::Canary, Some(steps)) => written_steps(context, steps),
    };
    let text = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
    Rollout {
        strategy,
        steps,
        rollback_on: value
            .get("rollback_on")
            .map_or(&[][..], Value::items)
            .iter()
            .filter_map(trigger)
            .collect(),
        bake: duration(value, "bake", Millis::ZERO),
        analysis: analysis(value.get("analysis").unwrap_or(&empty)),
        gates: part(context, value, "gates").unwrap_or_default(),
        freeze: part(context, value, "freeze").unwrap_or_default(),
        max_surge: text("max_surge"),
        max_unavailable: text("max_unavailable"),
    }
}

fn part<T: DeserializeOwned>(context: &mut Context<'_>, value: &Value, key: &str) -> Option<T> {
    let shape = inner(inner(&language::ROOT, "rollout"), key);
    context.typed(value.get(key)?, shape, None, &mut Mentions::new())
}

fn step(basis_points: u16, pause: Millis) -> Step {
    let weight = Weight::from_basis_points(basis_points).expect("at most 10,000");
    Step { weight, pause, gate: StepGate::Metrics }
}

fn default_steps() -> Vec<Step> {
    vec![step(1_000, Millis::mins(5)), step(5_000, Millis::mins(5)), step(10_000, Millis::ZERO)]
}

fn written_steps(context: &mut Context<'_>, value: &Value) -> Vec<Step> {
    let mut steps = vec![];
    let mut places = vec![];
    for item in value.items() {
        let weight = item.get("weight").and_then(|it| Some((it.read(scalar::weight)?, it.place())));
        if let Some((weight, place)) = weight {
            let gate = match item.get("gate").and_then(Value::text) {
                Some("approval") => StepGate::Approval,
                Some(_) | None => StepGate::Metrics,
            };
            steps.push(Step { weight, pause: duration(item, "pause", Millis::ZERO), gate });
            places.push(place);
        }
    }
    // A step that could not be read was reported; judging the rest would only repeat it.
    if steps.len() == value.items().len() {
        ascending(context, value, &steps, &places);
    }
    steps
}

fn ascending(context: &mut Context<'_>, value: &Value, steps: &[Step], places: &[lockgate_model::Span]) {
    let Some(last) = steps.last() else {
        let diagnostic = Diagnostic::error(codes::STEPS, "a canary has no steps");
        let help = "as in `[{weight: 5%, pause: 15m}, {weight: 100%}]`";
        context.report.push(diagnostic.label(value.place(), "empty").help(help));
        return;
    };
    if STEPS_MAX < steps.len() {
        let message = format!("a canary has {} steps; at most {STEPS_MAX} are allowed", steps.len());
        context.report.push(Diagnostic::error(codes::STEPS, message).label(value.place(), "too many"));
    }
    if steps[0].weight == Weight::NONE {
        let diagnostic = Diagnostic::error(codes::STEPS, "a canary step gives the new version no traffic");
        context.report.push(diagnostic.label(places[0], "nothing can be judged at 0%"));
    }
    for (pair, places) in steps.windows(2).zip(places.windows(2)) {
        if pair[1].weight <= pair[0].weight {
            let message =
                format!("canary steps do not ascend: {} comes after {}", pair[1].weight, pair[0].weight);
            context.report.push(
                Diagnostic::error(codes::STEPS, message)
                    .label(places[1], "not more than the step before")
                    .label(places[0], "the step before"),
            );
        }
    }
    if last.weight != Weight::ALL
        && let Some(place) = places.last()
    {
        let message = format!("the canary ends at {} and never reaches 100%", last.weight);
        let diagnostic = Diagnostic::error(codes::STEPS, message).label(*place, "the last step");
        context.report.push(diagnostic.help("add a last step `{weight: 100%}`"));
    }
}

fn trigger(value: &Value) -> Option<RollbackTrigger> {
    match value.text()? {
        "crash_loop" => Some(RollbackTrigger::CrashLoop),
        name => threshold::metric(name).map(RollbackTrigger::Slo),
    }
}

fn analysis(value: &Value) -> Analysis {
    let default = Analysis::default();
    let open = |it: &lockgate_yaml::Scalar| scalar::decimal(it, 0.0, f64::MAX);
    let margin = |key: &str| value.at(&["margin", key]);
    let undecided = value.field("on_undecided", |it| scalar::one_of(it, &["hold", "promote", "rollback"]));
    Analysis {
        tick: duration(value, "tick", default.tick),
        alpha: value.field("alpha", open).unwrap_or(default.alpha),
        beta: value.field("beta", open).unwrap_or(default.beta),
        tolerance: value.field("tolerance", open).unwrap_or(default.tolerance),
        margin_ratio: margin("ratio").and_then(|it| it.read(open)).unwrap_or(default.margin_ratio),
        margin_abs: margin("abs").and_then(|it| it.read(scalar::share)).unwrap_or(default.margin_abs),
        warmup: duration(value, "warmup", default.warmup),
        min_time: duration(value, "min_time", default.min_time),
        min_requests: value
            .field("min_requests", |it| scalar::integer(it, 0, u64::MAX))
            .unwrap_or(default.min_requests),
        max_time: duration(value, "max_time", default.max_time),
        promote_early: value.field("promote_early", scalar::boolean).unwrap_or(default.promote_early),
        on_undecided: match undecided {
            Some("promote") => OnUndecided::Promote,
            Some("rollback") => OnUndecided::Rollback,
            Some(_) | None => OnUndecided::Hold,
        },
    }
}
