//! Every single fault at every single attempt, and a new driver after every prefix of the journal.

use std::collections::BTreeMap;

use lockgate_engine::{End, Kind, Plan, Release};
use lockgate_model::Strategy;
use lockgate_sim::{Fault, Quality, Rules, Scenario, Script, Simulation};

/// Far more than the attempts of the longest scenario.
const ATTEMPTS_MAX: usize = 200;

fn scenarios() -> [Scenario; 6] {
    let full = Scenario::full;
    [
        full(Kind::Deploy, Strategy::Canary),
        full(Kind::Deploy, Strategy::Rolling),
        full(Kind::Deploy, Strategy::BlueGreen),
        full(Kind::Rollback, Strategy::Canary),
        Scenario { migrates: false, smokes: false, bakes: false, ..full(Kind::Deploy, Strategy::Canary) },
        full(Kind::Deploy, Strategy::Canary).first_release(),
    ]
}

fn simulation(scenario: &Scenario, plan: Plan) -> Simulation {
    Simulation::new(plan, scenario.observed(), scenario.goal(), Quality::Good, Rules::REAL)
}

fn planned(scenario: &Scenario) -> Simulation {
    simulation(scenario, scenario.plan().expect("it plans"))
}

/// What a release that meets no other fault may come to.
fn may_end(fault: Fault, end: &End) -> bool {
    match end {
        End::Done { leftovers } => leftovers.is_empty() || fault == Fault::Fatal,
        End::RolledBack { .. } => fault == Fault::Fatal,
        End::Stuck { .. } | End::Cancelled { .. } => false,
    }
}

#[test]
fn every_single_fault_at_every_attempt_is_survived() {
    let mut count = 0;
    for (number, scenario) in scenarios().iter().enumerate() {
        for fault in Fault::ALL {
            for nth in 0..ATTEMPTS_MAX {
                let mut script = Script::new(nth, fault);
                let mut sim = planned(scenario);
                let end = sim.settle_with(&mut script);
                let end =
                    end.unwrap_or_else(|it| panic!("scenario {number}, {fault:?} at attempt {nth}: {it}"));
                assert!(may_end(fault, &end), "scenario {number}, {fault:?} at attempt {nth}: {end:?}");
                if !script.happened() {
                    break;
                }
                count += 1;
            }
        }
    }
    println!("{count} single faults");
    assert!(900 < count, "only {count} faults were tried");
}

/// A bad version, and each undo in turn fails for good.
#[test]
fn every_failed_undo_leaves_the_release_stuck_and_says_so() {
    let scenario = Scenario::full(Kind::Deploy, Strategy::Canary);
    let mut ends: BTreeMap<bool, u32> = BTreeMap::new();
    for nth in 0..ATTEMPTS_MAX {
        let mut script = Script::new(nth, Fault::Fatal);
        let mut sim = Simulation::new(
            scenario.plan().unwrap(),
            scenario.observed(),
            scenario.goal(),
            Quality::Errors,
            Rules::REAL,
        );
        let end = sim.settle_with(&mut script).unwrap_or_else(|it| panic!("at attempt {nth}: {it}"));
        match end {
            End::Stuck { .. } => *ends.entry(true).or_default() += 1,
            End::RolledBack { .. } => *ends.entry(false).or_default() += 1,
            End::Done { .. } | End::Cancelled { .. } => panic!("at attempt {nth}: {end:?}"),
        }
        if !script.happened() {
            break;
        }
    }
    assert!(3 < ends[&true] && 3 < ends[&false], "{ends:?}");
}

#[test]
fn a_new_driver_goes_on_after_every_prefix_of_the_journal() {
    for scenario in scenarios() {
        let mut whole = planned(&scenario);
        let end = whole.settle().unwrap();
        for len in 0..=whole.journal().len() {
            let release = Release::replay(whole.plan().clone(), &whole.journal()[..len]).unwrap();
            assert_eq!(release.ended().is_some(), len == whole.journal().len(), "prefix {len}");
            let mut script = Script::at_entry(len);
            let mut sim = planned(&scenario);
            assert_eq!(sim.settle_with(&mut script).as_ref(), Ok(&end), "prefix {len}");
        }
    }
}

/// Takes one task's undo out of a plan.
fn without_undo(plan: &Plan, nth: usize) -> Option<Plan> {
    let mut plan = plan.clone();
    let undone = plan.stages.iter_mut().flat_map(|it| &mut it.tasks).filter(|it| !it.undo.is_empty());
    undone.into_iter().nth(nth)?.undo.clear();
    Some(plan)
}

#[test]
fn a_plan_that_lacks_an_undo_is_refused() {
    for scenario in scenarios() {
        let plan = scenario.plan().unwrap();
        for nth in 0..ATTEMPTS_MAX {
            let Some(broken) = without_undo(&plan, nth) else { break };
            assert!(!lockgate_engine::verify(&broken).is_empty(), "undo {nth} is not missed");
        }
    }
}

/// Were it not refused, the world would show it.
#[test]
fn a_plan_without_undos_is_found_out_by_the_checkers() {
    let scenario = Scenario::full(Kind::Deploy, Strategy::Canary);
    let mut plan = scenario.plan().unwrap();
    plan.stages.iter_mut().flat_map(|it| &mut it.tasks).for_each(|it| it.undo.clear());
    let mut sim = Simulation::new(plan, scenario.observed(), scenario.goal(), Quality::Errors, Rules::REAL);
    let found = sim.settle().unwrap_err();
    assert!(found.0.starts_with("back, and"), "{found}");
}
