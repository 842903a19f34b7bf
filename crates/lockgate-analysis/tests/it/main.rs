//! The judge through its public API.

mod counters;
mod gates;
mod instances;
mod reports;
mod simulation;
mod steps;
// Lints treat its helpers as tests.
#[cfg(test)]
mod support;
mod trips;
