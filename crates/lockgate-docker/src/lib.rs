//! A Docker engine, asked for what releases need of it, with errors that say what happened to which thing.

mod engine;

pub use engine::{Engine, EngineError};
