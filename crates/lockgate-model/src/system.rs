//! A system as one environment sees it: the spec after overlays, conventions and references.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DependencyName, EnvironmentName, Millis, Percent, PortName, ServiceName, SystemName, Weight};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    pub name: SystemName,
    pub owner: Option<String>,
    pub environment: EnvironmentName,
    pub target: TargetKind,
    pub services: BTreeMap<ServiceName, Service>,
    pub dependencies: BTreeMap<DependencyName, Dependency>,
    pub migrations: Option<Migrations>,
    pub smoke: Vec<SmokeCheck>,
    pub slo: BTreeMap<SloMetric, Slo>,
    pub rollout: Rollout,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// Processes of this machine behind the embedded proxy.
    Local(LocalTarget),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTarget {
    /// Address that the services' ports are opened on.
    pub bind: std::net::IpAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub command: Vec<String>,
    /// Folder or file, relative to the spec's folder, that is kept with each release and restored by a rollback.
    pub files: Option<String>,
    pub env: BTreeMap<String, String>,
    /// Empty for a worker: it takes no traffic and is replaced, not shifted.
    pub ports: BTreeMap<PortName, Port>,
    pub health: Health,
    /// Services and dependencies, by name.
    pub depends_on: BTreeMap<String, DependsOn>,
    pub replicas: u16,
    pub stop: Stop,
}

impl Service {
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1 with WebSocket.
    Http,
    /// HTTP/2 without TLS, as gRPC speaks it.
    Grpc,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopSignal {
    #[serde(rename = "SIGTERM")]
    Term,
    #[serde(rename = "SIGINT")]
    Int,
    #[serde(rename = "SIGQUIT")]
    Quit,
}

/// Something the system needs and does not release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `postgres`, `redis`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub version: Option<String>,
    /// Where it is; services that depend on it get it as a variable.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrations {
    pub tool: MigrationTool,
    /// Folder or file, relative to the spec's folder, that the migration is run from.
    pub files: Option<String>,
    /// The new release's environment.
    pub env: BTreeMap<String, String>,
    pub timeout: Millis,
    pub retry: Retry,
    /// Whether the previous version works with the migrated schema.
    pub compatible: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationTool {
    Sqlx,
    Command(Vec<String>),
}

/// Attempts and the waits between them: `initial`, then `factor` times the last, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub attempts: u16,
    pub initial: Millis,
    pub max: Millis,
    pub factor: u16,
}

impl Retry {
    pub const ONCE: Retry = Retry { attempts: 1, initial: Millis(0), max: Millis(0), factor: 1 };

    /// Wait after the attempt of this number, counted from 1.
    pub fn wait_after(&self, attempt: u16) -> Millis {
        let growth = u64::from(self.factor).saturating_pow(u32::from(attempt.saturating_sub(1)));
        Millis(self.initial.0.saturating_mul(growth).min(self.max.0))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeCheck {
    pub service: ServiceName,
    pub kind: SmokeKind,
    pub timeout: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeKind {
    Get {
        path: String,
        status: u16,
    },
    /// Run with the new release's environment, from the service's files.
    Run {
        command: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SloMetric {
    Availability,
    ErrorRate,
    LatencyP50,
    LatencyP95,
    LatencyP99,
    Restarts,
}

impl SloMetric {
    pub const ALL: [SloMetric; 6] = [
        SloMetric::Availability,
        SloMetric::ErrorRate,
        SloMetric::LatencyP50,
        SloMetric::LatencyP95,
        SloMetric::LatencyP99,
        SloMetric::Restarts,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            SloMetric::Availability => "availability",
            SloMetric::ErrorRate => "error_rate",
            SloMetric::LatencyP50 => "latency_p50",
            SloMetric::LatencyP95 => "latency_p95",
            SloMetric::LatencyP99 => "latency_p99",
            SloMetric::Restarts => "restarts",
        }
    }

    /// The quantile that a latency metric speaks of.
    pub fn quantile(self) -> Option<f64> {
        match self {
            SloMetric::LatencyP50 => Some(0.50),
            SloMetric::LatencyP95 => Some(0.95),
            SloMetric::LatencyP99 => Some(0.99),
            SloMetric::Availability | SloMetric::ErrorRate | SloMetric::Restarts => None,
        }
    }
}

impl fmt::Display for SloMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slo {
    /// What must hold: `error_rate < 0.5%`.
    pub objective: Option<SloObjective>,
    /// What must not be seen: `error_rate > 1% for 5m`. Judged to the letter beside the statistics.
    pub alert: Option<SloAlert>,
    pub severity: SloSeverity,
}

/// The unit follows from the metric: a share, a latency, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SloObjective {
    /// Share of requests that fail, at most. `availability > 99.9%` is kept as `0.1%` here.
    ErrorRate(Percent),
    /// Latency of the metric's quantile, at most.
    Latency(Millis),
    /// Restarts, at most.
    Count(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SloAlert {
    /// The limit, beyond which is bad.
    pub limit: SloObjective,
    /// How long it must last to count.
    #[serde(rename = "for")]
    pub lasting: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SloSeverity {
    Warning,
    Critical,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    pub strategy: Strategy,
    /// Ascending weights, the last 100 %. Empty for `rolling`.
    pub steps: Vec<Step>,
    pub rollback_on: Vec<RollbackTrigger>,
    /// Time at 100 % during which the old version is kept warm and the new one is judged.
    pub bake: Millis,
    pub analysis: Analysis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    Canary,
    /// Instance by instance.
    Rolling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub weight: Weight,
    /// Time at this weight, at most if the evidence says enough earlier.
    pub pause: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackTrigger {
    /// The metric's alert, to the letter, and its statistics.
    Slo(SloMetric),
    CrashLoop,
}

/// How canaries are judged. Each number's source is in `docs/reference/analysis.md`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Time between looks.
    pub tick: Millis,
    /// Probability at most that a version no worse than the old one is aborted.
    pub alpha: f64,
    /// Probability at most that a version worse than the margin is promoted early.
    pub beta: f64,
    /// Error ratio up to which a canary counts as no worse.
    pub tolerance: f64,
    /// A canary is promoted early when its error rate is surely below `margin_ratio * old + margin_abs`.
    pub margin_ratio: f64,
    pub margin_abs: f64,
    /// New instances are not compared during this time.
    pub warmup: Millis,
    /// No early promotion before this much time in the step, after warm-up.
    pub min_time: Millis,
    /// No promotion before this many canary requests.
    pub min_requests: u64,
    /// A step without a verdict after this long is decided by `on_undecided`.
    pub max_time: Millis,
    pub promote_early: bool,
    pub on_undecided: OnUndecided,
}

impl Eq for Analysis {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnUndecided {
    /// Wait for an operator: `lockgate promote` or `lockgate abort`.
    Hold,
    Promote,
    Rollback,
}

impl Default for Analysis {
    fn default() -> Analysis {
        Analysis {
            tick: Millis::secs(10),
            alpha: 0.01,
            beta: 0.05,
            tolerance: 1.1,
            margin_ratio: 1.25,
            margin_abs: 0.0025,
            warmup: Millis::secs(60),
            min_time: Millis::secs(120),
            min_requests: 500,
            max_time: Millis::mins(60),
            promote_early: true,
            on_undecided: OnUndecided::Hold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        let retry = Retry { attempts: 6, initial: Millis::secs(2), max: Millis::secs(60), factor: 2 };
        let waits: Vec<u64> = (1..=7).map(|it| retry.wait_after(it).0 / 1_000).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(Retry { factor: u16::MAX, ..retry }.wait_after(u16::MAX), Millis::secs(60));
    }
}
