//! What a node shows of itself: observations, counts, logs and status.

use lockgate_model::{
    Observed, ObservedService, ObservedSlot, Routing, Samples, Scope, ServiceName, SlotRef, Weight,
};

use crate::logs;
use crate::node::Node;
use crate::protocol::{InstanceStatus, LogLine, NodeStatus, SlotStatus};
use crate::slot::View;
use crate::table::SlotTable;

impl Node {
    pub(crate) fn observe(&self, scope: &Scope) -> Observed {
        let table = self.base.keeper.now();
        let mut observed = Observed::default();
        let Some(found) = table.scope(scope) else { return observed };
        for (name, service) in &found.services {
            let mut shown = ObservedService {
                slots: std::collections::BTreeMap::new(),
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
                format!("{name} {}", std::net::SocketAddr::new(service.bind, port.number))
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
    pub(crate) fn slot_logs(&self, slot: &SlotRef, lines: usize) -> Vec<LogLine> {
        let mut shown = vec![];
        for (number, path) in logs::of_slot(&self.base.place, slot) {
            let source = format!("{slot} #{number}");
            let tail = logs::tail(&path, lines).into_iter();
            shown.extend(tail.map(|text| LogLine { source: source.clone(), text }));
        }
        shown
    }
}

fn line(instance: &InstanceStatus) -> String {
    let pid = instance.pid.map_or_else(|| "no process".to_owned(), |it| format!("pid {it}"));
    let ports: Vec<String> =
        instance.ports.iter().map(|(name, port)| format!("{name} 127.0.0.1:{port}")).collect();
    let ports = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(" ")) };
    format!("#{} {pid}{ports} {}", instance.number, instance.condition)
}
