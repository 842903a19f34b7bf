//! What is in the namespace under the rendered names, and what its pods run.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt as _;
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

use super::super::apply::Identity;
use super::super::cluster::CLUSTER_WIDE;
use super::super::refusal::{is_missing, told};
use super::super::{Cluster, names, observe};
use super::Rendered;
use super::frozen::Images;
use crate::TargetError;

/// Objects that are read at a time.
const AT_ONCE: usize = 8;

/// What was rendered beside what is there.
pub(super) struct Pair {
    pub(super) rendered: Rendered,
    pub(super) live: Option<Value>,
}

/// Of all but what is outside of the namespace, or is the namespace: those are others' as well.
pub(super) async fn pairs(cluster: &Cluster, rendered: &[Rendered]) -> Result<Vec<Pair>, TargetError> {
    let is_inside = |it: &&Rendered| !CLUSTER_WIDE.contains(&it.object["kind"].as_str().unwrap_or_default());
    let reads: Vec<_> = rendered
        .iter()
        .filter(is_inside)
        .map(|it| async move { Ok(Pair { live: read(cluster, &it.object).await?, rendered: it.clone() }) })
        .collect();
    stream::iter(reads).buffered(AT_ONCE).try_collect().await
}

/// The object of the same kind and name.
pub(super) async fn read(cluster: &Cluster, object: &Value) -> Result<Option<Value>, TargetError> {
    let of = Identity::of(object)?;
    match cluster.dynamic(of.api_version, of.kind)?.get(of.name).await {
        Ok(found) => Ok(Some(as_value(&found, &of))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => {
            Err(told(&error, &format!("read {} {} in namespace {}", of.kind, of.name, cluster.namespace)))
        }
    }
}

fn as_value(object: &DynamicObject, of: &Identity<'_>) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    value["apiVersion"] = of.api_version.into();
    value["kind"] = of.kind.into();
    value
}

/// The `ConfigMaps` of the service that the Deployment's pods read, whatever their names end in.
pub(super) async fn read_by(cluster: &Cluster, deployment: &Value) -> Result<Vec<Value>, TargetError> {
    let service = deployment.pointer("/metadata/labels").and_then(|it| it[names::NAME].as_str());
    let Some(service) = service else { return Ok(vec![]) };
    let selector = format!("{}={},{}={service}", names::PART_OF, cluster.scope.system, names::NAME);
    let listed = cluster.api::<ConfigMap>().list(&ListParams::default().labels(&selector)).await;
    let maps =
        listed.map_err(|it| told(&it, &format!("list ConfigMaps in namespace {}", cluster.namespace)))?;
    let mut names = vec![];
    named(&deployment["spec"]["template"]["spec"], &mut names);
    let read = maps.items.into_iter().filter(|it| names.contains(&it.name_any()));
    let of = Identity { api_version: "v1", kind: "ConfigMap", name: "" };
    Ok(read
        .map(|it| {
            let mut value = serde_json::to_value(&it).unwrap_or_default();
            (value["apiVersion"], value["kind"]) = (of.api_version.into(), of.kind.into());
            value
        })
        .collect())
}

fn named(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "configMapRef" | "configMapKeyRef" | "configMap") {
                    names.extend(value["name"].as_str().map(str::to_owned));
                }
                named(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| named(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// What the images of a Deployment mean, as its pods say it. Fails with a container of which pods run several.
pub(super) async fn images(
    cluster: &Cluster,
    deployment: &Value,
) -> Result<Result<Images, String>, TargetError> {
    let labels = deployment.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let listed = cluster.api::<Pod>().list(&ListParams::default().labels(&pairs.join(","))).await;
    let doing = format!("list pods in namespace {}", cluster.namespace);
    let pods = listed.map_err(|it| told(&it, &doing))?.items;
    let mut images = Images::new();
    for pod in pods.iter().filter(|it| observe::is_living(it)) {
        for (name, text, pinned) in of_pod(deployment, pod) {
            match images.get(&name) {
                Some((_, other)) if *other != pinned => return Ok(Err(name)),
                _ => drop(images.insert(name, (text, pinned))),
            }
        }
    }
    Ok(Ok(images))
}

/// Container, its image as it was written, and as the pod runs it.
fn of_pod(deployment: &Value, pod: &Pod) -> Vec<(String, String, String)> {
    let status = pod.status.as_ref();
    let statuses = status.into_iter().flat_map(|it| {
        it.container_statuses.iter().flatten().chain(it.init_container_statuses.iter().flatten())
    });
    let written: BTreeMap<&str, &str> = written(deployment);
    let image = |it: &k8s_openapi::api::core::v1::ContainerStatus| {
        let text = *written.get(it.name.as_str())?;
        Some((it.name.clone(), text.to_owned(), pinned(text, &it.image_id)?))
    };
    statuses.filter_map(image).collect()
}

pub(super) fn written(deployment: &Value) -> BTreeMap<&str, &str> {
    let spec = &deployment["spec"]["template"]["spec"];
    let containers =
        ["containers", "initContainers"].into_iter().filter_map(|it| spec[it].as_array()).flatten();
    containers.filter_map(|it| Some((it["name"].as_str()?, it["image"].as_str()?))).collect()
}

/// `shop/web:v1` that runs as `docker.io/shop/web@sha256:...` is `shop/web@sha256:...`.
fn pinned(text: &str, running: &str) -> Option<String> {
    let (_, digest) = running.rsplit_once('@').filter(|it| it.1.starts_with("sha256:"))?;
    Some(format!("{}@{digest}", repository(text)))
}

/// Without tag and digest; a port is no tag.
fn repository(image: &str) -> &str {
    let named = image.split('@').next().unwrap_or(image);
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        Some(_) | None => named,
    }
}

/// What is behind the `:` of an image that is written with a tag.
pub(super) fn tag(image: &str) -> Option<&str> {
    let named = image.split('@').next()?;
    named.rsplit_once(':').map(|it| it.1).filter(|it| !it.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_what_the_pods_run() {
        let running = "docker.io/shop/web@sha256:1";
        assert_eq!(pinned("shop/web:v1", running).as_deref(), Some("shop/web@sha256:1"));
        assert_eq!(pinned("reg:5000/web", "reg:5000/web@sha256:2").as_deref(), Some("reg:5000/web@sha256:2"));
        assert_eq!(pinned("shop/web:v1", "sha256:1"), None, "the number of an image of one node");
        assert_eq!((tag("reg:5000/web"), tag("reg:5000/web:v2@sha256:1")), (None, Some("v2")));
    }
}
