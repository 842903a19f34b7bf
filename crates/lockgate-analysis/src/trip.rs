//! What aborts at once, without statistics: a canary that is not there, keeps dying, or cannot be reached.

use lockgate_model::{Millis, ServiceName, SlotCounts, Timestamp};
use serde::{Deserialize, Serialize};

use crate::tally::Tally;
use crate::verdict::Reason;

/// Crashes that make a loop, however far apart they are.
const CRASHES_MAX: u64 = 3;
/// Two crashes within this time are a loop already.
const CRASH_WINDOW: Millis = Millis::secs(60);
/// Fewer failures to connect than this in one tick may be one instance's restart.
const CONNECT_FAILURES_MIN: u64 = 3;

/// The canary's instances, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) ready: u16,
    pub(crate) wanted: u16,
    pub(crate) crashes: u64,
    was_ready: bool,
    last_look_at: Option<Timestamp>,
    last_crash_at: Option<Timestamp>,
}

impl Condition {
    /// Takes one look at the canary; answers what must not be.
    pub(crate) fn observe(
        &mut self,
        now: Timestamp,
        service: &ServiceName,
        counts: &SlotCounts,
        tick: &Tally,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        (self.ready, self.wanted) = (counts.ready, counts.wanted);
        self.was_ready |= 0 < counts.ready;
        if self.was_ready && counts.ready == 0 && 0 < counts.wanted {
            let last = counts.last_crash.clone();
            reasons.push(Reason::NotReady { service: service.clone(), wanted: counts.wanted, last });
        }
        if self.is_crash_loop(now, tick.crashes) {
            let last = counts.last_crash.clone();
            reasons.push(Reason::CrashLoop { service: service.clone(), crashes: self.crashes, last });
        }
        let (failures, requests) = (tick.connect_failures, tick.requests);
        if CONNECT_FAILURES_MIN <= failures && requests < 2 * failures {
            reasons.push(Reason::Unreachable { service: service.clone(), failures, requests });
        }
        reasons
    }

    fn is_crash_loop(&mut self, now: Timestamp, crashes: u64) -> bool {
        let is_recent = |at: Option<Timestamp>| at.is_some_and(|it| now.since(it) <= CRASH_WINDOW);
        let looked_recently = is_recent(self.last_look_at.replace(now));
        if crashes == 0 {
            return false;
        }
        let crashed_recently = is_recent(self.last_crash_at.replace(now));
        self.crashes += crashes;
        CRASHES_MAX <= self.crashes || crashed_recently || (2 <= crashes && looked_recently)
    }
}
