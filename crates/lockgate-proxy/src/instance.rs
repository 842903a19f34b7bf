//! One instance: its addresses, connections and condition.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockgate_model::{Health, PortName};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::InstanceId;
use crate::flight::Flight;
use crate::pool::Pool;

/// What is known of an instance when the proxy learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Must pass its health checks first.
    New,
    /// Was ready under the proxy before this one: takes traffic at once, and is checked at once.
    Adopted,
}

pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) addresses: BTreeMap<PortName, SocketAddr>,
    pub(crate) pools: BTreeMap<PortName, Pool>,
    pub(crate) flight: Flight,
    /// Cancelled when the instance is removed; its connections, checks and tunnels end with it.
    pub(crate) gone: CancellationToken,
    /// Asks for a check now.
    pub(crate) recheck: Notify,
    healthy: AtomicBool,
    suspect: AtomicBool,
    draining: AtomicBool,
    streak: Mutex<Streak>,
    changes: watch::Sender<u64>,
}

/// Answers in a row.
#[derive(Default)]
struct Streak {
    passed: u16,
    failed: u16,
    last_failure: Option<String>,
}

impl Instance {
    pub(crate) fn new(
        id: InstanceId,
        addresses: BTreeMap<PortName, SocketAddr>,
        standing: Standing,
        changes: watch::Sender<u64>,
    ) -> Instance {
        let gone = CancellationToken::new();
        let pools = addresses.iter().map(|(port, &addr)| (port.clone(), Pool::new(addr, gone.clone())));
        Instance {
            id,
            pools: pools.collect(),
            addresses,
            flight: Flight::default(),
            gone,
            recheck: Notify::new(),
            healthy: AtomicBool::new(standing == Standing::Adopted),
            suspect: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            streak: Mutex::default(),
            changes,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.healthy.load(Ordering::SeqCst) && !self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::SeqCst)
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::SeqCst)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Turns requests away from this instance; what is under way goes on.
    pub(crate) fn begin_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.announce();
    }

    pub(crate) fn last_failure(&self) -> Option<String> {
        self.streak().last_failure.clone()
    }

    /// A request could not connect: others are preferred until a check has passed, and a check is made now.
    pub(crate) fn suspect(&self, health: &Health, reason: &str) {
        self.suspect.store(true, Ordering::SeqCst);
        self.failed(health, format!("a request could not connect: {reason}"));
        self.recheck.notify_one();
    }

    pub(crate) fn passed(&self, health: &Health) {
        self.suspect.store(false, Ordering::SeqCst);
        let mut streak = self.streak();
        streak.passed = streak.passed.saturating_add(1);
        streak.failed = 0;
        let enough = match health {
            Health::Http { healthy_after, .. } => *healthy_after <= streak.passed,
            Health::Uptime { .. } => true,
        };
        if enough {
            streak.last_failure = None;
            self.set_healthy(true);
        }
    }

    pub(crate) fn failed(&self, health: &Health, reason: String) {
        let mut streak = self.streak();
        streak.failed = streak.failed.saturating_add(1);
        streak.passed = 0;
        streak.last_failure = Some(reason);
        let Health::Http { unhealthy_after, .. } = health else { return };
        if *unhealthy_after <= streak.failed {
            self.set_healthy(false);
        }
    }

    fn set_healthy(&self, healthy: bool) {
        if self.healthy.swap(healthy, Ordering::SeqCst) != healthy {
            self.announce();
        }
    }

    fn announce(&self) {
        self.changes.send_modify(|it| *it += 1);
    }

    fn streak(&self) -> MutexGuard<'_, Streak> {
        self.streak.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
