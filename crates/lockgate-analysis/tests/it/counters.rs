//! Cumulative counters, restarts of the data plane, and state that survives a crash of ours.

use lockgate_analysis::{Judge, StepKind, Verdict};
use lockgate_model::{Analysis, Millis, SloMetric, SloObjective, SlotCounts};

use crate::support::{NEW, OLD, Rng, Served, World, config, percent, served, slo};

fn quick() -> Analysis {
    Analysis { warmup: Millis::ZERO, ..Analysis::default() }
}

fn all_tests() -> lockgate_analysis::JudgeConfig {
    let latency = |ms| SloObjective::Latency(Millis(ms));
    config(
        quick(),
        [
            (SloMetric::ErrorRate, slo(Some(percent("0.5%")), Some((percent("1%"), Millis::mins(5))))),
            (SloMetric::LatencyP95, slo(None, Some((latency(500), Millis::mins(5))))),
            (SloMetric::LatencyP99, slo(Some(latency(1_000)), None)),
        ],
    )
}

#[test]
fn what_the_old_version_counted_before_the_gate_is_the_point_of_reference() {
    let mut world = World::new(config(quick(), []), &["web"]);
    world.serve("web", OLD, served(1_000_000, 500_000));
    world.serve("web", NEW, served(10, 1));
    world.step(Millis::mins(60), StepKind::Compare);
    world.look();
    world.tick(served(100, 1), served(900, 9));
    let evidence = &world.judge.evidence(world.now).services["web"];
    assert_eq!((evidence.canary.requests, evidence.canary.errors), (110, 2), "the canary counts from zero");
    let baseline = evidence.baseline.unwrap();
    assert_eq!((baseline.requests, baseline.errors), (900, 9));
}

#[test]
fn a_restart_of_the_data_plane_loses_no_count_and_invents_none() {
    for epoch in ["a", "b"] {
        let mut world = World::begun(config(quick(), []));
        world.tick(served(100, 1), served(900, 9));
        for release in [OLD, NEW] {
            let latency = world.slot("web", release).latency.clone();
            let latency = lockgate_model::Latency { counts: vec![0; 4], ..latency };
            *world.slot("web", release) =
                SlotCounts { ready: 2, wanted: 2, latency, ..SlotCounts::default() };
        }
        epoch.clone_into(&mut world.samples.counter_epoch);
        world.tick(served(50, 2), served(450, 4));
        let evidence = &world.judge.evidence(world.now).services["web"];
        assert_eq!((evidence.canary.requests, evidence.canary.errors), (150, 3), "epoch {epoch}");
        let baseline = evidence.baseline.unwrap();
        assert_eq!((baseline.requests, baseline.errors), (1_350, 13), "epoch {epoch}");
    }
}

#[test]
fn counters_that_outgrew_the_old_ones_after_a_restart_are_told_by_the_epoch() {
    let mut world = World::begun(config(quick(), []));
    world.tick(served(10, 0), served(90, 0));
    world.samples.counter_epoch = "b".to_owned();
    world.tick(served(10, 1), served(90, 0));
    let evidence = &world.judge.evidence(world.now).services["web"];
    assert_eq!(evidence.canary.requests, 10 + 20, "the whole reading of 20 is news");
}

#[test]
fn a_judge_that_is_written_down_and_read_again_goes_on_the_same() {
    let mut rng = Rng(7);
    let mut world = World::begun(all_tests());
    for tick in 0..120 {
        world.tick(rng.serve(97.0, 0.004, 0.008), rng.serve(893.0, 0.004, 0.008));
        let text = serde_json::to_string(&world.judge).unwrap();
        let read: Judge = serde_json::from_str(&text).unwrap();
        assert_eq!(read, world.judge, "tick {tick}");
        assert!(text.len() < 5_000, "{} bytes for one service", text.len());
        if tick % 7 == 0 {
            world.judge = read;
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_state() {
    let run = || {
        let mut rng = Rng(11);
        let mut world = World::begun(all_tests());
        for _ in 0..200 {
            world.tick(rng.serve(100.0, 0.006, 0.02), rng.serve(900.0, 0.005, 0.02));
        }
        world.judge
    };
    assert_eq!(run(), run());
}

#[test]
fn zeros_everywhere_stay_numbers() {
    let mut world = World::begun(all_tests());
    let nothing = Served::default();
    for (canary, baseline) in [
        (nothing, nothing),
        (served(1, 0), nothing),
        (nothing, served(1, 0)),
        (served(1, 1), served(1, 1)),
        (served(5, 0), served(5, 0)),
    ] {
        world.tick(canary, baseline);
        let evidence = world.judge.evidence(world.now);
        let service = &evidence.services["web"];
        for meter in [evidence.abort, service.abort, service.promote] {
            assert!(meter.log10.is_finite() && meter.progress.is_finite(), "{meter:?}");
        }
        assert!(!serde_json::to_string(&evidence).unwrap().contains("NaN"));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
}

#[test]
fn ticks_without_errors_leave_the_error_ratio_where_it_was() {
    let mut world = World::begun(config(quick(), []));
    world.tick(served(100, 2), served(900, 9));
    let before = world.judge.evidence(world.now).abort.log10;
    world.tick(served(100, 0), served(900, 0));
    let after = world.judge.evidence(world.now).abort.log10;
    assert!((before - after).abs() < 1e-12, "{before} {after}");
}

#[test]
fn a_look_without_news_neither_ends_a_rule_nor_is_a_tick() {
    let rule = slo(None, Some((percent("1%"), Millis::mins(5))));
    let mut world = World::begun(config(quick(), [(SloMetric::ErrorRate, rule)]));
    let lasted = |it: &World| it.judge.evidence(it.now).services["web"].literals[0].lasted;
    for _ in 0..4 {
        world.samples.repeated.clear();
        world.tick(served(300, 6), served(2_700, 54));
        // Whoever counts reads each third time only.
        world.samples.repeated.insert(crate::support::name("web"));
        for _ in 0..2 {
            world.pass_tick();
            assert!(lasted(&world).is_some());
        }
    }
    assert_eq!(lasted(&world), Some(Millis::secs(120)));
    // No requests, and that is news.
    world.samples.repeated.clear();
    world.pass_tick();
    assert_eq!(lasted(&world), None);
}
