//! The imperative shell around the engine: journal, leases, timers and effects.
//!
//! The engine says what is and what should be under way; this crate makes it so, and makes it durable first.

mod adopt;
mod clock;
mod driver;
mod measure;
mod perform;
pub mod record;
mod run;
pub mod store;

pub use adopt::Adopting;
pub use driver::{DriveError, Driver, Ending, done_releases, ending, is_done, plan_with};
pub use perform::JOB_FAILED_FOR_GOOD;
