//! Counts and condition of the slots, by which a release is judged.
//!
//! Each pod is asked for its own counts, so that one that misbehaves is known from those that do not.
//! `docs/reference/kubernetes-traffic.md` says what is read.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use lockgate_model::{Samples, ServiceName, SlotRef, SlotSpec};
use tokio::sync::Mutex;

use super::Cluster;
use super::observe::{self, SlotDeployment};
use super::traffic::is_ready;
use crate::{Class, TargetError};

mod exposition;
mod families;
mod ledger;
mod pods;
mod scrape;

use ledger::{Ledger, Look, PodLook};
use pods::Crash;
use scrape::Page;

/// Pages under way at a time.
const AT_ONCE: usize = 16;
/// Counters of pods go on whoever reads them.
const EPOCH: &str = "pods";

/// What was counted so far, and what was said of crashes.
#[derive(Default)]
pub(super) struct Counted(Mutex<BTreeMap<ServiceName, OfService>>);

#[derive(Default)]
struct OfService {
    ledger: Ledger,
    /// Crashes of a slot when its log was read, and what that said.
    crashes: BTreeMap<SlotRef, (Crash, String)>,
}

/// What was seen of one service.
struct Looks<'a> {
    slots: Vec<(&'a SlotDeployment, Vec<&'a Pod>)>,
    of_slots: BTreeMap<SlotRef, Look>,
    planned: Vec<u32>,
    notes: Vec<String>,
}

pub(super) async fn take(cluster: &Cluster, services: &[ServiceName]) -> Result<Samples, TargetError> {
    let mut samples = Samples { counter_epoch: EPOCH.to_owned(), ..Samples::default() };
    if services.is_empty() {
        return Ok(samples);
    }
    let one = if let [one] = services { Some(one) } else { None };
    let slots = observe::slots(cluster, one).await?;
    let pods = pods::list(cluster, services).await?;
    let mut pages = pages(cluster, &slots, &pods).await;
    let mut counted = cluster.counted.0.lock().await;
    for service in services {
        let of_service: Vec<_> = slots.iter().filter(|it| it.slot.service == *service).collect();
        let looks = look(&of_service, &pods, &mut pages)?;
        let known = counted.entry(service.clone()).or_default();
        known.ledger.add(&looks.of_slots);
        known.add_to(cluster, &looks, &mut samples).await;
        samples.notes.extend(looks.notes);
    }
    Ok(samples)
}

/// The page of each pod that runs and says where its metrics are, by its uid.
async fn pages(cluster: &Cluster, slots: &[SlotDeployment], pods: &[Pod]) -> BTreeMap<String, Page> {
    let mut reads = Vec::new();
    for slot in slots {
        let Some(at) = slot.spec().and_then(|it| it.metrics) else { continue };
        for pod in of_slot(slot, pods).filter(|it| pods::is_running(it)) {
            let Some(uid) = pod.uid() else { continue };
            let at = at.clone();
            reads.push(async move { (uid, scrape::scrape(cluster, pod, &at).await) });
        }
    }
    stream::iter(reads).buffer_unordered(AT_ONCE).collect().await
}

fn of_slot<'p>(slot: &SlotDeployment, pods: &'p [Pod]) -> impl Iterator<Item = &'p Pod> + use<'p> {
    let labels = slot.selector();
    pods.iter().filter(move |pod| {
        !labels.is_empty() && labels.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
    })
}

/// Missing counts are never taken for none: a slot with ready pods of which no page can be read has no samples.
fn look<'a>(
    slots: &[&'a SlotDeployment],
    pods: &'a [Pod],
    pages: &mut BTreeMap<String, Page>,
) -> Result<Looks<'a>, TargetError> {
    let mut seen =
        Looks { slots: Vec::new(), of_slots: BTreeMap::new(), planned: Vec::new(), notes: Vec::new() };
    let mut without_requests = Vec::new();
    let mut are_requests_seen = false;
    for slot in slots {
        let spec = slot.spec();
        let pods: Vec<&Pod> = of_slot(slot, pods).collect();
        let (mut look, mut failed, mut ready_read) = (Look::default(), Vec::new(), 0);
        for pod in &pods {
            let uid = pod.uid().unwrap_or_default();
            let reading = match pages.remove(&uid) {
                Some(Page::Read(reading)) => {
                    are_requests_seen = true;
                    Some(reading)
                }
                Some(Page::WithoutRequests) => {
                    without_requests.push(pod.name_any());
                    Some(families::Reading::default())
                }
                Some(Page::Failed(why)) => {
                    failed.extend(is_ready(pod).then(|| format!("pod {}: {why}", pod.name_any())));
                    None
                }
                None => None,
            };
            ready_read += usize::from(reading.is_some() && is_ready(pod));
            look.pods.push(PodLook { name: pod.name_any(), uid, crashes: pods::crashes(pod), reading });
        }
        if !failed.is_empty() && ready_read == 0 {
            let text = format!("the metrics of {} cannot be read: {}", slot.slot, failed.join("; "));
            return Err(TargetError::new(Class::Transient, text));
        }
        seen.notes.extend(failed.into_iter().map(|it| format!("{} is not counted: {it}", slot.slot)));
        if let Some(spec) = &spec {
            seen.planned.clone_from(&spec.latency_bounds_ms);
            seen.notes.extend(uncounted(spec));
        }
        seen.of_slots.insert(slot.slot.clone(), look);
        seen.slots.push((slot, pods));
    }
    if let (false, Some(pod)) = (are_requests_seen, without_requests.first()) {
        seen.notes.push(format!(
            "no request of {} is counted: the metrics of pod {pod} have neither {} nor {}",
            slots[0].slot.service,
            lockgate_model::metrics::REQUESTS,
            lockgate_model::metrics::CALLS
        ));
    }
    Ok(seen)
}

/// Why no request of a service that takes some is counted.
fn uncounted(spec: &SlotSpec) -> Option<String> {
    let is_uncounted = spec.metrics.is_none() && !spec.ports.is_empty();
    is_uncounted.then(|| {
        format!(
            "the requests of {} are not counted: `metrics` does not say where it shows them; only readiness and crashes are judged",
            spec.slot
        )
    })
}

impl OfService {
    async fn add_to(&mut self, cluster: &Cluster, looks: &Looks<'_>, samples: &mut Samples) {
        for (slot, pods) in &looks.slots {
            let mut counts = self.ledger.counts(&slot.slot, &looks.planned);
            counts.wanted = slot.replicas();
            let ready = pods.iter().filter(|it| is_ready(it)).count();
            counts.ready = u16::try_from(ready).unwrap_or(u16::MAX);
            counts.last_crash = self.said(cluster, &slot.slot, pods).await;
            samples.slots.insert(slot.slot.clone(), counts);
        }
        self.crashes.retain(|it, _| looks.of_slots.contains_key(it));
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
