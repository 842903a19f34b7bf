//! One request to a running version: through the API server to a pod, so that it works from wherever the API
//! server is reached, and so that headers of ours arrive.

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::ListParams;
use lockgate_model::{Secret, SlotRef, SmokeSpec, SmokeVia, with_causes};

use super::refusal::told;
use super::{Cluster, names, observe, why};
use crate::{Class, TargetError, exchange, expect};

pub(super) async fn check(cluster: &Cluster, check: &SmokeSpec) -> Result<(), TargetError> {
    let within = check.timeout;
    tokio::time::timeout(within.to_std(), ask(cluster, check)).await.unwrap_or_else(|_| {
        let text = format!("GET {} of {} had no answer within {within}", check.path, check.service);
        Err(TargetError::new(Class::Transient, text))
    })
}

async fn ask(cluster: &Cluster, check: &SmokeSpec) -> Result<(), TargetError> {
    let place = match &check.via {
        SmokeVia::Slot(slot) => of_slot(cluster, slot, check.port).await?,
        SmokeVia::Route => of_route(cluster, check).await?,
    };
    let what = format!("GET http://{}:{}{} of {}", place.pod, place.port, check.path, check.service);
    let lost = |why: String| TargetError::new(Class::Transient, format!("{what} failed: {why}"));
    let bearer = bearer(cluster, check)?;
    let forwarded = cluster.api::<Pod>().portforward(&place.pod, &[place.port]).await;
    let mut forwarded =
        forwarded.map_err(|it| told(&it, &format!("reach port {} of pod {}", place.port, place.pod)))?;
    let stream =
        forwarded.take_stream(place.port).ok_or_else(|| lost("the port is not forwarded".to_owned()))?;
    let headers = expect::headers(check, bearer.as_ref());
    let host = format!("{}:{}", check.service, check.port);
    let answer = exchange::get(stream, &host, &check.path, &headers).await;
    forwarded.abort();
    let (status, body) = answer.map_err(|it| lost(with_causes(&*it)))?;
    expect::judge(check, &what, status, &body)
}

struct Place {
    pod: String,
    port: u16,
}

/// A ready pod of the slot, whatever weight the slot has.
async fn of_slot(cluster: &Cluster, slot: &SlotRef, port: u16) -> Result<Place, TargetError> {
    let slots = observe::slots(cluster, Some(&slot.service)).await?;
    let Some(found) = slots.iter().find(|it| it.slot == *slot) else {
        return Err(TargetError::new(Class::Fatal, format!("{slot} is not there to be asked")));
    };
    let of_slot = ListParams::default().labels(&names::selector(&found.selector()));
    let listed = cluster.api::<Pod>().list(&of_slot).await;
    let pods = listed.map_err(|it| told(&it, &format!("list the pods of {slot}")))?.items;
    let ready = pods.iter().find(|it| why::is_ready(it) && it.metadata.deletion_timestamp.is_none());
    let pod =
        ready.ok_or_else(|| TargetError::new(Class::Transient, format!("{slot} has no ready pod to ask")))?;
    Ok(Place { pod: pod.name_any(), port })
}

/// A pod that the service's users are led to.
async fn of_route(cluster: &Cluster, check: &SmokeSpec) -> Result<Place, TargetError> {
    let name = check.service.as_str();
    let service = cluster.api::<Service>().get(name).await;
    let service = service.map_err(|it| told(&it, &format!("read Service {name}")))?;
    let ports = service.spec.and_then(|it| it.ports).unwrap_or_default();
    let Some(port) = ports.iter().find(|it| it.port == i32::from(check.port)) else {
        let text = format!("Service {name} has no port {}", check.port);
        return Err(TargetError::new(Class::Fatal, text));
    };
    let selector = format!("kubernetes.io/service-name={name}");
    let slices = cluster.api::<EndpointSlice>().list(&ListParams::default().labels(&selector)).await;
    let slices = slices.map_err(|it| told(&it, &format!("list the endpoints of Service {name}")))?.items;
    let place = slices.iter().find_map(|slice| {
        let named =
            slice.ports.iter().flatten().find(|it| {
                it.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
            });
        let ready =
            slice.endpoints.iter().find(|it| it.conditions.as_ref().is_none_or(|it| it.ready != Some(false)));
        let pod = ready?.target_ref.as_ref()?.name.clone()?;
        Some(Place { pod, port: u16::try_from(named?.port?).ok()? })
    });
    place.ok_or_else(|| TargetError::new(Class::Transient, format!("Service {name} leads to no ready pod")))
}

fn bearer(cluster: &Cluster, check: &SmokeSpec) -> Result<Option<Secret<String>>, TargetError> {
    let Some(secret) = &check.bearer else { return Ok(None) };
    let fatal = |why: String| TargetError::new(Class::Fatal, format!("the token {}: {why}", secret.name));
    let vault =
        cluster.vault.as_ref().ok_or_else(|| fatal("this program has no values of secrets".to_owned()))?;
    vault.reveal(secret).map(Some).map_err(|it| fatal(with_causes(&it)))
}
