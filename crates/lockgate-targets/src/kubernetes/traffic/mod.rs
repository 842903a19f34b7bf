//! How the traffic of a service is split between its slots: read, and moved without losing a request.
//!
//! The Service that bears the service's name selects the pods of its stable slot, a second one those of the slot
//! that is tried, and a router splits between the two; `docs/reference/kubernetes-traffic.md` says which.
//! Without a router the Service selects what the pods of both slots have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::ResourceExt as _;
use kube::api::{DeleteParams, DynamicObject};
use lockgate_model::{Fence, ReleaseId, Routing, ServiceName, Sharing, Traffic, Weight, Weights};
use serde_json::json;

use super::apply::{Take, apply};
use super::fence::mark;
use super::observe::SlotDeployment;
use super::refusal::{is_missing, told};
use super::{Cluster, names};
use crate::{Class, TargetError};

mod backend;
mod find;
mod follow;
mod ingress;
mod rewrite;
mod route;
mod selector;
mod share;
mod slot;
mod step;

pub(crate) use backend::{Backend, backends};
use find::{Choice, Found, Router};
pub(crate) use follow::is_ready;
pub(super) use rewrite::texts;
use rewrite::{At, rewrite};
use route::Pair;
use selector::Labels;
use step::{Standing, Step};

/// A controller says when it took note of a change, not when each of its proxies goes by it. Traefik gathers
/// changes for two seconds.
const SETTLE: Duration = Duration::from_millis(2_500);

/// How the traffic of a service is split now, and by what.
pub(crate) struct Split {
    pub(crate) weights: Option<Weights>,
    pub(crate) routing: Routing,
}

/// Of all of these services, with as few requests as for one of them.
pub(super) async fn splits(
    cluster: &Cluster,
    services: &[ServiceName],
) -> Result<BTreeMap<ServiceName, Split>, TargetError> {
    let found = Found::read(cluster, None).await?;
    let split = |service: &ServiceName| {
        // What keeps traffic from being moved is no reason not to look at it.
        let choice = found.choose(service, cluster.traffic).unwrap_or_else(|error| {
            let routing = Routing { sharing: Sharing::Replicas, by: format!("nothing: {error}") };
            Choice { router: Router::Pods, routing }
        });
        let scene = Scene { cluster, found: &found, service, router: &choice.router };
        (service.clone(), Split { weights: scene.weights(), routing: choice.routing })
    };
    Ok(services.iter().map(split).collect())
}

pub(super) async fn set_weights(
    cluster: &Cluster,
    fence: &Fence,
    service: &ServiceName,
    weights: &Weights,
) -> Result<(), TargetError> {
    let mut found = Found::read(cluster, Some(service)).await?;
    if cluster.traffic != Traffic::IngressNginx && found.unseen(service).next().is_some() {
        follow::first_seen(cluster, found.unseen(service)).await?;
        found = Found::read(cluster, Some(service)).await?;
    }
    let choice = found.choose(service, cluster.traffic)?;
    let scene = Scene { cluster, found: &found, service, router: &choice.router };
    scene.check(weights)?;
    tracing::info!(%service, by = choice.routing.by, "traffic is split");
    match choice.router {
        Router::Pods => scene.select_pods(fence, weights).await,
        Router::Routes(_) | Router::Ingress(_) => scene.go(fence, weights).await,
    }
}

/// One service, as it was found.
struct Scene<'a> {
    cluster: &'a Cluster,
    found: &'a Found,
    service: &'a ServiceName,
    router: &'a Router,
}

impl Scene<'_> {
    fn slots(&self) -> BTreeMap<ReleaseId, &SlotDeployment> {
        self.found.slots_of(self.service)
    }

    fn pair(&self) -> Pair {
        self.found.pair(self.service)
    }

    fn weights(&self) -> Option<Weights> {
        let of_router = match self.router {
            Router::Pods => None,
            Router::Routes(_) | Router::Ingress(_) => self.standing().weights(),
        };
        of_router.or_else(|| self.weights_of_pods())
    }

    /// By the pods that the Service selects, whichever slots they are of.
    fn weights_of_pods(&self) -> Option<Weights> {
        let selector = self.found.selector(self.service.as_str());
        let slots = self.slots();
        let is_selected = |it: &SlotDeployment| selector::selects(&selector, &it.pod_labels());
        let selected: BTreeMap<_, _> = slots.into_iter().filter(|it| is_selected(it.1)).collect();
        if selected.len() == 1 {
            return selected.keys().next().map(|it| Weights::all_to(*it));
        }
        share::of_ready(&selected.iter().map(|it| (*it.0, it.1.ready())).collect())
    }

    fn standing(&self) -> Standing {
        let pair = self.pair();
        let slots: BTreeMap<ReleaseId, Labels> =
            self.slots().iter().map(|it| (*it.0, it.1.pod_labels())).collect();
        let selected = |name: &str| selector::only(&self.found.selector(name), &slots);
        let share = match self.router {
            Router::Routes(routes) => {
                let mut shares = routes.iter().map(|it| route::share(&it.data, &pair));
                let first = shares.next().flatten();
                first.filter(|_| shares.all(|it| it == first))
            }
            Router::Ingress(_) => match self.canary_ingress(&pair) {
                Some(canary) => ingress::share(canary),
                None => Some(Weight::NONE),
            },
            Router::Pods => Some(Weight::NONE),
        };
        Standing { stable: selected(&pair.stable), canary: selected(&pair.canary), share }
    }

    fn canary_ingress(&self, pair: &Pair) -> Option<&serde_json::Value> {
        self.found.ingresses.iter().find(|it| it["metadata"]["name"] == pair.canary)
    }

    /// Every slot that is to have traffic is there and ready, and so is the Service.
    fn check(&self, weights: &Weights) -> Result<(), TargetError> {
        let (service, namespace) = (self.service, &self.cluster.namespace);
        let slots = self.slots();
        for (release, share) in weights.iter() {
            let Some(slot) = slots.get(&release) else {
                let text = format!("there is no {service}@{release} in namespace {namespace}");
                return Err(TargetError::new(Class::Fatal, text));
            };
            if share != Weight::NONE && slot.ready() == 0 {
                let text = format!("no pod of {service}@{release} is ready, so it is given no traffic");
                let hint = format!("kubectl get pods -n {namespace} -l {}={service}", names::NAME);
                return Err(TargetError::new(Class::Transient, text).hint(hint));
            }
        }
        if self.found.services.contains_key(service.as_str()) {
            return Ok(());
        }
        let text = format!(
            "there is no Service {service} in namespace {namespace}, so {service} cannot be given traffic"
        );
        Err(TargetError::new(Class::Fatal, text).hint(format!("kubectl get services -n {namespace}")))
    }

    fn labels(&self, release: ReleaseId) -> Labels {
        self.slots().get(&release).map(|it| it.selector()).unwrap_or_default()
    }

    /// Without a router: the Service selects the pods of all slots that are wanted, and of no other.
    async fn select_pods(&self, fence: &Fence, weights: &Weights) -> Result<(), TargetError> {
        let service = self.service;
        let wanted = |release: ReleaseId| weights.of(release) != Weight::NONE;
        let slots = self.slots();
        let of_wanted: Vec<Labels> =
            slots.iter().filter(|it| wanted(*it.0)).map(|it| it.1.selector()).collect();
        let labels = selector::common(of_wanted.iter());
        let is_other = |it: &(&ReleaseId, &&SlotDeployment)| {
            !wanted(*it.0) && it.1.replicas() != 0 && selector::selects(&labels, &it.1.pod_labels())
        };
        if let Some((other, _)) = slots.iter().find(is_other) {
            let text = format!(
                "{service}@{other} would be given traffic too: nothing tells its pods from the others'"
            );
            let hint = "remove it, or let a Gateway or ingress-nginx split the traffic of the service";
            return Err(TargetError::new(Class::Fatal, text).hint(hint));
        }
        if labels.is_empty() {
            let text =
                format!("the pods of {service} have no label in common that they could be selected by");
            return Err(TargetError::new(Class::Fatal, text));
        }
        if self.select(fence, service.as_str(), &labels).await? {
            tokio::time::sleep(SETTLE).await;
        }
        Ok(())
    }

    async fn go(&self, fence: &Fence, weights: &Weights) -> Result<(), TargetError> {
        let steps = step::steps(self.standing(), weights).map_err(|step::TooMany| {
            let text =
                format!("the traffic of {} cannot be split between more than two versions", self.service);
            TargetError::new(Class::Fatal, text)
        })?;
        let end = steps.iter().fold(self.standing(), |at, step| at.after(*step));
        for step in &steps {
            tracing::debug!(service = %self.service, ?step, "traffic is moved");
            self.take(fence, *step).await?;
        }
        if steps.is_empty() {
            self.followed(end).await?;
        } else {
            tokio::time::sleep(SETTLE).await;
        }
        self.tidy(fence, end).await
    }

    async fn take(&self, fence: &Fence, step: Step) -> Result<(), TargetError> {
        let pair = self.pair();
        match step {
            Step::Stable(release) => {
                self.select(fence, &pair.stable, &self.labels(release)).await?;
            }
            Step::Canary(release) => {
                if !self.found.services.contains_key(&pair.canary) {
                    self.make_service(fence, &pair, &self.labels(release)).await?;
                }
                self.select(fence, &pair.canary, &self.labels(release)).await?;
            }
            Step::Share(share) => self.share(fence, &pair, share).await?,
        }
        Ok(())
    }

    /// Whether anything had to be written.
    async fn select(&self, fence: &Fence, name: &str, labels: &Labels) -> Result<bool, TargetError> {
        let at = At { api_version: "v1", kind: "Service", name };
        let written = rewrite(self.cluster, fence, at, |service| {
            service.data["spec"]["selector"] = json!(labels);
            Ok(())
        });
        let written = written.await?;
        follow::endpoints(self.cluster, name, labels).await?;
        let before = self.found.services.get(name).and_then(kube::ResourceExt::resource_version);
        Ok(before != written.resource_version())
    }

    async fn share(&self, fence: &Fence, pair: &Pair, share: Weight) -> Result<(), TargetError> {
        match self.router {
            Router::Routes(routes) => {
                let mut written = Vec::new();
                for route in routes {
                    written.push(self.share_route(fence, pair, route, share).await?);
                }
                for route in &written {
                    follow::route(self.cluster, route).await?;
                }
                Ok(())
            }
            Router::Ingress(stable) => self.share_ingress(fence, pair, stable, share).await,
            Router::Pods => Ok(()),
        }
    }

    async fn share_route(
        &self,
        fence: &Fence,
        pair: &Pair,
        route: &DynamicObject,
        share: Weight,
    ) -> Result<DynamicObject, TargetError> {
        let (kind, name) = (find::kind(route), route.name_any());
        let at = At { api_version: find::GATEWAY_API, kind, name: &name };
        let written = rewrite(self.cluster, fence, at, |route| {
            let keeps = self.found.keeps(pair);
            route.data = route::with_share(&route.data, pair, share, keeps).map_err(|why| {
                let text = format!("{kind} {name} is not Lockgate's to split: {why}");
                TargetError::new(Class::Fatal, text)
            })?;
            Ok(())
        });
        let mut written = written.await?;
        written.types.clone_from(&route.types);
        Ok(written)
    }

    async fn share_ingress(
        &self,
        fence: &Fence,
        pair: &Pair,
        stable: &serde_json::Value,
        share: Weight,
    ) -> Result<(), TargetError> {
        let at = At { api_version: ingress::API_VERSION, kind: "Ingress", name: &pair.canary };
        let written = rewrite(self.cluster, fence, at, |canary| {
            let said = ingress::annotations(share).map(|(key, value)| (key.to_owned(), value));
            canary.annotations_mut().extend(said);
            Ok(())
        });
        if self.canary_ingress(pair).is_some() || self.is_there(at).await? {
            return written.await.map(drop);
        }
        let mut canary = ingress::canary(stable, pair, share);
        self.stamp(fence, &mut canary);
        apply(self.cluster, &canary, Take::Over).await.map(drop)
    }

    async fn is_there(&self, at: At<'_>) -> Result<bool, TargetError> {
        let api = self.cluster.dynamic(at.api_version, at.kind)?;
        let found = api.get_opt(at.name).await;
        Ok(found.map_err(|it| told(&it, &format!("read {} {}", at.kind, at.name)))?.is_some())
    }

    /// The canary's Service, with the ports of the stable one.
    async fn make_service(&self, fence: &Fence, pair: &Pair, labels: &Labels) -> Result<(), TargetError> {
        let stable = &self.found.services[&pair.stable];
        let mut ports = stable.data["spec"]["ports"].clone();
        for port in ports.as_array_mut().into_iter().flatten().filter_map(|it| it.as_object_mut()) {
            port.remove("nodePort");
        }
        let mut service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": pair.canary, "labels": stable.metadata.labels},
            "spec": {"type": "ClusterIP", "selector": labels, "ports": ports},
        });
        self.stamp(fence, &mut service);
        apply(self.cluster, &service, Take::Over).await.map(drop)
    }

    /// Made for the time of a release.
    fn stamp(&self, fence: &Fence, object: &mut serde_json::Value) {
        object["metadata"]["annotations"][find::MADE] = json!(self.service.as_str());
        object["metadata"]["annotations"][names::FENCE] = json!(mark(fence));
    }

    /// When no share is left for it, what was made for the canary goes: first who sends to it, then the Service.
    async fn tidy(&self, fence: &Fence, end: Standing) -> Result<(), TargetError> {
        let pair = self.pair();
        if end.share != Some(Weight::NONE) || self.found.keeps(&pair) {
            return Ok(());
        }
        if let Router::Routes(_) = self.router {
            self.share(fence, &pair, Weight::NONE).await?;
        }
        for (api_version, kind) in [(ingress::API_VERSION, "Ingress"), ("v1", "Service")] {
            let at = At { api_version, kind, name: &pair.canary };
            self.delete_made(at).await?;
        }
        Ok(())
    }

    async fn delete_made(&self, at: At<'_>) -> Result<(), TargetError> {
        let api = self.cluster.dynamic(at.api_version, at.kind)?;
        let failed = |error: &kube::Error| told(error, &format!("delete {} {}", at.kind, at.name));
        let Some(found) = api.get_opt(at.name).await.map_err(|it| failed(&it))? else { return Ok(()) };
        if rewrite::annotation(&found, find::MADE).is_none() {
            return Ok(());
        }
        match api.delete(at.name, &DeleteParams::default()).await {
            Err(error) if !is_missing(&error) => Err(failed(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Nothing had to be written; whoever wrote it last may not have seen that it is followed.
    async fn followed(&self, end: Standing) -> Result<(), TargetError> {
        let pair = self.pair();
        let shares = [
            (&pair.stable, end.stable, end.share != Some(Weight::ALL)),
            (&pair.canary, end.canary, end.share != Some(Weight::NONE)),
        ];
        for (name, slot, _) in shares.into_iter().filter(|it| it.2) {
            if let Some(release) = slot {
                follow::endpoints(self.cluster, name, &self.labels(release)).await?;
            }
        }
        if let Router::Routes(routes) = self.router {
            for route in routes {
                follow::route(self.cluster, route).await?;
            }
        }
        Ok(())
    }
}
