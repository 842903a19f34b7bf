//! A whole run out of bytes: a scenario, faults, and an end.

use lockgate_engine::{End, Entry, Plan};

use crate::check::Violation;
use crate::frng::{Frng, OutOfEntropy};
use crate::scenario::Scenario;
use crate::simulation::{Simulation, Stats};
use crate::traffic::Quality;
use crate::world::Rules;

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub plan: Plan,
    pub journal: Vec<Entry>,
    pub end: End,
    pub stats: Stats,
}

/// From wherever a release ended, stuck too, a rollback leads back.
fn put_back(scenario: &Scenario, sim: Simulation) -> Result<(), Violation> {
    let in_back = |it: Violation| Violation(format!("in the rollback after it: {it}"));
    let now = sim.observed(|slot| scenario.spec(slot));
    let plan = scenario.plan_back(&now).map_err(|it| in_back(Violation(it.to_string())))?;
    let goal = scenario.goal_back(&plan, &now);
    match sim.next(plan, now, goal).settle().map_err(in_back)? {
        End::Done { leftovers } if leftovers.is_empty() => Ok(()),
        end => Err(in_back(Violation(format!("it ends as {end:?}")))),
    }
}

/// Shakes a random release until the bytes run out, lets it end, and puts back what was there before.
pub fn run(bytes: &[u8], rules: Rules) -> Result<Run, Violation> {
    let mut frng = Frng::new(bytes);
    let scenario = Scenario::random(&mut frng);
    let scenario = scenario
        .unwrap_or_else(|_| Scenario::full(lockgate_engine::Kind::Deploy, lockgate_model::Strategy::Canary));
    let quality = match frng.upto(9) {
        Ok(0..=1) => Quality::Errors,
        Ok(2) => Quality::Quiet,
        Ok(_) | Err(OutOfEntropy) => Quality::Good,
    };
    let plan = scenario.plan().map_err(|it| Violation(it.to_string()))?;
    let mut sim = Simulation::new(plan.clone(), scenario.observed(), scenario.goal(), quality, rules);
    sim.shake(&mut frng)?;
    let end = sim.settle()?;
    let run = Run { plan, journal: sim.journal().to_vec(), end, stats: sim.stats() };
    put_back(&scenario, sim)?;
    Ok(run)
}
