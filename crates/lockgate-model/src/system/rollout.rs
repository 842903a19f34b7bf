//! How a new version takes over, and how it is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::slo::SloMetric;
use crate::{Millis, Weight};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    pub strategy: Strategy,
    /// Ascending weights, the last 100 %. Empty for `rolling`.
    pub steps: Vec<Step>,
    pub rollback_on: Vec<RollbackTrigger>,
    /// Time at 100 % during which the old version is kept warm and the new one is judged.
    pub bake: Millis,
    pub analysis: Analysis,
    /// What is judged beside the SLOs, by name.
    #[serde(default)]
    pub gates: BTreeMap<String, Gate>,
    /// Times at which nothing is released.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    /// Instances beyond the wanted number, in a rolling release: `1` or `25%`.
    pub max_surge: Option<String>,
    pub max_unavailable: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    Canary,
    /// Instance by instance.
    #[default]
    Rolling,
    /// The new version whole beside the old one, then all traffic at once.
    BlueGreen,
    /// The old version ends before the new one begins.
    Recreate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub weight: Weight,
    /// Time at this weight, at most if the evidence says enough earlier.
    pub pause: Millis,
    #[serde(default)]
    pub gate: StepGate,
}

impl Step {
    pub fn new(weight: Weight, pause: Millis) -> Step {
        Step { weight, pause, gate: StepGate::Metrics }
    }
}

/// What ends a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepGate {
    /// The evidence, or the pause.
    #[default]
    Metrics,
    /// A person, after the pause.
    Approval,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// In `PromQL`.
    pub query: String,
    /// As it is written: `< 5%`.
    pub objective: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// `fri 16:00`, `2026-12-20` or `2026-12-20 18:00`.
    pub from: String,
    pub to: String,
    pub timezone: String,
    pub reason: Option<String>,
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
