//! Canary judgement: pure statistics over counts that stay valid however often one looks.
//!
//! A [`Judge`] is fed cumulative counters and answers with a [`Verdict`] and its [`Evidence`]. All of its state
//! is a value that can be written down and read again; `docs/reference/analysis.md` states each formula.
//!
//! **Invariant:** no clock, no randomness, no I/O. The same inputs give the same state.

mod config;
mod evidence;
mod gate;
mod instances;
mod judge;
mod literal;
mod merge;
mod mixture;
mod nats;
mod primitive;
mod service;
mod tally;
mod text;
mod trip;
mod verdict;

pub use config::{AbsoluteSlo, Bad, JudgeConfig, LiteralAlert, Traffic};
pub use evidence::{ArmEvidence, Evidence, Leading, LiteralEvidence, Meter, ServiceEvidence};
pub use gate::GateRule;
pub use instances::Outlier;
pub use judge::{Arms, Judge, StepKind};
pub use verdict::{Lack, PassWhy, Reason, Share, Verdict};
