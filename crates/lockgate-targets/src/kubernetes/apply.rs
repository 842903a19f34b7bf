//! Objects written by server-side apply, as the owner of their fields.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::refusal::{owners, told};
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
const INSTALLERS: [&str; 7] = [
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

async fn send(
    cluster: &Cluster,
    object: &Value,
    params: PatchParams,
    take: Take,
) -> Result<DynamicObject, TargetError> {
    let of = Identity::of(object)?;
    let api = cluster.dynamic(of.api_version, of.kind)?;
    let doing = format!("apply {} {} in namespace {}", of.kind, of.name, cluster.namespace);
    let sent = match api.patch(of.name, &params, &Patch::Apply(object)).await {
        Err(error) if take == Take::FromInstallers && all_installers(&error) => {
            tracing::info!(kind = of.kind, name = of.name, "taken over from who installed it");
            api.patch(of.name, &params.force(), &Patch::Apply(object)).await
        }
        other => other,
    };
    sent.map_err(|it| told(&it, &doing))
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
