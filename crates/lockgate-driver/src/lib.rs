//! The imperative shell around the engine: journal, leases, timers and effects.
//!
//! The engine says what is and what should be under way; this crate makes it so, and makes it durable first.

pub mod store;
