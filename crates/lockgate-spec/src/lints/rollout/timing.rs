//! Pauses that are too short for what is to be seen in them.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Millis, RollbackTrigger, Rollout, Strategy};

use crate::layers::Value;
use crate::lints::shared::{info, is_meant_for_others, label};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    not_compared(seen, report);
    never_early(seen, report);
    alert_outlasts(seen, report);
}

fn analysis<'a>(seen: &'a Seen<'_>, key: &str) -> Option<&'a Value> {
    seen.tree.at(&["rollout", "analysis", key])
}

/// The pauses that take time, with the number of their step.
fn pauses(rollout: &Rollout) -> impl Iterator<Item = (usize, Millis)> {
    rollout.steps.iter().map(|it| it.pause).enumerate().filter(|it| it.1 != Millis::ZERO)
}

fn pause_of<'a>(seen: &'a Seen<'_>, step: usize) -> Option<&'a Value> {
    seen.tree.at(&["rollout", "steps"])?.items().get(step)?.get("pause")
}

/// Warm-up begins with the first instance; a step that ends within it has nothing to be judged by.
fn not_compared(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let rollout = &seen.system.rollout;
    let warmup = rollout.analysis.warmup;
    let Some((step, pause)) = pauses(rollout).next().filter(|it| it.1 <= warmup) else { return };
    let Some(written) = pause_of(seen, step) else { return };
    let message = format!(
        "the step at {} lasts {pause}, and new instances are not compared for {warmup}",
        rollout.steps[step].weight
    );
    let diagnostic = Diagnostic::warning(codes::NOT_COMPARED, message)
        .label(written.place(), "over before anything was compared");
    let diagnostic = label(diagnostic, analysis(seen, "warmup"), "not compared for so long");
    report.push(
        diagnostic
            .help(format!(
                "such a step goes on until there is evidence, at most {}",
                rollout.analysis.max_time
            ))
            .help("make the pause longer, or `analysis.warmup` shorter"),
    );
}

fn never_early(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let rollout = &seen.system.rollout;
    let Some(written) = analysis(seen, "min_time") else { return };
    let longest = pauses(rollout).map(|it| it.1).max();
    let steps = seen.tree.at(&["rollout", "steps"]);
    let Some(longest) = longest.filter(|it| *it <= rollout.analysis.min_time) else { return };
    if !rollout.analysis.promote_early || is_meant_for_others(written, steps) {
        return;
    }
    let message = format!(
        "no step ends early: each needs {}, and the longest pause is {longest}",
        rollout.analysis.min_time
    );
    let diagnostic = info(codes::NEVER_EARLY, message).label(written.place(), "at least so long");
    let diagnostic = label(diagnostic, steps, "no pause is longer");
    report
        .push(diagnostic.help("make `min_time` shorter, or say that this is meant: `promote_early: false`"));
}

/// How long a new version is looked at, at most.
fn watched(rollout: &Rollout) -> Millis {
    let pauses = rollout.steps.iter().map(|it| it.pause.0).fold(0, u64::saturating_add);
    Millis(pauses.saturating_add(rollout.bake.0))
}

fn alert_outlasts(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let rollout = &seen.system.rollout;
    let watched = watched(rollout);
    if !matches!(rollout.strategy, Strategy::Canary | Strategy::BlueGreen) || watched == Millis::ZERO {
        return;
    }
    let pace = [seen.tree.at(&["rollout", "steps"]), seen.tree.at(&["rollout", "bake"])];
    for value in seen.tree.at(&["rollout", "rollback_on"]).map_or(&[][..], Value::items) {
        let Some(metric) = value.text().and_then(crate::threshold::metric) else { continue };
        let alert = seen.system.slo.get(&metric).and_then(|it| it.alert);
        let Some(alert) = alert.filter(|it| watched < it.lasting) else { continue };
        let Some(written) = seen.tree.at(&["slo", metric.as_str(), "alert"]) else { continue };
        if !rollout.rollback_on.contains(&RollbackTrigger::Slo(metric))
            || pace.iter().any(|it| is_meant_for_others(written, *it))
        {
            continue;
        }
        let message = format!(
            "the alert of `{metric}` must last {}, and a new version is watched for {watched}",
            alert.lasting
        );
        let diagnostic = info(codes::ALERT_OUTLASTS, message).label(written.place(), "cannot fire in time");
        let diagnostic = label(diagnostic, pace[0].or(pace[1]), format!("{watched} in all"));
        report.push(
            diagnostic.help(
                "statistics judge the metric all the same; only the rule to the letter is out of reach",
            ),
        );
    }
}
