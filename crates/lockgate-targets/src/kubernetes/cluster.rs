//! What every operation on the cluster shares: the connection, the namespace, the scope and the vault.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use lockgate_model::{Scope, Traffic};
use lockgate_node::Vault;
use tokio::sync::Mutex;

use super::KubernetesConfig;
use crate::{Class, TargetError};

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) scope: Scope,
    pub(crate) vault: Option<Vault>,
    /// What the environment says of how traffic is split.
    pub(crate) traffic: Traffic,
    /// Where Prometheus is, if the environment says it.
    pub(crate) prometheus: Option<String>,
    /// The fences as they were seen last; held while one is admitted.
    pub(super) fences: Mutex<Option<ConfigMap>>,
    pub(super) counted: super::samples::Counted,
}

impl Cluster {
    pub(super) async fn connect(
        config: &KubernetesConfig,
        requests: &Arc<AtomicU64>,
    ) -> Result<Cluster, TargetError> {
        let target = &config.target;
        Ok(Cluster {
            client: super::client::connect(target.context.as_deref(), requests).await?,
            namespace: target.namespace.clone(),
            scope: config.scope.clone(),
            vault: config.vault.clone(),
            traffic: target.traffic,
            prometheus: config.prometheus.clone(),
            fences: Mutex::default(),
            counted: super::samples::Counted::default(),
        })
    }

    /// Objects of a kind in the namespace.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Objects of a kind that is named, such as `gateway.networking.k8s.io/v1` and `HTTPRoute`.
    pub(crate) fn dynamic(&self, api_version: &str, kind: &str) -> Result<Api<DynamicObject>, TargetError> {
        let resource = resource(api_version, kind)?;
        if CLUSTER_WIDE.contains(&kind) {
            return Ok(Api::all_with(self.client.clone(), &resource));
        }
        Ok(Api::namespaced_with(self.client.clone(), &self.namespace, &resource))
    }
}

/// Kinds that are rendered or patched in and live outside of namespaces.
pub(super) const CLUSTER_WIDE: [&str; 7] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "StorageClass",
    "PriorityClass",
    "GatewayClass",
    "ClusterIssuer",
];

fn resource(api_version: &str, kind: &str) -> Result<ApiResource, TargetError> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if version.is_empty() || kind.is_empty() {
        let text = format!("an object of `{api_version}` and kind `{kind}` is none of Kubernetes");
        return Err(TargetError::new(Class::Fatal, text));
    }
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
}
