//! Waits until a slot is as it was asked to be, or until it is clear that it will not be.

use lockgate_model::{Health, Millis};
use tokio::time::Instant;

use super::instance::CRASH_LINES;
use super::{Condition, Inner, Slot};
use crate::logs;
use crate::protocol::{Failure, FailureClass};

/// A version whose instance ended this often before it was ever ready does not become ready by patience.
const FAILED_STARTS_MAX: u16 = 3;
/// Beyond the time that an instance has to stay up to count as ready.
const UPTIME_MARGIN: Millis = Millis::secs(10);

impl Slot {
    pub(crate) async fn settled(&self, wanted: u16) -> Result<(), Failure> {
        let mut changed = self.changed.subscribe();
        let within = self.ready_within();
        let deadline = Instant::now() + within.to_std();
        let mut in_time = true;
        loop {
            if let Some(verdict) = self.verdict(wanted) {
                return verdict;
            }
            if !in_time && self.inner().ready() < wanted {
                return Err(self.not_ready(wanted, within).await);
            }
            tokio::select! {
                gone = changed.changed() => if gone.is_err() {
                    return Err(Failure::transient(format!("{} is gone", self.spec.slot)));
                },
                () = tokio::time::sleep_until(deadline), if in_time => in_time = false,
            }
        }
    }

    /// `None` while it is open.
    fn verdict(&self, wanted: u16) -> Option<Result<(), Failure>> {
        let inner = self.inner();
        if inner.wanted != wanted {
            let text = format!("{} was asked for {} instances meanwhile", self.spec.slot, inner.wanted);
            return Some(Err(Failure::new(FailureClass::Fenced, text)));
        }
        if wanted <= inner.ready() && inner.members.len() == usize::from(wanted) {
            return Some(Ok(()));
        }
        hopeless(&inner).map(Err)
    }

    fn ready_within(&self) -> Millis {
        match self.spec.health {
            Health::Http { ready_within, .. } => ready_within,
            Health::Uptime { ready_after } => Millis(ready_after.0.saturating_add(UPTIME_MARGIN.0)),
        }
    }

    async fn not_ready(&self, wanted: u16, within: Millis) -> Failure {
        let slot = &self.spec.slot;
        let late: Vec<u32> = {
            let inner = self.inner();
            let late = inner.members.iter().filter(|it| it.1.condition != Condition::Ready);
            late.map(|it| *it.0).collect()
        };
        let ready = self.inner().ready();
        let mut text = format!("{slot}: {ready} of {wanted} instances are ready after {within}");
        for number in late {
            let probe = self.front.last_failure(slot, number).unwrap_or_else(|| "no answer yet".to_owned());
            text = format!("{text}\n#{number}: health check: {probe}");
            let lines = if self.is_container() {
                self.container_tail(number, CRASH_LINES).await
            } else {
                logs::tail(&self.base.place.instance_log(slot, number), CRASH_LINES)
            };
            if !lines.is_empty() {
                text = format!("{text}\n#{number}: last lines:\n{}", lines.join("\n"));
            }
        }
        Failure::fatal(text).hint(format!("lockgate logs {}", slot.service))
    }
}

fn hopeless(inner: &Inner) -> Option<Failure> {
    if let Some(failure) = inner.members.values().find_map(|it| it.start_error.clone()) {
        return Some(failure);
    }
    let worst = inner.members.values().map(|it| it.failed_starts).max().unwrap_or(0);
    if worst < FAILED_STARTS_MAX {
        return None;
    }
    let last = inner.last_crash.clone().unwrap_or_default();
    Some(Failure::fatal(format!("ended {worst} times before it was ever ready; the last time: {last}")))
}
