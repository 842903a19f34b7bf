//! Objects written by server-side apply, as the owner of their fields.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::{is_conflict, owners, told};
use super::{Cluster, names};
use crate::{Class, TargetError};

/// Whether fields that others own are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Ours by design: what makes a version what it is, and which version takes traffic.
    Over,
    /// From those that install what was rendered, such as Helm; of anybody else the conflict is told.
    FromInstallers,
}

/// Field managers of tools that install files; what was rendered is ours whoever installed it first.
pub(super) const INSTALLERS: [&str; 7] = [
    "lockgate",
    "helm",
    "helmfile",
    "kubectl",
    "kubectl-client-side-apply",
    "before-first-apply",
    "kustomize",
];

/// Brings an object to what it should be, and gives back what it is then.
pub(crate) async fn apply(
    cluster: &Cluster,
    object: &Value,
    take: Take,
) -> Result<DynamicObject, TargetError> {
    let params = PatchParams { force: take == Take::Over, ..PatchParams::apply(names::MANAGER) };
    send(cluster, object, params, take).await
}

/// Brings an object that says of which version it was read to what it should be; `None` when somebody has written it
/// since, which may have been a newer driver.
pub(crate) async fn apply_as_read<K>(cluster: &Cluster, object: &Value) -> Result<Option<K>, TargetError>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let of = Identity::of(object)?;
    let params = PatchParams::apply(names::MANAGER).force();
    match cluster.api::<K>().patch(of.name, &params, &Patch::Apply(object)).await {
        Ok(written) => Ok(Some(written)),
        Err(error) if is_conflict(&error) => Ok(None),
        Err(error) => Err(told(&error, &of.doing(cluster))),
    }
}

async fn send(
    cluster: &Cluster,
    object: &Value,
    params: PatchParams,
    take: Take,
) -> Result<DynamicObject, TargetError> {
    let of = Identity::of(object)?;
    let api = cluster.dynamic(of.api_version, of.kind)?;
    let sent = match api.patch(of.name, &params, &Patch::Apply(object)).await {
        Err(error) if take == Take::FromInstallers && all_installers(&error) => {
            tracing::info!(kind = of.kind, name = of.name, "taken over from who installed it");
            api.patch(of.name, &params.force(), &Patch::Apply(object)).await
        }
        other => other,
    };
    sent.map_err(|it| told(&it, &of.doing(cluster)))
}

fn all_installers(error: &kube::Error) -> bool {
    let owners = owners(error);
    !owners.is_empty() && owners.iter().all(|(owner, _)| INSTALLERS.contains(&owner.as_str()))
}

/// Which object a rendered value is.
pub(crate) struct Identity<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl Identity<'_> {
    fn doing(&self, cluster: &Cluster) -> String {
        format!("apply {} {} in namespace {}", self.kind, self.name, cluster.namespace)
    }

    pub(crate) fn of(object: &Value) -> Result<Identity<'_>, TargetError> {
        let text = |it: &'static str| object.pointer(it).and_then(Value::as_str);
        let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        if let (Some(api_version), Some(kind), Some(name)) = (api_version, kind, name) {
            return Ok(Identity { api_version, kind, name });
        }
        let text = "an object of the release has no apiVersion, kind or name";
        Err(TargetError::new(Class::Fatal, text))
    }
}
