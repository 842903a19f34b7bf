//! Waits for what is under way to end: requests by themselves, WebSockets by a goodbye, the rest at the deadline.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::InstanceId;
use crate::flight::Flight;
use crate::slot::Slot;

/// Closing thousands of clients at once would bring them all back at once; this long is enough to spread them.
const STAGGER_MAX: Duration = Duration::from_secs(10);

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DrainReport {
    /// Everything ended by itself, or after a goodbye.
    pub clean: bool,
    /// WebSockets that were still open at the deadline and were cut.
    pub cut_tunnels: u64,
    /// Requests that were still under way at the deadline. They go on until the instance is removed.
    pub left: u64,
}

const CLEAN: DrainReport = DrainReport { clean: true, cut_tunnels: 0, left: 0 };

/// `flight` is the slot's or that of one instance of it.
pub(crate) async fn drain(
    slot: &Slot,
    instance: Option<InstanceId>,
    flight: &Flight,
    within: Duration,
    grace: Duration,
) -> DrainReport {
    let now = Instant::now();
    let deadline = now + within;
    let grace_end = now + grace.min(within / 2);
    let goodbye = async {
        sleep_until(grace_end).await;
        let tunnels = slot.tunnels.of(instance);
        let window = (deadline.saturating_duration_since(grace_end) / 2).min(STAGGER_MAX);
        let pause = window / u32::try_from(tunnels.len().max(1)).unwrap_or(u32::MAX);
        for tunnel in &tunnels {
            tunnel.close.cancel();
            tokio::time::sleep(pause).await;
        }
        sleep_until(deadline).await;
    };
    tokio::select! {
        biased;
        () = flight.idle() => return CLEAN,
        () = goodbye => {}
    }
    let tunnels = slot.tunnels.of(instance);
    for tunnel in &tunnels {
        tunnel.cut.cancel();
    }
    let cut_tunnels = u64::try_from(tunnels.len()).unwrap_or(u64::MAX);
    let left = flight.count().saturating_sub(cut_tunnels);
    DrainReport { clean: cut_tunnels == 0 && left == 0, cut_tunnels, left }
}

/// Keeps a slot's share of a drain in one place with its instance.
pub(crate) async fn drain_instance(
    slot: &Slot,
    instance: &Arc<crate::instance::Instance>,
    within: Duration,
    grace: Duration,
) -> DrainReport {
    instance.begin_drain();
    drain(slot, Some(instance.id), &instance.flight, within, grace).await
}
