//! What is judged: derived once from the spec's `rollout` and `slo` blocks, then fixed for the release.

use std::collections::BTreeMap;

use lockgate_model::{Analysis, Millis, Percent, RollbackTrigger, Rollout, Slo, SloMetric, SloObjective};
use serde::{Deserialize, Serialize};

use crate::gate::GateRule;
use crate::mixture::Onset;
use crate::primitive::margin::Edge;

/// The change-point prior spreads over at least this many ticks, so that a short plan that is extended still
/// has capital left for a late fault ...
const PLANNED_TICKS_MIN: u64 = 60;
/// ... and over at most this many: beyond, a late fault would begin with no capital to speak of.
const PLANNED_TICKS_MAX: u64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeConfig {
    pub analysis: Analysis,
    /// Whether a canary with more errors than the old version is aborted.
    pub error_ratio: bool,
    pub slos: Vec<AbsoluteSlo>,
    pub literals: Vec<LiteralAlert>,
    /// What is judged beside the SLOs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateRule>,
    /// Looks that the plan foresees, over all steps and the bake.
    pub planned_ticks: u32,
}

/// At most `allowed` of the requests may be bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsoluteSlo {
    pub metric: SloMetric,
    pub bad: Bad,
    pub allowed: Percent,
}

/// What makes a request bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bad {
    Error,
    /// A bound of the router's latency buckets, in milliseconds.
    SlowerThan(u32),
}

impl Bad {
    /// Both speak of errors, or both of latency.
    pub(crate) fn is_like(self, other: Bad) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// An alert taken at its word: beyond the limit at every look for `lasting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteralAlert {
    pub metric: SloMetric,
    pub limit: SloObjective,
    pub lasting: Millis,
}

/// Whether a service takes requests. Those that do not are judged by their condition alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    Requests,
    None,
}

impl JudgeConfig {
    /// With an empty `rollback_on`, the error ratio and every SLO count.
    pub fn new(rollout: &Rollout, slo: &BTreeMap<SloMetric, Slo>) -> JudgeConfig {
        let triggers = &rollout.rollback_on;
        let counts = |metric| triggers.is_empty() || triggers.contains(&RollbackTrigger::Slo(metric));
        let judged = || slo.iter().filter(|it| counts(*it.0));
        let slos = judged().filter_map(|(&metric, slo)| {
            let limit = slo.alert.map(|it| it.limit).or(slo.objective)?;
            AbsoluteSlo::new(metric, limit)
        });
        let literals = judged().filter_map(|(&metric, slo)| {
            slo.alert.map(|it| LiteralAlert { metric, limit: it.limit, lasting: it.lasting })
        });
        JudgeConfig {
            analysis: rollout.analysis,
            error_ratio: counts(SloMetric::ErrorRate) || counts(SloMetric::Availability),
            slos: slos.collect(),
            literals: literals.collect(),
            gates: GateRule::of(rollout),
            planned_ticks: planned_ticks(rollout),
        }
    }

    pub(crate) fn onset(&self) -> Onset {
        Onset::Any { planned_ticks: self.planned_ticks }
    }

    pub(crate) fn edge(&self) -> Edge {
        Edge { ratio: self.analysis.margin_ratio, abs: self.analysis.margin_abs }
    }

    /// Capital, as a logarithm, at which a canary is aborted.
    pub(crate) fn ln_abort(&self) -> f64 {
        -self.analysis.alpha.ln()
    }

    /// Capital, as a logarithm, at which a canary is certified.
    pub(crate) fn ln_certify(&self) -> f64 {
        -self.analysis.beta.ln()
    }
}

impl AbsoluteSlo {
    /// `None` for what is not a share of requests, such as a number of restarts.
    pub fn new(metric: SloMetric, limit: SloObjective) -> Option<AbsoluteSlo> {
        match limit {
            SloObjective::ErrorRate(allowed) => Some(AbsoluteSlo { metric, bad: Bad::Error, allowed }),
            SloObjective::Latency(Millis(ms)) => {
                let bad = Bad::SlowerThan(u32::try_from(ms).ok()?);
                Some(AbsoluteSlo { metric, bad, allowed: slower_share(metric)? })
            }
            SloObjective::Count(_) => None,
        }
    }
}

/// Share of requests that may be slower than a quantile's limit.
fn slower_share(metric: SloMetric) -> Option<Percent> {
    match metric {
        SloMetric::LatencyP50 => Some(Percent(50_000)),
        SloMetric::LatencyP95 => Some(Percent(5_000)),
        SloMetric::LatencyP99 => Some(Percent(1_000)),
        SloMetric::Availability | SloMetric::ErrorRate | SloMetric::Restarts => None,
    }
}

fn planned_ticks(rollout: &Rollout) -> u32 {
    let pauses: u64 = rollout.steps.iter().map(|it| it.pause.0).sum();
    let ticks = (pauses + rollout.bake.0) / rollout.analysis.tick.0.max(1);
    u32::try_from(ticks.clamp(PLANNED_TICKS_MIN, PLANNED_TICKS_MAX)).expect("clamped to 10,000")
}
