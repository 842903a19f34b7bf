//! Releases shaken by random faults all end, and what must hold holds after every event.

use std::collections::BTreeMap;

use lockgate_sim::{Frng, Quality, Rules, Scenario, Simulation, Stats, Violation, entropy};

/// Bytes of entropy of one run: some 200 events.
const ENTROPY_LEN: usize = 700;
const SEEDS: u64 = 20_000;

fn run(rules: Rules, bytes: &[u8]) -> Result<(String, Stats), Violation> {
    let mut frng = Frng::new(bytes);
    let Ok(scenario) = Scenario::random(&mut frng) else { return Ok(("-".to_owned(), Stats::default())) };
    let quality = if frng.once_in(4) == Ok(true) { Quality::Errors } else { Quality::Good };
    let plan = scenario.plan().map_err(|it| Violation(it.to_string()))?;
    let mut sim = Simulation::new(plan, scenario.observed(), scenario.goal(), quality, rules);
    sim.shake(&mut frng)?;
    let end = sim.settle()?;
    let end = format!("{end:?}");
    Ok((end.split(' ').next().unwrap_or_default().to_owned(), sim.stats()))
}

/// The least entropy that still fails, by trying fresh, shorter inputs.
fn shrink(rules: Rules, mut best: (u64, usize)) -> (u64, usize) {
    let mut low = 0;
    while low + 1 < best.1 {
        let len = usize::midpoint(low, best.1);
        match (0..3_000).find(|&seed| run(rules, &entropy(seed, len)).is_err()) {
            Some(seed) => best = (seed, len),
            None => low = len,
        }
    }
    best
}

#[test]
fn every_shaken_release_ends_as_it_says() {
    let seeds: u64 = std::env::var("SEEDS").map_or(SEEDS, |it| it.parse().expect("SEEDS is a number"));
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut all = Stats::default();
    for seed in 0..seeds {
        match run(Rules::REAL, &entropy(seed, ENTROPY_LEN)) {
            Ok((end, stats)) => {
                *ends.entry(end).or_default() += 1;
                all.crashes += stats.crashes;
                all.calls += stats.calls;
                all.fenced += stats.fenced;
                all.entries += stats.entries;
                all.operators += stats.operators;
            }
            Err(violation) => {
                let (small, len) = shrink(Rules::REAL, (seed, ENTROPY_LEN));
                let again = run(Rules::REAL, &entropy(small, len)).err();
                panic!("seed {seed}: {violation}; smallest: seed {small}, {len} bytes: {again:?}");
            }
        }
    }
    println!("{seeds} releases: {ends:?}, {all:?}");
}
