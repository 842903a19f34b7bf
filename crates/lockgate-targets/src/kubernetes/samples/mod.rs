//! Counts and condition of the slots, by which a release is judged.
//!
//! Pods are counted apart where that is known, so that one that misbehaves is told from those that do not.
//! `docs/reference/kubernetes-counts.md` says who counts and what is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use lockgate_model::{Samples, ServiceName, SlotRef};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::traffic::{self, is_ready};
use super::{Cluster, observe};
use crate::{Class, TargetError};

mod answer;
mod collected;
mod exposition;
mod families;
mod gateway;
mod ledger;
mod look;
mod pods;
mod preset;
mod prometheus;
mod promql;
mod scrape;
mod seen;
mod source;
#[cfg(test)]
mod tests;
mod whose;

use ledger::Ledger;
use look::Looks;
use pods::Crash;
use prometheus::Server;
use scrape::Page;
use seen::Seen;
use source::{Found, Source};

/// Pages under way at a time.
const AT_ONCE: usize = 16;
/// Looking for whoever counts is a part of a look, which is over within five seconds.
const FIND_WITHIN: Duration = Duration::from_secs(3);
/// Looking again costs as many requests as before.
const FIND_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Counters of pods go on whoever reads them.
const EPOCH: &str = "pods";

/// What was counted so far, by whom, and what was said of crashes.
#[derive(Default)]
pub(super) struct Counted(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Looked for once.
    servers: Option<Vec<Server>>,
    services: BTreeMap<ServiceName, OfService>,
}

#[derive(Default)]
struct OfService {
    ledger: Ledger,
    /// Kept from the first look on: what two of them have counted cannot be compared.
    source: Option<Source>,
    /// When nobody was found who counts.
    sought_at: Option<Instant>,
    /// When each counter was read last, where Prometheus reads them.
    read_at: BTreeMap<String, f64>,
    /// Crashes of a slot when its log was read, and what that said.
    crashes: BTreeMap<SlotRef, (Crash, String)>,
}

pub(super) async fn take(cluster: &Cluster, services: &[ServiceName]) -> Result<Samples, TargetError> {
    let mut samples = Samples { counter_epoch: EPOCH.to_owned(), ..Samples::default() };
    if services.is_empty() {
        return Ok(samples);
    }
    let one = if let [one] = services { Some(one) } else { None };
    let slots = observe::slots(cluster, one).await?;
    let pods = pods::list(cluster, services).await?;
    let mut kept = cluster.counted.0.lock().await;
    let servers = kept.servers(cluster).await;
    let known = &mut kept.services;
    let looked = services.iter().map(|service| {
        let seen = Seen::new(&cluster.namespace, service, &slots, &pods);
        let of_service = known.get(service);
        let source = of_service.and_then(|it| it.source.clone());
        look(cluster, &servers, seen, source, of_service.is_none_or(OfService::is_sought))
    });
    for (service, looks) in services.iter().zip(join_all(looked).await) {
        known.entry(service.clone()).or_default().add_to(cluster, service, looks?, &mut samples).await;
    }
    Ok(samples)
}

/// One look at one service, by whoever counts it.
async fn look<'a>(
    cluster: &Cluster,
    servers: &[Server],
    mut seen: Seen<'a>,
    known: Option<Source>,
    is_sought: bool,
) -> Result<Looks<'a>, TargetError> {
    let mut notes = Vec::new();
    let source = match known {
        Some(source) => {
            if !source.preset().whose.knows_pods() {
                seen.backends = traffic::backends(cluster, seen.service).await?;
            }
            Some(source)
        }
        None if !is_sought || !seen.takes_requests() || seen.has_no_pods() => None,
        None => {
            let found = tokio::time::timeout(FIND_WITHIN, source::find(cluster, servers, &mut seen)).await;
            let found = match found {
                Ok(found) => found?,
                Err(_) => Found::late(&seen),
            };
            notes = found.notes;
            found.source
        }
    };
    let mut looks = match &source {
        None => Looks::uncounted(seen),
        Some(source) => match source.collect(cluster, &seen).await {
            None => {
                let pages = pages(cluster, &seen).await;
                Looks::of_pages(seen, pages)
            }
            Some(Ok(collected)) => Looks::of_collected(source.preset(), seen, collected),
            Some(Err(why)) => Looks::dark(seen, &why),
        },
    };
    notes.append(&mut looks.notes);
    Ok(Looks { notes, source, ..looks })
}

/// The page of each pod that runs and says where its metrics are, by its uid.
async fn pages(cluster: &Cluster, seen: &Seen<'_>) -> BTreeMap<String, Page> {
    let mut reads = Vec::new();
    for slot in &seen.slots {
        let Some(at) = slot.spec.as_ref().and_then(|it| it.metrics.as_ref()) else { continue };
        for pod in slot.pods.iter().filter(|it| pods::is_running(it)) {
            let Some(uid) = pod.uid() else { continue };
            reads.push(async move { (uid, scrape::scrape(cluster, pod, at).await) });
        }
    }
    stream::iter(reads).buffer_unordered(AT_ONCE).collect().await
}

impl Kept {
    async fn servers(&mut self, cluster: &Cluster) -> Vec<Server> {
        if let Some(known) = &self.servers {
            return known.clone();
        }
        let found = prometheus::servers(cluster).await;
        self.servers.insert(found).clone()
    }
}

impl OfService {
    /// Whether it is time to look for whoever counts.
    fn is_sought(&self) -> bool {
        self.sought_at.is_none_or(|it| FIND_AGAIN_AFTER <= it.elapsed())
    }

    async fn add_to(
        &mut self,
        cluster: &Cluster,
        service: &ServiceName,
        mut looks: Looks<'_>,
        samples: &mut Samples,
    ) {
        if self.is_repeated(&looks) {
            looks.forget_readings();
            samples.repeated.insert(service.clone());
        } else if !looks.read_at.is_empty() {
            self.read_at.clone_from(&looks.read_at);
        }
        if looks.source.is_none() && !looks.seen.has_no_pods() && self.is_sought() {
            self.sought_at = Some(Instant::now());
        }
        self.ledger.add(&looks.of_slots);
        let planned = looks.seen.planned();
        for slot in &looks.seen.slots {
            let mut counts = self.ledger.counts(&slot.slot, &planned);
            counts.wanted = slot.deployment.replicas();
            let ready = slot.pods.iter().filter(|it| is_ready(it)).count();
            counts.ready = u16::try_from(ready).unwrap_or(u16::MAX);
            counts.last_crash = self.said(cluster, &slot.slot, &slot.pods).await;
            // Missing counts are never taken for none.
            if !looks.unread.contains(&slot.slot) {
                samples.slots.insert(slot.slot.clone(), counts);
            }
        }
        self.crashes.retain(|it, _| looks.of_slots.contains_key(it));
        samples.notes.append(&mut looks.notes);
        if let Some(source) = &looks.source {
            samples.counted_by.insert(service.clone(), source.to_string());
        }
        self.source = looks.source.or(self.source.take());
    }

    /// Versions are compared over the same time: a look that some counter has not been read again for is no news
    /// of the others either.
    fn is_repeated(&self, looks: &Looks<'_>) -> bool {
        let both = looks.read_at.iter().filter_map(|(who, now)| Some((now, self.read_at.get(who)?)));
        both.into_iter().any(|(now, then)| now <= then)
    }

    /// A log is read once for each crash, not at each look. What is known stays when its pod is gone.
    async fn said(&mut self, cluster: &Cluster, slot: &SlotRef, pods: &[&Pod]) -> Option<String> {
        let known = self.crashes.get(slot);
        match pods::last_crash(pods) {
            Some(crash) if known.is_none_or(|it| it.0 != crash) => {
                let said = crash.told(cluster).await;
                self.crashes.insert(slot.clone(), (crash, said.clone()));
                Some(said)
            }
            _ => known.map(|it| it.1.clone()),
        }
    }
}

/// Who counts the requests of these services, with what Prometheus is asked. Nothing is counted.
pub(super) async fn sources(
    cluster: &Cluster,
    services: &[ServiceName],
) -> Result<BTreeMap<ServiceName, super::CountedBy>, TargetError> {
    let slots = observe::slots(cluster, None).await?;
    let pods = pods::list(cluster, services).await?;
    let servers = prometheus::servers(cluster).await;
    let found = services.iter().map(async |service| {
        let mut seen = Seen::new(&cluster.namespace, service, &slots, &pods);
        if !seen.takes_requests() || seen.has_no_pods() {
            return Ok(None);
        }
        let found = source::find(cluster, &servers, &mut seen).await?;
        let by = found.source.as_ref().map(ToString::to_string);
        let queries = found.source.as_ref().and_then(|it| it.queries(&seen));
        let queries = queries.map(|it| vec![it.times, it.counts]).unwrap_or_default();
        Ok(Some((service.clone(), super::CountedBy { by, queries, notes: found.notes })))
    });
    let found: Result<Vec<_>, TargetError> = join_all(found).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

/// By the first server that knows anything of it.
pub(super) async fn measure(cluster: &Cluster, query: &str) -> Result<Vec<f64>, TargetError> {
    let transient = |text: String| TargetError::new(Class::Transient, text);
    let servers = cluster.counted.0.lock().await.servers(cluster).await;
    let mut failed = Vec::new();
    for server in &servers {
        match server.query(cluster, query, None).await {
            Ok(vector) if vector.samples.is_empty() => {}
            Ok(vector) => return Ok(vector.samples.iter().map(|it| it.value).collect()),
            Err(why) => failed.push(format!("{server} does not answer: {why}")),
        }
    }
    match (servers.is_empty(), failed.is_empty()) {
        (true, _) => {
            let why = prometheus::unusable(cluster, &servers);
            Err(transient(why.unwrap_or_else(|| "no Prometheus is found in the cluster".to_owned())))
        }
        (false, true) => Ok(Vec::new()),
        (false, false) => Err(transient(failed.join("; "))),
    }
}

/// Slots whose counts are not known.
pub(crate) type Unread = BTreeSet<SlotRef>;
