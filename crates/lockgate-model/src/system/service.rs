//! Services: what is run, how it is asked for its health, and what it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::Image;
use super::secret::SecretRule;
use crate::{Millis, PortName};

/// A worker is taken for started when it has stayed up this long: start-up crashes show within seconds.
const WORKER_READY_AFTER: Millis = Millis::secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// What is run where images are; `local` runs the command itself.
    pub image: Option<Image>,
    /// Empty where the image says it.
    pub command: Vec<String>,
    /// Folder or file, relative to the spec's folder, that is kept with each release and restored by a rollback.
    pub files: Option<String>,
    pub env: BTreeMap<String, String>,
    /// What is said of variables beside their values.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRule>,
    /// Empty for a worker: it takes no traffic and is replaced, not shifted.
    pub ports: BTreeMap<PortName, Port>,
    /// How an instance is asked on `local`.
    pub health: Health,
    /// How it is asked where the platform does it.
    #[serde(default)]
    pub probes: Probes,
    /// Services and dependencies, by name.
    pub depends_on: BTreeMap<String, DependsOn>,
    pub replicas: u16,
    pub autoscaling: Option<Autoscaling>,
    pub disruption_budget: Option<DisruptionBudget>,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub volumes: BTreeMap<String, Volume>,
    pub ingress: Option<Ingress>,
    /// Addresses beyond the system that it calls: `tcp://smtp.example.org:587`.
    #[serde(default)]
    pub egress: Vec<String>,
    pub metrics: Option<Metrics>,
    pub stop: Stop,
}

impl Service {
    /// A service of which only the command is said: it takes no requests.
    pub fn new(command: Vec<String>) -> Service {
        Service {
            image: None,
            command,
            files: None,
            env: BTreeMap::new(),
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            ports: BTreeMap::new(),
            health: Health::Uptime { ready_after: WORKER_READY_AFTER },
            probes: Probes::default(),
            depends_on: BTreeMap::new(),
            replicas: 1,
            autoscaling: None,
            disruption_budget: None,
            resources: Resources::default(),
            volumes: BTreeMap::new(),
            ingress: None,
            egress: vec![],
            metrics: None,
            stop: Stop::default(),
        }
    }

    /// What an instance with an address of its own is told of its ports: `PORT`, and `<NAME>_PORT` of each.
    pub fn port_variables(&self) -> BTreeMap<String, String> {
        let all = self.ports.iter().map(|(name, port)| (name.variable(), port.number.to_string()));
        let main = self.main_port().map(|it| ("PORT".to_owned(), it.1.number.to_string()));
        all.chain(main).collect()
    }

    /// The port that health checks and smoke checks use unless told otherwise: `http`, else the lowest.
    pub fn main_port(&self) -> Option<(&PortName, &Port)> {
        let named = self.ports.iter().find(|it| it.0.as_str() == "http");
        named.or_else(|| self.ports.iter().min_by_key(|it| it.1.number))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    pub number: u16,
    pub protocol: Protocol,
    /// Number on the machine itself, where containers have addresses of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1 with WebSocket.
    Http,
    /// HTTP/2 without TLS, as gRPC speaks it.
    Grpc,
}

impl Port {
    pub fn new(number: u16, protocol: Protocol) -> Port {
        Port { number, protocol, publish: None }
    }
}

/// What `depends_on` says beyond the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependsOn {
    /// Variable that carries the connection URL; `None` takes the convention of the dependency's kind.
    #[serde(rename = "as")]
    pub variable: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// An HTTP request to each instance; 200 to 299 is healthy, redirects are not followed.
    Http {
        path: String,
        port: PortName,
        interval: Millis,
        timeout: Millis,
        /// Answers in a row that make an instance ready.
        healthy_after: u16,
        /// Failures in a row that take it out of service.
        unhealthy_after: u16,
        /// Time that a new instance has to become ready.
        ready_within: Millis,
    },
    /// For a process that takes no requests: ready when it has stayed up this long.
    Uptime { ready_after: Millis },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub signal: StopSignal,
    /// Time for requests, streams and WebSockets to end before the signal.
    pub drain: Millis,
    /// Time between the signal and SIGKILL.
    pub grace: Millis,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { signal: StopSignal::Term, drain: Millis::secs(30), grace: Millis::secs(10) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopSignal {
    #[serde(rename = "SIGTERM")]
    Term,
    #[serde(rename = "SIGINT")]
    Int,
    #[serde(rename = "SIGQUIT")]
    Quit,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub about: Option<String>,
    /// It has no value in the spec and must have one in the environment's store.
    #[serde(default)]
    pub required: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Restarted when it fails.
    pub live: Option<Probe>,
    /// Given traffic while it holds.
    pub ready: Option<Probe>,
    /// The others wait for it.
    pub startup: Option<Probe>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub kind: ProbeKind,
    pub interval: Millis,
    pub timeout: Millis,
    pub healthy_after: u16,
    pub unhealthy_after: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    Http {
        path: String,
        port: PortName,
        /// What the body must hold, by JSON path.
        #[serde(default)]
        body: BTreeMap<String, String>,
    },
    /// The gRPC health protocol; the name is empty for the server as a whole.
    Grpc {
        port: PortName,
        service: String,
    },
    Tcp {
        port: PortName,
    },
    Command(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaling {
    pub min: u16,
    pub max: u16,
    /// Share of the requested CPU that is aimed at: `70%`.
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// Of each instance.
    pub requests_per_second: Option<u32>,
}

/// A number of instances or a share of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisruptionBudget {
    MinAvailable(String),
    MaxUnavailable(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    #[serde(default)]
    pub requests: Quantities,
    #[serde(default)]
    pub limits: Quantities,
}

/// As Kubernetes writes them: `100m`, `256Mi`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantities {
    pub cpu: Option<String>,
    pub memory: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Where instances see it.
    pub path: String,
    pub size: Option<String>,
    pub access: VolumeAccess,
    /// Storage class.
    pub class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeAccess {
    /// One instance at a time.
    Single,
    /// All instances, through a file system that can do that.
    Shared,
    /// Each instance its own, gone with it.
    Scratch,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    pub hosts: Vec<String>,
    pub paths: Vec<String>,
    pub tls: bool,
    pub class: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    pub path: String,
    pub port: Option<PortName>,
}
