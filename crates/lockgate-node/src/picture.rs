//! What a node shows of itself: observations, counts, logs and status.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use lockgate_model::{
    Observed, ObservedService, ObservedSlot, Routing, Samples, Scope, ServiceName, SlotRef, Weight,
};

use crate::logs;
use crate::node::Node;
use crate::protocol::{InstanceStatus, LogLine, NodeStatus, SlotStatus};
use crate::slot::{Slot, View};
use crate::table::SlotTable;

impl Node {
    pub(crate) fn observe(&self, scope: &Scope) -> Observed {
        let table = self.base.keeper.now();
        let mut observed = Observed::default();
        let Some(found) = table.scope(scope) else { return observed };
        for (name, service) in &found.services {
            let mut shown = ObservedService {
                slots: BTreeMap::new(),
                weights: service.weights.clone(),
                routing: Routing::default(),
            };
            for (release, row) in &service.slots {
                shown.slots.insert(*release, self.observe_slot(scope, row));
            }
            observed.services.insert(name.clone(), shown);
        }
        observed
    }

    fn observe_slot(&self, scope: &Scope, row: &SlotTable) -> ObservedSlot {
        let slot = &row.spec.slot;
        let view = self.view(scope, slot, row);
        ObservedSlot {
            version: row.spec.version.clone(),
            workload: row.spec.workload_digest(),
            wanted: view.wanted,
            ready: view.ready,
            in_flight: self.front(scope).in_flight(slot),
            instances: view.instances.iter().map(line).collect(),
        }
    }

    fn view(&self, scope: &Scope, slot: &SlotRef, row: &SlotTable) -> View {
        match self.slot(scope, slot) {
            Some(running) => running.view(),
            None => View {
                wanted: row.wanted,
                ready: 0,
                crashes: row.crashes,
                last_crash: row.last_crash.clone(),
                instances: vec![],
            },
        }
    }

    pub(crate) fn samples(&self, scope: &Scope, services: &[ServiceName]) -> Samples {
        let mut samples = self.front(scope).samples(services);
        let table = self.base.keeper.now();
        for (of, _, row) in table.slots() {
            let slot = &row.spec.slot;
            if of != scope || !services.contains(&slot.service) {
                continue;
            }
            let view = self.view(scope, slot, row);
            let counts = samples.slots.entry(slot.clone()).or_default();
            (counts.ready, counts.wanted) = (view.ready, view.wanted);
            (counts.crashes, counts.last_crash) = (view.crashes, view.last_crash);
        }
        samples
    }

    pub(crate) fn status(&self) -> NodeStatus {
        let table = self.base.keeper.now();
        let slots = table.slots().map(|(scope, service, row)| {
            let slot = &row.spec.slot;
            let view = self.view(scope, slot, row);
            let weight: Weight = service.weight_of(slot.release);
            let listens = service.ports.iter().map(|(name, port)| {
                let own = service.doors.own(*port);
                match service.doors.published(*port) {
                    Some(published) => format!("{name} {own} {published}"),
                    None => format!("{name} {own}"),
                }
            });
            SlotStatus {
                scope: scope.clone(),
                slot: slot.clone(),
                version: row.spec.version.clone(),
                weight,
                wanted: view.wanted,
                ready: view.ready,
                crashes: view.crashes,
                last_crash: view.last_crash,
                listens: listens.collect(),
                instances: view.instances,
            }
        });
        NodeStatus {
            pid: std::process::id(),
            node_id: self.base.node_id.clone(),
            started_at: self.started_at,
            slots: slots.collect(),
            jobs: self.jobs.running(),
            notes: self.notes.clone(),
        }
    }

    /// Of the instances that run, or of those that ran, by the files that they left.
    pub(crate) async fn slot_logs(&self, slot: &SlotRef, lines: usize) -> Vec<LogLine> {
        let kept = logs::of_slot(&self.base.place, slot).into_iter();
        let mut tails: BTreeMap<u32, Vec<String>> =
            kept.map(|(number, path)| (number, logs::tail(&path, lines))).collect();
        for running in self.slots_named(slot) {
            // Files have what earlier containers printed; of one that runs the engine has it.
            for number in running.container_numbers() {
                let tail = tails.entry(number).or_default();
                tail.extend(running.container_tail(number, lines).await);
                let surplus = tail.len().saturating_sub(lines);
                tail.drain(..surplus);
            }
        }
        let shown = tails.into_iter().flat_map(|(number, tail)| {
            let source = format!("{slot} #{number}");
            tail.into_iter().map(move |text| LogLine { source: source.clone(), text })
        });
        shown.collect()
    }

    fn slots_named(&self, slot: &SlotRef) -> Vec<Arc<Slot>> {
        self.slots().iter().filter(|it| it.0.1 == *slot).map(|it| Arc::clone(it.1)).collect()
    }

    /// Where a client on this machine reaches a port of a service.
    pub(crate) fn address(&self, scope: &Scope, service: &ServiceName, port: u16) -> Option<SocketAddr> {
        let table = self.base.keeper.now();
        let service = table.service(scope, service)?;
        let found = service.ports.values().find(|it| it.number == port)?;
        Some(service.doors.published(*found).unwrap_or_else(|| service.doors.own(*found)))
    }
}

/// As `docker ps` shows ids.
const SHORT_ID: usize = 12;

fn line(instance: &InstanceStatus) -> String {
    let who = match (&instance.container, instance.pid) {
        (Some(id), _) => format!("container {}", &id[..id.len().min(SHORT_ID)]),
        (None, Some(pid)) => format!("pid {pid}"),
        (None, None) => "no process".to_owned(),
    };
    let address = instance.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let ports: Vec<String> = instance
        .ports
        .iter()
        .map(|(name, port)| format!("{name} {}", SocketAddr::new(address, *port)))
        .collect();
    let ports = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(" ")) };
    format!("#{} {who}{ports} {}", instance.number, instance.condition)
}
