//! What is judged beside the SLOs: a number that somebody else measures, and what must hold of it.

use lockgate_model::{Measured, Millis, Period, Rollout, Threshold, Timestamp};
use serde::{Deserialize, Serialize};

/// One of `rollout.gates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRule {
    pub name: String,
    /// In `PromQL`.
    pub query: String,
    pub objective: Threshold,
}

impl GateRule {
    pub(crate) fn of(rollout: &Rollout) -> Vec<GateRule> {
        let rules = rollout.gates.iter().filter_map(|(name, gate)| {
            let objective = gate.objective.parse().ok()?;
            Some(GateRule { name: name.clone(), query: gate.query.clone(), objective })
        });
        rules.collect()
    }

    /// How long it must be broken to count: at once, unless the objective says it.
    fn lasting(&self) -> Millis {
        match self.objective.period {
            Some(Period::For(span)) => span,
            // These say what time the query itself speaks of.
            Some(Period::In(_) | Period::Over(_)) | None => Millis::ZERO,
        }
    }
}

/// How one of them stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GateState {
    broken_since: Option<Timestamp>,
    pub(crate) missing_since: Option<Timestamp>,
    said: String,
}

/// One that has been broken for as long as it says.
pub(crate) struct Broken {
    pub(crate) said: String,
    pub(crate) lasted: Millis,
}

impl GateState {
    /// What was not measured neither breaks it nor keeps it.
    pub(crate) fn observe(&mut self, now: Timestamp, measured: Option<&Measured>) {
        let holds = measured.and_then(|it| it.holds);
        self.said = measured.map(|it| it.said.clone()).unwrap_or_default();
        match holds {
            Some(true) => (self.broken_since, self.missing_since) = (None, None),
            Some(false) => {
                self.broken_since.get_or_insert(now);
                self.missing_since = None;
            }
            None => {
                self.missing_since.get_or_insert(now);
                self.broken_since = None;
            }
        }
    }

    pub(crate) fn broken(&self, rule: &GateRule, now: Timestamp) -> Option<Broken> {
        let lasted = now.since(self.broken_since?);
        (rule.lasting() <= lasted).then(|| Broken { said: self.said.clone(), lasted })
    }
}
