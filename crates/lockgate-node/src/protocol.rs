//! What is said over the node's socket: one JSON line per message, one request per connection, any number of
//! `Progress` lines and then one answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, PortName, Samples, Scope, Secret, SecretRef,
    ServiceName, SlotRef, SlotSpec, Timestamp, Version, Weight, Weights,
};
use serde::{Deserialize, Serialize};

/// Version of this protocol. A node and a client that differ refuse each other in plain words.
pub const PROTOCOL: u32 = 2;

/// Longest message. The largest is a slot with its whole environment; Linux allows 2 MiB of it per process.
pub(crate) const MESSAGE_LEN_MAX: usize = 4 * 1024 * 1024;

/// What a client sends.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) protocol: u32,
    /// Kept apart from its type, so that a newer client's unknown request is refused by version, not by syntax.
    pub(crate) request: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    Observe {
        scope: Scope,
    },
    Prepare {
        fence: Fence,
        key: EffectKey,
        fixtures: Fixtures,
        engine: Option<String>,
    },
    Prune {
        fence: Fence,
        key: EffectKey,
        keep: Keep,
    },
    EnsureSlot {
        fence: Fence,
        key: EffectKey,
        slot: Box<SlotSpec>,
        instances: u16,
        bind: IpAddr,
        /// Where the Docker engine is that containers run on, if not in its usual place.
        engine: Option<String>,
    },
    SetWeights {
        fence: Fence,
        key: EffectKey,
        service: ServiceName,
        weights: Weights,
    },
    Drain {
        fence: Fence,
        key: EffectKey,
        slot: SlotRef,
        within: Millis,
    },
    RemoveSlot {
        fence: Fence,
        key: EffectKey,
        slot: SlotRef,
    },
    RunJob {
        fence: Fence,
        key: EffectKey,
        job: JobSpec,
        engine: Option<String>,
    },
    Look {
        fence: Fence,
        key: EffectKey,
    },
    Samples {
        scope: Scope,
        services: Vec<ServiceName>,
    },
    /// Last lines of each instance of a slot, or of the slot's earlier instances when none runs.
    Logs {
        slot: SlotRef,
        lines: u16,
    },
    /// Leads to the router's port of a service: after the answer the connection is one to there, made from this
    /// machine's own loopback.
    Reach {
        scope: Scope,
        service: ServiceName,
        port: u16,
    },
    /// Values that requests refer to, from a vault on another machine.
    Keep {
        values: Vec<(SecretRef, Secret<String>)>,
    },
    JobLogs {
        key: EffectKey,
        lines: u16,
    },
    Status,
    Stop {
        instances: KeepInstances,
    },
}

/// What becomes of the instances when the node is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepInstances {
    Yes,
    No,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Not the answer yet: what is being waited for, for people.
    Progress(String),
    Done,
    Observed(Observed),
    Samples(Samples),
    Job(JobAnswer),
    Sighting(JobSighting),
    Logs(Vec<LogLine>),
    /// Where the connection leads from here on.
    Reached(SocketAddr),
    Status(NodeStatus),
    Failed(Failure),
    /// The other side speaks another version of this protocol.
    Protocol(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAnswer {
    /// `None` when a signal or the timeout ended it.
    pub exit_code: Option<i32>,
    pub tail: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobSighting {
    Done(JobAnswer),
    Running,
    NeverRan,
    /// It was started and left no result.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The engine or a registry does not answer.
    Away,
    Transient,
    Fatal,
    Fenced,
    Ambiguous,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub class: FailureClass,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(class: FailureClass, message: impl Into<String>) -> Failure {
        Failure { class, message: message.into(), hint: None }
    }

    pub(crate) fn fatal(message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Fatal, message)
    }

    pub(crate) fn transient(message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Transient, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `web@r12 #1`, or the key of a job.
    pub source: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    pub pid: u32,
    pub node_id: String,
    pub started_at: Timestamp,
    pub slots: Vec<SlotStatus>,
    /// Jobs under way.
    pub jobs: Vec<EffectKey>,
    /// What the node noticed since it started and people should know.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotStatus {
    pub scope: Scope,
    pub slot: SlotRef,
    pub version: Version,
    pub weight: Weight,
    pub wanted: u16,
    pub ready: u16,
    pub crashes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_crash: Option<String>,
    /// Addresses that the router listens on for this service.
    pub listens: Vec<String>,
    pub instances: Vec<InstanceStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    pub number: u32,
    /// `None` between a crash and the next start, and of containers.
    pub pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Where it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    pub ports: BTreeMap<PortName, u16>,
    /// `ready`, `starting`, `restarts in 2s`, `draining`, `stopping`.
    pub condition: String,
}
