//! What a target is asked to run: slots, jobs and smoke checks, fully resolved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Health, JobName, Millis, Port, PortName, ServiceName, SlotRef, Stop, Version};

/// One version of one service. How many instances of it are wanted is said apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSpec {
    pub slot: SlotRef,
    pub version: Version,
    /// Argument vector; no shell is involved. A relative program name with a `/` is found in the files.
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Tree in the file store that is the instances' working directory.
    pub files: Option<Digest>,
    /// The service's own addresses, where the router listens. Instances get ports of their own.
    pub ports: BTreeMap<PortName, Port>,
    pub health: Health,
    pub stop: Stop,
    /// Latency buckets that the router counts in.
    pub latency_bounds_ms: Vec<u32>,
}

impl SlotSpec {
    /// Digest of what makes an instance what it is. Equal digests mean that nothing needs to be released.
    pub fn workload_digest(&self) -> Digest {
        Digest::of_value(&(&self.command, &self.env, &self.files, &self.ports, &self.health, &self.stop))
    }
}

/// A one-off job of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    pub name: JobName,
    pub kind: JobKind,
    /// The new release's environment.
    pub env: BTreeMap<String, String>,
    pub files: Option<Digest>,
    pub timeout: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    Command(Vec<String>),
    /// PostgreSQL migrations in sqlx's format, from the files' root, against `DATABASE_URL` of `env`.
    SqlxMigrate,
}

/// A check of a running version from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeSpec {
    pub service: ServiceName,
    pub port: u16,
    pub path: String,
    pub status: u16,
    pub via: SmokeVia,
    pub timeout: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeVia {
    /// Through the router, to this slot whatever its weight.
    Slot(SlotRef),
    /// As a user would.
    Route,
}
