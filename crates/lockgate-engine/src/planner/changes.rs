//! What differs between what runs and what is wanted, service by service.

use std::collections::BTreeMap;

use lockgate_model::{
    Fixtures, LATENCY_BOUNDS_MS, MetricsAt, Observed, ObservedService, ReleaseId, Service, ServiceName,
    SloObjective, SlotRef, SlotSpec, Snapshot, Version, Weight,
};

use super::{PlanError, Request, slot};

/// A service that gets a new slot.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) slot: SlotRef,
    pub(super) replicas: u16,
    pub(super) is_worker: bool,
    pub(super) old: Option<Old>,
}

/// The slot that serves now.
#[derive(Clone, Debug)]
pub(super) struct Old {
    pub(super) slot: SlotRef,
    pub(super) replicas: u16,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Ordered by name.
    pub(super) changed: Vec<Change>,
    pub(super) new: Vec<Change>,
    pub(super) unchanged: Vec<ServiceName>,
    /// Unchanged but for the number of instances: the slot, and how many there were.
    pub(super) resized: Vec<(SlotRef, u16, u16)>,
    /// Unchanged, and a release that got stuck left some of their traffic elsewhere.
    pub(super) strayed: Vec<SlotRef>,
    /// Slots of services that the spec does not have any more, of each service that which serves last.
    pub(super) removed: Vec<SlotRef>,
    /// Slots without traffic that an earlier release left over.
    pub(super) stale: Vec<SlotRef>,
    pub(super) slots: BTreeMap<SlotRef, SlotSpec>,
    /// The newest release in place has the same migrations.
    pub(super) same_migrations: bool,
    /// What stands beside the slots, of the newest release in place.
    pub(super) fixtures: Option<(ReleaseId, Fixtures)>,
    /// The slot that serves each service now.
    serving: BTreeMap<ServiceName, ReleaseId>,
    pub(super) from: Option<Version>,
}

impl Changes {
    pub(super) fn find(
        request: &Request,
        observed: &Observed,
        known: &BTreeMap<ReleaseId, Snapshot>,
    ) -> Result<Changes, PlanError> {
        let mut changes = Changes::default();
        let wanted = (&request.snapshot.migrations, &request.snapshot.system.migrations);
        let newest = known.values().next_back();
        changes.fixtures = known.iter().next_back().map(|it| (*it.0, it.1.fixtures.clone()));
        changes.same_migrations = newest.is_some_and(|it| (&it.migrations, &it.system.migrations) == wanted)
            || request.snapshot.system.migrations.is_none();
        for name in request.snapshot.system.services.keys() {
            changes.service(request, name, observed.services.get(name), known)?;
        }
        for (name, service) in &observed.services {
            let wanted = request.snapshot.system.services.contains_key(name);
            let mut releases: Vec<ReleaseId> = service.slots.keys().copied().collect();
            releases.sort_by_key(|&it| precedence(service, it));
            let slots = releases.into_iter().map(|release| slot(name, release));
            if wanted {
                let kept = |it: &SlotRef| changes.keeps(it, request.release);
                let stale: Vec<SlotRef> = slots.filter(|it| !kept(it)).collect();
                changes.stale.extend(stale);
            } else {
                changes.removed.extend(slots);
            }
        }
        Ok(changes)
    }

    /// Services with new slots that take traffic.
    pub(super) fn routed(&self) -> impl Iterator<Item = &Change> {
        self.changed.iter().chain(&self.new).filter(|it| !it.is_worker)
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = &Change> {
        self.changed.iter().chain(&self.new).filter(|it| it.is_worker)
    }

    /// What runs when the release is over.
    pub(super) fn kept(&self, request: &Request) -> Vec<SlotSpec> {
        let snapshot = &request.snapshot;
        let names = snapshot.system.services.keys();
        let unchanged = |name: &ServiceName| self.unchanged.contains(name);
        let release = |name: &ServiceName| match self.serving.get(name) {
            Some(&serving) if unchanged(name) => serving,
            Some(_) | None => request.release,
        };
        names.map(|name| slot_spec(snapshot, name, release(name))).collect()
    }

    fn keeps(&self, slot: &SlotRef, release: ReleaseId) -> bool {
        slot.release == release || self.serving.get(&slot.service) == Some(&slot.release)
    }

    fn service(
        &mut self,
        request: &Request,
        name: &ServiceName,
        observed: Option<&ObservedService>,
        known: &BTreeMap<ReleaseId, Snapshot>,
    ) -> Result<(), PlanError> {
        let snapshot = &request.snapshot;
        let service = &snapshot.system.services[name];
        let replicas = sized(
            service,
            observed.and_then(|it| serving(it, request.release).map(|at| it.slots[&at].wanted)),
        );
        let wanted = slot_spec(snapshot, name, request.release);
        let is_worker = wanted.ports.is_empty();
        let mut change = Change { slot: wanted.slot.clone(), replicas, is_worker, old: None };
        let Some(serving) = observed.and_then(|it| serving(it, request.release)) else {
            self.slots.insert(wanted.slot.clone(), wanted);
            self.new.push(change);
            return Ok(());
        };
        let seen = &observed.expect("a slot serves").slots[&serving];
        let old_slot = slot(name, serving);
        self.serving.insert(name.clone(), serving);
        if seen.workload == wanted.workload_digest() {
            self.unchanged.push(name.clone());
            let weights = observed.and_then(|it| it.weights.as_ref());
            if weights.is_some_and(|it| it.of(serving) < Weight::ALL) {
                self.strayed.push(old_slot.clone());
            }
            if seen.wanted != replicas {
                let same = SlotSpec { slot: old_slot.clone(), version: seen.version.clone(), ..wanted };
                self.slots.insert(old_slot.clone(), same);
                self.resized.push((old_slot, seen.wanted, replicas));
            }
            return Ok(());
        }
        let unknown = || PlanError::UnknownSlot { service: name.clone(), release: serving };
        let before = known.get(&serving).ok_or_else(unknown)?;
        if !before.system.services.contains_key(name) {
            return Err(unknown());
        }
        self.slots.insert(old_slot.clone(), slot_spec(before, name, serving));
        self.slots.insert(wanted.slot.clone(), wanted);
        self.from = self.from.clone().max(Some(seen.version.clone()));
        change.old = Some(Old { slot: old_slot, replicas: seen.wanted.max(1) });
        self.changed.push(change);
        Ok(())
    }
}

/// An autoscaled service keeps the size that its load has given it.
fn sized(service: &Service, now: Option<u16>) -> u16 {
    match (&service.autoscaling, now) {
        (Some(scaling), Some(now)) => now.clamp(scaling.min, scaling.max.max(scaling.min)),
        (Some(scaling), None) => service.replicas.max(scaling.min),
        (None, _) => service.replicas,
    }
}

/// The slot that most traffic goes to. A worker has no traffic: there it is the newest.
fn serving(service: &ObservedService, this: ReleaseId) -> Option<ReleaseId> {
    let others = service.slots.keys().copied().filter(|it| *it != this);
    others.max_by_key(|&it| precedence(service, it))
}

fn precedence(service: &ObservedService, release: ReleaseId) -> (Weight, ReleaseId) {
    (service.weights.as_ref().map_or(Weight::NONE, |it| it.of(release)), release)
}

fn slot_spec(snapshot: &Snapshot, name: &ServiceName, release: ReleaseId) -> SlotSpec {
    let service = &snapshot.system.services[name];
    SlotSpec {
        slot: slot(name, release),
        version: snapshot.version.clone(),
        command: service.command.clone(),
        env: service.env.clone(),
        files: snapshot.files.get(name).copied(),
        ports: service.ports.clone(),
        health: service.health.clone(),
        stop: service.stop.clone(),
        latency_bounds_ms: latency_bounds(snapshot),
        secrets: snapshot.secrets.get(name).cloned().unwrap_or_default(),
        form: snapshot.forms.get(name).cloned().unwrap_or_default(),
        metrics: metrics(service),
    }
}

fn metrics(service: &Service) -> Option<MetricsAt> {
    let metrics = service.metrics.as_ref()?;
    let named = metrics.port.as_ref().and_then(|it| service.ports.get(it));
    let port = named.or_else(|| service.main_port().map(|it| it.1))?;
    Some(MetricsAt { path: metrics.path.clone(), port: port.number })
}

/// The default buckets and every latency that the SLOs speak of, so that "slower than" is an exact count.
fn latency_bounds(snapshot: &Snapshot) -> Vec<u32> {
    let limits = snapshot.system.slo.values().flat_map(|it| [it.objective, it.alert.map(|it| it.limit)]);
    let latencies = limits.flatten().filter_map(|it| match it {
        SloObjective::Latency(limit) => u32::try_from(limit.0).ok(),
        SloObjective::ErrorRate(_) | SloObjective::Count(_) => None,
    });
    let mut bounds: Vec<u32> = LATENCY_BOUNDS_MS.into_iter().chain(latencies).collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}
