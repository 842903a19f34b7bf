//! How a step goes: pending, passing, waiting for more, and what never passes.

use lockgate_analysis::{Lack, PassWhy, Reason, StepKind, Verdict};
use lockgate_model::{Analysis, Millis, SloMetric, SloObjective, SlotCounts};

use crate::support::{NEW, OLD, Served, World, config, name, percent, served, slo};

/// No warm-up, and no more requests needed than a test likes to make.
fn quick() -> Analysis {
    Analysis { warmup: Millis::ZERO, min_requests: 100, ..Analysis::default() }
}

#[test]
fn a_step_without_a_pause_passes_at_once() {
    let mut world = World::new(config(Analysis::default(), []), &["web"]);
    world.step(Millis::ZERO, StepKind::Compare);
    let pass = Verdict::Pass { why: PassWhy::NoPause, idle: vec![name("web")] };
    assert_eq!(world.judge.verdict(world.now), pass);
    world.judge.no_signal(world.now);
    assert!(matches!(world.judge.verdict(world.now), Verdict::NoSignal { .. }), "but not in the dark");
}

#[test]
fn a_step_is_pending_until_its_time_is_over_and_passes_then() {
    let mut world = World::begun(config(Analysis { promote_early: false, ..quick() }, []));
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..29 {
        world.tick(served(20, 0), served(180, 0));
        let until = world.elapsed();
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }), "after {until}");
    }
    world.tick(served(20, 0), served(180, 0));
    assert_eq!(world.judge.verdict(world.now), Verdict::Pass { why: PassWhy::TimeUp, idle: vec![] });
}

#[test]
fn too_few_requests_are_not_enough_and_then_undecided() {
    let analysis = Analysis { max_time: Millis::mins(10), ..quick() };
    let mut world = World::begun(config(analysis, []));
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..30 {
        world.tick(served(1, 0), served(9, 0));
    }
    let why = vec![Lack::Requests { have: 30, need: 100 }];
    let until = world.now.plus(Millis::mins(5));
    let not_enough = Verdict::NotEnough { have: 30, need: 100, why, until };
    assert_eq!(world.judge.verdict(world.now), not_enough);
    for _ in 0..30 {
        world.tick(served(1, 0), served(9, 0));
    }
    let why = vec![Lack::Requests { have: 60, need: 100 }];
    assert_eq!(why[0].to_string(), "40 more canary requests are needed (60 of 100)");
    assert_eq!(world.judge.verdict(world.now), Verdict::Undecided { have: 60, need: 100, why });
    for _ in 0..4 {
        world.tick(served(10, 0), served(90, 0));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }), "late is better than never");
}

#[test]
fn a_canary_that_gets_none_of_its_services_traffic_does_not_pass() {
    let mut world = World::new(config(quick(), []), &["api", "web"]);
    world.step(Millis::mins(5), StepKind::Compare);
    world.look();
    for _ in 0..30 {
        world.serve("web", OLD, served(90, 0));
        world.serve("web", NEW, served(10, 0));
        world.serve("api", OLD, served(10, 0));
        world.pass_tick();
    }
    let Verdict::NotEnough { why, .. } = world.judge.verdict(world.now) else { panic!("it must not pass") };
    assert_eq!(why, [Lack::NoCanaryRequests { service: name("api") }]);
}

#[test]
fn a_service_without_traffic_is_named_and_blocks_nobody() {
    let mut world = World::new(config(quick(), []), &["api", "web"]);
    world.step(Millis::mins(60), StepKind::Compare);
    world.look();
    while let Verdict::Pending { .. } = world.judge.verdict(world.now) {
        assert!(world.elapsed() < Millis::mins(10), "a healthy canary is promoted early");
        world.serve("web", OLD, served(900, 1));
        world.serve("web", NEW, served(100, 0));
        world.pass_tick();
    }
    let pass = Verdict::Pass { why: PassWhy::Early, idle: vec![name("api")] };
    assert_eq!(world.judge.verdict(world.now), pass);
}

#[test]
fn a_step_in_which_nothing_happens_does_not_pass_on_old_evidence() {
    let mut world = World::begun(config(quick(), []));
    for _ in 0..60 {
        world.tick(served(100, 0), served(900, 0));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }));
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..30 {
        world.pass_tick();
    }
    let Verdict::NotEnough { why, .. } = world.judge.verdict(world.now) else { panic!("it must not pass") };
    assert_eq!(why, [Lack::Quiet]);
}

#[test]
fn nothing_is_compared_while_the_canary_warms_up() {
    let analysis = Analysis { warmup: Millis::secs(60), ..quick() };
    let mut world = World::begun(config(analysis, []));
    for _ in 0..6 {
        world.tick(served(100, 50), served(900, 0));
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
    let evidence = world.judge.evidence(world.now);
    assert_eq!(evidence.requests, 0);
    world.tick(served(100, 50), served(900, 0));
    assert!(matches!(world.judge.verdict(world.now), Verdict::Fail { .. }));
}

#[test]
fn missing_counts_are_never_a_pass() {
    let mut world = World::begun(config(quick(), []));
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..29 {
        world.tick(served(100, 0), served(900, 0));
    }
    world.judge.no_signal(world.now);
    let since = world.now;
    for wait in [Millis::ZERO, Millis::mins(5), Millis::mins(600)] {
        let no_signal = Verdict::NoSignal { since, services: vec![] };
        assert_eq!(world.judge.verdict(since.plus(wait)), no_signal, "after {wait}");
    }
    world.tick(served(100, 0), served(900, 0));
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }), "counts came back");
    let late = world.now.plus(Millis::secs(31));
    assert_eq!(world.judge.verdict(late), Verdict::NoSignal { since: world.now, services: vec![] }, "stale");
}

#[test]
fn a_slot_that_is_missing_from_the_counts_is_no_signal_for_its_service() {
    let mut world = World::new(config(quick(), []), &["api", "web"]);
    world.step(Millis::mins(5), StepKind::Compare);
    world.samples.slots.retain(|slot, _| slot.service != name("api") || slot.release != NEW);
    for _ in 0..40 {
        world.serve("web", OLD, served(900, 0));
        world.serve("web", NEW, served(100, 0));
        world.pass_tick();
    }
    let Verdict::NoSignal { services, .. } = world.judge.verdict(world.now) else {
        panic!("it must not pass")
    };
    assert_eq!(services, [name("api")]);
    let slot = lockgate_model::SlotRef { service: name("api"), release: NEW };
    let counts = SlotCounts { ready: 1, wanted: 1, ..SlotCounts::default() };
    world.samples.slots.insert(slot, counts);
    world.pass_tick();
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }), "the slot is there again");
}

#[test]
fn a_bake_passes_at_its_end_and_not_before() {
    let mut world = World::begun(config(quick(), [(SloMetric::ErrorRate, slo(Some(percent("1%")), None))]));
    for _ in 0..60 {
        world.tick(served(500, 0), served(500, 0));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }));
    world.step(Millis::mins(10), StepKind::Bake);
    world.arms.get_mut("web").unwrap().baseline = None;
    for _ in 0..59 {
        world.tick(served(1_000, 1), Served::default());
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
    world.tick(served(1_000, 1), Served::default());
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { why: PassWhy::TimeUp, .. }));
}

#[test]
fn a_bake_fails_by_its_limits_with_no_old_version_to_compare() {
    let mut world = World::begun(config(quick(), [(SloMetric::ErrorRate, slo(Some(percent("1%")), None))]));
    world.step(Millis::mins(10), StepKind::Bake);
    world.arms.get_mut("web").unwrap().baseline = None;
    world.tick(served(1_000, 100), Served::default());
    let Verdict::Fail { why } = world.judge.verdict(world.now) else { panic!("it must fail") };
    assert!(matches!(&why[..], [Reason::Slo { .. }]), "{why:?}");
}

#[test]
fn evidence_is_kept_from_step_to_step() {
    let mut world = World::begun(config(Analysis { promote_early: false, ..quick() }, []));
    let mut ticks = 0;
    let mut before = f64::NEG_INFINITY;
    while !matches!(world.judge.verdict(world.now), Verdict::Fail { .. }) {
        world.step(Millis::mins(5), StepKind::Compare);
        world.tick(served(100, 3), served(900, 9));
        let log10 = world.judge.evidence(world.now).abort.log10;
        assert!(before < log10, "capital grows with each tick of the same evidence");
        (before, ticks) = (log10, ticks + 1);
        assert!(ticks < 60, "not found");
    }
    assert!(1 < ticks);
}

#[test]
fn a_canary_that_looks_worse_does_not_pass_at_the_end_of_its_time() {
    let mut world = World::begun(config(quick(), []));
    world.step(Millis::mins(1), StepKind::Compare);
    for (canary, old) in [(0, 0), (1, 0), (0, 1), (0, 0), (1, 0), (0, 0)] {
        world.tick(served(100, canary), served(900, old));
    }
    let Verdict::NotEnough { why, .. } = world.judge.verdict(world.now) else { panic!("it must not pass") };
    assert!(matches!(&why[..], [Lack::Suspicious { odds: 4..10, .. }]), "{why:?}");
    for _ in 0..60 {
        world.tick(served(100, 0), served(900, 4));
    }
    let verdict = world.judge.verdict(world.now);
    assert!(matches!(verdict, Verdict::Pass { .. }), "the suspicion is refuted: {verdict:?}");
}

#[test]
fn a_limit_without_its_latency_bucket_is_said_and_not_passed() {
    let limit = SloObjective::Latency(Millis(300));
    let mut world = World::begun(config(quick(), [(SloMetric::LatencyP95, slo(Some(limit), None))]));
    world.step(Millis::mins(5), StepKind::Compare);
    for _ in 0..31 {
        world.tick(served(100, 0), served(900, 0));
    }
    let Verdict::NotEnough { why, .. } = world.judge.verdict(world.now) else { panic!("it must not pass") };
    assert_eq!(why[0].to_string(), "web: latency_p95 needs a latency bucket that ends at 300 ms");
}

#[test]
fn one_suspect_among_many_services_keeps_all_from_passing() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let mut world = World::new(config(quick(), []), &names);
    world.step(Millis::mins(1), StepKind::Compare);
    world.look();
    for tick in 0..6 {
        for service in names {
            world.serve(service, NEW, served(100, u64::from(service == "g" && tick % 3 == 1)));
            world.serve(service, OLD, served(900, u64::from(service != "g")));
        }
        world.pass_tick();
    }
    assert!(world.judge.evidence(world.now).abort.log10 < 3_f64.log10(), "all together are not suspicious");
    let Verdict::NotEnough { why, .. } = world.judge.verdict(world.now) else { panic!("it must not pass") };
    assert!(matches!(&why[..], [Lack::Suspicious { service, .. }] if *service == name("g")), "{why:?}");
}

/// A judge that is sure of its canary, at the beginning of a step of ten minutes.
fn certain(kind: StepKind) -> World {
    let mut world = World::begun(config(quick(), []));
    for _ in 0..60 {
        world.tick(served(500, 0), served(500, 0));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { why: PassWhy::Early, .. }));
    world.step(Millis::mins(10), kind);
    world
}

#[test]
fn a_step_without_requests_to_the_old_version_is_not_passed_early() {
    let mut world = certain(StepKind::Compare);
    for _ in 0..59 {
        world.tick(served(1_000, 0), Served::default());
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
}

#[test]
fn a_bake_is_not_passed_early_by_late_requests_to_the_old_version() {
    let mut world = certain(StepKind::Bake);
    for _ in 0..59 {
        world.tick(served(1_000, 0), served(1, 0));
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
}

#[test]
fn every_limit_needs_its_certificate_for_an_early_pass() {
    let p99 = slo(Some(SloObjective::Latency(Millis(500))), None);
    let mut world = World::begun(config(quick(), [(SloMetric::LatencyP99, p99)]));
    for _ in 0..60 {
        world.tick(Served { requests: 100, errors: 0, slow: 1 }, served(900, 0));
        assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    }
    for _ in 0..60 {
        world.tick(served(100, 0), served(900, 0));
    }
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { why: PassWhy::Early, .. }));
}
