//! A deterministic world with faults, in which releases are carried out thousands of times.
//!
//! A [`Simulation`] has a target, a journal, and drivers that die. [`Simulation::shake`] lets random bytes decide
//! what happens next; [`Simulation::settle`] then lets everything work and expects an end. After every event the
//! checkers look whether all that must hold holds.
//!
//! **Invariant:** no clock, no randomness of its own, no threads. The same bytes give the same run.

mod check;
mod driver;
mod frng;
mod run;
mod scenario;
mod script;
mod settle;
mod shake;
mod simulation;
mod traffic;
mod twin;
mod world;

pub use check::Violation;
pub use frng::{Frng, OutOfEntropy, entropy};
pub use run::{Run, run};
pub use scenario::{Fate, Member, Scenario};
pub use script::{Fault, Script};
pub use simulation::{Goal, Simulation, Stats};
pub use traffic::Quality;
pub use twin::{JobSeen, Refused, Twin};
pub use world::{Fences, Memory, Rules};
