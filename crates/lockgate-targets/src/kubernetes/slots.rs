//! Slots: the Deployment of each, written under its fence, awaited until its pods are ready, drained and removed.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, Preconditions};
use lockgate_model::{Fence, Health, Millis, ServiceName, SlotRef, SlotSpec, Weight};

use super::apply::{Take, apply, apply_as_read};
use super::fence::refuse_older;
use super::observe::{self, SlotDeployment};
use super::refusal::{is_missing, told};
use super::watched::Watched;
use super::why::{self, Verdict, Why};
use super::{Cluster, names, prune, scaling, secrets, traffic, workload};
use crate::{Class, TargetError};

/// Times that a Deployment may change between our reading and writing; its controller writes its status.
const WRITES_MAX: u16 = 20;
/// Objects of one slot that are written at a time.
const AT_ONCE: usize = 4;
/// For nodes to be found and images to be pulled, on top of what a version is given to become ready. As long as
/// Kubernetes itself gives a Deployment.
const STARTS_WITHIN: Millis = Millis::mins(10);
/// Between two looks at why pods are not ready: each reads events. What changes is known from the watches.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// On top of the time that its pods are given to stop: a node that is away keeps them for a while.
const GONE_WITHIN: Millis = Millis::mins(2);

pub(super) async fn ensure(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    instances: u16,
) -> Result<(), TargetError> {
    let wanted = write(cluster, fence, spec, instances).await?;
    settled(cluster, spec, &wanted).await
}

/// The Deployment as it was written.
async fn write(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    instances: u16,
) -> Result<Deployment, TargetError> {
    let mut beside_done = false;
    for _ in 0..WRITES_MAX {
        let found = find(cluster, &spec.slot).await?;
        check(found.as_ref(), fence, spec)?;
        let instances = scaling::instances(cluster, found.as_ref(), instances).await?;
        tell_foreign(found.as_ref());
        let mut objects = workload::objects(cluster, fence, spec, instances, found.as_ref())?;
        let deployment = objects.pop().expect("the Deployment is the last of a slot's objects");
        if !beside_done {
            write_beside(cluster, &objects).await?;
            beside_done = true;
        }
        if let Some(written) = apply_as_read(cluster, &deployment).await? {
            return Ok(written);
        }
    }
    let text = format!("the Deployment of {} is changed by somebody else all the time", spec.slot);
    let hint = format!("kubectl -n {} get deployments --show-managed-fields -o yaml", cluster.namespace);
    Err(TargetError::new(Class::Transient, text).hint(hint))
}

/// What the pods read when they start is there before them.
async fn write_beside(cluster: &Cluster, objects: &[serde_json::Value]) -> Result<(), TargetError> {
    let writes: Vec<_> = objects.iter().map(|it| write_one(cluster, it)).collect();
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

async fn write_one(cluster: &Cluster, object: &serde_json::Value) -> Result<(), TargetError> {
    let object = secrets::filled(cluster, object)?;
    apply(cluster, &object, Take::Over).await.map(drop)
}

pub(super) async fn find(cluster: &Cluster, slot: &SlotRef) -> Result<Option<SlotDeployment>, TargetError> {
    let mut slots = observe::slots(cluster, Some(&slot.service)).await?;
    let idx = slots.iter().position(|it| it.slot == *slot);
    Ok(idx.map(|it| slots.swap_remove(it)))
}

/// Refuses what must not be written over.
fn check(found: Option<&SlotDeployment>, fence: &Fence, spec: &SlotSpec) -> Result<(), TargetError> {
    let Some(found) = found else { return Ok(()) };
    refuse_older(found.annotation(names::FENCE), fence, &spec.slot.to_string())?;
    let digest = spec.workload_digest().to_string();
    if found.annotation(names::WORKLOAD).is_some_and(|it| it != digest) {
        let text = format!("{} exists with another content; a changed version is a new release", spec.slot);
        return Err(TargetError::new(Class::Fatal, text));
    }
    Ok(())
}

/// What somebody else wrote of what is Lockgate's is set right, and told.
fn tell_foreign(found: Option<&SlotDeployment>) {
    let Some(found) = found else { return };
    let others = found.others();
    if !others.is_empty() {
        tracing::warn!(slot = %found.slot, others = others.join(", "), "others wrote its Deployment; it is set right");
    }
}

/// Waits until the pods are ready and no others are there, or until it is clear that this will not be.
async fn settled(cluster: &Cluster, spec: &SlotSpec, deployment: &Deployment) -> Result<(), TargetError> {
    let name = deployment.name_any();
    let selector = observe::selector_of(deployment);
    let ready_within = match spec.health {
        Health::Http { ready_within, .. } => ready_within,
        Health::Uptime { ready_after } => Millis(ready_after.0 * 2),
    };
    let mut deployments = Watched::named(cluster.api::<Deployment>(), &format!("Deployment {name}"), &name);
    let mut pods = Watched::labelled(cluster.api::<Pod>(), &format!("pods of {}", spec.slot), &selector);
    let mut why = Why::new(cluster.client.clone(), &cluster.namespace, ready_within);
    let mut waits_for = "pods are being made".to_owned();
    let until = tokio::time::Instant::now() + STARTS_WITHIN.to_std() + ready_within.to_std();
    let mut look = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = deployments.changed() => changed?,
            changed = pods.changed() => changed?,
            _ = look.tick() => {
                let all = pods.objects.values().cloned().collect();
                let judged = why.judge(all, deployments.objects.get(&name).cloned()).await;
                match judged.map_err(|it| told(&it, &format!("read the events of {}", spec.slot)))? {
                    Verdict::Hopeless(error) => return Err(of_slot(spec, &pods.objects, error)),
                    Verdict::Waiting { what } => waits_for = what,
                }
            }
            () = tokio::time::sleep_until(until) => {
                let text = format!("not ready after {}; {waits_for}", Millis(STARTS_WITHIN.0 + ready_within.0));
                return Err(of_slot(spec, &pods.objects, TargetError::new(Class::Transient, text)));
            }
        }
        if let Some(deployment) = deployments.objects.get(&name)
            && is_settled(deployment, &pods.objects)
        {
            return Ok(());
        }
    }
}

/// The controller has seen what was written, and the pods are as many as it says and ready, for as long as the spec
/// wants before it trusts them.
fn is_settled(deployment: &Deployment, pods: &BTreeMap<String, Pod>) -> bool {
    let wanted = usize::from(observe::wanted(deployment));
    let status = deployment.status.as_ref();
    let seen = status.and_then(|it| it.observed_generation) >= deployment.metadata.generation;
    let counted = |it: Option<i32>| usize::try_from(it.unwrap_or_default()).unwrap_or_default();
    let as_wanted = status.is_some_and(|it| {
        [it.replicas, it.updated_replicas, it.available_replicas].into_iter().all(|it| counted(it) == wanted)
    });
    let living: Vec<&Pod> = pods.values().filter(|it| observe::is_living(it)).collect();
    // Without any pods the controller says nothing of them.
    let as_wanted = as_wanted || (wanted == 0 && status.is_some());
    seen && as_wanted && living.len() == wanted && living.iter().all(|it| why::is_ready(it))
}

fn of_slot(spec: &SlotSpec, pods: &BTreeMap<String, Pod>, error: TargetError) -> TargetError {
    let living: Vec<&Pod> = pods.values().filter(|it| observe::is_living(it)).collect();
    let ready = living.iter().filter(|it| why::is_ready(it)).count();
    let message =
        format!("{}: {ready} of {} instances are ready: {}", spec.slot, living.len(), error.message);
    TargetError { message, ..error }
}

/// Waits until what sends requests to the service knows the slot no more. What its pods have under way they end
/// when they are stopped: that is what their time to drain is for.
pub(super) async fn drain(cluster: &Cluster, slot: &SlotRef, within: Millis) -> Result<(), TargetError> {
    let Some(found) = find(cluster, slot).await? else { return Ok(()) };
    let weight = weight(cluster, slot).await?;
    if weight != Weight::NONE {
        let text = format!("{slot} has {weight} of the traffic; it drains when it has none");
        return Err(TargetError::new(Class::Fatal, text));
    }
    let of_slot = ListParams::default().labels(&observe::selector_of(&found.deployment));
    let pods = cluster.api::<Pod>().list(&of_slot).await;
    let pods = pods.map_err(|it| told(&it, &format!("list the pods of {slot}")))?;
    let names: Vec<String> = pods.items.iter().map(kube::ResourceExt::name_any).collect();
    let service = slot.service.as_str();
    let what = format!("endpoints of Service {service}");
    let selector = format!("kubernetes.io/service-name={service}");
    let mut slices = Watched::labelled(cluster.api::<EndpointSlice>(), &what, &selector);
    let left = slices.until(|slices| !slices.values().any(|it| leads_to(it, &names)));
    tokio::time::timeout(within.to_std(), left).await.unwrap_or_else(|_| {
        let text = format!("{slot}: Service {service} leads to its pods still after {within}");
        let hint = format!("kubectl -n {} get endpointslices -l {selector}", cluster.namespace);
        Err(TargetError::new(Class::Transient, text).hint(hint))
    })
}

fn leads_to(slice: &EndpointSlice, pods: &[String]) -> bool {
    let targets = slice.endpoints.iter().filter_map(|it| it.target_ref.as_ref()?.name.as_ref());
    targets.into_iter().any(|it| pods.contains(it))
}

async fn weight(cluster: &Cluster, slot: &SlotRef) -> Result<Weight, TargetError> {
    let services: [ServiceName; 1] = [slot.service.clone()];
    let splits = traffic::splits(cluster, &services).await?;
    let weights = splits.get(&slot.service).and_then(|it| it.weights.as_ref());
    Ok(weights.map(|it| it.of(slot.release)).unwrap_or_default())
}

pub(super) async fn remove(cluster: &Cluster, fence: &Fence, slot: &SlotRef) -> Result<(), TargetError> {
    let slots = observe::slots(cluster, Some(&slot.service)).await?;
    let Some(found) = slots.iter().find(|it| it.slot == *slot) else { return Ok(()) };
    refuse_older(found.annotation(names::FENCE), fence, &slot.to_string())?;
    if 1 < slots.len() {
        let weight = weight(cluster, slot).await?;
        if weight != Weight::NONE {
            let text =
                format!("{slot} has {weight} of the traffic; give it to another slot before it is removed");
            return Err(TargetError::new(Class::Fatal, text));
        }
    }
    delete(cluster, found).await?;
    prune::unused(cluster, found).await
}

/// The Deployment goes when its pods are gone.
async fn delete(cluster: &Cluster, found: &SlotDeployment) -> Result<(), TargetError> {
    let name = found.deployment.name_any();
    let preconditions = Preconditions { uid: found.deployment.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::foreground() };
    match cluster.api::<Deployment>().delete(&name, &params).await {
        Err(error) if !is_missing(&error) => {
            return Err(told(
                &error,
                &format!("delete Deployment {name} in namespace {}", cluster.namespace),
            ));
        }
        Ok(_) | Err(_) => (),
    }
    let spec = found.deployment.spec.as_ref().and_then(|it| it.template.spec.as_ref());
    let grace = spec.and_then(|it| it.termination_grace_period_seconds).unwrap_or(30);
    let within = Millis(GONE_WITHIN.0 + u64::try_from(grace).unwrap_or_default() * 1_000);
    let mut watched = Watched::named(cluster.api::<Deployment>(), &format!("Deployment {name}"), &name);
    let mut pods = Watched::labelled(
        cluster.api::<Pod>(),
        &format!("pods of {}", found.slot),
        &observe::selector_of(&found.deployment),
    );
    let gone = async {
        watched.until(BTreeMap::is_empty).await?;
        pods.until(BTreeMap::is_empty).await
    };
    tokio::time::timeout(within.to_std(), gone).await.unwrap_or_else(|_| {
        let text = format!("{} is deleted, and its pods are there still after {}", found.slot, within);
        let hint = format!(
            "kubectl -n {} get pods -l {}: a node that is away keeps its pods",
            cluster.namespace,
            names::pods(&found.slot)
        );
        Err(TargetError::new(Class::Transient, text).hint(hint))
    })
}
