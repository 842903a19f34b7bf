//! The whole picture at one moment, for people and for JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use lockgate_model::{PortName, Protocol, ReleaseId, ServiceName, Version, Weight};
use serde::Serialize;

use crate::InstanceId;
use crate::instance::Instance;
use crate::listen::Listener;
use crate::route::Service;
use crate::slot::Slot;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyStatus {
    pub counter_epoch: String,
    pub services: BTreeMap<ServiceName, ServiceStatus>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    pub ports: BTreeMap<PortName, PortStatus>,
    pub slots: BTreeMap<ReleaseId, SlotStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortStatus {
    pub address: SocketAddr,
    pub protocol: Protocol,
    /// Open connections of clients.
    pub connections: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotStatus {
    pub version: Version,
    pub weight: Weight,
    pub draining: bool,
    /// Requests, streams and WebSockets under way.
    pub in_flight: u64,
    pub tunnels: usize,
    pub instances: BTreeMap<InstanceId, InstanceStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceStatus {
    pub addresses: BTreeMap<PortName, SocketAddr>,
    pub ready: bool,
    /// A request could not connect, and no check has passed since.
    pub suspect: bool,
    pub draining: bool,
    pub in_flight: u64,
    /// Open connections to it.
    pub connections: usize,
    pub last_failure: Option<String>,
}

impl ServiceStatus {
    pub(crate) fn of(service: &Service) -> ServiceStatus {
        let route = service.route();
        let slots = route.slots.iter().map(|(&id, slot)| (id, SlotStatus::of(slot, route.weight_of(id))));
        ServiceStatus { ports: BTreeMap::new(), slots: slots.collect() }
    }
}

impl PortStatus {
    pub(crate) fn of(listener: &Listener) -> PortStatus {
        PortStatus {
            address: listener.addr,
            protocol: listener.protocol,
            connections: listener.connections(),
        }
    }
}

impl SlotStatus {
    fn of(slot: &Slot, weight: Weight) -> SlotStatus {
        let instances = slot.instances();
        SlotStatus {
            version: slot.config.version.clone(),
            weight,
            draining: slot.is_draining(),
            in_flight: slot.flight.count(),
            tunnels: slot.tunnels.count(),
            instances: instances.iter().map(|it| (it.id, InstanceStatus::of(it))).collect(),
        }
    }
}

impl InstanceStatus {
    fn of(instance: &Instance) -> InstanceStatus {
        InstanceStatus {
            addresses: instance.addresses.clone(),
            ready: instance.is_ready(),
            suspect: instance.is_suspect(),
            draining: instance.is_draining(),
            in_flight: instance.flight.count(),
            connections: instance.pools.values().map(crate::pool::Pool::open).sum(),
            last_failure: instance.last_failure(),
        }
    }
}
