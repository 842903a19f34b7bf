//! What keeps the instances of a service running: its configuration, its account and its Deployment.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    ConfigMap, Container, ContainerPort, Lifecycle, LifecycleHandler, PodSpec, PodTemplateSpec,
    ServiceAccount, SleepAction, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::{Health, Millis, Service, StopSignal, Strategy, VolumeAccess};

use super::env::{self, Env};
use super::part::Part;
use super::probe::{self, whole_seconds};
use super::{Objects, meta, pod};
use crate::facts::ServiceFact;

/// Of the name of a container's port.
const PORT_NAME_MAX: usize = 15;
/// Kubernetes' own patience with a rollout, which is spent on scheduling and pulling as well.
const PROGRESS: i32 = 600;
/// Scheduling and pulling beside the time that the service itself may take.
const BEFORE_START: i32 = 60;

pub(super) fn add(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let part = Part::Service(fact.name.clone());
    let (environment, service) = (objects.environment, fact.service);
    let env = env::of_variables(environment, &fact.variables);
    account(objects, &part);
    let config = config(objects, &part, &env);
    notes(objects, fact);
    let checks = probe::checks(service);
    let mut container = pod::container(fact, fact.name.as_str(), &service.command, &env);
    container.env_from = config.map(|it| pod::read_from(&it));
    let container = Container {
        ports: ports(service),
        startup_probe: checks.startup,
        readiness_probe: checks.ready,
        liveness_probe: checks.live,
        lifecycle: drain(service),
        ..container
    };
    let spec = PodSpec {
        termination_grace_period_seconds: Some(i64::from(patience(service))),
        topology_spread_constraints: spread(service, &part),
        ..pod::pod(environment, fact, container)
    };
    objects.add(
        &part,
        &Deployment {
            metadata: meta::meta(environment, &part, fact.name.as_str()),
            spec: Some(DeploymentSpec {
                // An autoscaler and a number of ours would take turns.
                replicas: service.autoscaling.is_none().then(|| i32::from(service.replicas)),
                min_ready_seconds: ready_after(service),
                progress_deadline_seconds: Some(deadline(service)),
                revision_history_limit: Some(3),
                selector: meta::selector(meta::stable(&part)),
                strategy: Some(strategy(objects, service)),
                template: PodTemplateSpec {
                    metadata: Some(meta::of_release(environment, &part, &env)),
                    spec: Some(spec),
                },
                ..DeploymentSpec::default()
            }),
            ..Deployment::default()
        },
    );
}

/// What the spec says and Kubernetes has no word for.
fn notes(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let (environment, name) = (objects.environment.name(), fact.name);
    if probe::ask_for_a_body(fact.service) {
        objects.output.note(format!(
            "environment `{environment}`: Kubernetes asks `{name}` for its status only; what the body of its answer holds is checked by Lockgate"
        ));
    }
    if fact.service.stop.signal != StopSignal::Term {
        objects.output.note(format!(
            "environment `{environment}`: Kubernetes ends `{name}` with the signal that its image names with STOPSIGNAL"
        ));
    }
}

/// An account without rights, so that none are given to all pods of the namespace by accident.
pub(super) fn account(objects: &mut Objects<'_, '_, '_>, part: &Part) {
    let account = ServiceAccount {
        metadata: meta::meta(objects.environment, part, &part.name()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    objects.add(part, &account);
}

/// Name of the `ConfigMap` that was added, if there is anything in it.
pub(super) fn config(objects: &mut Objects<'_, '_, '_>, part: &Part, env: &Env) -> Option<String> {
    if env.plain.is_empty() {
        return None;
    }
    let map = ConfigMap {
        metadata: meta::meta(objects.environment, part, &part.name()),
        data: Some(env.plain.clone()),
        immutable: Some(true),
        ..ConfigMap::default()
    };
    Some(objects.add_by_content(part, &map))
}

fn ports(service: &Service) -> Option<Vec<ContainerPort>> {
    let ports = service.ports.iter().map(|(name, port)| ContainerPort {
        name: (name.as_str().len() <= PORT_NAME_MAX).then(|| name.to_string()),
        container_port: i32::from(port.number),
        ..ContainerPort::default()
    });
    (!service.ports.is_empty()).then(|| ports.collect())
}

/// The signal comes once nobody sends requests any more: what routes them hears of the end at the same time as the
/// instance itself.
fn drain(service: &Service) -> Option<Lifecycle> {
    let drains = !service.ports.is_empty() && service.stop.drain != Millis(0);
    let sleep = SleepAction { seconds: i64::from(whole_seconds(service.stop.drain)) };
    let handler = LifecycleHandler { sleep: Some(sleep), ..LifecycleHandler::default() };
    drains.then(|| Lifecycle { pre_stop: Some(handler), ..Lifecycle::default() })
}

/// Kubernetes counts the drain as a part of it.
fn patience(service: &Service) -> i32 {
    let drain = if service.ports.is_empty() { Millis(0) } else { service.stop.drain };
    whole_seconds(Millis(drain.0 + service.stop.grace.0))
}

fn ready_after(service: &Service) -> Option<i32> {
    match &service.health {
        Health::Uptime { ready_after } => Some(whole_seconds(*ready_after)),
        Health::Http { .. } => None,
    }
}

fn deadline(service: &Service) -> i32 {
    let own = match &service.health {
        Health::Http { ready_within, .. } => *ready_within,
        Health::Uptime { ready_after } => *ready_after,
    };
    whole_seconds(own).saturating_add(BEFORE_START).max(PROGRESS)
}

fn strategy(objects: &Objects<'_, '_, '_>, service: &Service) -> DeploymentStrategy {
    let rollout = &objects.environment.system.rollout;
    // A second instance could not mount what one instance has at a time.
    let alone = service.volumes.values().any(|it| it.access == VolumeAccess::Single);
    if alone || rollout.strategy == Strategy::Recreate {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    let surge = rollout.max_surge.as_deref().unwrap_or("25%");
    // One of the two must leave room.
    let unavailable = if is_zero(surge) { "1" } else { "0" };
    let unavailable = rollout.max_unavailable.as_deref().unwrap_or(unavailable);
    let rolling_update = RollingUpdateDeployment {
        max_surge: Some(number_or_share(surge)),
        max_unavailable: Some(number_or_share(unavailable)),
    };
    DeploymentStrategy { type_: Some("RollingUpdate".to_owned()), rolling_update: Some(rolling_update) }
}

fn is_zero(text: &str) -> bool {
    matches!(text, "0" | "0%")
}

/// `1` is a number, `25%` is text.
pub(super) fn number_or_share(text: &str) -> IntOrString {
    text.parse().map_or_else(|_| IntOrString::String(text.to_owned()), IntOrString::Int)
}

/// The instances of a version, apart from each other as far as there is room.
fn spread(service: &Service, part: &Part) -> Option<Vec<TopologySpreadConstraint>> {
    let constraint = |key: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(meta::selector(meta::stable(part))),
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        ..TopologySpreadConstraint::default()
    };
    is_many(service)
        .then(|| ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(constraint).to_vec())
}

pub(super) fn is_many(service: &Service) -> bool {
    let least = service.autoscaling.as_ref().map_or(service.replicas, |it| it.min);
    least > 1
}
