//! The router of one scope: what the node's slots are to the proxy, and the proxy's refusals in the node's words.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lockgate_model::{Millis, Port, PortName, Protocol, Samples, ServiceName, SlotRef, SlotSpec, Weights};
use lockgate_proxy::{InstanceStatus, Proxy, ProxyConfig, ProxyError, SlotConfig};
use tokio::sync::watch;

use crate::protocol::Failure;
use crate::table::Doors;

/// For connections of a port that is closed: they end after the request that is under way.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Between tries to open a port that was taken while no node ran.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// Services of different scopes may have the same name, so each scope has a proxy of its own.
#[derive(Clone)]
pub(crate) struct Front {
    proxy: Proxy,
}

impl Front {
    pub(crate) fn new(config: ProxyConfig) -> Front {
        Front { proxy: Proxy::new(config) }
    }

    /// Opens the ports of a service. A port that the service had elsewhere moves.
    pub(crate) async fn listen(
        &self,
        service: &ServiceName,
        doors: Doors,
        ports: &BTreeMap<PortName, Port>,
    ) -> Result<(), Failure> {
        for (name, port) in ports {
            let at = doors.own(*port);
            self.open(service, name, Door { at, protocol: port.protocol, published: false }).await?;
            if let Some(at) = doors.published(*port) {
                self.open(service, name, Door { at, protocol: port.protocol, published: true }).await?;
            }
        }
        Ok(())
    }

    async fn open(&self, service: &ServiceName, port: &PortName, door: Door) -> Result<(), Failure> {
        let listen = if door.published { Proxy::publish } else { Proxy::listen };
        let opened = match listen(&self.proxy, service, port, door.at, door.protocol) {
            Err(ProxyError::ListensElsewhere { addr, .. }) => {
                // What cannot be opened must not cost the port that is open.
                if addr != door.at {
                    std::net::TcpListener::bind(door.at).map_err(|it| taken(service, port, door.at, &it))?;
                }
                if door.published {
                    self.proxy.unpublish(service, port, CLOSE_WITHIN).await;
                } else {
                    self.proxy.unlisten(service, port, CLOSE_WITHIN).await;
                }
                listen(&self.proxy, service, port, door.at, door.protocol)
            }
            other => other,
        };
        opened.map(drop).map_err(refused)
    }

    /// At the start of a node there is nobody to tell: what cannot be opened now is tried again until it can,
    /// or until the service is gone.
    pub(crate) async fn listen_until_open(
        &self,
        service: &ServiceName,
        wanted: impl Fn() -> Option<(Doors, BTreeMap<PortName, Port>)> + Send + 'static,
    ) {
        let Some((doors, ports)) = wanted() else { return };
        let Err(failure) = self.listen(service, doors, &ports).await else { return };
        tracing::error!(%service, %failure, "a port was not opened again");
        let (front, service) = (self.clone(), service.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REOPEN_EVERY).await;
                let Some((doors, ports)) = wanted() else { return };
                if front.listen(&service, doors, &ports).await.is_ok() {
                    tracing::info!(%service, "all ports are open");
                    return;
                }
            }
        });
    }

    /// Closes the ports of a service and forgets what is left of it.
    pub(crate) async fn remove_service(&self, service: &ServiceName) {
        self.proxy.remove_service(service, CLOSE_WITHIN).await;
    }

    pub(crate) async fn shut_down(&self, within: Duration) {
        self.proxy.shutdown(within).await;
    }

    pub(crate) fn put_slot(&self, spec: &SlotSpec) -> Result<(), Failure> {
        let config = SlotConfig {
            version: spec.version.clone(),
            latency_bounds_ms: spec.latency_bounds_ms.clone(),
            health: spec.health.clone(),
        };
        self.proxy.put_slot(&spec.slot.service, spec.slot.release, config).map_err(refused)
    }

    pub(crate) fn remove_slot(&self, slot: &SlotRef) -> Result<(), Failure> {
        self.proxy.remove_slot(&slot.service, slot.release).map_err(refused)
    }

    /// One that was `ready` under an earlier node takes requests at once, and is checked at once.
    pub(crate) fn put_instance(
        &self,
        slot: &SlotRef,
        number: u32,
        address: IpAddr,
        ports: &BTreeMap<PortName, u16>,
        ready: bool,
    ) -> Result<(), Failure> {
        let addresses = ports.iter().map(|(name, port)| (name.clone(), SocketAddr::new(address, *port)));
        let addresses = addresses.collect();
        let put = if ready { Proxy::adopt_instance } else { Proxy::put_instance };
        put(&self.proxy, &slot.service, slot.release, number, addresses).map_err(refused)
    }

    pub(crate) fn remove_instance(&self, slot: &SlotRef, number: u32) {
        self.proxy.remove_instance(&slot.service, slot.release, number);
    }

    /// Tells of every change from `ready` on.
    pub(crate) fn health(&self, slot: &SlotRef, number: u32, ready: bool) -> HealthWatch {
        let mut changes = self.proxy.readiness();
        changes.mark_changed();
        HealthWatch { front: self.clone(), slot: slot.clone(), number, changes, ready }
    }

    /// Why the instance last failed its check; `None` when it passed, or was not asked yet.
    pub(crate) fn last_failure(&self, slot: &SlotRef, number: u32) -> Option<String> {
        self.instance(slot, number)?.last_failure
    }

    fn instance(&self, slot: &SlotRef, number: u32) -> Option<InstanceStatus> {
        let mut status = self.proxy.snapshot();
        let mut slots = status.services.remove(&slot.service)?.slots;
        slots.remove(&slot.release)?.instances.remove(&number)
    }

    pub(crate) async fn drain_instance(&self, slot: &SlotRef, number: u32, within: Millis) {
        let within = within.to_std();
        match self.proxy.drain_instance(&slot.service, slot.release, number, within).await {
            Ok(report) if report.clean => (),
            Ok(report) => {
                tracing::warn!(%slot, number, ?report, "an instance was stopped before it was idle");
            }
            Err(error) => tracing::debug!(%slot, number, %error, "nothing to drain"),
        }
    }

    pub(crate) async fn drain_slot(&self, slot: &SlotRef, within: Millis) -> Result<(), Failure> {
        match self.proxy.drain_slot(&slot.service, slot.release, within.to_std()).await {
            Ok(report) => {
                tracing::info!(%slot, ?report, "drained");
                Ok(())
            }
            Err(ProxyError::UnknownSlot(_)) => Ok(()),
            Err(error) => Err(refused(error)),
        }
    }

    pub(crate) fn weights(&self, service: &ServiceName) -> Option<Weights> {
        self.proxy.weights(service)
    }

    pub(crate) fn set_weights(&self, service: &ServiceName, weights: &Weights) -> Result<(), Failure> {
        self.proxy.set_weights(service, weights).map_err(refused)
    }

    /// After a restart a split waits for the slots that were not adopted, and until then its service has no
    /// traffic; `wanted` says whether the split is wanted still.
    pub(crate) fn set_weights_when_ready(
        &self,
        service: &ServiceName,
        weights: &Weights,
        wanted: impl Fn() -> bool + Send + 'static,
    ) {
        let Err(failure) = self.set_weights(service, weights) else { return };
        tracing::error!(%service, %failure, "the split of traffic is not restored yet");
        let (front, service, weights) = (self.clone(), service.clone(), weights.clone());
        tokio::spawn(async move {
            let mut changes = front.proxy.readiness();
            while changes.changed().await.is_ok() && wanted() {
                if front.set_weights(&service, &weights).is_ok() {
                    tracing::info!(%service, "the split of traffic is restored");
                    return;
                }
            }
        });
    }

    pub(crate) fn in_flight(&self, slot: &SlotRef) -> u64 {
        self.proxy.in_flight(&slot.service, slot.release)
    }

    pub(crate) fn samples(&self, services: &[ServiceName]) -> Samples {
        self.proxy.samples(services)
    }

    pub(crate) fn prometheus(&self) -> String {
        self.proxy.prometheus()
    }
}

/// One address that a port is opened at.
struct Door {
    at: SocketAddr,
    protocol: Protocol,
    published: bool,
}

impl Doors {
    pub(crate) fn own(self, port: Port) -> SocketAddr {
        let gateway = self.gateway.filter(|_| !self.is_covered(port));
        SocketAddr::new(gateway.unwrap_or(self.bind), port.number)
    }

    pub(crate) fn all(self, port: Port) -> impl Iterator<Item = SocketAddr> {
        std::iter::once(self.own(port)).chain(self.published(port))
    }

    /// Published by its own number on all addresses of the machine, of which the gateway's is one: a second socket
    /// there would be refused.
    fn is_covered(self, port: Port) -> bool {
        port.publish == Some(port.number) && self.bind.is_unspecified()
    }

    /// Where the machine's own clients reach a port of containers, if it is published.
    pub(crate) fn published(self, port: Port) -> Option<SocketAddr> {
        self.gateway.filter(|_| !self.is_covered(port))?;
        port.publish.map(|it| SocketAddr::new(self.bind, it))
    }
}

/// One instance's readiness as it changes.
pub(crate) struct HealthWatch {
    front: Front,
    slot: SlotRef,
    number: u32,
    changes: watch::Receiver<u64>,
    ready: bool,
}

impl HealthWatch {
    /// May be dropped and called again.
    pub(crate) async fn changed(&mut self) -> bool {
        loop {
            if self.changes.changed().await.is_err() {
                return std::future::pending().await;
            }
            let ready = self.front.instance(&self.slot, self.number).is_some_and(|it| it.ready);
            if ready != self.ready {
                self.ready = ready;
                return ready;
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn refused(error: ProxyError) -> Failure {
    let text = lockgate_model::with_causes(&error);
    match error {
        ProxyError::PortTaken { addr, .. } => Failure::fatal(text).hint(who_has(addr.port())),
        ProxyError::NoneReady { .. } | ProxyError::NotReadyInTime { .. } => Failure::transient(text),
        ProxyError::Bind { .. }
        | ProxyError::ListensElsewhere { .. }
        | ProxyError::UnknownSlot(_)
        | ProxyError::UnknownInstance { .. }
        | ProxyError::SlotDiffers(_)
        | ProxyError::InstanceDiffers { .. }
        | ProxyError::HasWeight { .. } => Failure::fatal(text),
    }
}

fn taken(service: &ServiceName, port: &PortName, address: SocketAddr, error: &std::io::Error) -> Failure {
    let text =
        format!("address {address} for port `{port}` of service `{service}` cannot be opened: {error}");
    Failure::fatal(text).hint(who_has(address.port()))
}

fn who_has(port: u16) -> String {
    format!("ss -ltnp 'sport = :{port}'")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_port_that_is_published_everywhere_by_its_own_number_is_opened_once() {
        let gateway = Some(IpAddr::V4(Ipv4Addr::new(172, 18, 0, 1)));
        let port = |publish| Port { publish, ..Port::new(8000, Protocol::Http) };
        let seen = |bind, publish| {
            let doors = Doors { bind: IpAddr::V4(bind), gateway };
            let published = doors.published(port(publish)).map(|it| it.to_string());
            (doors.own(port(publish)).to_string(), published.unwrap_or_default())
        };
        let all = Ipv4Addr::UNSPECIFIED;
        assert_eq!(seen(all, None), ("172.18.0.1:8000".to_owned(), String::new()));
        assert_eq!(seen(all, Some(80)), ("172.18.0.1:8000".to_owned(), "0.0.0.0:80".to_owned()));
        assert_eq!(seen(all, Some(8000)), ("0.0.0.0:8000".to_owned(), String::new()));
        let loopback = Ipv4Addr::LOCALHOST;
        assert_eq!(seen(loopback, Some(8000)), ("172.18.0.1:8000".to_owned(), "127.0.0.1:8000".to_owned()));
    }
}
