//! The node: supervises the instances of the `local` target on one machine and runs the data plane in front
//! of them. It outlives the command line and the control plane; its instances outlive it.
//!
//! **Invariant:** what should run is on disk before it runs, so a killed node never starts a thing twice and
//! never forgets one.

mod adopt;
mod beside;
mod client;
mod disk;
mod docker;
mod error;
mod files;
mod front;
mod jobs;
mod keeper;
mod logs;
mod metrics;
mod node;
mod picture;
mod place;
mod ports;
pub mod private_file;
mod process;
mod protocol;
mod reach;
mod requests;
mod run;
mod scan;
mod secrets;
mod server;
mod slot;
mod start;
mod table;
mod vault;

pub use client::{CallError, NodeClient};
pub use error::NodeError;
pub use files::{FileStore, FilesError};
pub use jobs::job_main;
pub use lockgate_docker::{Credentials, Keyring, usual_address as usual_docker};
pub use place::{Place, private_temp};
pub use protocol::{
    Failure, FailureClass, InstanceStatus, JobAnswer, JobSighting, KeepInstances, LogLine, NodeStatus,
    PROTOCOL, Request, Response, SlotStatus,
};
pub use run::{NodeConfig, run};
pub use start::start_node;
pub use vault::Vault;
