//! The handle by which the owner of the process steers the proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockgate_model::{PortName, Protocol, ReleaseId, Samples, ServiceName, SlotRef, Weights};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::config::{InstanceId, Limits, ProxyConfig, SlotConfig};
use crate::drain::{self, DrainReport};
use crate::error::ProxyError;
use crate::forward::{Entry, Refusals};
use crate::health;
use crate::instance::{Instance, Standing};
use crate::listen::Listener;
use crate::page::{self, Row};
use crate::route::Service;
use crate::slot::Slot;
use crate::status::{PortStatus, ProxyStatus, ServiceStatus};

/// A proxy within this process. Clones are handles on the same one.
///
/// Every change says what should be, so saying it twice is the same as once. All methods must be called within
/// a tokio runtime, where connections and checks run.
#[derive(Clone)]
pub struct Proxy(Arc<Shared>);

struct Shared {
    config: ProxyConfig,
    limits: Arc<Limits>,
    services: Mutex<BTreeMap<ServiceName, Arc<Service>>>,
    listeners: Mutex<BTreeMap<Opening, Listener>>,
    refusals: Arc<Refusals>,
    changes: watch::Sender<u64>,
}

/// A place where a service is open.
type Opening = (ServiceName, PortName, Door);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    Own,
    /// A second address, for those to whom the first cannot be reached.
    Published,
}

impl Proxy {
    pub fn new(config: ProxyConfig) -> Proxy {
        let limits = Arc::new(config.limits.clone());
        Proxy(Arc::new(Shared {
            config,
            limits,
            services: Mutex::default(),
            listeners: Mutex::default(),
            refusals: Arc::default(),
            changes: watch::Sender::new(0),
        }))
    }

    /// Opens one port of a service, and answers the address that it has. Requests go to the same port of the
    /// instances.
    pub fn listen(
        &self,
        service: &ServiceName,
        port: &PortName,
        addr: SocketAddr,
        protocol: Protocol,
    ) -> Result<SocketAddr, ProxyError> {
        self.open((service.clone(), port.clone(), Door::Own), addr, protocol)
    }

    /// Opens the same port at a second address.
    pub fn publish(
        &self,
        service: &ServiceName,
        port: &PortName,
        addr: SocketAddr,
        protocol: Protocol,
    ) -> Result<SocketAddr, ProxyError> {
        self.open((service.clone(), port.clone(), Door::Published), addr, protocol)
    }

    fn open(&self, key: Opening, addr: SocketAddr, protocol: Protocol) -> Result<SocketAddr, ProxyError> {
        let (service, port, _) = &key;
        let mut listeners = self.listeners();
        if let Some(open) = listeners.get(&key) {
            if open.asked == addr && open.protocol == protocol {
                return Ok(open.addr);
            }
            let (service, port, _) = key;
            return Err(ProxyError::ListensElsewhere { service, port, addr: open.addr });
        }
        let route = self.service_or_new(service);
        route.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(port.clone(), protocol);
        let entry = Entry {
            service: route,
            port: Arc::new(port.clone()),
            protocol,
            limits: Arc::clone(&self.0.limits),
            refusals: Arc::clone(&self.0.refusals),
        };
        let listener = Listener::open(addr, entry).map_err(|source| {
            let (service, port, _) = key.clone();
            if source.kind() == std::io::ErrorKind::AddrInUse {
                ProxyError::PortTaken { service, port, addr }
            } else {
                ProxyError::Bind { service, port, addr, source }
            }
        })?;
        let addr = listener.addr;
        listeners.insert(key, listener);
        Ok(addr)
    }

    /// Closes a port at once, and waits at most `within` for its connections to end.
    pub async fn unlisten(&self, service: &ServiceName, port: &PortName, within: Duration) {
        self.close(&(service.clone(), port.clone(), Door::Own), within).await;
    }

    /// The same of the second address.
    pub async fn unpublish(&self, service: &ServiceName, port: &PortName, within: Duration) {
        self.close(&(service.clone(), port.clone(), Door::Published), within).await;
    }

    async fn close(&self, key: &Opening, within: Duration) {
        let listener = self.listeners().remove(key);
        if let Some(listener) = listener {
            listener.close(within).await;
        }
    }

    /// Closes all ports at once, and waits at most `within` for connections to end.
    pub async fn shutdown(&self, within: Duration) {
        let listeners = std::mem::take(&mut *self.listeners());
        let closing = listeners.into_values().map(|it| it.close(within));
        futures_util::future::join_all(closing).await;
    }

    /// Makes a slot known. It takes no traffic until it is given weight.
    pub fn put_slot(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        config: SlotConfig,
    ) -> Result<(), ProxyError> {
        let name = SlotRef { service: service.clone(), release };
        self.service_or_new(service).put_slot(Slot::new(name, config))
    }

    /// Adds a new instance to a slot. It takes requests once it has passed its checks.
    pub fn put_instance(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        instance: InstanceId,
        addresses: BTreeMap<PortName, SocketAddr>,
    ) -> Result<(), ProxyError> {
        self.add_instance(service, release, instance, addresses, Standing::New)
    }

    /// Adds an instance that was ready before this proxy started: it takes requests at once.
    pub fn adopt_instance(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        instance: InstanceId,
        addresses: BTreeMap<PortName, SocketAddr>,
    ) -> Result<(), ProxyError> {
        self.add_instance(service, release, instance, addresses, Standing::Adopted)
    }

    fn add_instance(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        instance: InstanceId,
        addresses: BTreeMap<PortName, SocketAddr>,
        standing: Standing,
    ) -> Result<(), ProxyError> {
        let (service, slot) = self.find(service, release)?;
        if let Some(present) = slot.instance(instance) {
            let differs = ProxyError::InstanceDiffers { slot: slot.name.clone(), instance };
            return if present.addresses == addresses { Ok(()) } else { Err(differs) };
        }
        let instance = Arc::new(Instance::new(instance, addresses, standing, self.0.changes.clone()));
        slot.add(&instance);
        self.announce();
        tokio::spawn(health::watch(service, slot, instance, Arc::clone(&self.0.limits)));
        Ok(())
    }

    /// Forgets an instance; what is under way on it is cut. An instance that is not there is removed already.
    pub fn remove_instance(&self, service: &ServiceName, release: ReleaseId, instance: InstanceId) {
        let Ok((_, slot)) = self.find(service, release) else { return };
        if let Some(instance) = slot.instance(instance) {
            slot.remove(instance.id);
            instance.gone.cancel();
            self.announce();
        }
    }

    /// Splits a service's traffic; it holds for every request that is routed after this.
    pub fn set_weights(&self, service: &ServiceName, weights: &Weights) -> Result<(), ProxyError> {
        self.service_or_new(service).set_weights(weights)
    }

    /// The weights that hold; `None` until they have been set.
    pub fn weights(&self, service: &ServiceName) -> Option<Weights> {
        self.service(service).and_then(|it| it.route().weights.clone())
    }

    /// Waits until nothing is under way in a slot without weight, at most `within`.
    pub async fn drain_slot(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        within: Duration,
    ) -> Result<DrainReport, ProxyError> {
        let (service, slot) = self.find(service, release)?;
        service.begin_drain(&slot)?;
        let grace = self.0.config.tunnel_grace;
        tokio::select! {
            report = drain::drain(&slot, None, &slot.flight, within, grace) => Ok(report),
            () = slot.reprieved() => {
                let weight = service.route().weight_of(release);
                Err(ProxyError::HasWeight { slot: slot.name.clone(), weight })
            }
        }
    }

    /// Turns new requests away from one instance and waits until nothing is under way on it, at most `within`.
    pub async fn drain_instance(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        instance: InstanceId,
        within: Duration,
    ) -> Result<DrainReport, ProxyError> {
        let (_, slot) = self.find(service, release)?;
        let unknown = || ProxyError::UnknownInstance { slot: slot.name.clone(), instance };
        let instance = slot.instance(instance).ok_or_else(unknown)?;
        Ok(drain::drain_instance(&slot, &instance, within, self.0.config.tunnel_grace).await)
    }

    /// Forgets a slot without weight, its counts and its instances; what is under way is cut.
    /// A slot that is not there is removed already.
    pub fn remove_slot(&self, service: &ServiceName, release: ReleaseId) -> Result<(), ProxyError> {
        let Some(service) = self.service(service) else { return Ok(()) };
        if let Some(slot) = service.take_slot(release)? {
            self.forget(&slot);
        }
        Ok(())
    }

    /// Forgets a service whole: its ports, at once; its slots, whatever their weight.
    pub async fn remove_service(&self, service: &ServiceName, within: Duration) {
        let open: Vec<_> = self.listeners().keys().filter(|it| it.0 == *service).cloned().collect();
        let closing = open.iter().map(|key| self.close(key, within));
        futures_util::future::join_all(closing).await;
        let removed = self.services().remove(service);
        for slot in removed.iter().flat_map(|it| it.clear()) {
            self.forget(&slot);
        }
    }

    fn forget(&self, slot: &Slot) {
        for instance in slot.instances().iter() {
            slot.remove(instance.id);
            instance.gone.cancel();
        }
        self.announce();
    }

    /// Ready instances of a slot, and all of them.
    pub fn ready(&self, service: &ServiceName, release: ReleaseId) -> (u16, u16) {
        self.find(service, release).map(|it| it.1.ready()).unwrap_or_default()
    }

    /// Waits until `wanted` instances of a slot are ready, at most `within`.
    pub async fn wait_ready(
        &self,
        service: &ServiceName,
        release: ReleaseId,
        wanted: u16,
        within: Duration,
    ) -> Result<(), ProxyError> {
        let (_, slot) = self.find(service, release)?;
        let mut changes = self.readiness();
        let enough = changes.wait_for(|_| wanted <= slot.ready().0);
        if timeout_at(Instant::now() + within, enough).await.is_ok() {
            return Ok(());
        }
        let (ready, total) = slot.ready();
        let reason = slot.last_failure();
        Err(ProxyError::NotReadyInTime { slot: slot.name.clone(), ready, total, wanted, reason })
    }

    /// Changes whenever an instance comes, goes, or becomes ready or unready. The number itself says nothing.
    pub fn readiness(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Exact counts of every slot of these services. Who knows the processes fills in `wanted` and the crashes.
    pub fn samples(&self, services: &[ServiceName]) -> Samples {
        let mut samples =
            Samples { counter_epoch: self.0.config.counter_epoch.clone(), ..Samples::default() };
        for service in services.iter().filter_map(|it| self.service(it)) {
            for slot in service.route().slots.values() {
                let counts = slot.counters.read().to_slot_counts(slot.ready().0);
                samples.slots.insert(slot.name.clone(), counts);
            }
        }
        samples
    }

    /// Requests, streams and WebSockets under way in a slot.
    pub fn in_flight(&self, service: &ServiceName, release: ReleaseId) -> u64 {
        self.find(service, release).map(|it| it.1.flight.count()).unwrap_or_default()
    }

    pub fn snapshot(&self) -> ProxyStatus {
        let services = self.all_services();
        let mut services: BTreeMap<ServiceName, ServiceStatus> =
            services.iter().map(|it| (it.name.clone(), ServiceStatus::of(it))).collect();
        for ((service, port, door), listener) in self.listeners().iter() {
            if *door != Door::Own {
                continue;
            }
            let status = services.entry(service.clone()).or_default();
            status.ports.insert(port.clone(), PortStatus::of(listener));
        }
        ProxyStatus { counter_epoch: self.0.config.counter_epoch.clone(), services }
    }

    /// The metrics page.
    pub fn prometheus(&self) -> String {
        let routes: Vec<_> = self.all_services().iter().map(|it| it.route()).collect();
        let rows = routes.iter().flat_map(|route| {
            route.slots.iter().map(|(&release, slot)| Row {
                slot,
                counts: slot.counters.read(),
                weight: route.weight_of(release).fraction(),
            })
        });
        page::write(&rows.collect::<Vec<_>>(), &self.0.refusals)
    }

    fn announce(&self) {
        self.0.changes.send_modify(|it| *it += 1);
    }

    fn find(
        &self,
        service: &ServiceName,
        release: ReleaseId,
    ) -> Result<(Arc<Service>, Arc<Slot>), ProxyError> {
        let unknown = || ProxyError::UnknownSlot(SlotRef { service: service.clone(), release });
        let service = self.service(service).ok_or_else(unknown)?;
        let slot = service.slot(release).ok_or_else(unknown)?;
        Ok((service, slot))
    }

    fn service(&self, name: &ServiceName) -> Option<Arc<Service>> {
        self.services().get(name).cloned()
    }

    fn service_or_new(&self, name: &ServiceName) -> Arc<Service> {
        let mut services = self.services();
        let service = services.entry(name.clone());
        let new = || Arc::new(Service::new(name.clone(), self.0.config.cookie_key));
        Arc::clone(service.or_insert_with(new))
    }

    fn all_services(&self) -> Vec<Arc<Service>> {
        self.services().values().cloned().collect()
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<ServiceName, Arc<Service>>> {
        self.0.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<Opening, Listener>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
