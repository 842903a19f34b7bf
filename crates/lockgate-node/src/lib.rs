//! The node: supervises the instances of the `local` target on one machine and runs the data plane in front
//! of them. It outlives the command line and the control plane; its instances outlive it.
//!
//! **Invariant:** what should run is on disk before it runs, so a killed node never starts a thing twice and
//! never forgets one.

mod client;
mod error;
mod files;
mod logs;
mod place;
mod protocol;
mod start;

pub use client::{CallError, NodeClient};
pub use error::NodeError;
pub use files::{FileStore, FilesError};
pub use place::Place;
pub use protocol::{
    Failure, FailureClass, InstanceStatus, JobAnswer, JobSighting, KeepInstances, LogLine, NodeStatus,
    PROTOCOL, Request, Response, SlotStatus,
};
pub use start::start_node;
