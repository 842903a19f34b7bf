//! A slot: the instances of one release of a service, and what is under way in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use arc_swap::ArcSwap;
use lockgate_model::SlotRef;
use tokio::sync::watch;

use crate::InstanceId;
use crate::config::SlotConfig;
use crate::count::Counters;
use crate::flight::Flight;
use crate::instance::Instance;
use crate::tunnel::Tunnels;

pub(crate) struct Slot {
    pub(crate) name: SlotRef,
    pub(crate) config: SlotConfig,
    pub(crate) counters: Counters,
    pub(crate) flight: Flight,
    pub(crate) tunnels: Tunnels,
    instances: ArcSwap<Vec<Arc<Instance>>>,
    draining: watch::Sender<bool>,
    turn: AtomicUsize,
}

impl Slot {
    pub(crate) fn new(name: SlotRef, config: SlotConfig) -> Slot {
        Slot {
            name,
            counters: Counters::new(&config.latency_bounds_ms),
            config,
            flight: Flight::default(),
            tunnels: Tunnels::default(),
            instances: ArcSwap::default(),
            draining: watch::Sender::new(false),
            turn: AtomicUsize::new(0),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    pub(crate) fn set_draining(&self, draining: bool) {
        self.draining.send_replace(draining);
    }

    /// Answers when the slot has been given traffic again.
    pub(crate) async fn reprieved(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives in this slot, so waiting cannot fail.
        draining.wait_for(|it| !it).await.map(drop).unwrap_or_default();
    }

    pub(crate) fn instances(&self) -> Arc<Vec<Arc<Instance>>> {
        self.instances.load_full()
    }

    pub(crate) fn instance(&self, id: InstanceId) -> Option<Arc<Instance>> {
        self.instances.load().iter().find(|it| it.id == id).cloned()
    }

    pub(crate) fn add(&self, instance: &Arc<Instance>) {
        self.instances.rcu(|present| {
            let mut all: Vec<Arc<Instance>> =
                present.iter().filter(|it| it.id != instance.id).cloned().collect();
            all.push(Arc::clone(instance));
            all.sort_by_key(|it| it.id);
            all
        });
    }

    pub(crate) fn remove(&self, id: InstanceId) {
        self.instances.rcu(|present| present.iter().filter(|it| it.id != id).cloned().collect::<Vec<_>>());
    }

    /// Ready instances, and all of them.
    pub(crate) fn ready(&self) -> (u16, u16) {
        let instances = self.instances.load();
        let ready = instances.iter().filter(|it| it.is_ready()).count();
        (u16::try_from(ready).unwrap_or(u16::MAX), u16::try_from(instances.len()).unwrap_or(u16::MAX))
    }

    pub(crate) fn last_failure(&self) -> Option<String> {
        self.instances.load().iter().find_map(|it| it.last_failure())
    }

    /// The ready instance with the least under way; one that failed to connect only if there is no other.
    pub(crate) fn hold(&self, avoid: Option<InstanceId>) -> Option<Hold> {
        loop {
            let instances = self.instances.load();
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let count = instances.len();
            let in_turn = (0..count).map(|idx| &instances[(turn.wrapping_add(idx)) % count]);
            let usable = in_turn.filter(|it| it.is_ready());
            let best = usable.min_by_key(|it| (Some(it.id) == avoid, it.is_suspect(), it.flight.count()))?;
            let hold = Hold { instance: Arc::clone(best) };
            hold.instance.flight.enter();
            fence(Ordering::SeqCst);
            if hold.instance.is_ready() {
                return Some(hold);
            }
        }
    }
}

/// One request's place in an instance.
pub(crate) struct Hold {
    pub(crate) instance: Arc<Instance>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.instance.flight.leave();
    }
}
