//! How many instances there are under load, and how many must stay while nodes are emptied.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricIdentifier,
    MetricSpec, MetricTarget, PodsMetricSource, ResourceMetricSource,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::{Autoscaling, DisruptionBudget};

use super::deployment::{is_many, number_or_share};
use super::part::Part;
use super::{Objects, meta};
use crate::facts::ServiceFact;

/// What an adapter of the custom metrics API calls the rate of requests.
const REQUESTS: &str = "http_requests_per_second";

pub(super) fn add(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let part = Part::Service(fact.name.clone());
    if let Some(wanted) = &fact.service.autoscaling {
        autoscaler(objects, fact, &part, wanted);
    }
    // With one instance, a budget would keep its node from ever being emptied.
    if fact.service.disruption_budget.is_some() || is_many(fact.service) {
        budget(objects, fact, &part);
    }
}

fn autoscaler(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>, part: &Part, wanted: &Autoscaling) {
    if wanted.requests_per_second.is_some() {
        objects.output.note(format!(
            "environment `{}`: the autoscaler of `{}` needs the metric `{REQUESTS}` of each pod, which an adapter of the custom metrics API gives",
            objects.environment.name(),
            fact.name,
        ));
    }
    let autoscaler = HorizontalPodAutoscaler {
        metadata: meta::meta(objects.environment, part, fact.name.as_str()),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: fact.name.to_string(),
            },
            min_replicas: Some(i32::from(wanted.min)),
            max_replicas: i32::from(wanted.max),
            metrics: Some(metrics(wanted)),
            ..HorizontalPodAutoscalerSpec::default()
        }),
        ..HorizontalPodAutoscaler::default()
    };
    objects.add(part, &autoscaler);
}

fn metrics(wanted: &Autoscaling) -> Vec<MetricSpec> {
    let resource = |name: &str, share: &Option<String>| {
        let average_utilization = share.as_deref()?.trim_end_matches('%').parse().ok();
        let type_ = "Utilization".to_owned();
        let target = MetricTarget { type_, average_utilization, ..MetricTarget::default() };
        Some(MetricSpec {
            type_: "Resource".to_owned(),
            resource: Some(ResourceMetricSource { name: name.to_owned(), target }),
            ..MetricSpec::default()
        })
    };
    let requests = wanted.requests_per_second.map(|it| MetricSpec {
        type_: "Pods".to_owned(),
        pods: Some(PodsMetricSource {
            metric: MetricIdentifier { name: REQUESTS.to_owned(), selector: None },
            target: MetricTarget {
                type_: "AverageValue".to_owned(),
                average_value: Some(Quantity(it.to_string())),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    });
    let cpu = resource("cpu", &wanted.cpu);
    cpu.into_iter().chain(resource("memory", &wanted.memory)).chain(requests).collect()
}

fn budget(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>, part: &Part) {
    let (least, most) = match &fact.service.disruption_budget {
        Some(DisruptionBudget::MinAvailable(it)) => (Some(number_or_share(it)), None),
        Some(DisruptionBudget::MaxUnavailable(it)) => (None, Some(number_or_share(it))),
        None => (None, Some(IntOrString::Int(1))),
    };
    let budget = PodDisruptionBudget {
        metadata: meta::meta(objects.environment, part, fact.name.as_str()),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: least,
            max_unavailable: most,
            selector: Some(meta::selector(meta::all(fact.name.as_str()))),
            // A pod that is not ready serves nobody, and may go.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        }),
        ..PodDisruptionBudget::default()
    };
    objects.add(part, &budget);
}
