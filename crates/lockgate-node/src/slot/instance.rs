//! The life of one instance: started, watched, started again when it ends by itself, stopped when it is told to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Condition, Resumed, Running, Slot};
use crate::process::Ended;
use crate::protocol::Failure;

/// The first wait is short, for most crashes are followed by a good start; the last one spares the machine.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// An instance that was up this long starts with short waits again.
const STEADY_AFTER: Duration = Duration::from_mins(1);
/// Lines of output that a crash is told with.
pub(super) const CRASH_LINES: usize = 5;

pub(super) async fn keep_up(
    slot: Arc<Slot>,
    number: u32,
    mut resumed: Option<Resumed>,
    stop: CancellationToken,
    hurry: Arc<Notify>,
) {
    let mut backoff = BACKOFF_FIRST;
    while !stop.is_cancelled() {
        let (mut running, was_ready) = match slot.obtain(number, resumed.take()).await {
            Ok(it) => it,
            Err(failure) => {
                tracing::warn!(slot = %slot.spec.slot, number, %failure, "an instance was not started");
                slot.update(number, |it| it.start_error = Some(failure));
                pause(&slot, number, &mut backoff, &stop, &hurry).await;
                continue;
            }
        };
        let begun = Instant::now();
        let end = slot.watch(number, &mut running, was_ready, &stop).await;
        slot.front.remove_instance(&slot.spec.slot, number);
        match end {
            End::Asked => {
                slot.take_down(number, &mut running).await;
                break;
            }
            End::ByItself(how) => {
                let lines = running.last_lines(CRASH_LINES).await;
                running.bury().await;
                slot.crashed(number, &how, &lines).await;
            }
        }
        if STEADY_AFTER <= begun.elapsed() {
            backoff = BACKOFF_FIRST;
        }
        pause(&slot, number, &mut backoff, &stop, &hurry).await;
    }
    slot.gone(number).await;
}

enum End {
    Asked,
    ByItself(String),
}

async fn pause(slot: &Slot, number: u32, backoff: &mut Duration, stop: &CancellationToken, hurry: &Notify) {
    let until = Instant::now() + *backoff;
    slot.update(number, |it| it.condition = Condition::RestartsAt(until));
    *backoff = (*backoff * 2).min(BACKOFF_MAX);
    tokio::select! {
        () = tokio::time::sleep_until(until) => (),
        () = stop.cancelled() => (),
        () = hurry.notified() => *backoff = BACKOFF_FIRST,
    }
}

impl Slot {
    /// The instance to watch, in service as far as it may be, and whether it counts as ready from the start.
    async fn obtain(&self, number: u32, resumed: Option<Resumed>) -> Result<(Running, bool), Failure> {
        let Resumed { running, address, ports, ready } = match resumed {
            Some(it) => it,
            None => self.launch(number).await?,
        };
        if let Some(address) = address
            && let Err(failure) = self.front.put_instance(&self.spec.slot, number, address, &ports, ready)
        {
            // It runs, and takes no requests: its slot never becomes ready, and this says why.
            tracing::error!(slot = %self.spec.slot, number, %failure, "the router refused an instance");
        }
        let (pid, container) = (running.pid(), running.container().map(str::to_owned));
        let condition = if ready { Condition::Ready } else { Condition::Starting };
        self.update(number, |it| {
            (it.pid, it.container, it.address) = (pid, container, address);
            (it.ports, it.condition, it.start_error) = (ports, condition, None);
        });
        Ok((running, ready))
    }

    async fn watch(
        &self,
        number: u32,
        running: &mut Running,
        was_ready: bool,
        stop: &CancellationToken,
    ) -> End {
        let mut health = self.front.health(&self.spec.slot, number, was_ready);
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    self.drain(number, running).await;
                    return End::Asked;
                }
                how = running.exited() => return End::ByItself(how),
                ready = health.changed() => self.set_ready(number, ready).await,
            }
        }
    }

    async fn set_ready(&self, number: u32, ready: bool) {
        self.update(number, |it| {
            it.condition = match (ready, it.condition) {
                (true, _) => Condition::Ready,
                (false, Condition::Starting) => Condition::Starting,
                (false, _) => Condition::Unhealthy,
            };
            if ready {
                it.failed_starts = 0;
            }
        });
        self.note(number, |it| it.ready = ready).await;
    }

    /// New requests go elsewhere; those under way get their time. An instance that ends meanwhile has none.
    async fn drain(&self, number: u32, running: &mut Running) {
        self.update(number, |it| it.condition = Condition::Draining);
        let drained = self.front.drain_instance(&self.spec.slot, number, self.spec.stop.drain);
        tokio::select! {
            () = drained => (),
            _ = running.exited() => (),
        }
    }

    async fn take_down(&self, number: u32, running: &mut Running) {
        self.update(number, |it| it.condition = Condition::Stopping);
        let (slot, stop) = (&self.spec.slot, &self.spec.stop);
        match running.stop(stop.signal, stop.grace.to_std()).await {
            Ended::BySignal => (),
            Ended::Killed => {
                tracing::warn!(%slot, number, %running, "an instance took no notice of its stop signal and was killed");
            }
            Ended::Stays => tracing::error!(%slot, number, %running, "an instance cannot be killed"),
        }
        running.sweep(&self.base.node_id, slot, number);
    }

    async fn crashed(&self, number: u32, how: &str, lines: &[String]) {
        let said = if lines.is_empty() { "it printed nothing".to_owned() } else { lines.join("\n") };
        let text = format!("{} #{number} {how}; its last lines:\n{said}", self.spec.slot);
        tracing::warn!(slot = %self.spec.slot, number, how, "an instance ended by itself");
        let crashes = self.count_crash(number, text.clone());
        self.note_crash(number, crashes, text).await;
    }

    fn count_crash(&self, number: u32, text: String) -> u64 {
        let mut inner = self.inner();
        inner.crashes += 1;
        inner.last_crash = Some(text);
        if let Some(member) = inner.members.get_mut(&number) {
            if member.condition == Condition::Starting {
                member.failed_starts = member.failed_starts.saturating_add(1);
            }
            (member.pid, member.container) = (None, None);
        }
        let crashes = inner.crashes;
        drop(inner);
        self.tell();
        crashes
    }

    async fn gone(&self, number: u32) {
        let removed = self.base.keeper.commit(|table| {
            if let Some(slot) = table.slot_mut(&self.scope, &self.spec.slot) {
                slot.instances.remove(&number);
            }
            Ok(())
        });
        if let Err(failure) = removed.await {
            tracing::warn!(slot = %self.spec.slot, number, %failure, "a stopped instance stays in the table");
        }
        self.inner().members.remove(&number);
        self.tell();
    }
}
