//! Waits until what was written is followed: by the lists of pods behind a Service, and by who keeps a route.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::runtime::reflector::store;
use kube::runtime::{WatchStreamExt as _, watcher};

use super::super::{Cluster, names, observe, why};
use super::route;
use super::selector::Labels;
use crate::{Class, TargetError};

/// Controllers answer within a second; one that is being started again needs a while.
const WITHIN: Duration = Duration::from_mins(1);
/// From the making of a route to the first word of its controller.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// The Service's endpoints are the ready pods that these labels select, all of them and no others.
pub(super) async fn endpoints(cluster: &Cluster, service: &str, labels: &Labels) -> Result<(), TargetError> {
    let of_pods = watcher::Config::default().labels(&names::selector(labels));
    let of_slices = watcher::Config::default().labels(&format!("kubernetes.io/service-name={service}"));
    let (pods, mut pods_writer) = store::<Pod>();
    let (slices, mut slices_writer) = store::<EndpointSlice>();
    let pod_events = watcher(cluster.api::<Pod>(), of_pods).default_backoff();
    let slice_events = watcher(cluster.api::<EndpointSlice>(), of_slices).default_backoff();
    let mut events = std::pin::pin!(stream::select(
        pod_events.map_ok(|it| Event::Pods(Box::new(it))),
        slice_events.map_ok(|it| Event::Slices(Box::new(it)))
    ));
    let mut listed = (false, false);
    let (mut ready, mut served) = (BTreeSet::new(), BTreeSet::new());
    let waits = async {
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Pods(event)) => {
                    listed.0 |= matches!(*event, watcher::Event::InitDone);
                    pods_writer.apply_watcher_event(&event);
                }
                Ok(Event::Slices(event)) => {
                    listed.1 |= matches!(*event, watcher::Event::InitDone);
                    slices_writer.apply_watcher_event(&event);
                }
                Err(error) => tracing::debug!(%error, "watching again"),
            }
            if listed == (true, true) {
                ready = pods.state().iter().filter(|it| is_ready(it)).map(|it| it.name_any()).collect();
                served = slices.state().iter().flat_map(|it| targets(it)).collect();
                if !ready.is_empty() && ready == served {
                    return;
                }
            }
        }
    };
    if tokio::time::timeout(WITHIN, waits).await.is_ok() {
        return Ok(());
    }
    let text = format!(
        "the endpoints of Service {service} are not the ready pods of its slot after {} seconds: it serves {}, ready are {}",
        WITHIN.as_secs(),
        list(&served),
        list(&ready)
    );
    let hint = format!("kubectl get endpointslices -l kubernetes.io/service-name={service} -o yaml");
    Err(TargetError::new(Class::Transient, text).hint(hint))
}

enum Event {
    Pods(Box<watcher::Event<Pod>>),
    Slices(Box<watcher::Event<EndpointSlice>>),
}

/// Ready, and not about to go.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    observe::is_living(pod) && why::is_ready(pod)
}

fn targets(slice: &EndpointSlice) -> impl Iterator<Item = String> {
    let ready = slice.endpoints.iter().filter(|it| {
        // Nothing said means ready.
        it.conditions.as_ref().is_none_or(|it| it.ready != Some(false))
    });
    ready.filter_map(|it| it.target_ref.as_ref()?.name.clone())
}

/// Some controller has said something of these routes, or none did within the time that one needs to.
pub(super) async fn first_seen(
    cluster: &Cluster,
    routes: impl Iterator<Item = &DynamicObject>,
) -> Result<(), TargetError> {
    for route in routes {
        let mut events = std::pin::pin!(watch(cluster, route)?);
        let seen = async {
            while let Some(event) = events.next().await {
                if event.is_ok_and(|it| !route::is_unseen(&it.data)) {
                    return;
                }
            }
        };
        // A route that nobody follows splits nothing; that is said where it matters.
        drop(tokio::time::timeout(SEEN_WITHIN, seen).await);
    }
    Ok(())
}

/// One object, now and whenever it changes.
fn watch(
    cluster: &Cluster,
    route: &DynamicObject,
) -> Result<impl Stream<Item = Result<DynamicObject, watcher::Error>> + Send + use<>, TargetError> {
    let types = route.types.clone().unwrap_or_default();
    let api = cluster.dynamic(&types.api_version, &types.kind)?;
    let one = watcher::Config::default().fields(&format!("metadata.name={}", route.name_any()));
    Ok(watcher(api, one).default_backoff().applied_objects())
}

/// Whoever keeps the route has seen its newest form.
pub(super) async fn route(cluster: &Cluster, route: &DynamicObject) -> Result<(), TargetError> {
    let types = route.types.clone().unwrap_or_default();
    let name = route.name_any();
    let generation = route.metadata.generation;
    let mut events = std::pin::pin!(watch(cluster, route)?);
    let mut said = "it says nothing".to_owned();
    let waits = async {
        while let Some(event) = events.next().await {
            let Ok(seen) = event else { continue };
            let (accepted, refused) = route::parents(&seen.data, seen.metadata.generation.max(generation));
            if !accepted.is_empty() && accepted.iter().all(|it| it.is_current) {
                return;
            }
            said = if refused.is_empty() {
                "it has seen an older one only".to_owned()
            } else {
                refused.join("; ")
            };
        }
    };
    if tokio::time::timeout(WITHIN, waits).await.is_ok() {
        return Ok(());
    }
    let text = format!(
        "{} {name} was written, but whoever keeps it does not follow after {} seconds: {said}",
        types.kind,
        WITHIN.as_secs()
    );
    let hint = format!("kubectl describe {} {name}", types.kind.to_lowercase());
    Err(TargetError::new(Class::Transient, text).hint(hint))
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}
