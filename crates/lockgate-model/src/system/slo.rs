//! What must hold, and what must not be seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Millis, Percent};

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
    pub runbook: Option<String>,
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
