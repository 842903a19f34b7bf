//! What aborts without statistics, and the runbook's rules to the letter.

use lockgate_analysis::{Judge, Reason, StepKind, Traffic, Verdict};
use lockgate_model::{Analysis, Millis, RollbackTrigger, SloMetric, SloObjective};

use crate::support::{NEW, OLD, Served, World, config, name, percent, rollout, served, slo};

fn reasons(world: &World) -> Vec<String> {
    match world.judge.verdict(world.now) {
        Verdict::Fail { why } => why.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn lost_readiness_aborts_even_while_the_canary_warms_up() {
    let mut world = World::begun(config(Analysis::default(), []));
    world.slot("web", NEW).ready = 0;
    world.pass_tick();
    assert_eq!(reasons(&world), ["web: no instance of the new version is ready any more, 2 wanted"]);
    world.slot("web", NEW).ready = 2;
    world.pass_tick();
    assert!(!reasons(&world).is_empty(), "a failure is final");
}

#[test]
fn a_canary_that_was_never_ready_has_lost_nothing() {
    let mut world = World::new(config(Analysis::default(), []), &["web"]);
    world.slot("web", NEW).ready = 0;
    world.look();
    assert!(reasons(&world).is_empty());
}

#[test]
fn two_crashes_within_a_minute_are_a_loop_and_three_are_one_at_any_time() {
    let mut world = World::begun(config(Analysis::default(), []));
    for minute in 1..=2 {
        world.slot("web", NEW).crashes += 1;
        for _ in 0..7 {
            world.pass_tick();
        }
        assert!(reasons(&world).is_empty(), "crash {minute}");
    }
    let slot = world.slot("web", NEW);
    (slot.crashes, slot.last_crash) = (3, Some("exit status 1: no such table".to_owned()));
    world.pass_tick();
    let text = "web: the new version crashed 3 times; it last said: exit status 1: no such table";
    assert_eq!(reasons(&world), [text]);

    let mut world = World::begun(config(Analysis::default(), []));
    for _ in 0..2 {
        world.slot("web", NEW).crashes += 1;
        world.pass_tick();
    }
    assert_eq!(reasons(&world), ["web: the new version crashed 2 times"]);
}

#[test]
fn two_crashes_before_the_first_look_may_be_a_slow_start() {
    let mut world = World::new(config(Analysis::default(), []), &["web"]);
    world.slot("web", NEW).crashes = 2;
    world.look();
    assert!(reasons(&world).is_empty());
    for _ in 0..7 {
        world.pass_tick();
    }
    world.slot("web", NEW).crashes = 3;
    world.pass_tick();
    assert_eq!(reasons(&world), ["web: the new version crashed 3 times"]);
}

#[test]
fn crashes_of_the_old_version_are_not_the_canarys() {
    let mut world = World::begun(config(Analysis::default(), []));
    world.slot("web", OLD).crashes = 5;
    world.pass_tick();
    assert!(reasons(&world).is_empty());
}

#[test]
fn a_canary_that_cannot_be_reached_aborts_at_once() {
    let mut world = World::begun(config(Analysis::default(), []));
    world.slot("web", NEW).connect_failures = 6;
    world.tick(served(10, 6), served(90, 0));
    assert_eq!(reasons(&world), ["web: 6 of 10 requests reached no instance of the new version"]);

    let mut world = World::begun(config(Analysis::default(), []));
    world.slot("web", NEW).connect_failures = 5;
    world.tick(served(10, 5), served(90, 0));
    assert!(reasons(&world).is_empty(), "half of them is left to the statistics");
}

#[test]
fn a_worker_is_judged_by_its_condition_alone() {
    let mut world = World::begun(config(Analysis::default(), []));
    world.judge = Judge::new(config(Analysis::default(), []), [(name("web"), Traffic::None)]);
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..29 {
        world.pass_tick();
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
    let healthy = world.clone();
    world.pass_tick();
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }));
    world = healthy;
    world.slot("web", NEW).crashes = 3;
    world.pass_tick();
    assert!(!reasons(&world).is_empty());
}

/// Weak evidence, so that the rule speaks before the statistics do.
fn literal_world() -> World {
    let analysis =
        Analysis { alpha: 1e-300, warmup: Millis::ZERO, promote_early: false, ..Analysis::default() };
    let alert = Some((percent("1%"), Millis::secs(60)));
    World::begun(config(analysis, [(SloMetric::ErrorRate, slo(None, alert))]))
}

#[test]
fn the_literal_rule_aborts_when_it_has_lasted() {
    let mut world = literal_world();
    for _ in 0..5 {
        world.tick(served(100, 2), served(900, 0));
    }
    let literal = world.judge.evidence(world.now).services["web"].literals[0].clone();
    assert_eq!((literal.rule.as_str(), literal.lasted), ("error_rate > 1 %", Some(Millis::secs(50))));
    assert!(reasons(&world).is_empty());
    world.tick(served(100, 2), served(900, 0));
    assert_eq!(reasons(&world), ["web: error_rate > 1 % for 1 min"]);
}

#[test]
fn a_tick_within_the_limit_or_without_requests_begins_the_literal_rule_anew() {
    for gap in [served(100, 1), Served::default()] {
        let mut world = literal_world();
        for tick in 0..11 {
            let canary = if tick == 5 { gap } else { served(100, 2) };
            world.tick(canary, served(900, 0));
            assert!(reasons(&world).is_empty(), "tick {tick}");
        }
        world.tick(served(100, 2), served(900, 0));
        assert!(!reasons(&world).is_empty());
    }
}

#[test]
fn the_literal_rule_is_an_incident_while_the_old_version_breaks_it_too() {
    let mut world = literal_world();
    for _ in 0..7 {
        world.tick(served(100, 2), served(900, 20));
    }
    let Verdict::EnvironmentIncident { why } = world.judge.verdict(world.now) else { panic!("an incident") };
    assert!(matches!(&why[..], [Reason::Literal { .. }]));
}

#[test]
fn the_literal_rule_holds_for_latency_and_restarts() {
    let analysis = Analysis { alpha: 1e-300, warmup: Millis::ZERO, ..Analysis::default() };
    let p95 = slo(None, Some((SloObjective::Latency(Millis(500)), Millis::secs(20))));
    let restarts = slo(None, Some((SloObjective::Count(0), Millis::ZERO)));
    let mut world =
        World::begun(config(analysis, [(SloMetric::LatencyP95, p95), (SloMetric::Restarts, restarts)]));
    world.tick(Served { requests: 100, errors: 0, slow: 6 }, served(900, 0));
    assert!(reasons(&world).is_empty());
    let mut crashed = world.clone();
    world.tick(Served { requests: 100, errors: 0, slow: 6 }, served(900, 0));
    assert_eq!(reasons(&world), ["web: latency_p95 > 500 ms for 20 s"]);
    crashed.slot("web", NEW).crashes = 1;
    crashed.tick(served(100, 0), served(900, 0));
    assert_eq!(reasons(&crashed), ["web: restarts > 0 for 10 s"]);
}

#[test]
fn only_the_named_triggers_roll_back() {
    let error_rate = slo(Some(percent("0.5%")), Some((percent("1%"), Millis::mins(5))));
    let p99 = slo(Some(SloObjective::Latency(Millis::secs(1))), None);
    let slos = [(SloMetric::ErrorRate, error_rate), (SloMetric::LatencyP99, p99)].into_iter().collect();
    let mut rollout = rollout(Analysis::default());
    let all = lockgate_analysis::JudgeConfig::new(&rollout, &slos);
    assert_eq!((all.error_ratio, all.slos.len(), all.literals.len()), (true, 2, 1));
    let alert = lockgate_model::Percent(1_000);
    assert_eq!(all.slos[0].allowed, alert, "the alert's limit is judged, not the stricter objective");
    rollout.rollback_on = vec![RollbackTrigger::CrashLoop, RollbackTrigger::Slo(SloMetric::LatencyP99)];
    let named = lockgate_analysis::JudgeConfig::new(&rollout, &slos);
    assert_eq!((named.error_ratio, named.slos.len(), named.literals.len()), (false, 1, 0));
}
