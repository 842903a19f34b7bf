//! Strategies that cannot do what they are chosen for, and keys that do nothing under the chosen one.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Millis, OnUndecided, StepGate, Strategy, TargetKind};

use crate::layers::Value;
use crate::lints::shared::{is_meant_for_others, label};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    nothing_to_shift(seen, report);
    switched_unasked(seen, report);
    not_watched(seen, report);
    unused_keys(seen, report);
    never_moves(seen, report);
    approved_and_promoted(seen, report);
}

fn rollout<'a>(seen: &'a Seen<'_>, key: &str) -> Option<&'a Value> {
    seen.tree.at(&["rollout", key])
}

/// As the spec writes it.
fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Canary => "canary",
        Strategy::Rolling => "rolling",
        Strategy::BlueGreen => "blue-green",
        Strategy::Recreate => "recreate",
    }
}

fn nothing_to_shift(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let strategy = seen.system.rollout.strategy;
    if !matches!(strategy, Strategy::Canary | Strategy::BlueGreen) {
        return;
    }
    let chosen = rollout(seen, "strategy");
    let warning = |message: String| {
        let diagnostic = Diagnostic::warning(codes::NOTHING_TO_SHIFT, message);
        label(diagnostic, chosen, "shifts traffic")
    };
    let services = &seen.system.services;
    if !services.is_empty() && services.values().all(|it| it.ports.is_empty()) {
        let message = format!("no service takes requests, so `{}` has nothing to shift", name(strategy));
        report.push(warning(message).help("workers are replaced as they are: use `strategy: rolling`"));
        return;
    }
    match (strategy, &seen.system.target) {
        (Strategy::BlueGreen, TargetKind::Ecs(it)) if it.load_balancer.is_none() => {
            let message = "`blue-green` on `ecs` without `load_balancer` has nothing to switch".to_owned();
            let cluster = seen.tree.at(&["target", "ecs", "cluster"]);
            let diagnostic = label(warning(message), cluster, "no `load_balancer` is named");
            report.push(diagnostic.help("name the load balancer, or use `strategy: rolling`"));
        }
        (Strategy::Canary, TargetKind::AppRunner(_)) => {
            let message =
                "`apprunner` moves all traffic by itself, so a canary has no steps there".to_owned();
            let target = seen.tree.at(&["target", "apprunner"]).map(|it| it.key_span);
            let diagnostic =
                target.into_iter().fold(warning(message), |it, span| it.label(span, "takes no weights"));
            report.push(diagnostic.help("use `strategy: rolling` here, or the target `ecs`"));
        }
        _ => {}
    }
}

fn switched_unasked(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let asked = seen.tree.get("smoke").is_some_and(|it| !it.items().is_empty());
    if seen.system.rollout.strategy != Strategy::BlueGreen || asked {
        return;
    }
    let message = "all traffic is switched to a new version that nothing was asked of";
    let diagnostic = Diagnostic::warning(codes::SWITCHED_UNASKED, message);
    let diagnostic =
        label(diagnostic, rollout(seen, "strategy"), "there is no smoke check before the switch");
    report.push(diagnostic.help("add one, such as `smoke: [{get: /health}]`"));
}

/// After the switch of a blue-green release there is only the bake in which anything could be seen.
fn not_watched(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let Some(triggers) = rollout(seen, "rollback_on") else { return };
    let settled = &seen.system.rollout;
    let chosen = rollout(seen, "strategy");
    if settled.strategy != Strategy::BlueGreen
        || settled.bake != Millis::ZERO
        || triggers.items().is_empty()
        || is_meant_for_others(triggers, chosen)
    {
        return;
    }
    let message = "the old version is gone before `rollback_on` could take the release back to it";
    let diagnostic = Diagnostic::warning(codes::NOT_WATCHED, message)
        .label(triggers.place(), "nothing is seen before the switch");
    let diagnostic = match rollout(seen, "bake") {
        Some(bake) => diagnostic.label(bake.place(), "and no time is left after it"),
        None => label(diagnostic, chosen, "and `bake` is 0s unless said"),
    };
    report.push(diagnostic.help("say how long the old version is kept, such as `bake: 10m`"));
}

fn unused_keys(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let strategy = seen.system.rollout.strategy;
    let of = [
        ("steps", Strategy::Canary),
        ("max_surge", Strategy::Rolling),
        ("max_unavailable", Strategy::Rolling),
    ];
    let chosen = rollout(seen, "strategy");
    for (key, of) in of.into_iter().filter(|it| it.1 != strategy) {
        let Some(value) = rollout(seen, key).filter(|it| !is_meant_for_others(it, chosen)) else { continue };
        let message = format!("`{key}` has no effect: the strategy is `{}`", name(strategy));
        let diagnostic = Diagnostic::warning(codes::UNUSED_BY_STRATEGY, message)
            .label(value.key_span, format!("for `strategy: {}` only", name(of)));
        let diagnostic = label(diagnostic, chosen, "the strategy");
        report.push(match chosen {
            Some(_) => diagnostic.help(format!("remove `{key}`, or choose `strategy: {}`", name(of))),
            None => diagnostic.help(format!("add `strategy: {}`; it is `rolling` unless said", name(of))),
        });
    }
}

fn never_moves(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let zero = |value: &&Value| value.text().is_some_and(is_zero);
    let (Some(surge), Some(unavailable)) =
        (rollout(seen, "max_surge").filter(zero), rollout(seen, "max_unavailable").filter(zero))
    else {
        return;
    };
    if seen.system.rollout.strategy != Strategy::Rolling {
        return;
    }
    let message = "a rolling release can neither add an instance nor take one away";
    report.push(
        Diagnostic::error(codes::NEVER_MOVES, message)
            .label(unavailable.place(), "none may be missing")
            .label(surge.place(), "and none may be added")
            .help("allow one of them, such as `max_surge: 1`"),
    );
}

/// `0` or `0%`, with any number of zeros.
fn is_zero(text: &str) -> bool {
    text.trim_end_matches('%').parse::<f64>().is_ok_and(|it| it == 0.0)
}

fn approved_and_promoted(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let settled = &seen.system.rollout;
    let at = settled.steps.iter().position(|it| it.gate == StepGate::Approval);
    let (Some(at), OnUndecided::Promote) = (at, settled.analysis.on_undecided) else { return };
    let steps = rollout(seen, "steps").map_or(&[][..], Value::items);
    let gate = steps.get(at).and_then(|it| it.get("gate"));
    let policy = seen.tree.at(&["rollout", "analysis", "on_undecided"]);
    if gate.is_some_and(|it| is_meant_for_others(it, policy)) {
        return;
    }
    let message = format!(
        "a person has to agree at {}, and a release whose evidence is never enough goes on by itself",
        settled.steps[at].weight
    );
    let diagnostic = Diagnostic::warning(codes::APPROVED_AND_PROMOTED, message);
    let diagnostic = label(diagnostic, policy, "goes on without evidence");
    let diagnostic = label(diagnostic, gate, "a person decides");
    report.push(diagnostic.help("`on_undecided: hold` waits for a person at the other steps as well"));
}
