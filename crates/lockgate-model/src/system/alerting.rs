//! Who is told, about what.

use serde::{Deserialize, Serialize};

use super::slo::SloSeverity;
use crate::EnvironmentName;

/// A number of something that is no canary's business: `postgres.connections`, `deploy_success`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// As it is written: `> 99%`.
    pub objective: Option<String>,
    /// As it is written: `> 80% for 5m`.
    pub alert: Option<String>,
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
    pub alert: String,
    pub severity: SloSeverity,
    pub summary: Option<String>,
    pub runbook: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    pub slack: Option<Slack>,
    pub pagerduty: Option<PagerDuty>,
    pub email: Option<Email>,
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
