//! Who is told, about what.

use serde::{Deserialize, Serialize};

use super::slo::SloSeverity;
use crate::{EnvironmentName, Millis, Threshold};

/// A number of something that is no canary's business: `postgres.connections`, `deploy_success`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// `> 99%`
    pub objective: Option<Threshold>,
    /// `> 80% for 5m`
    pub alert: Option<Threshold>,
    pub severity: SloSeverity,
    pub runbook: Option<String>,
}

/// An alert that follows from no objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRule {
    /// What is measured: `postgres.up`.
    pub metric: Option<String>,
    /// Instead of a metric: an expression in `PromQL`.
    pub query: Option<String>,
    pub alert: Threshold,
    pub severity: SloSeverity,
    pub summary: Option<String>,
    pub runbook: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    pub slack: Option<Slack>,
    pub pagerduty: Option<PagerDuty>,
    pub email: Option<Email>,
    pub sns: Option<Sns>,
    pub webhook: Option<Webhook>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    Started,
    Approval,
    Success,
    Failure,
    Rollback,
    Held,
    Alert,
    Rotation,
    WeeklySummary,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    pub channel: String,
    /// Secret that holds the address of the webhook.
    pub webhook: Option<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    pub severity: Option<SloSeverity>,
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerDuty {
    /// Secret that holds the integration key.
    pub key: Option<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    pub severity: Option<SloSeverity>,
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    pub to: Vec<String>,
    pub from: Option<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    pub severity: Option<SloSeverity>,
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sns {
    pub topic: String,
    #[serde(default)]
    pub to: Vec<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    pub severity: Option<SloSeverity>,
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// Secret that signs the body.
    pub secret: Option<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    pub severity: Option<SloSeverity>,
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
}

/// How often metrics are read, and what is shown and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    pub services_every: Millis,
    pub dependencies_every: Millis,
    /// The cluster's own servers, nodes and pods are read as well.
    pub cluster: bool,
    /// Where Prometheus answers releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<String>,
    pub dashboard: Option<Dashboard>,
    pub logs: Option<Logs>,
}

impl Default for Monitoring {
    fn default() -> Monitoring {
        Monitoring {
            services_every: Millis::secs(10),
            dependencies_every: Millis::secs(30),
            cluster: false,
            prometheus: None,
            dashboard: None,
            logs: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    pub refresh: Millis,
    pub range: Millis,
    pub variables: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    pub group: Option<String>,
    pub retention: Millis,
}
