//! The promises of the statistics, kept in simulated traffic: few false aborts, quick detection, early passes.
//!
//! 100 requests a second, 10 % to the canary, a look each 10 s, for one hour.

use lockgate_analysis::{Reason, StepKind, Verdict};
use lockgate_model::{Analysis, Millis, SloMetric, SloObjective};

use crate::support::{self, Rng, World, config, percent, slo};

const REQUESTS_PER_TICK: f64 = 1_000.0;

/// What the traffic is like in one tick.
#[derive(Clone, Copy)]
struct Truth {
    weight: f64,
    canary: f64,
    baseline: f64,
    slow: f64,
}

fn steady(canary: f64, baseline: f64) -> impl Fn(u64) -> Truth {
    move |_| Truth { weight: 0.1, canary, baseline, slow: 0.001 }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Aborted(u64),
    Promoted(u64),
    Incident(u64),
    Undecided,
}

fn strict(alpha: f64) -> Analysis {
    let analysis = Analysis { alpha, tolerance: 1.0, warmup: Millis::ZERO, ..Analysis::default() };
    Analysis { promote_early: false, ..analysis }
}

fn run(seed: u64, world: &World, truth: &impl Fn(u64) -> Truth) -> End {
    let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut world = world.clone();
    for tick in 0..359 {
        let truth = truth(tick);
        let canary = rng.serve(REQUESTS_PER_TICK * truth.weight, truth.canary, truth.slow);
        let baseline = rng.serve(REQUESTS_PER_TICK * (1.0 - truth.weight), truth.baseline, truth.slow);
        world.tick(canary, baseline);
        let secs = world.elapsed().0 / 1_000;
        match world.judge.verdict(world.now) {
            Verdict::Fail { .. } => return End::Aborted(secs),
            Verdict::Pass { .. } => return End::Promoted(secs),
            Verdict::EnvironmentIncident { .. } => return End::Incident(secs),
            Verdict::Pending { .. } => {}
            other @ (Verdict::NotEnough { .. } | Verdict::NoSignal { .. } | Verdict::Undecided { .. }) => {
                panic!("unexpected after {secs} s: {other:?}")
            }
        }
    }
    End::Undecided
}

fn runs(count: u64, world: &World, truth: &impl Fn(u64) -> Truth) -> Vec<End> {
    (1..=count).map(|seed| run(seed, world, truth)).collect()
}

#[track_caller]
fn check_false_aborts(alpha: f64, count: u64, world: &World, truth: &impl Fn(u64) -> Truth) {
    let aborted = runs(count, world, truth).iter().filter(|it| matches!(it, End::Aborted(_))).count();
    let (share, count) = (aborted as f64 / count as f64, count as f64);
    let limit = alpha + 3.0 * (alpha * (1.0 - alpha) / count).sqrt();
    assert!(share <= limit, "{aborted} of {count} healthy canaries were aborted, at most {limit} may be");
}

/// Median seconds until the abort, counted from `onset`, which all runs must reach and find.
#[track_caller]
fn check_detection(
    band: std::ops::RangeInclusive<u64>,
    onset: u64,
    world: &World,
    truth: &impl Fn(u64) -> Truth,
) {
    let ends = runs(100, world, truth);
    let mut found: Vec<u64> = ends
        .iter()
        .filter_map(|it| if let End::Aborted(secs) = it { secs.checked_sub(onset) } else { None })
        .collect();
    found.sort_unstable();
    assert!(95 <= found.len(), "only {} of 100 were found", found.len());
    let median = found[found.len() / 2];
    assert!(band.contains(&median), "median {median} s is not in {band:?}");
}

#[test]
fn healthy_canaries_are_not_aborted() {
    let world = World::begun(config(strict(0.05), []));
    check_false_aborts(0.05, 2_000, &world, &steady(0.005, 0.005));
}

#[test]
fn healthy_canaries_are_not_aborted_while_weights_move() {
    let world = World::begun(config(strict(0.05), []));
    let weights = [0.05, 0.5, 0.9];
    let truth = move |tick: u64| {
        let weight = weights[usize::try_from(tick / 120).unwrap().min(2)];
        Truth { weight, canary: 0.005, baseline: 0.005, slow: 0.001 }
    };
    check_false_aborts(0.05, 1_000, &world, &truth);
}

#[test]
fn healthy_canaries_are_not_aborted_in_an_incident_that_both_versions_share() {
    let world = World::begun(config(strict(0.05), []));
    let truth = |tick: u64| {
        let rate = if (120..180).contains(&tick) { 0.05 } else { 0.005 };
        Truth { weight: 0.1, canary: rate, baseline: rate, slow: 0.001 }
    };
    check_false_aborts(0.05, 1_000, &world, &truth);
}

#[test]
fn healthy_canaries_are_not_aborted_by_limits_and_latency_with_the_defaults() {
    let analysis = Analysis { warmup: Millis::ZERO, promote_early: false, ..Analysis::default() };
    let latency = SloObjective::Latency(Millis(500));
    let slos = [
        (SloMetric::ErrorRate, slo(Some(percent("1%")), None)),
        (SloMetric::LatencyP99, slo(Some(latency), None)),
    ];
    let world = World::begun(config(analysis, slos));
    let truth = |_| Truth { weight: 0.1, canary: 0.009, baseline: 0.009, slow: 0.009 };
    check_false_aborts(analysis.alpha, 1_000, &world, &truth);
}

#[test]
fn a_limit_that_both_versions_break_is_an_incident() {
    let world = World::begun(config(strict(0.05), [(SloMetric::ErrorRate, slo(Some(percent("1%")), None))]));
    let truth = |tick: u64| {
        let rate = if 120 <= tick { 0.05 } else { 0.005 };
        Truth { weight: 0.1, canary: rate, baseline: rate, slow: 0.001 }
    };
    let ends = runs(100, &world, &truth);
    let incidents = ends.iter().filter(|it| matches!(it, End::Incident(secs) if 1_200 <= *secs)).count();
    assert!(95 <= incidents, "{incidents} of 100 are incidents: {ends:?}");
}

#[test]
fn a_rise_from_one_to_two_percent_is_found_in_minutes() {
    let world = World::begun(config(strict(0.05), []));
    check_detection(100..=200, 0, &world, &steady(0.02, 0.01));
}

#[test]
fn a_rise_from_a_half_to_one_percent_is_found_in_minutes() {
    let world = World::begun(config(strict(0.05), []));
    check_detection(200..=370, 0, &world, &steady(0.01, 0.005));
}

#[test]
fn a_rise_to_five_percent_is_found_at_the_first_looks() {
    let world = World::begun(config(strict(0.05), []));
    check_detection(10..=20, 0, &world, &steady(0.05, 0.001));
    let world = World::begun(config(strict(0.01), []));
    check_detection(10..=20, 0, &world, &steady(0.05, 0.001));
}

#[test]
fn a_fault_that_begins_after_half_an_hour_is_found_as_quickly() {
    let world = World::begun(config(strict(0.05), []));
    let late = |rate: f64, base: f64| {
        move |tick: u64| Truth {
            weight: 0.1,
            canary: if 180 <= tick { rate } else { base },
            baseline: base,
            slow: 0.0,
        }
    };
    check_detection(10..=20, 1_800, &world, &late(0.05, 0.001));
    check_detection(300..=550, 1_800, &world, &late(0.01, 0.005));
}

#[test]
fn healthy_canaries_are_promoted_early() {
    let analysis = Analysis { warmup: Millis::ZERO, ..Analysis::default() };
    let world = World::begun(config(analysis, []));
    for (rate, band) in [(0.001, 130..=250), (0.005, 200..=380)] {
        let ends = runs(200, &world, &steady(rate, rate));
        let mut promoted: Vec<u64> = ends
            .iter()
            .filter_map(|it| if let End::Promoted(secs) = it { Some(*secs) } else { None })
            .collect();
        promoted.sort_unstable();
        assert!(190 <= promoted.len(), "{} of 200 were promoted at {rate}", promoted.len());
        let median = promoted[promoted.len() / 2];
        assert!(band.contains(&median), "median {median} s is not in {band:?}");
        assert!(120 <= promoted[0], "promoted after {} s", promoted[0]);
    }
}

#[test]
fn a_canary_that_is_worse_than_the_margin_is_rarely_promoted() {
    let analysis = Analysis { warmup: Millis::ZERO, ..Analysis::default() };
    let world = World::begun(config(analysis, []));
    // On the edge: 1.25 * 0.4 % + 0.25 %.
    let ends = runs(400, &world, &steady(0.0075, 0.004));
    let promoted = ends.iter().filter(|it| matches!(it, End::Promoted(_))).count();
    assert!(promoted <= 33, "{promoted} of 400 were promoted, 5 % and three standard errors allowed");
}

#[test]
fn the_worst_service_of_eleven_is_found_and_named() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let mut found = Vec::new();
    for seed in 1..=20 {
        let mut rng = Rng(seed);
        let mut world = World::new(config(strict(0.01), []), &names);
        world.step(Millis::mins(60), StepKind::Compare);
        world.look();
        let why = loop {
            for service in names {
                let rate = if service == "g" { 0.02 } else { 0.002 };
                world.serve(service, support::NEW, rng.serve(100.0, rate, 0.0));
                world.serve(service, support::OLD, rng.serve(900.0, 0.002, 0.0));
            }
            world.pass_tick();
            if let Verdict::Fail { why } = world.judge.verdict(world.now) {
                break why;
            }
            assert!(world.elapsed() < Millis::mins(10), "not found in ten minutes");
        };
        assert_eq!(why.iter().map(Reason::service).collect::<Vec<_>>(), [Some(&support::name("g"))]);
        found.push(world.elapsed().0 / 1_000);
    }
    found.sort_unstable();
    assert!(found[10] <= 90, "median {} s", found[10]);
}
