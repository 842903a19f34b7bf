//! One slot: keeps the wanted number of instances up and says how they are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockgate_model::{PortName, Scope, SlotSpec};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::docker::{Docker, Engines};
use crate::front::Front;
use crate::keeper::Keeper;
use crate::protocol::{Failure, InstanceStatus};
use crate::table::SlotTable;
use crate::{Place, Vault};

mod container;
mod instance;
mod launch;
mod running;
mod settle;

pub(crate) use running::Running;

/// What all slots of a node share.
pub(crate) struct Base {
    pub(crate) place: Place,
    pub(crate) node_id: String,
    /// The lockgate binary, whose folder ends the instances' search path.
    pub(crate) program: PathBuf,
    pub(crate) keeper: Keeper,
    pub(crate) vault: Vault,
    pub(crate) engines: Arc<Engines>,
}

impl Base {
    /// The engine that an environment is on.
    pub(crate) fn docker(&self, scope: &Scope) -> Docker {
        self.engines.at(self.keeper.now().engine(scope))
    }
}

pub(crate) struct Slot {
    base: Arc<Base>,
    pub(crate) scope: Scope,
    pub(crate) spec: SlotSpec,
    pub(crate) front: Arc<Front>,
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

struct Inner {
    wanted: u16,
    crashes: u64,
    last_crash: Option<String>,
    members: BTreeMap<u32, Member>,
}

/// One instance, through all its restarts.
struct Member {
    condition: Condition,
    pid: Option<u32>,
    container: Option<String>,
    address: Option<IpAddr>,
    ports: BTreeMap<PortName, u16>,
    /// Ends in a row before it was ever ready.
    failed_starts: u16,
    /// Why the last start did not even give a process.
    start_error: Option<Failure>,
    stop: CancellationToken,
    /// Cuts a wait for the next start short.
    hurry: Arc<Notify>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Starting,
    Ready,
    /// Was ready, and its checks fail now.
    Unhealthy,
    RestartsAt(Instant),
    Draining,
    Stopping,
}

/// A slot's condition at one moment.
pub(crate) struct View {
    pub(crate) wanted: u16,
    pub(crate) ready: u16,
    pub(crate) crashes: u64,
    pub(crate) last_crash: Option<String>,
    pub(crate) instances: Vec<InstanceStatus>,
}

impl Slot {
    pub(crate) fn new(base: Arc<Base>, scope: Scope, table: &SlotTable, front: Arc<Front>) -> Arc<Slot> {
        let inner = Inner {
            wanted: table.wanted,
            crashes: table.crashes,
            last_crash: table.last_crash.clone(),
            members: BTreeMap::new(),
        };
        let (changed, _) = watch::channel(());
        Arc::new(Slot { base, scope, spec: table.spec.clone(), front, inner: Mutex::new(inner), changed })
    }

    /// Brings the number of instances to `wanted`. What is too much is drained and stopped on its own time.
    pub(crate) fn scale(self: &Arc<Self>, wanted: u16) {
        let mut inner = self.inner();
        inner.wanted = wanted;
        for member in inner.members.values_mut() {
            // Who asks again wants another try now, not at the end of a long wait.
            member.failed_starts = 0;
            member.start_error = None;
            member.hurry.notify_one();
        }
        let mut staying: Vec<(bool, u32)> = inner
            .members
            .iter()
            .filter(|it| !it.1.stop.is_cancelled())
            .map(|(number, it)| (it.condition != Condition::Ready, *number))
            .collect();
        staying.sort_unstable();
        for (_, number) in staying.iter().skip(usize::from(wanted)) {
            if let Some(member) = inner.members.get(number) {
                member.stop.cancel();
            }
        }
        for _ in staying.len()..usize::from(wanted) {
            let unused = (1..=u32::MAX).find(|it| !inner.members.contains_key(it));
            self.add(&mut inner, unused.expect("members are fewer than numbers"), None);
        }
        drop(inner);
        self.tell();
    }

    /// Takes up an instance that an earlier node started.
    pub(crate) fn resume(self: &Arc<Self>, number: u32, resumed: Resumed) {
        // Before the split of traffic is restored, which wants somebody to be ready.
        let slot = &self.spec.slot;
        if let Some(address) = resumed.address
            && let Err(failure) =
                self.front.put_instance(slot, number, address, &resumed.ports, resumed.ready)
        {
            tracing::error!(slot = %self.spec.slot, number, %failure, "the router refused an instance");
        }
        let mut inner = self.inner();
        self.add(&mut inner, number, Some(resumed));
    }

    fn add(self: &Arc<Self>, inner: &mut Inner, number: u32, resumed: Option<Resumed>) {
        let (stop, hurry) = (CancellationToken::new(), Arc::new(Notify::new()));
        let member = Member {
            condition: Condition::Starting,
            pid: None,
            container: None,
            address: None,
            ports: BTreeMap::new(),
            failed_starts: 0,
            start_error: None,
            stop: stop.clone(),
            hurry: Arc::clone(&hurry),
        };
        inner.members.insert(number, member);
        tokio::spawn(instance::keep_up(Arc::clone(self), number, resumed, stop, hurry));
    }

    /// Drains and stops all instances; answers when they are gone.
    pub(crate) async fn stop_all(&self) {
        let mut changed = self.changed.subscribe();
        for member in self.inner().members.values() {
            member.stop.cancel();
        }
        while !self.inner().members.is_empty() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn view(&self) -> View {
        let inner = self.inner();
        let instances = inner.members.iter().map(|(number, it)| InstanceStatus {
            number: *number,
            pid: it.pid,
            container: it.container.clone(),
            address: it.address,
            ports: it.ports.clone(),
            condition: it.condition.words(),
        });
        View {
            wanted: inner.wanted,
            ready: inner.ready(),
            crashes: inner.crashes,
            last_crash: inner.last_crash.clone(),
            instances: instances.collect(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_replace(());
    }

    fn update(&self, number: u32, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.inner().members.get_mut(&number) {
            change(member);
        }
        self.tell();
    }
}

/// A live process or container, and whether it was ready when it was last heard of.
pub(crate) struct Resumed {
    pub(crate) running: Running,
    /// `None` of a container that ended before it had one.
    pub(crate) address: Option<IpAddr>,
    pub(crate) ports: BTreeMap<PortName, u16>,
    pub(crate) ready: bool,
}

impl Inner {
    fn ready(&self) -> u16 {
        let ready = self.members.values().filter(|it| it.condition == Condition::Ready).count();
        u16::try_from(ready).unwrap_or(u16::MAX)
    }
}

impl Condition {
    fn words(self) -> String {
        match self {
            Condition::Starting => "starting".to_owned(),
            Condition::Ready => "ready".to_owned(),
            Condition::Unhealthy => "unhealthy".to_owned(),
            Condition::RestartsAt(at) => {
                let left = at.saturating_duration_since(Instant::now());
                format!("restarts in {:.1}s", left.as_secs_f64())
            }
            Condition::Draining => "draining".to_owned(),
            Condition::Stopping => "stopping".to_owned(),
        }
    }
}
