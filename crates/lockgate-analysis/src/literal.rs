//! The runbook's rule to the letter: beyond the limit at every look for as long as the rule says.

use lockgate_model::{Millis, SloObjective, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{AbsoluteSlo, LiteralAlert};
use crate::tally::Tally;

/// One rule on one arm: since when every look was beyond the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Streak {
    pub(crate) since: Option<Timestamp>,
}

impl Streak {
    /// Takes what happened between `started` and now. A tick without requests has no rate, and ends the streak.
    pub(crate) fn observe(&mut self, alert: &LiteralAlert, started: Timestamp, tick: &Tally, crashes: u64) {
        if is_beyond(alert, tick, crashes) {
            self.since.get_or_insert(started);
        } else {
            self.since = None;
        }
    }

    pub(crate) fn lasted(&self, now: Timestamp) -> Option<Millis> {
        self.since.map(|it| now.since(it))
    }

    pub(crate) fn is_over(&self, alert: &LiteralAlert, now: Timestamp) -> bool {
        self.lasted(now).is_some_and(|it| alert.lasting <= it)
    }
}

fn is_beyond(alert: &LiteralAlert, tick: &Tally, crashes: u64) -> bool {
    if let SloObjective::Count(limit) = alert.limit {
        return u64::from(limit) < crashes;
    }
    let Some(slo) = AbsoluteSlo::new(alert.metric, alert.limit) else { return false };
    let Some(count) = tick.count(slo.bad) else { return false };
    0 < count.requests && slo.allowed.fraction() < count.bad() / count.n()
}
