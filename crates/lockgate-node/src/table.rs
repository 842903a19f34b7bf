//! The node's durable table: what should run, where, and whose word was last heard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use lockgate_model::{
    DockerFixtures, Fence, Form, Port, PortName, ReleaseId, Scope, SeenFences, ServiceName, SlotRef,
    SlotSpec, Subject, Weight, Weights,
};
use serde::{Deserialize, Serialize};

use crate::protocol::{Failure, FailureClass};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) scopes: Vec<ScopeTable>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScopeTable {
    pub(crate) scope: Scope,
    /// Newest epoch that was seen.
    pub(crate) epoch: u64,
    /// Newest sequence number in this epoch of each subject: `service/web`, `job/migrate`, `key/r1.2.0.f1`.
    pub(crate) seqs: BTreeMap<String, u64>,
    pub(crate) services: BTreeMap<ServiceName, ServiceTable>,
    /// What stands beside the slots on Docker.
    #[serde(default)]
    pub(crate) fixtures: Option<DockerFixtures>,
    /// Where its Docker engine is, if not in the usual place.
    #[serde(default)]
    pub(crate) engine: Option<String>,
    /// Images that this node pulled for this scope.
    #[serde(default)]
    pub(crate) pulled: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceTable {
    #[serde(flatten)]
    pub(crate) doors: Doors,
    pub(crate) ports: BTreeMap<PortName, Port>,
    pub(crate) weights: Option<Weights>,
    pub(crate) slots: BTreeMap<ReleaseId, SlotTable>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlotTable {
    pub(crate) spec: SlotSpec,
    pub(crate) wanted: u16,
    pub(crate) crashes: u64,
    pub(crate) last_crash: Option<String>,
    pub(crate) instances: BTreeMap<u32, InstanceTable>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceTable {
    pub(crate) ports: BTreeMap<PortName, u16>,
    /// `None` from the intent until the process is known, and between a crash and the next start.
    pub(crate) process: Option<ProcessId>,
    /// The same of an instance that is a container.
    #[serde(default)]
    pub(crate) container: Option<ContainerId>,
    pub(crate) ready: bool,
}

/// A process for all time: numbers are used again, these three together are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    /// Clock ticks after boot.
    pub(crate) start: u64,
    pub(crate) boot: String,
}

/// A container and where it is reached, so that a node serves it also when the engine does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContainerId {
    pub(crate) id: String,
    pub(crate) address: IpAddr,
}

/// Where the router listens for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doors {
    /// On the machine: all ports of processes; of containers those that are published.
    pub(crate) bind: IpAddr,
    /// On the network of the containers, all their ports.
    #[serde(default)]
    pub(crate) gateway: Option<IpAddr>,
}

impl Table {
    pub(crate) fn scope(&self, scope: &Scope) -> Option<&ScopeTable> {
        self.scopes.iter().find(|it| it.scope == *scope)
    }

    pub(crate) fn scope_mut(&mut self, scope: &Scope) -> &mut ScopeTable {
        if let Some(idx) = self.scopes.iter().position(|it| it.scope == *scope) {
            return &mut self.scopes[idx];
        }
        let (seqs, services) = (BTreeMap::new(), BTreeMap::new());
        let (scope, pulled) = (scope.clone(), BTreeSet::new());
        let (fixtures, engine) = (None, None);
        self.scopes.push(ScopeTable { scope, epoch: 0, seqs, services, fixtures, engine, pulled });
        self.scopes.last_mut().expect("it was pushed just now")
    }

    pub(crate) fn service(&self, scope: &Scope, service: &ServiceName) -> Option<&ServiceTable> {
        self.scope(scope)?.services.get(service)
    }

    pub(crate) fn service_mut(&mut self, scope: &Scope, service: &ServiceName) -> Option<&mut ServiceTable> {
        self.scopes.iter_mut().find(|it| it.scope == *scope)?.services.get_mut(service)
    }

    pub(crate) fn slot(&self, scope: &Scope, slot: &SlotRef) -> Option<&SlotTable> {
        self.service(scope, &slot.service)?.slots.get(&slot.release)
    }

    pub(crate) fn slot_mut(&mut self, scope: &Scope, slot: &SlotRef) -> Option<&mut SlotTable> {
        self.service_mut(scope, &slot.service)?.slots.get_mut(&slot.release)
    }

    /// Writes down that `wanted` instances of a slot should be up.
    pub(crate) fn want(&mut self, scope: &Scope, spec: &SlotSpec, wanted: u16, doors: Doors) {
        let services = &mut self.scope_mut(scope).services;
        let fresh = || ServiceTable { doors, ports: BTreeMap::new(), weights: None, slots: BTreeMap::new() };
        let service = services.entry(spec.slot.service.clone()).or_insert_with(fresh);
        let slot = service.slots.entry(spec.slot.release).or_insert_with(|| SlotTable {
            spec: spec.clone(),
            wanted,
            crashes: 0,
            last_crash: None,
            instances: BTreeMap::new(),
        });
        slot.wanted = wanted;
        (service.ports, service.doors) = (service.wanted_ports(), doors);
    }

    pub(crate) fn forget(&mut self, scope: &Scope, slot: &SlotRef) {
        let Some(scope) = self.scopes.iter_mut().find(|it| it.scope == *scope) else { return };
        let Some(service) = scope.services.get_mut(&slot.service) else { return };
        service.slots.remove(&slot.release);
        if service.slots.is_empty() {
            scope.services.remove(&slot.service);
            return;
        }
        service.ports = service.wanted_ports();
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = (&Scope, &ServiceTable, &SlotTable)> {
        self.scopes.iter().flat_map(|scope| {
            let services = scope.services.values();
            services
                .flat_map(move |service| service.slots.values().map(move |it| (&scope.scope, service, it)))
        })
    }

    /// Which other scope's service listens where one of these addresses would.
    pub(crate) fn holder(&self, scope: &Scope, wanted: &[SocketAddr]) -> Option<(&Scope, &ServiceName, u16)> {
        let others = self.scopes.iter().filter(|it| it.scope != *scope);
        let mut services = others.flat_map(|it| it.services.iter().map(move |service| (&it.scope, service)));
        services.find_map(|(scope, (name, row))| {
            let mut held = row.ports.values().flat_map(|it| row.doors.all(*it));
            let found = held.find(|held| wanted.iter().any(|it| meet(*held, *it)))?;
            Some((scope, name, found.port()))
        })
    }

    /// Names that containers of a scope find at the router.
    pub(crate) fn names_at_router(&self, scope: &Scope) -> BTreeSet<String> {
        let Some(scope) = self.scope(scope) else { return BTreeSet::new() };
        let fixed = scope.fixtures.iter().flat_map(|it| it.services.iter());
        scope.services.keys().chain(fixed).map(ToString::to_string).collect()
    }

    /// Where the engine of a scope is, if not in the usual place.
    pub(crate) fn engine(&self, scope: &Scope) -> Option<&str> {
        self.scope(scope)?.engine.as_deref()
    }

    /// The engines that anything of it is on, each with its scopes.
    pub(crate) fn engines(&self) -> BTreeMap<Option<&str>, Vec<&ScopeTable>> {
        let mut engines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for scope in self.scopes.iter().filter(|it| it.uses_docker()) {
            engines.entry(scope.engine.as_deref()).or_default().push(scope);
        }
        engines
    }

    /// Takes note of a fence, or refuses it.
    pub(crate) fn admit(&mut self, fence: &Fence, subject: &Subject<'_>) -> Result<(), Failure> {
        let scope = self.scope_mut(&fence.scope);
        let mut seen = SeenFences { epoch: scope.epoch, seqs: std::mem::take(&mut scope.seqs) };
        let admitted = seen.admit(fence, subject);
        (scope.epoch, scope.seqs) = (seen.epoch, seen.seqs);
        admitted.map_err(|it| Failure::new(FailureClass::Fenced, it))
    }
}

impl ScopeTable {
    /// Whether anything of it is on Docker.
    pub(crate) fn uses_docker(&self) -> bool {
        let container = |it: &SlotTable| matches!(it.spec.form, Form::Container(_));
        let mut slots = self.services.values().flat_map(|it| it.slots.values());
        self.fixtures.is_some() || slots.any(container)
    }

    /// Whether anything of it would be left behind on its engine if it went to another one.
    pub(crate) fn is_settled(&self) -> bool {
        !self.services.is_empty() || self.fixtures.as_ref().is_some_and(|it| !it.dependencies.is_empty())
    }
}

impl ServiceTable {
    /// Those of the newest release, and of older ones what it has no more.
    fn wanted_ports(&self) -> BTreeMap<PortName, Port> {
        let specs = self.slots.values().map(|it| &it.spec);
        specs.flat_map(|it| it.ports.iter().map(|(name, port)| (name.clone(), *port))).collect()
    }

    pub(crate) fn weight_of(&self, release: ReleaseId) -> Weight {
        self.weights.as_ref().map_or(Weight::NONE, |it| it.of(release))
    }
}

/// Whether only one of two can listen.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let is_wild = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (is_wild || one.ip() == other.ip())
}
