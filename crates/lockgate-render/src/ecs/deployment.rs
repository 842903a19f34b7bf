//! The spec's rollout as ECS does it itself: rolling, blue-green, canary or linear.

use lockgate_model::{Millis, RollbackTrigger, Step, StepGate, Strategy, Weight};
use serde_json::{Value, json};

use super::balancer;
use crate::aws::Cloud;
use crate::cloudwatch;
use crate::facts::ServiceFact;
use crate::output::Output;

/// ECS waits no longer at one share of the traffic.
const PAUSE_MAX_MINUTES: u64 = 1_440;
/// A person or Lockgate goes on within this time, or the release is taken back.
const HOOK_MINUTES: u64 = 60;

pub(super) fn configuration(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Value {
    let rollout = &cloud.environment.system.rollout;
    let shifts = 1 < balancer::target_groups(cloud, fact).len();
    let mut configuration = if shifts { shifted(cloud, fact, output) } else { rolling(cloud, fact) };
    if !shifts && matches!(rollout.strategy, Strategy::Canary | Strategy::BlueGreen) {
        let strategy = if rollout.strategy == Strategy::Canary { "canary" } else { "blue-green" };
        output.note(format!(
            "environment `{}`: `{}` takes no requests from the load balancer, so ECS replaces it task by task \
             instead of `{strategy}`",
            cloud.environment.name(),
            fact.name
        ));
    }
    let alarms = cloudwatch::rollback_alarms(cloud, fact);
    if !alarms.is_empty() {
        configuration["alarms"] = json!({"alarmNames": alarms, "enable": true, "rollback": true});
    }
    configuration
}

fn rolling(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Value {
    let rollout = &cloud.environment.system.rollout;
    let percent = |text: &Option<String>, default: u64| {
        text.as_deref().and_then(|it| percent_of(it, fact.service.replicas)).unwrap_or(default)
    };
    let (most, least) = match rollout.strategy {
        Strategy::Recreate => (100, 0),
        Strategy::Rolling | Strategy::Canary | Strategy::BlueGreen => (
            100 + percent(&rollout.max_surge, 100),
            100_u64.saturating_sub(percent(&rollout.max_unavailable, 0)),
        ),
    };
    let gives_up = rollout.rollback_on.contains(&RollbackTrigger::CrashLoop);
    json!({
        "strategy": "ROLLING",
        "maximumPercent": most,
        "minimumHealthyPercent": least,
        "deploymentCircuitBreaker": {"enable": true, "rollback": gives_up},
    })
}

/// `25%`, or a number of instances as a share of them all.
fn percent_of(text: &str, replicas: u16) -> Option<u64> {
    if let Some(share) = text.strip_suffix('%') {
        return share.trim().parse().ok();
    }
    let count: u64 = text.parse().ok()?;
    Some((count * 100).div_ceil(u64::from(replicas.max(1))))
}

fn shifted(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Value {
    let rollout = &cloud.environment.system.rollout;
    let steps: Vec<&Step> = rollout.steps.iter().filter(|it| it.weight < Weight::ALL).collect();
    let mut configuration = json!({
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "bakeTimeInMinutes": minutes(rollout.bake),
    });
    match (rollout.strategy, steps.as_slice()) {
        (Strategy::Canary, [first]) => {
            configuration["strategy"] = json!("CANARY");
            configuration["canaryConfiguration"] = canary(first.weight, first.pause);
        }
        (Strategy::Canary, [first, ..]) if are_even(&steps) => {
            configuration["strategy"] = json!("LINEAR");
            configuration["linearConfiguration"] = json!({
                "stepPercent": percent(first.weight),
                "stepBakeTimeInMinutes": minutes(first.pause),
            });
        }
        (Strategy::Canary, [first, .., last]) => {
            let whole = Millis(steps.iter().map(|it| it.pause.0).sum());
            configuration["strategy"] = json!("CANARY");
            configuration["canaryConfiguration"] = canary(first.weight, whole);
            output.note(format!(
                "environment `{}`: ECS shifts traffic once or by even steps, so `{}` stays at {}% for {whole} \
                 instead of going on to {}% before 100%",
                cloud.environment.name(),
                fact.name,
                percent(first.weight),
                percent(last.weight),
            ));
        }
        _ => configuration["strategy"] = json!("BLUE_GREEN"),
    }
    let hooks = hooks(cloud, fact, output);
    if !hooks.is_empty() {
        configuration["lifecycleHooks"] = json!(hooks);
    }
    configuration
}

fn canary(weight: Weight, pause: Millis) -> Value {
    json!({"canaryPercent": percent(weight), "canaryBakeTimeInMinutes": minutes(pause)})
}

/// In tenths of a percent, and never more than was asked for.
fn percent(weight: Weight) -> f64 {
    f64::from((weight.basis_points() / 10).max(1)) / 10.0
}

fn minutes(time: Millis) -> u64 {
    time.0.div_ceil(60_000).min(PAUSE_MAX_MINUTES)
}

/// 25%, 50%, 75%, each for the same time; ECS takes no steps below 3%.
fn are_even(steps: &[&Step]) -> bool {
    let Some(first) = steps.first() else { return false };
    let unit = usize::from(first.weight.basis_points());
    let in_line = |(idx, it): (usize, &&Step)| {
        usize::from(it.weight.basis_points()) == (idx + 1) * unit && it.pause == first.pause
    };
    300 <= unit && unit * (steps.len() + 1) == 10_000 && steps.iter().enumerate().all(in_line)
}

/// Where ECS waits: for the smoke checks, and for a person.
fn hooks(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Vec<Value> {
    let environment = cloud.environment.name();
    let pause = |stage: &str| {
        json!({
            "targetType": "PAUSE",
            "lifecycleStages": [stage],
            "timeoutConfiguration": {"timeoutInMinutes": HOOK_MINUTES, "action": "ROLLBACK"},
        })
    };
    let mut hooks = vec![];
    if balancer::test_rule(cloud, fact).is_some() {
        let (header, value) = balancer::TEST_HEADER;
        output.note(format!(
            "environment `{environment}`: a release of `{}` waits before it takes traffic; check it with the header \
             `{header}: {value}`, then run `aws ecs continue-service-deployment`",
            fact.name
        ));
        hooks.push(pause("POST_TEST_TRAFFIC_SHIFT"));
    }
    if cloud.environment.system.rollout.steps.iter().any(|it| it.gate == StepGate::Approval) {
        output.note(format!(
            "environment `{environment}`: ECS waits for a person before each shift of traffic to `{}`: \
             `aws ecs continue-service-deployment` goes on",
            fact.name
        ));
        hooks.push(pause("PRE_PRODUCTION_TRAFFIC_SHIFT"));
    }
    hooks
}
