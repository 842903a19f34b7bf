//! What stands beside the slots: applied in order, and awaited until it is ready.
//!
//! What says which version serves is not theirs: selectors of Services, weights of routes and what an autoscaler
//! scales stay as they are.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lockgate_model::{Fence, Fixtures, Millis, Objects};
use serde_json::{Value, json};

use super::apply::{Identity, Take, apply};
use super::refusal::{is_missing, told};
use super::traffic::texts;
use super::why::{Verdict, Why};
use super::{Cluster, names, secrets, stateful, workload};
use crate::{Class, TargetError};

/// Objects that are written at a time.
const AT_ONCE: usize = 8;
/// For what is stateful: a disk may have to be made and an image of a database to be pulled.
const READY_WITHIN: Duration = Duration::from_mins(10);
/// Stateful pods and foreign stores change in seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn prepare(
    cluster: &Cluster,
    fence: &Fence,
    fixtures: &Fixtures,
) -> Result<(), TargetError> {
    let objects = match fixtures {
        Fixtures::None => return Ok(()),
        Fixtures::Docker(_) => {
            let text = format!("the release of {} is made for Docker, not for Kubernetes", fence.scope);
            return Err(TargetError::new(Class::Fatal, text));
        }
        Fixtures::Objects(objects) => objects,
    };
    for turn in Turn::ALL {
        let writes: Vec<_> = of_turn(objects, turn).map(|it| write(cluster, fence, it)).collect();
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let waits: Vec<_> = of_turn(objects, turn).map(|it| ready(cluster, it)).collect();
        stream::iter(waits).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    Ok(())
}

fn of_turn(objects: &Objects, turn: Turn) -> impl Iterator<Item = &Value> {
    objects.0.iter().filter(move |it| Turn::of(it) == turn)
}

/// What comes first is needed by what comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Namespace,
    Read,
    Reached,
    Runs,
}

impl Turn {
    const ALL: [Turn; 4] = [Turn::Namespace, Turn::Read, Turn::Reached, Turn::Runs];

    fn of(object: &Value) -> Turn {
        match object["kind"].as_str().unwrap_or_default() {
            "Namespace" => Turn::Namespace,
            "ConfigMap" | "Secret" | "ServiceAccount" | "Role" | "RoleBinding" | "SecretStore"
            | "ExternalSecret" => Turn::Read,
            "Service" | "PersistentVolumeClaim" | "NetworkPolicy" | "PodDisruptionBudget" => Turn::Reached,
            _ => Turn::Runs,
        }
    }
}

async fn write(cluster: &Cluster, fence: &Fence, object: &Value) -> Result<(), TargetError> {
    let object = wanted(cluster, fence, object).await?;
    match apply(cluster, &object, Take::FromInstallers).await {
        // It is there, since the fences are in it. Labels of a namespace may be somebody else's matter.
        Err(error) if object["kind"] == "Namespace" && error.class == Class::Fatal => {
            tracing::warn!(%error, "the namespace stays as it is");
            Ok(())
        }
        other => other.map(drop),
    }
}

/// An object as it is to be applied, with what a release has said of it meanwhile.
pub(super) async fn wanted(cluster: &Cluster, fence: &Fence, object: &Value) -> Result<Value, TargetError> {
    let mut object = secrets::filled(cluster, object)?;
    workload::own(&mut object, cluster, fence);
    if keeps_state(&object)
        && let Some(now) = read(cluster, &object).await?
    {
        keep_state(&mut object, &now);
    }
    Ok(object)
}

fn keeps_state(object: &Value) -> bool {
    matches!(
        object["kind"].as_str(),
        Some("Service" | "HTTPRoute" | "GRPCRoute" | "HorizontalPodAutoscaler" | "Ingress")
    )
}

async fn read(cluster: &Cluster, object: &Value) -> Result<Option<Value>, TargetError> {
    let of = Identity::of(object)?;
    match cluster.dynamic(of.api_version, of.kind)?.get(of.name).await {
        Ok(found) => Ok(serde_json::to_value(found).ok()),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => {
            Err(told(&error, &format!("read {} {} in namespace {}", of.kind, of.name, cluster.namespace)))
        }
    }
}

/// Puts what a release has said of an object into what is applied.
fn keep_state(object: &mut Value, now: &Value) {
    match object["kind"].as_str() {
        // Of a service that is released; others select what they always do.
        Some("Service")
            if object["spec"]["selector"].get(names::TRACK).is_some()
                && now["spec"]["selector"].is_object() =>
        {
            object["spec"]["selector"] = now["spec"]["selector"].clone();
        }
        Some("HTTPRoute" | "GRPCRoute") => keep_weights(object, now),
        Some("HorizontalPodAutoscaler") if now["spec"]["scaleTargetRef"].is_object() => {
            object["spec"]["scaleTargetRef"] = now["spec"]["scaleTargetRef"].clone();
        }
        Some("Ingress") => {
            let weight = "nginx.ingress.kubernetes.io/canary-weight";
            let asked = object.pointer("/metadata/annotations").and_then(|it| it.get(weight)).is_some();
            if let Some(now) = now["metadata"]["annotations"].get(weight).filter(|_| asked) {
                object["metadata"]["annotations"][weight] = now.clone();
            }
        }
        _ => (),
    }
}

/// By rule and name: a rule that is new begins as it is rendered.
fn keep_weights(object: &mut Value, now: &Value) {
    let rules = object["spec"]["rules"].as_array_mut();
    for (idx, rule) in rules.into_iter().flatten().enumerate() {
        let now = now["spec"]["rules"][idx]["backendRefs"].as_array();
        for backend in rule["backendRefs"].as_array_mut().into_iter().flatten() {
            let same = now.into_iter().flatten().find(|it| it["name"] == backend["name"]);
            if let Some(weight) = same.and_then(|it| it.get("weight")) {
                backend["weight"] = weight.clone();
            }
        }
    }
}

/// Waits until an object does what it is there for; most do as soon as they are written.
async fn ready(cluster: &Cluster, object: &Value) -> Result<(), TargetError> {
    let of = Identity::of(object)?;
    let is_ready = match of.kind {
        "StatefulSet" | "Deployment" => pods_are_ready,
        "ExternalSecret" => is_synced,
        _ => return Ok(()),
    };
    let selector = names::selector(&texts(&object["spec"]["selector"]["matchLabels"]));
    let mut why = Why::new(cluster.client.clone(), &cluster.namespace, Millis::mins(5));
    let until = tokio::time::Instant::now() + READY_WITHIN;
    let mut waits_for = "it was made just now".to_owned();
    loop {
        let Some(now) = read(cluster, object).await? else {
            let text = format!("{} {} was deleted while it was waited for", of.kind, of.name);
            return Err(TargetError::new(Class::Transient, text));
        };
        if is_ready(&now) {
            return Ok(());
        }
        if of.kind == "StatefulSet" && stateful::replace_broken(cluster, &now, &selector).await? {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        let text = |why: &str| format!("{} {} is not ready: {why}", of.kind, of.name);
        if selector.is_empty() {
            waits_for = condition(&now).unwrap_or(waits_for);
        } else {
            let judged = why.ask(&selector, None).await;
            match judged.map_err(|it| told(&it, &format!("read the pods of {} {}", of.kind, of.name)))? {
                Verdict::Hopeless(error) => {
                    return Err(TargetError { message: text(&error.message), ..error });
                }
                Verdict::Waiting { what } => waits_for = what,
            }
        }
        if until < tokio::time::Instant::now() {
            let hint = format!("kubectl -n {} describe {} {}", cluster.namespace, of.kind, of.name);
            return Err(TargetError::new(Class::Transient, text(&waits_for)).hint(hint));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn pods_are_ready(now: &Value) -> bool {
    let wanted = now["spec"]["replicas"].as_u64().unwrap_or(1);
    let seen = now["status"]["observedGeneration"].as_u64() >= now["metadata"]["generation"].as_u64();
    let count = |name: &str| now["status"][name].as_u64().unwrap_or_default();
    seen && count("readyReplicas") == wanted && count("updatedReplicas") == wanted
}

fn is_synced(now: &Value) -> bool {
    let conditions = now["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == json!("True"))
}

/// What a controller says of an object that it does not get ready.
fn condition(now: &Value) -> Option<String> {
    let conditions = now["status"]["conditions"].as_array()?;
    let failed = conditions.iter().find(|it| it["status"] != "True")?;
    Some(format!("{}: {}", failed["reason"].as_str()?, failed["message"].as_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_decided_stays() {
        let backends = |web: u16, canary: u16| json!([{"name": "web", "weight": web}, {"name": "web-canary", "weight": canary}]);
        let route =
            |backends: Value| json!({"kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": backends}]}});
        let mut asked = route(backends(100, 0));
        keep_state(&mut asked, &route(backends(70, 30)));
        assert_eq!(asked, route(backends(70, 30)));

        let service =
            |selector: Value| json!({"kind": "Service", "spec": {"selector": selector, "ports": [80]}});
        let mut asked = service(json!({names::TRACK: "stable"}));
        keep_state(&mut asked, &service(json!({names::RELEASE: "r12"})));
        assert_eq!(asked, service(json!({names::RELEASE: "r12"})));
        let database = service(json!({names::NAME: "postgres"}));
        let mut asked = database.clone();
        keep_state(&mut asked, &service(json!({names::NAME: "other"})));
        assert_eq!(asked, database, "what is not released selects what the spec says");
    }
}
