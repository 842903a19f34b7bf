//! Instances that are counted apart: errors that come in clusters, and one that has all of them.
//!
//! Nine instances of the old version and one of the canary, 10 requests a second each, a look each 10 s, for an hour.

use lockgate_analysis::{Reason, Verdict};
use lockgate_model::{Analysis, InstanceCounts, Millis, ReleaseId};

use crate::support::{NEW, OLD, Rng, Served, World, config};

const OLD_INSTANCES: usize = 9;
const REQUESTS_PER_TICK: f64 = 100.0;

fn strict(alpha: f64) -> Analysis {
    Analysis { alpha, tolerance: 1.0, promote_early: false, ..Analysis::default() }
}

/// Errors come so many at once, and as often as makes the rate.
fn clustered(rng: &mut Rng, rate: f64, size: u64) -> Served {
    let clusters = rng.poisson(REQUESTS_PER_TICK * rate / size as f64);
    let good = rng.poisson(REQUESTS_PER_TICK * (1.0 - rate));
    Served { requests: good + clusters * size, errors: clusters * size, slow: 0 }
}

fn serve_by(world: &mut World, release: ReleaseId, instance: usize, served: Served, apart: bool) {
    world.serve("web", release, served);
    if apart {
        let counts = world.slot("web", release).instances.entry(format!("web-{release}-{instance}"));
        let counts: &mut InstanceCounts = counts.or_default();
        counts.requests += served.requests;
        counts.errors += served.errors;
    }
}

/// Seconds until the abort.
fn run(seed: u64, rates: (f64, f64), size: u64, apart: bool) -> Option<u64> {
    let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut world = World::begun(config(strict(0.05), []));
    for _ in 0..359 {
        let served = clustered(&mut rng, rates.0, size);
        serve_by(&mut world, NEW, 0, served, apart);
        for instance in 0..OLD_INSTANCES {
            let served = clustered(&mut rng, rates.1, size);
            serve_by(&mut world, OLD, instance, served, apart);
        }
        world.pass_tick();
        if let Verdict::Fail { .. } = world.judge.verdict(world.now) {
            return Some(world.elapsed().0 / 1_000);
        }
    }
    None
}

fn aborted(count: u64, rates: (f64, f64), size: u64, apart: bool) -> Vec<u64> {
    let mut found: Vec<u64> = (1..=count).filter_map(|it| run(it, rates, size, apart)).collect();
    found.sort_unstable();
    found
}

#[test]
fn healthy_canaries_are_not_aborted_by_errors_that_come_in_clusters() {
    let limit = 0.05 + 3.0 * (0.05_f64 * 0.95 / 200.0).sqrt();
    for size in [3, 20] {
        let share = aborted(200, (0.01, 0.01), size, true).len() as f64 / 200.0;
        assert!(share <= limit, "{share} of healthy canaries were aborted with errors {size} at once");
    }
    // What instances that are counted apart are good for.
    let share = aborted(100, (0.01, 0.01), 20, false).len() as f64 / 100.0;
    assert!(0.3 < share, "{share}");
}

#[test]
fn worse_canaries_are_found_although_errors_come_in_clusters() {
    for (rates, size, band) in
        [((0.02, 0.01), 1, 100..=400), ((0.05, 0.001), 1, 70..=110), ((0.05, 0.01), 3, 80..=400)]
    {
        let found = aborted(60, rates, size, true);
        assert!(57 <= found.len(), "{} of 60 were found: {rates:?}, {size} at once", found.len());
        let median = found[found.len() / 2];
        assert!(band.contains(&median), "median {median} s of {rates:?}, {size} at once");
    }
}

#[test]
fn the_instance_that_has_all_the_errors_is_named() {
    let mut world = World::begun(config(Analysis { warmup: Millis::ZERO, ..strict(0.05) }, []));
    for _ in 0..3 {
        for instance in 0..4 {
            let errors = if instance == 2 { 4 } else { 0 };
            serve_by(&mut world, NEW, instance, Served { requests: 100, errors, slow: 0 }, true);
            serve_by(&mut world, OLD, instance, Served { requests: 100, errors: 0, slow: 0 }, true);
        }
        world.pass_tick();
    }
    let outlier = world.judge.evidence(world.now).services["web"].outlier.clone().unwrap();
    assert_eq!(outlier.to_string(), "instance web-r2-2 of 4 has all 12 errors");
    let Verdict::Fail { why } = world.judge.verdict(world.now) else { panic!("it fails") };
    assert!(matches!(&why[..], [Reason::ErrorRatio { .. }]));
    assert!(why[0].to_string().contains("; instance web-r2-2 of 4 has all "), "{}", why[0]);
}

#[test]
fn errors_that_all_instances_have_name_none() {
    let mut world = World::begun(config(Analysis { warmup: Millis::ZERO, ..strict(0.05) }, []));
    for instance in 0..4 {
        let errors = [3, 5, 4, 2][instance];
        serve_by(&mut world, NEW, instance, Served { requests: 100, errors, slow: 0 }, true);
    }
    world.pass_tick();
    assert_eq!(world.judge.evidence(world.now).services["web"].outlier, None);
}
