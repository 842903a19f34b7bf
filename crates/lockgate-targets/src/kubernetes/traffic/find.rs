//! What splits the traffic of a service, found by looking.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use kube::api::{DynamicObject, ListParams, TypeMeta};
use lockgate_model::{ReleaseId, Routing, ServiceName, Sharing, Traffic};
use serde_json::Value;

use super::super::observe::{self, SlotDeployment};
use super::super::refusal::{is_missing, told};
use super::super::{Cluster, names};
use super::route::{self, Pair};
use super::selector::Labels;
use super::{ingress, rewrite};
use crate::{Class, TargetError};

pub(super) const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
const ROUTES: [&str; 2] = ["HTTPRoute", "GRPCRoute"];
/// Annotation of what is there for the time of a release only.
pub(super) const MADE: &str = "lockgate.dev/made-for";

/// The objects of the namespace that have a say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) services: BTreeMap<String, DynamicObject>,
    /// `None` where the cluster has no Gateway API.
    pub(super) routes: Option<Vec<DynamicObject>>,
    pub(super) ingresses: Vec<Value>,
    pub(super) slots: Vec<SlotDeployment>,
}

/// Keeps the split of one service.
pub(super) enum Router {
    Routes(Vec<DynamicObject>),
    /// The main Ingress; the canary's stands beside it.
    Ingress(Value),
    /// None: every ready pod has the same share.
    Pods,
}

pub(super) struct Choice {
    pub(super) router: Router,
    pub(super) routing: Routing,
}

impl Found {
    pub(super) async fn read(cluster: &Cluster, service: Option<&ServiceName>) -> Result<Found, TargetError> {
        let services = list(cluster, "v1", "Service").await?.unwrap_or_default();
        let looks_for = |one: Traffic| cluster.traffic == Traffic::Auto || cluster.traffic == one;
        let mut routes = None;
        for kind in ROUTES.into_iter().filter(|_| looks_for(Traffic::GatewayApi)) {
            if let Some(found) = list(cluster, GATEWAY_API, kind).await? {
                routes.get_or_insert_with(Vec::new).extend(found);
            }
        }
        let mut ingresses = Vec::new();
        if looks_for(Traffic::IngressNginx) {
            let found = list(cluster, ingress::API_VERSION, "Ingress").await?.unwrap_or_default();
            ingresses.extend(found.iter().map(|it| serde_json::to_value(it).unwrap_or_default()));
        }
        Ok(Found {
            services: services.into_iter().map(|it| (it.name_any(), it)).collect(),
            routes,
            ingresses,
            slots: observe::slots(cluster, service).await?,
        })
    }

    pub(super) fn slots_of(&self, service: &ServiceName) -> BTreeMap<ReleaseId, &SlotDeployment> {
        let of_service = self.slots.iter().filter(|it| it.slot.service == *service);
        of_service.map(|it| (it.slot.release, it)).collect()
    }

    /// Names of the two Services. Blue-green ones are rendered under another name.
    pub(super) fn pair(&self, service: &ServiceName) -> Pair {
        let green = format!("{service}-green");
        let routed = self.routes.iter().flatten().find_map(|it| route::second(&it.data, service.as_str()));
        let rendered = self.services.contains_key(&green).then_some(green);
        let canary = routed.or(rendered).unwrap_or_else(|| names::canary(service));
        Pair { stable: service.to_string(), canary }
    }

    pub(super) fn selector(&self, name: &str) -> Labels {
        self.services.get(name).map(|it| rewrite::texts(&it.data["spec"]["selector"])).unwrap_or_default()
    }

    /// Whether the canary's Service stays when no release is under way.
    pub(super) fn keeps(&self, pair: &Pair) -> bool {
        self.services.get(&pair.canary).is_some_and(|it| rewrite::annotation(it, MADE).is_none())
    }

    /// Routes of a Gateway that nobody has said anything of yet.
    pub(super) fn unseen(&self, service: &ServiceName) -> impl Iterator<Item = &DynamicObject> {
        let routes = self.routes.iter().flatten().filter(|it| route::names(&it.data, service.as_str()));
        routes.filter(|it| route::is_of_gateway(&it.data) && route::is_unseen(&it.data))
    }

    pub(super) fn choose(&self, service: &ServiceName, wanted: Traffic) -> Result<Choice, TargetError> {
        let pods = |why: &str| Choice {
            router: Router::Pods,
            routing: Routing { sharing: Sharing::Replicas, by: format!("the numbers of its pods{why}") },
        };
        match wanted {
            Traffic::Replicas => Ok(pods("")),
            Traffic::GatewayApi => {
                let gateway = self.gateway(service)?;
                Ok(gateway.unwrap_or_else(|| pods(", as no route of a Gateway leads to it")))
            }
            Traffic::IngressNginx => {
                let ingress = self.ingress(service)?;
                Ok(ingress.unwrap_or_else(|| pods(", as no Ingress leads to it")))
            }
            // What was found and cannot be used is not in the way of what can.
            Traffic::Auto => {
                let found = self.gateway(service).ok().flatten();
                let found = found.or_else(|| self.ingress(service).ok().flatten());
                Ok(found.unwrap_or_else(|| pods(", as no route or Ingress leads to it")))
            }
        }
    }

    /// Routes that lead to the service and are kept by somebody. A route between services counts where a mesh
    /// follows it; a route of a Gateway must be followed.
    fn gateway(&self, service: &ServiceName) -> Result<Option<Choice>, TargetError> {
        let Some(routes) = &self.routes else {
            let text = format!(
                "the traffic of {service} is to be split by the Gateway API, which this cluster does not have"
            );
            let hint =
                "install the Gateway API and a controller for it, or set `traffic` of the target to `auto`";
            return Err(TargetError::new(Class::Fatal, text).hint(hint));
        };
        let (mut kept, mut by, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for found in routes.iter().filter(|it| route::names(&it.data, service.as_str())) {
            let (accepted, against) = route::parents(&found.data, found.metadata.generation);
            let of = format!("{} {}", kind(found), found.name_any());
            if !accepted.is_empty() {
                let parents: Vec<_> = accepted.iter().map(|it| it.text.as_str()).collect();
                by.push(format!("{of} of {}", parents.join(" and ")));
                kept.push(found.clone());
            } else if route::is_of_gateway(&found.data) {
                let why = if against.is_empty() {
                    "no controller has seen it".to_owned()
                } else {
                    against.join("; ")
                };
                refused.push(format!("{of}: {why}"));
            }
        }
        if kept.is_empty() && !refused.is_empty() {
            let text = format!("no Gateway follows a route to {service}: {}", refused.join("; "));
            let hint = format!("kubectl describe httproutes,grpcroutes -n {}", namespace(&routes[0]));
            return Err(TargetError::new(Class::Fatal, text).hint(hint));
        }
        let routing = Routing { sharing: Sharing::Exact, by: by.join(", ") };
        Ok((!kept.is_empty()).then_some(Choice { router: Router::Routes(kept), routing }))
    }

    fn ingress(&self, service: &ServiceName) -> Result<Option<Choice>, TargetError> {
        let mut leading = self.ingresses.iter().filter(|it| ingress::names(it, service.as_str())).peekable();
        let Some(first) = leading.peek().copied() else { return Ok(None) };
        let name = |it: &Value| it["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let Some(found) = leading.find(|it| ingress::is_nginx(it)) else {
            let class = ingress::class(first).map_or("no class".to_owned(), |it| format!("class `{it}`"));
            let text = format!(
                "the traffic of {service} is to be split by ingress-nginx, but Ingress {} is of {class}",
                name(first)
            );
            let hint = "set `class` of the ingress to `nginx`, or `traffic` of the target to `auto`";
            return Err(TargetError::new(Class::Fatal, text).hint(hint));
        };
        let by = format!("Ingress {} of class {}", name(found), ingress::class(found).unwrap_or_default());
        let routing = Routing { sharing: Sharing::Percent, by };
        Ok(Some(Choice { router: Router::Ingress(found.clone()), routing }))
    }
}

pub(super) fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |it| &it.kind)
}

fn namespace(object: &DynamicObject) -> &str {
    object.metadata.namespace.as_deref().unwrap_or_default()
}

/// `None` where the cluster does not know the kind.
async fn list(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
) -> Result<Option<Vec<DynamicObject>>, TargetError> {
    let api = cluster.dynamic(api_version, kind)?;
    let types = TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
    match api.list(&ListParams::default()).await {
        // Objects in a list do not say what they are.
        Ok(list) => Ok(Some(
            list.items.into_iter().map(|it| DynamicObject { types: Some(types.clone()), ..it }).collect(),
        )),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => {
            Err(told(&error, &format!("list objects of kind {kind} in namespace {}", cluster.namespace)))
        }
    }
}
