//! What can be refused, and what to do about it.

use std::net::SocketAddr;

use lockgate_model::{PortName, ServiceName, SlotRef, Weight};

use crate::InstanceId;

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error(
        "address {addr} for port `{port}` of service `{service}` is taken by another process: stop that process, or give the service another port"
    )]
    PortTaken { service: ServiceName, port: PortName, addr: SocketAddr },
    #[error("address {addr} for port `{port}` of service `{service}` cannot be opened")]
    Bind {
        service: ServiceName,
        port: PortName,
        addr: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "port `{port}` of service `{service}` listens on {addr} already: close it before it is opened elsewhere"
    )]
    ListensElsewhere { service: ServiceName, port: PortName, addr: SocketAddr },
    #[error("slot {0} is not known to the proxy: put it first")]
    UnknownSlot(SlotRef),
    #[error("instance {instance} of slot {slot} is not known to the proxy: put it first")]
    UnknownInstance { slot: SlotRef, instance: InstanceId },
    #[error("slot {0} is there with another configuration: a slot does not change, give it another release")]
    SlotDiffers(SlotRef),
    #[error("instance {instance} of slot {slot} is there with other addresses: remove it first")]
    InstanceDiffers { slot: SlotRef, instance: InstanceId },
    #[error("slot {slot} takes {weight} of the traffic: give its weight to another slot first")]
    HasWeight { slot: SlotRef, weight: Weight },
    #[error("slot {slot} has no ready instance and cannot be given {weight} of the traffic")]
    NoneReady { slot: SlotRef, weight: Weight },
    #[error("{ready} of {total} instances of slot {slot} are ready, {wanted} are wanted{}", because(.reason.as_deref()))]
    NotReadyInTime { slot: SlotRef, ready: u16, total: u16, wanted: u16, reason: Option<String> },
}

fn because(reason: Option<&str>) -> String {
    reason.map(|it| format!("; last failed check: {it}")).unwrap_or_default()
}
