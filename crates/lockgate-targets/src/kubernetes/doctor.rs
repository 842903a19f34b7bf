//! Whether a cluster has what releases need: an answer, a version, a namespace, rights, and what splits traffic.

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use kube::api::{ListParams, PostParams};
use lockgate_model::{KubernetesTarget, Traffic, with_causes};

use super::refusal::is_missing;
use super::{Cluster, names};
use crate::{Check, Class, TargetError};

/// Kubernetes 1.29: pods that sleep before they stop, and Jobs that wait for a failed pod to be gone.
const MINOR_MIN: u32 = 29;
/// Rights that are asked for at a time.
const AT_ONCE: usize = 8;
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// What an account may do with a kind of object in the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// `apps`; empty for the core.
    pub group: String,
    /// `deployments`, `pods/log`.
    pub resource: String,
    pub verbs: Vec<String>,
    /// For people, to be read after "so that".
    pub why: String,
}

impl Right {
    /// The rule of a Role that gives a verb of it.
    fn rule(&self, verb: &str) -> String {
        format!(
            "{{apiGroups: [\"{}\"], resources: [\"{}\"], verbs: [\"{verb}\"]}}",
            self.group, self.resource
        )
    }
}

pub(super) async fn checks(cluster: &Cluster, target: &KubernetesTarget, rights: &[Right]) -> Vec<Check> {
    let mut checks = match reached(cluster).await {
        Ok(check) => vec![check],
        // Nothing else can be said of what does not answer.
        Err(check) => return vec![check],
    };
    checks.push(namespace(cluster).await);
    let asked: Vec<_> =
        rights.iter().flat_map(|right| right.verbs.iter().map(move |verb| (right, verb))).collect();
    let asked: Vec<_> = asked.into_iter().map(|(right, verb)| may(cluster, right, verb)).collect();
    let missing: Vec<Check> = stream::iter(asked).buffered(AT_ONCE).filter_map(async |it| it).collect().await;
    if missing.is_empty() {
        checks.push(Check::good("rights", format!("all {} that a release needs", count(rights))));
    }
    checks.extend(missing);
    checks.push(traffic(cluster, target.traffic).await);
    if let Some(secret) = &target.pull_secret {
        checks.push(pull_secret(cluster, secret).await);
    }
    checks.push(storage(cluster).await);
    checks
}

fn count(rights: &[Right]) -> usize {
    rights.iter().map(|it| it.verbs.len()).sum()
}

/// A connection that cannot be set up, as a check.
pub(super) fn unreached(error: TargetError) -> Check {
    let hint = error.hint.unwrap_or_else(|| "kubectl version".to_owned());
    Check::bad("cluster", error.message, hint)
}

async fn reached(cluster: &Cluster) -> Result<Check, Check> {
    let version = cluster.client.apiserver_version().await.map_err(|it| {
        let text = format!("the API server does not answer: {}", with_causes(&it));
        unreached(TargetError::new(Class::Transient, text))
    })?;
    let minor: u32 = version.minor.trim_end_matches('+').parse().unwrap_or_default();
    if version.major == "1" && minor < MINOR_MIN {
        let text = format!("{} is too old", version.git_version);
        return Ok(Check::bad("cluster", text, format!("update the cluster to 1.{MINOR_MIN} or newer")));
    }
    Ok(Check::good("cluster", format!("Kubernetes {}", version.git_version)))
}

async fn namespace(cluster: &Cluster) -> Check {
    let (name, what) = (&cluster.namespace, "namespace");
    match Api::<Namespace>::all(cluster.client.clone()).get(name).await {
        Ok(_) => Check::good(what, name.clone()),
        Err(error) if is_missing(&error) => {
            Check::bad(what, format!("{name} is not there"), format!("kubectl create namespace {name}"))
        }
        // Namespaces are nobody's to read who may only work in one.
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Check::good(what, format!("{name}, which this account may not look at"))
        }
        Err(error) => Check::bad(what, with_causes(&error), format!("kubectl get namespace {name}")),
    }
}

/// Nothing for a right that is there.
async fn may(cluster: &Cluster, right: &Right, verb: &str) -> Option<Check> {
    let (resource, subresource) =
        right.resource.split_once('/').map_or((right.resource.as_str(), None), |it| (it.0, Some(it.1)));
    let attributes = ResourceAttributes {
        group: Some(right.group.clone()),
        resource: Some(resource.to_owned()),
        subresource: subresource.map(str::to_owned),
        verb: Some(verb.to_owned()),
        namespace: Some(cluster.namespace.clone()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let asked = Api::all(cluster.client.clone()).create(&PostParams::default(), &review).await;
    let what = format!("right to {verb} {}", right.resource);
    match asked {
        Ok(it) if it.status.as_ref().is_some_and(|it| it.allowed) => None,
        Ok(_) => {
            let text = format!("is missing; it is asked for so that {}", right.why);
            Some(Check::bad(what, text, format!("add to the account's Role: {}", right.rule(verb))))
        }
        Err(error) => Some(Check::bad(what, with_causes(&error), "kubectl auth can-i --list")),
    }
}

async fn traffic(cluster: &Cluster, wanted: Traffic) -> Check {
    let what = "traffic";
    let groups = match cluster.client.list_api_groups().await {
        Ok(it) => it.groups,
        Err(error) => return Check::bad(what, with_causes(&error), "kubectl api-versions"),
    };
    let gateway = groups.iter().any(|it| it.name == "gateway.networking.k8s.io");
    match wanted {
        Traffic::Replicas => Check::good(what, "by the numbers of replicas"),
        Traffic::IngressNginx => ingress_class(cluster).await,
        Traffic::GatewayApi | Traffic::Auto if gateway => gateway_class(cluster).await,
        Traffic::GatewayApi => {
            let hint =
                "install the Gateway API's CRDs and a controller, or set `traffic` to what the cluster has";
            Check::bad(what, "the cluster has no Gateway API", hint)
        }
        Traffic::Auto => {
            let hint = "with the Gateway API or ingress-nginx, weights are exact";
            Check::lacking(what, "the cluster has no Gateway API", hint)
        }
    }
}

async fn gateway_class(cluster: &Cluster) -> Check {
    let what = "traffic";
    let classes = match cluster.dynamic("gateway.networking.k8s.io/v1", "GatewayClass") {
        Ok(api) => api.list(&ListParams::default()).await,
        Err(error) => return unreached(error),
    };
    let accepted = |it: &kube::api::DynamicObject| {
        let conditions = it.data.pointer("/status/conditions").and_then(|it| it.as_array());
        conditions.into_iter().flatten().any(|it| it["type"] == "Accepted" && it["status"] == "True")
    };
    match classes {
        Ok(list) => match list.items.iter().find(|it| accepted(it)) {
            Some(class) => {
                let name = class.metadata.name.clone().unwrap_or_default();
                Check::good(what, format!("Gateway API, class {name}"))
            }
            None => {
                Check::bad(what, "no controller has accepted a GatewayClass", "kubectl get gatewayclasses")
            }
        },
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Check::good(what, "Gateway API, whose classes this account may not look at")
        }
        Err(error) => Check::bad(what, with_causes(&error), "kubectl get gatewayclasses"),
    }
}

async fn ingress_class(cluster: &Cluster) -> Check {
    use k8s_openapi::api::networking::v1::IngressClass;
    let what = "traffic";
    match Api::<IngressClass>::all(cluster.client.clone()).list(&ListParams::default()).await {
        Ok(list) if list.items.is_empty() => {
            Check::bad(what, "the cluster has no class of Ingresses", "kubectl get ingressclasses")
        }
        Ok(list) => {
            let names: Vec<String> = list.items.into_iter().filter_map(|it| it.metadata.name).collect();
            Check::good(what, format!("Ingress, class {}", names.join(", ")))
        }
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Check::good(what, "Ingress, whose classes this account may not look at")
        }
        Err(error) => Check::bad(what, with_causes(&error), "kubectl get ingressclasses"),
    }
}

async fn pull_secret(cluster: &Cluster, name: &str) -> Check {
    let what = "pull secret";
    let hint =
        format!("kubectl -n {} create secret docker-registry {name} --docker-server=...", cluster.namespace);
    match cluster.api::<Secret>().get_opt(name).await {
        Ok(Some(secret)) if secret.type_.as_deref() == Some("kubernetes.io/dockerconfigjson") => {
            Check::good(what, name)
        }
        Ok(Some(secret)) => {
            let type_ = secret.type_.unwrap_or_default();
            Check::bad(what, format!("Secret {name} is of type {type_}, not of a registry's login"), hint)
        }
        Ok(None) => Check::bad(what, format!("Secret {name} is not there"), hint),
        Err(error) => Check::bad(what, with_causes(&error), hint),
    }
}

async fn storage(cluster: &Cluster) -> Check {
    let what = "storage";
    let hint = "volumes of the spec need a `class` each, or the cluster a default: kubectl get storageclass";
    match Api::<StorageClass>::all(cluster.client.clone()).list(&ListParams::default()).await {
        Ok(list) => {
            let is_default = |it: &&StorageClass| {
                it.metadata
                    .annotations
                    .as_ref()
                    .and_then(|it| it.get(DEFAULT_CLASS))
                    .is_some_and(|it| it == "true")
            };
            match list.items.iter().find(is_default) {
                Some(class) => {
                    Check::good(what, format!("class {}", class.metadata.name.as_deref().unwrap_or_default()))
                }
                None => Check::lacking(what, "no class is the default", hint),
            }
        }
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Check::good(what, format!("which {} may not look at", names::MANAGER))
        }
        Err(error) => Check::bad(what, with_causes(&error), hint),
    }
}
