//! Real parts for tests: images made without an engine or a public registry, a registry, a Docker engine, and where a
//! cluster is. What is not there is said and skipped; in continuous integration the test fails instead.
//!
//! Only tests, benchmarks and scripts use it. It panics where they would.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod cluster;
mod debian;
mod engine;
mod host;
mod image;
mod machine;
mod namespace;
mod program;
mod registry;
mod said;
mod servers;
mod sshd;

pub use cluster::{Cluster, image_of_program, image_of_server};
pub use engine::{Builder, Container, Engine, Networks, bases};
pub use host::{output, program, skipped};
pub use image::{Config, Image};
pub use machine::Machine;
pub use namespace::Namespace;
pub use registry::Registry;
pub use said::Said;
pub use servers::Server;
pub use sshd::Sshd;
