//! The route of one service: which slots there are and how traffic is split over them.
//!
//! **Invariant:** a route never changes; a change is a new route, put in place at once.

use std::collections::BTreeMap;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use http::HeaderValue;
use lockgate_model::{PortName, Protocol, ReleaseId, ServiceName, Weight, Weights};

use crate::ProxyError;
use crate::slot::Slot;
use crate::sticky;

/// One slot's part of the traffic; only slots with weight have one.
pub(crate) struct Share {
    pub(crate) slot: Arc<Slot>,
    pub(crate) weight: Weight,
    cookie: String,
    pub(crate) set_cookie: HeaderValue,
}

pub(crate) struct Route {
    pub(crate) slots: BTreeMap<ReleaseId, Arc<Slot>>,
    pub(crate) weights: Option<Weights>,
    shares: Vec<Share>,
    /// Credit of each share in the smooth weighted round robin.
    credit: Mutex<Vec<i64>>,
}

impl Route {
    fn new(
        service: &Service,
        slots: BTreeMap<ReleaseId, Arc<Slot>>,
        weights: Option<Weights>,
        epochs: &Epochs,
    ) -> Route {
        let weighted = weights.iter().flat_map(Weights::iter).filter(|it| it.1 != Weight::NONE);
        let shares: Vec<Share> = weighted
            .filter_map(|(release, weight)| {
                let slot = Arc::clone(slots.get(&release)?);
                let epoch = epochs.of.get(&release).copied().unwrap_or(0);
                let cookie = sticky::value(&service.cookie_key, &service.name, release, epoch);
                let set_cookie = HeaderValue::try_from(sticky::set_cookie(&service.cookie_name, &cookie));
                let set_cookie = set_cookie.expect("names and numbers are visible ASCII");
                Some(Share { slot, weight, cookie, set_cookie })
            })
            .collect();
        let credit = Mutex::new(vec![0; shares.len()]);
        Route { slots, weights, shares, credit }
    }

    pub(crate) fn weight_of(&self, release: ReleaseId) -> Weight {
        self.weights.as_ref().map(|it| it.of(release)).unwrap_or_default()
    }

    /// Sessions matter only while there is a choice.
    pub(crate) fn is_split(&self) -> bool {
        1 < self.shares.len()
    }

    pub(crate) fn by_cookie(&self, value: &str) -> Option<&Share> {
        self.shares.iter().find(|it| sticky::same(&it.cookie, value))
    }

    /// Smooth weighted round robin: any run of n draws gives a share of weight w between `n*w - 1` and `n*w + 1`.
    pub(crate) fn draw(&self) -> Option<&Share> {
        if !self.is_split() {
            return self.shares.first();
        }
        let mut credit = self.credit.lock().unwrap_or_else(PoisonError::into_inner);
        let mut best = 0;
        for (idx, share) in self.shares.iter().enumerate() {
            credit[idx] += i64::from(share.weight.basis_points());
            if credit[best] < credit[idx] {
                best = idx;
            }
        }
        credit[best] -= i64::from(Weight::ALL.basis_points());
        self.shares.get(best)
    }
}

/// When each slot last called its sessions back. Grows over the service's life, so that no epoch comes twice.
#[derive(Default)]
struct Epochs {
    last: u64,
    of: BTreeMap<ReleaseId, u64>,
}

/// One service: its route, and the lock that changes of it take.
pub(crate) struct Service {
    pub(crate) name: ServiceName,
    pub(crate) cookie_name: String,
    cookie_key: [u8; 32],
    route: ArcSwap<Route>,
    edit: Mutex<Epochs>,
    /// Protocols of the ports that are open, for health checks.
    pub(crate) ports: Mutex<BTreeMap<PortName, Protocol>>,
}

impl Service {
    pub(crate) fn new(name: ServiceName, cookie_key: [u8; 32]) -> Service {
        let empty =
            Route { slots: BTreeMap::new(), weights: None, shares: Vec::new(), credit: Mutex::default() };
        Service {
            cookie_name: sticky::name(&name),
            cookie_key,
            name,
            route: ArcSwap::from_pointee(empty),
            edit: Mutex::default(),
            ports: Mutex::default(),
        }
    }

    pub(crate) fn route(&self) -> Arc<Route> {
        self.route.load_full()
    }

    pub(crate) fn slot(&self, release: ReleaseId) -> Option<Arc<Slot>> {
        self.route.load().slots.get(&release).cloned()
    }

    /// Counts a request into a slot such that no drain can miss it: count, then look at the table again.
    /// Either this thread sees the new table, or whoever put it there sees the count.
    /// `choose` must not choose a draining slot.
    pub(crate) fn claim<T>(&self, choose: impl Fn(&Route) -> Option<(Arc<Slot>, T)>) -> Option<(Claim, T)> {
        loop {
            let route = self.route.load();
            let (slot, extra) = choose(&route)?;
            slot.flight.enter();
            let claim = Claim { slot };
            fence(Ordering::SeqCst);
            if Arc::ptr_eq(&route, &self.route.load()) && !claim.slot.is_draining() {
                return Some((claim, extra));
            }
        }
    }

    /// A slot of the same release and configuration stays as it is.
    pub(crate) fn put_slot(&self, slot: Slot) -> Result<(), ProxyError> {
        let epochs = self.editing();
        let route = self.route.load();
        if let Some(present) = route.slots.get(&slot.name.release) {
            let same = present.config == slot.config;
            return if same { Ok(()) } else { Err(ProxyError::SlotDiffers(slot.name)) };
        }
        let mut slots = route.slots.clone();
        slots.insert(slot.name.release, Arc::new(slot));
        self.put_route(slots, route.weights.clone(), &epochs);
        Ok(())
    }

    /// `None` when there is no such slot.
    pub(crate) fn take_slot(&self, release: ReleaseId) -> Result<Option<Arc<Slot>>, ProxyError> {
        let epochs = self.editing();
        let route = self.route.load();
        let Some(slot) = route.slots.get(&release) else { return Ok(None) };
        let weight = route.weight_of(release);
        if weight != Weight::NONE {
            return Err(ProxyError::HasWeight { slot: slot.name.clone(), weight });
        }
        let mut slots = route.slots.clone();
        let slot = slots.remove(&release);
        self.put_route(slots, route.weights.clone(), &epochs);
        Ok(slot)
    }

    pub(crate) fn clear(&self) -> Vec<Arc<Slot>> {
        let epochs = self.editing();
        let slots = self.route.load().slots.values().cloned().collect();
        self.put_route(BTreeMap::new(), None, &epochs);
        slots
    }

    /// A slot that loses weight calls its sessions back, by a new epoch.
    pub(crate) fn set_weights(&self, weights: &Weights) -> Result<(), ProxyError> {
        let mut epochs = self.editing();
        let route = self.route.load();
        let weighted: Vec<_> = weights.iter().filter(|it| it.1 != Weight::NONE).collect();
        for &(release, weight) in &weighted {
            let name = || lockgate_model::SlotRef { service: self.name.clone(), release };
            let slot = route.slots.get(&release).ok_or_else(|| ProxyError::UnknownSlot(name()))?;
            if slot.ready().0 == 0 && 1 < weighted.len() {
                return Err(ProxyError::NoneReady { slot: name(), weight });
            }
        }
        if route.weights.as_ref() == Some(weights) {
            return Ok(());
        }
        let shrinking = route.slots.keys().filter(|&&it| weights.of(it) < route.weight_of(it));
        let shrinking: Vec<ReleaseId> = shrinking.copied().collect();
        if !shrinking.is_empty() {
            epochs.last += 1;
            let epoch = epochs.last;
            epochs.of.extend(shrinking.into_iter().map(|it| (it, epoch)));
        }
        for (release, _) in weighted {
            if let Some(slot) = route.slots.get(&release) {
                slot.set_draining(false);
            }
        }
        self.put_route(route.slots.clone(), Some(weights.clone()), &epochs);
        Ok(())
    }

    /// Turns requests away from a slot without weight; what is under way goes on.
    pub(crate) fn begin_drain(&self, slot: &Slot) -> Result<(), ProxyError> {
        let _epochs = self.editing();
        let weight = self.route.load().weight_of(slot.name.release);
        if weight != Weight::NONE {
            return Err(ProxyError::HasWeight { slot: slot.name.clone(), weight });
        }
        slot.set_draining(true);
        fence(Ordering::SeqCst);
        Ok(())
    }

    fn put_route(
        &self,
        slots: BTreeMap<ReleaseId, Arc<Slot>>,
        weights: Option<Weights>,
        epochs: &MutexGuard<'_, Epochs>,
    ) {
        self.route.store(Arc::new(Route::new(self, slots, weights, epochs)));
        fence(Ordering::SeqCst);
    }

    fn editing(&self) -> MutexGuard<'_, Epochs> {
        self.edit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's place in a slot, from the moment it is routed until its last byte.
pub(crate) struct Claim {
    pub(crate) slot: Arc<Slot>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.slot.flight.leave();
    }
}
