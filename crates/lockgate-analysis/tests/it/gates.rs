//! What is judged beside the SLOs: numbers that somebody else measures.

use lockgate_analysis::{JudgeConfig, Reason, Verdict};
use lockgate_model::{Analysis, Gate, Measured, Millis};

use crate::support::{World, rollout, served};

fn world(objective: &str) -> World {
    let analysis = Analysis { warmup: Millis::ZERO, ..Analysis::default() };
    let mut rollout = rollout(analysis);
    let gate = Gate { query: "checkouts_failed".to_owned(), objective: objective.to_owned() };
    rollout.gates.insert("checkout".to_owned(), gate);
    let mut world = World::new(JudgeConfig::new(&rollout, &std::collections::BTreeMap::new()), &["web"]);
    world.step(Millis::mins(60), lockgate_analysis::StepKind::Compare);
    measure(&mut world, Some(true));
    world.look();
    world
}

fn measure(world: &mut World, holds: Option<bool>) {
    let measured = Measured { holds, said: "its query gives 7".to_owned() };
    world.samples.gates.insert("checkout".to_owned(), measured);
}

#[test]
fn a_gate_that_does_not_hold_takes_the_release_back() {
    let mut world = world("< 5");
    world.tick(served(100, 0), served(900, 0));
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pending { .. }));
    measure(&mut world, Some(false));
    world.tick(served(100, 0), served(900, 0));
    let Verdict::Fail { why } = world.judge.verdict(world.now) else { panic!("it fails") };
    assert!(matches!(&why[..], [Reason::Gate { .. }]));
    assert_eq!(why[0].to_string(), "gate checkout: its query gives 7, and < 5 must hold");
}

#[test]
fn a_gate_with_a_time_has_to_be_broken_for_all_of_it() {
    let mut world = world("< 5 for 30s");
    for (holds, fails) in [
        (false, false),
        (false, false),
        (true, false),
        (false, false),
        (false, false),
        (false, false),
        (false, true),
    ] {
        measure(&mut world, Some(holds));
        world.tick(served(100, 0), served(900, 0));
        assert_eq!(matches!(world.judge.verdict(world.now), Verdict::Fail { .. }), fails);
    }
}

#[test]
fn a_gate_that_is_not_measured_is_no_pass_and_no_failure() {
    let mut world = world("< 5");
    measure(&mut world, None);
    for _ in 0..60 {
        world.tick(served(1_000, 0), served(9_000, 0));
        assert!(matches!(world.judge.verdict(world.now), Verdict::NoSignal { .. }));
    }
    world.samples.gates.clear();
    world.pass_tick();
    assert!(matches!(world.judge.verdict(world.now), Verdict::NoSignal { .. }));
    measure(&mut world, Some(true));
    world.tick(served(1_000, 0), served(9_000, 0));
    assert!(matches!(world.judge.verdict(world.now), Verdict::Pass { .. }));
}
