//! What a target is asked to run: slots, jobs and smoke checks, fully resolved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Fixtures, Form, Health, JobName, MetricsAt, Millis, Port, PortName, SecretRef, ServiceName,
    SlotRef, SmokeExpect, Stop, Version,
};

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
    /// Variables whose values are kept apart.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    #[serde(default)]
    pub form: Form,
    #[serde(default)]
    pub metrics: Option<MetricsAt>,
}

impl SlotSpec {
    /// Digest of what makes an instance what it is. Equal digests mean that nothing needs to be released.
    pub fn workload_digest(&self) -> Digest {
        let process = (&self.command, &self.env, &self.files, &self.ports, &self.health, &self.stop);
        if self.form == Form::Process && self.secrets.is_empty() {
            return Digest::of_value(&process);
        }
        Digest::of_value(&(process, &self.secrets, &self.form))
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
    /// Variables whose values are kept apart.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    #[serde(default)]
    pub form: Form,
}

/// What stays when a release is over: all that it needs, and what the releases need that one can go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    pub fixtures: Fixtures,
    /// Slots of this release and of unchanged services.
    pub slots: Vec<SlotSpec>,
    /// Images of the snapshots that a rollback can restore, this one among them.
    pub images: Vec<String>,
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
    #[serde(default)]
    pub expect: SmokeExpect,
    /// Sent as `Authorization: Bearer`.
    #[serde(default)]
    pub bearer: Option<SecretRef>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeVia {
    /// Through the router, to this slot whatever its weight.
    Slot(SlotRef),
    /// As a user would.
    Route,
}
