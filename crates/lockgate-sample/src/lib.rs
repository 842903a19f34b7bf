//! A small HTTP and gRPC service with knobs for what goes wrong, and a load generator that counts exactly.
//! The demo, the examples and the tests of the whole binary run them; no product crate knows either.

mod app;
mod config;
mod dependencies;
mod endpoints;
mod grpc;
pub mod load;
mod redis;
mod serve;
mod served;
mod websocket;
mod worker;

pub use config::{Crash, InvalidKnob, Readiness, SampleConfig};
pub use serve::{Sample, run};
pub use worker::Worker;

/// Answers that the knobs made carry this text in the `error` field of their body.
pub const INJECTED: &str = "injected";
