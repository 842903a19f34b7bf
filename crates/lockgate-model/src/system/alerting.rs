//! Who is told, about what.

use serde::{Deserialize, Serialize};

use super::slo::SloSeverity;
use crate::{EnvironmentName, is_default};

/// A number of something that is no canary's business: `postgres.connections`, `deploy_success`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// As it is written: `> 99%`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub objective: Option<String>,
    /// As it is written: `> 80% for 5m`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alert: Option<String>,
    pub severity: SloSeverity,
    #[serde(default, skip_serializing_if = "is_default")]
    pub runbook: Option<String>,
}

/// An alert that follows from no objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRule {
    /// What is measured: `postgres.up`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metric: Option<String>,
    /// Instead of a metric: an expression in `PromQL`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub query: Option<String>,
    pub alert: String,
    pub severity: SloSeverity,
    #[serde(default, skip_serializing_if = "is_default")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub runbook: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    #[serde(default, skip_serializing_if = "is_default")]
    pub slack: Option<Slack>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pagerduty: Option<PagerDuty>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "is_default")]
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub webhook: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<SloSeverity>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerDuty {
    /// Secret that holds the integration key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<SloSeverity>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    pub to: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<SloSeverity>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub environments: Vec<EnvironmentName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// Secret that signs the body.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secret: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<SloSeverity>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub environments: Vec<EnvironmentName>,
}
