//! What people read, and corner cases that other judges are known to get wrong.

use lockgate_analysis::{Reason, Verdict};
use lockgate_model::{Analysis, Millis, SloMetric, SloObjective};

use crate::support::{OLD, Served, World, config, percent, served, slo};

fn quick() -> Analysis {
    Analysis { warmup: Millis::ZERO, ..Analysis::default() }
}

fn fail(world: &World) -> Option<Vec<Reason>> {
    match world.judge.verdict(world.now) {
        Verdict::Fail { why } => Some(why),
        _ => None,
    }
}

#[test]
fn a_failure_says_which_service_broke_which_rule_by_how_much() {
    let mut world = World::begun(config(quick(), []));
    world.tick(served(1_950, 41), served(2_010, 2));
    let why = fail(&world).unwrap();
    assert_eq!(
        (why.len(), why[0].service().unwrap().as_str(), why[0].rule().as_str()),
        (1, "web", "error-ratio")
    );
    let text = why[0].to_string();
    let start = "web: error rate 2.1 % against 0.1 % (canary 41 of 1,950, old 2 of 2,010), evidence ";
    assert!(text.starts_with(start) && text.ends_with(" : 1 after 10 s"), "{text}");
}

#[test]
fn a_broken_limit_is_told_in_the_words_of_the_spec() {
    let p95 = slo(Some(SloObjective::Latency(Millis(500))), None);
    let mut world = World::begun(config(quick(), [(SloMetric::LatencyP95, p95)]));
    world.tick(Served { requests: 1_000, errors: 0, slow: 150 }, served(9_000, 0));
    let text = fail(&world).unwrap()[0].to_string();
    let start =
        "web: latency_p95 above 500 ms: 15 % of requests are slower, 5 % allowed (canary 150 of 1,000)";
    assert!(text.starts_with(start), "{text}");

    let errors = slo(Some(percent("1%")), None);
    let mut world = World::begun(config(quick(), [(SloMetric::ErrorRate, errors)]));
    world.tick(served(1_000, 100), Served::default());
    let text = fail(&world).unwrap()[0].to_string();
    assert!(text.starts_with("web: error rate 10 %, 1 % allowed (canary 100 of 1,000), evidence "), "{text}");
}

#[test]
fn evidence_shows_both_versions_and_how_far_each_way_is() {
    let errors = slo(None, Some((percent("1%"), Millis::mins(5))));
    let mut world = World::begun(config(quick(), [(SloMetric::ErrorRate, errors)]));
    world.tick(Served { requests: 100, errors: 3, slow: 10 }, served(900, 1));
    let evidence = world.judge.evidence(world.now);
    let web = &evidence.services["web"];
    assert_eq!((web.canary.p95_ms, web.baseline.unwrap().p95_ms), (Some(1_000), Some(100)));
    assert_eq!(web.canary.error_rate, Some(0.03));
    assert_eq!(evidence.leading.unwrap().rule, "error-ratio");
    assert!((evidence.abort.threshold_log10 - 2.0).abs() < 1e-9);
    assert!(0.0 < evidence.abort.progress && evidence.abort.progress < 1.0);
    assert_eq!((web.literals[0].lasted, web.literals[0].lasting), (Some(Millis::secs(10)), Millis::mins(5)));
    assert_eq!((evidence.requests, evidence.requests_needed), (100, 500));
}

/// The golden vector of the margin, from the counters to the evidence.
#[test]
fn certificates_begin_with_what_the_old_version_did_before_the_canary() {
    let mut world = World::new(config(quick(), []), &["web"]);
    // With its prior of one error in 1,000 requests: 0.5 %.
    world.serve("web", OLD, served(1_000, 9));
    world.look();
    let ticks = [(100, 1, 900, 9), (98, 0, 905, 8), (103, 2, 897, 10), (101, 4, 899, 9)];
    let want = [0.075_373_249, 0.497_738_227, 0.247_536_369, -0.799_854_087];
    for ((n, c, m, b), want) in ticks.into_iter().zip(want) {
        world.tick(served(n, c), served(m, b));
        let got = world.judge.evidence(world.now).services["web"].promote.log10 * std::f64::consts::LN_10;
        assert!((got - want).abs() < 1e-8, "got {got}, want {want}");
    }
}

#[test]
fn one_suspicious_test_keeps_a_step_from_passing_early() {
    let limit = slo(Some(percent("5%")), None);
    let margin = Analysis { margin_abs: 0.05, ..quick() };
    let mut world = World::begun(config(margin, [(SloMetric::ErrorRate, limit)]));
    for (canary, old) in [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 1), (1, 0), (1, 0)] {
        world.tick(served(100, canary), served(900, old));
    }
    for _ in 0..3 {
        world.tick(served(100, 0), served(900, 0));
    }
    let evidence = world.judge.evidence(world.now);
    assert!(evidence.abort.log10 < 3_f64.log10(), "both tests together are not suspicious");
    assert!((1.0 - evidence.services["web"].promote.progress).abs() < 1e-9, "every certificate is there");
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    for _ in 0..30 {
        world.tick(served(100, 0), served(900, 4));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }));
}

/// Kayenta issue 426: a canary with a few errors against an old version with none passed.
#[test]
fn errors_against_an_old_version_without_any_are_seen() {
    let mut world = World::begun(config(quick(), []));
    for errors in [0, 1, 2, 1, 0, 0] {
        world.tick(served(100, errors), served(900, 0));
    }
    assert!(fail(&world).is_some());
}

/// Spinnaker issues 5622 and 6278: half of the points, or 7 of 10 at a hundred times the rate, passed.
#[test]
fn faults_that_come_and_go_are_seen() {
    let mut world = World::begun(config(quick(), []));
    for tick in 0..10 {
        world.tick(served(100, if tick % 2 == 0 { 20 } else { 0 }), served(900, 1));
    }
    assert!(fail(&world).is_some());
}

/// Kayenta clamps its interval with 2 to 4 points, and fails a canary by complete separation alone.
#[test]
fn a_few_errors_by_chance_in_two_ticks_do_not_abort() {
    let mut world = World::begun(config(quick(), []));
    for canary in [2, 3] {
        world.tick(served(100, canary), served(900, 9));
    }
    assert_eq!(fail(&world), None);
}

/// One constant against another made Kayenta add noise.
#[test]
fn equal_constant_rates_never_abort() {
    let mut world = World::begun(config(Analysis { promote_early: false, ..quick() }, []));
    for _ in 0..350 {
        world.tick(served(100, 1), served(900, 9));
        assert_eq!(fail(&world), None);
    }
}
