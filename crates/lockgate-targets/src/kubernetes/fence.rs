//! The newest fences that the cluster has seen of a scope, kept in a `ConfigMap` that is compared and swapped.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use lockgate_model::{Fence, SeenFences, Subject};

use super::refusal::{is_conflict, is_missing, told};
use super::{Cluster, names};
use crate::{Class, TargetError};

/// Times that somebody else may write between our reading and writing. Two drivers write a fence for each effect.
const SWAPS_MAX: u16 = 20;

/// Takes note of a fence, or refuses it: an older epoch anywhere, or an older number for the same subject.
pub(super) async fn admit(
    cluster: &Cluster,
    fence: &Fence,
    subject: &Subject<'_>,
) -> Result<(), TargetError> {
    let mut known = cluster.fences.lock().await;
    for _ in 0..SWAPS_MAX {
        let (map, fresh) = match known.take() {
            Some(map) => (Some(map), false),
            None => (read(cluster).await?, true),
        };
        let before = map.as_ref().map(seen).transpose()?.unwrap_or_default();
        let mut after = before.clone();
        if let Err(refused) = after.admit(fence, subject) {
            // What was remembered is only ever older than what is in the cluster.
            *known = map;
            return Err(TargetError::new(Class::Fenced, refused));
        }
        if after == before && fresh {
            *known = map;
            return Ok(());
        }
        // A repeat changes nothing, so only the cluster can tell whether somebody newer has been there.
        if after == before {
            continue;
        }
        match write(cluster, map, &after).await {
            Ok(map) => {
                *known = Some(map);
                return Ok(());
            }
            Err(error) if is_conflict(&error) => (),
            Err(error) => return Err(told(&error, &doing("write", cluster))),
        }
    }
    let text = format!("{} is written by somebody else all the time", doing("write", cluster));
    Err(TargetError::new(Class::Transient, text))
}

/// How a fence is written on the objects that its request wrote.
pub(super) fn mark(fence: &Fence) -> String {
    format!("{}.{}", fence.epoch, fence.seq)
}

/// Whether an object was written by a request of a newer driver, or by a later one of the same.
pub(super) fn newer_than(mark: &str, fence: &Fence) -> bool {
    let parts = mark.split_once('.').and_then(|(epoch, seq)| Some((epoch.parse().ok()?, seq.parse().ok()?)));
    parts.is_some_and(|it: (u64, u64)| (fence.epoch, fence.seq) < it)
}

/// Refuses a request that comes later than the one that wrote `mark` on `what`.
pub(super) fn refuse_older(mark: Option<&str>, fence: &Fence, what: &str) -> Result<(), TargetError> {
    let Some(newer) = mark.filter(|it| newer_than(it, fence)) else { return Ok(()) };
    let text = format!("refused: request {newer} has written {what}; a newer driver has taken over");
    Err(TargetError::new(Class::Fenced, text))
}

fn doing(verb: &str, cluster: &Cluster) -> String {
    format!("{verb} ConfigMap {} in namespace {}", names::fences(&cluster.scope), cluster.namespace)
}

async fn read(cluster: &Cluster) -> Result<Option<ConfigMap>, TargetError> {
    let found = cluster.api::<ConfigMap>().get_opt(&names::fences(&cluster.scope)).await;
    found.map_err(|it| told(&it, &doing("read", cluster)))
}

fn seen(map: &ConfigMap) -> Result<SeenFences, TargetError> {
    let data = map.data.as_ref();
    let value = |key: &str| data.and_then(|it| it.get(key)).map_or("", String::as_str);
    let unreadable = || {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        let text = format!("ConfigMap {name} does not hold fences: somebody else has written it");
        TargetError::new(Class::Fatal, text).hint(format!("kubectl get configmap {name} -o yaml"))
    };
    let epoch = value("epoch").parse().map_err(|_| unreadable())?;
    let seqs: BTreeMap<String, u64> = serde_json::from_str(value("seqs")).map_err(|_| unreadable())?;
    Ok(SeenFences { epoch, seqs })
}

async fn write(
    cluster: &Cluster,
    map: Option<ConfigMap>,
    fences: &SeenFences,
) -> Result<ConfigMap, kube::Error> {
    let (api, name) = (cluster.api::<ConfigMap>(), names::fences(&cluster.scope));
    let seqs = serde_json::to_string(&fences.seqs).map_err(kube::Error::SerdeError)?;
    let data = BTreeMap::from([("epoch".to_owned(), fences.epoch.to_string()), ("seqs".to_owned(), seqs)]);
    let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
    if let Some(mut map) = map {
        map.data = Some(data);
        return api.replace(&name, &params, &map).await;
    }
    let labels = BTreeMap::from([
        (names::PART_OF.to_owned(), cluster.scope.system.to_string()),
        (names::ENVIRONMENT.to_owned(), cluster.scope.environment.to_string()),
        (names::MANAGED_BY.to_owned(), names::MANAGER.to_owned()),
    ]);
    let metadata = ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() };
    let map = ConfigMap { metadata, data: Some(data), ..ConfigMap::default() };
    match api.create(&params, &map).await {
        Err(error) if is_missing(&error) => {
            make_namespace(cluster, &params).await?;
            api.create(&params, &map).await
        }
        other => other,
    }
}

/// The first thing that is written finds out that the namespace is missing.
async fn make_namespace(cluster: &Cluster, params: &PostParams) -> Result<(), kube::Error> {
    let metadata = ObjectMeta { name: Some(cluster.namespace.clone()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    match Api::<Namespace>::all(cluster.client.clone()).create(params, &namespace).await {
        Err(error) if !is_conflict(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
