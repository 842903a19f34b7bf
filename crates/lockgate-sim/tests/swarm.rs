//! Releases shaken by random faults all end, and what must hold holds after every event.

use std::collections::BTreeMap;

use lockgate_engine::{End, Event};
use lockgate_sim::{Fences, Memory, Rules, Stats, entropy, run};

/// Bytes of entropy of one run: some 200 events.
const ENTROPY_LEN: usize = 700;
const SEEDS: u64 = 20_000;
/// A rule that is taken away is missed within this many runs.
const SEEDS_TO_BITE: u64 = 6_000;

/// Seeds, and bytes of entropy, of what was wrong once.
const CORPUS: [(u64, usize); 6] = [
    // Two slots of one service were removed in the same stage, and the requests overtook each other.
    (1651, 166),
    (406, 700),
    // A rolling release stopped an old instance that the traffic left to it needed.
    (43, 26),
    // A look had the fence of the request that it looked for, which then ran after the end.
    (363, 151),
    (273, 700),
    // Traffic that a stuck release left on both versions stayed there after the rollback.
    (16308, 700),
];

/// The least entropy that still fails, by trying fresh, shorter inputs.
fn shrink(rules: Rules, mut best: (u64, usize)) -> (u64, usize) {
    let mut low = 0;
    while low + 1 < best.1 {
        let len = usize::midpoint(low, best.1);
        match (0..3_000).find(|&seed| run(&entropy(seed, len), rules).is_err()) {
            Some(seed) => best = (seed, len),
            None => low = len,
        }
    }
    best
}

fn name(end: &End) -> &'static str {
    match end {
        End::Done { leftovers } if leftovers.is_empty() => "done",
        End::Done { .. } => "done with leftovers",
        End::RolledBack { .. } => "rolled back",
        End::Stuck { .. } => "stuck",
        End::Cancelled { .. } => "cancelled",
    }
}

/// `SEEDS` in the environment asks for more, or fewer.
#[expect(clippy::disallowed_methods, reason = "how long a test looks is up to who runs it")]
fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(SEEDS, |it| it.parse().expect("SEEDS is a number"))
}

#[test]
fn every_shaken_release_ends_as_it_says() {
    let seeds = seeds();
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all = Stats::default();
    for seed in 0..seeds {
        match run(&entropy(seed, ENTROPY_LEN), Rules::REAL) {
            Ok(run) => {
                *ends.entry(name(&run.end)).or_default() += 1;
                all = all.plus(run.stats);
            }
            Err(violation) => {
                println!("seed {seed}, {ENTROPY_LEN} bytes: {violation}");
                let (small, len) = shrink(Rules::REAL, (seed, ENTROPY_LEN));
                let again = run(&entropy(small, len), Rules::REAL).expect_err("it was found failing");
                panic!("seed {seed}: {violation}; smallest: seed {small}, {len} bytes: {again}");
            }
        }
    }
    println!("{seeds} releases: {ends:?}, {all:?}");
    if SEEDS <= seeds {
        for end in ["done", "done with leftovers", "rolled back", "stuck", "cancelled"] {
            assert!(ends.contains_key(end), "no release ended as {end}");
        }
    }
}

/// Each kind of journal entry occurs, so each row of the transition table is gone through.
#[test]
fn random_releases_write_every_kind_of_entry() {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..1_000 {
        let run = run(&entropy(seed, ENTROPY_LEN), Rules::REAL).expect("every release ends");
        for entry in run.journal {
            let kind = match entry.event {
                Event::TaskFinished { outcome, .. } => format!("{outcome:?}"),
                Event::GatePassed { by } => format!("{by:?}"),
                Event::TurnedBack { why } => format!("{why:?}"),
                other => format!("{other:?}"),
            };
            let kind: String = kind.chars().take_while(|it| *it != '{').collect();
            *kinds.entry(kind.trim().to_owned()).or_default() += 1;
        }
    }
    let expected = [
        "Started",
        "TaskStarted",
        "TaskLost",
        "TaskFound",
        "BackoffOver",
        "Sampled",
        "NoSignal",
        "GateHeld",
        "Paused",
        "Resumed",
        "EarlyEvidence",
        "Time",
        "Operator",
        "Policy",
        "Aborted",
        "Judged",
        "Undecided",
        "Ok",
        "Transient",
        "Fatal",
    ];
    for kind in expected {
        assert!(kinds.contains_key(kind), "no release wrote {kind}: {kinds:#?}");
    }
}

#[test]
fn what_was_wrong_once_is_right_now() {
    for (seed, len) in CORPUS {
        if let Err(violation) = run(&entropy(seed, len), Rules::REAL) {
            panic!("seed {seed}, {len} bytes: {violation}");
        }
    }
}

#[test]
fn the_same_bytes_give_the_same_run() {
    for seed in 0..200 {
        let bytes = entropy(seed, ENTROPY_LEN);
        assert_eq!(run(&bytes, Rules::REAL), run(&bytes, Rules::REAL), "seed {seed}");
    }
}

/// What the checkers say when a rule is taken away.
fn bites(rules: Rules) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for seed in 0..SEEDS_TO_BITE {
        if let Err(violation) = run(&entropy(seed, ENTROPY_LEN), rules) {
            *found.entry(violation.0).or_default() += 1;
        }
    }
    found
}

#[test]
fn a_world_without_fences_is_found_out() {
    let found = bites(Rules { fences: Fences::Ignored, ..Rules::REAL });
    println!("{found:#?}");
    assert!(found.keys().any(|it| it.starts_with("back, and")), "{found:?}");
    assert!(found.keys().any(|it| it.starts_with("done, and")), "{found:?}");
}

#[test]
fn a_driver_that_forgets_to_look_is_found_out() {
    let found = bites(Rules { memory: Memory::Guesses, ..Rules::REAL });
    println!("{found:#?}");
    assert!(found.contains_key("migrated 2 times"), "{found:?}");
}
