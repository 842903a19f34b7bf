//! What a node does first: finds what its predecessor left running and takes it up again.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use lockgate_model::{Scope, SlotRef};

use crate::node::Node;
use crate::process::Process;
use crate::scan::{self, Marked};
use crate::slot::{Resumed, Running, Slot};
use crate::table::{ContainerId, InstanceTable, SlotTable};

mod containers;

use containers::Containers;

/// Takes up every slot of the table: running instances are adopted, missing ones are started, and what carries
/// this node's mark without being wanted is ended.
pub(crate) async fn take_up(node: &Arc<Node>) {
    let mut found = by_instance(scan::marked(&node.base.node_id));
    let table = node.base.keeper.now();
    let containers = Containers::find(node, &table).await;
    for scope in &table.scopes {
        for (name, service) in &scope.services {
            let front = node.front(&scope.scope);
            for slot in service.slots.values() {
                take_up_slot(node, &scope.scope, slot, &mut found, &containers);
            }
            if let Some(weights) = &service.weights {
                let (base, scope) = (Arc::clone(&node.base), scope.scope.clone());
                let (name_1, weights_1) = (name.clone(), weights.clone());
                let wanted = move || {
                    let table = base.keeper.now();
                    table.service(&scope, &name_1).is_some_and(|it| it.weights.as_ref() == Some(&weights_1))
                };
                front.set_weights_when_ready(name, weights, wanted);
            }
            // Last, so that the first request finds everything in its place.
            let (base, name_1, scope) = (Arc::clone(&node.base), name.clone(), scope.scope.clone());
            let wanted =
                move || base.keeper.now().service(&scope, &name_1).map(|it| (it.doors, it.ports.clone()));
            front.listen_until_open(name, wanted).await;
        }
    }
    for (_, left) in found {
        for it in left {
            tracing::warn!(slot = %it.slot, number = it.instance, pid = it.id.pid, "a process that nobody wants was ended");
            scan::end(&it.id);
        }
    }
    for engine in table.engines().into_keys() {
        tokio::spawn(containers::tidy(Arc::clone(node), engine.map(str::to_owned)));
    }
    for dir in node.jobs.open_containers() {
        let node = Arc::clone(node);
        tokio::spawn(async move {
            if let Err(failure) = node.jobs.follow(&dir).await {
                tracing::warn!(%failure, "a job of an earlier node was not seen to its end");
            }
        });
    }
}

type Found = BTreeMap<(SlotRef, u32), Vec<Marked>>;

fn by_instance(all: Vec<Marked>) -> Found {
    let mut found = Found::new();
    for it in all {
        found.entry((it.slot.clone(), it.instance)).or_default().push(it);
    }
    found
}

fn take_up_slot(node: &Node, scope: &Scope, row: &SlotTable, found: &mut Found, containers: &Containers) {
    let front = node.front(scope);
    if let Err(failure) = front.put_slot(&row.spec) {
        tracing::error!(slot = %row.spec.slot, %failure, "the router refused a slot");
    }
    let slot = Slot::new(Arc::clone(&node.base), scope.clone(), row, front);
    node.slots().insert((scope.clone(), row.spec.slot.clone()), Arc::clone(&slot));
    for (number, instance) in &row.instances {
        let key = (row.spec.slot.clone(), *number);
        let (running, address) = if slot.is_container() {
            let Some(ContainerId { id, address }) = containers.of(scope, &key, instance) else { continue };
            (Running::Container(slot.running(*number, id)), address)
        } else {
            let Some(process) = find(instance, found.get(&key)) else { continue };
            // The rest of what was found under this number are its children.
            found.remove(&key);
            let log = node.base.place.instance_log(&row.spec.slot, *number);
            (Running::Process { process, log }, Ipv4Addr::LOCALHOST.into())
        };
        tracing::info!(slot = %row.spec.slot, number, %running, "adopted");
        let (ports, ready) = (instance.ports.clone(), instance.ready);
        slot.resume(*number, Resumed { running, address: Some(address), ports, ready });
    }
    slot.scale(row.wanted);
}

/// By the table; or, for an instance that was started and not yet written down, by its mark.
fn find(instance: &InstanceTable, marked: Option<&Vec<Marked>>) -> Option<Process> {
    if let Some(process) = instance.process.as_ref().and_then(Process::adopt) {
        return Some(process);
    }
    let named = |it: &Marked| {
        let mut ports = instance.ports.iter();
        ports.all(|(name, port)| it.ports.get(&name.variable()) == Some(&port.to_string()))
    };
    // With other ports it is of an older table, and the router would look for it in the wrong place.
    let leader = marked?.iter().find(|it| it.leads_group && named(it))?;
    Process::adopt(&leader.id)
}
