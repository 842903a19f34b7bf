//! Objects written by server-side apply, as the owner of their fields.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::refusal::told;
use super::{Cluster, names};
use crate::{Class, TargetError};

/// Whether fields that others own are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Ours by design: what makes a version what it is, and which version takes traffic.
    Over,
    /// Others may have a say; a conflict is told.
    Ours,
}

/// Brings an object to what it should be, and gives back what it is then.
pub(crate) async fn apply(
    cluster: &Cluster,
    object: &Value,
    take: Take,
) -> Result<DynamicObject, TargetError> {
    send(cluster, object, &params(take)).await
}

/// What applying would give, without doing it.
pub(crate) async fn dry_run(
    cluster: &Cluster,
    object: &Value,
    take: Take,
) -> Result<DynamicObject, TargetError> {
    send(cluster, object, &PatchParams { dry_run: true, ..params(take) }).await
}

fn params(take: Take) -> PatchParams {
    PatchParams { force: take == Take::Over, ..PatchParams::apply(names::MANAGER) }
}

async fn send(cluster: &Cluster, object: &Value, params: &PatchParams) -> Result<DynamicObject, TargetError> {
    let of = Identity::of(object)?;
    let api = cluster.dynamic(of.api_version, of.kind)?;
    let doing = format!("apply {} {} in namespace {}", of.kind, of.name, cluster.namespace);
    api.patch(of.name, params, &Patch::Apply(object)).await.map_err(|it| told(&it, &doing))
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
        match (text("/apiVersion"), text("/kind"), text("/metadata/name")) {
            (Some(api_version), Some(kind), Some(name)) => Ok(Identity { api_version, kind, name }),
            _ => {
                let text = "an object of the release has no apiVersion, kind or name";
                Err(TargetError::new(Class::Fatal, text))
            }
        }
    }
}
