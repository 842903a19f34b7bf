//! A whole run out of bytes: a scenario, faults, and an end.

use lockgate_engine::{End, Entry, Plan};

use crate::check::Violation;
use crate::frng::Frng;
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

/// Shakes a random release until the bytes run out, and lets it end.
pub fn run(bytes: &[u8], rules: Rules) -> Result<Run, Violation> {
    let mut frng = Frng::new(bytes);
    let scenario = Scenario::random(&mut frng);
    let scenario = scenario
        .unwrap_or_else(|_| Scenario::full(lockgate_engine::Kind::Deploy, lockgate_model::Strategy::Canary));
    let quality = if frng.once_in(4) == Ok(true) { Quality::Errors } else { Quality::Good };
    let plan = scenario.plan().map_err(|it| Violation(it.to_string()))?;
    let mut sim = Simulation::new(plan.clone(), scenario.observed(), scenario.goal(), quality, rules);
    sim.shake(&mut frng)?;
    let end = sim.settle()?;
    Ok(Run { plan, journal: sim.journal().to_vec(), end, stats: sim.stats() })
}
