//! What the spec can say and a release does not carry out on its target. A release that left a step out in silence
//! would be worse than none, so it is refused by name.

use anyhow::bail;
use lockgate_model::{Enforcer, Service, SmokeKind, Strategy, System, TargetKind};

use crate::hosts;

/// Refuses a system whose release would leave out something that it asks for. What others see to is noted.
pub fn check(system: &System) -> anyhow::Result<Vec<String>> {
    let environment = &system.environment;
    let target = system.target.as_str();
    match &system.target {
        TargetKind::Docker(docker) => {
            let problems = hosts::problems(system, docker);
            if !problems.is_empty() {
                bail!("environment `{environment}` cannot run on its hosts: {}", problems.join("\n"));
            }
        }
        TargetKind::Local(_) | TargetKind::Kubernetes(_) => (),
        TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_) => bail!(
            "environment `{environment}` is on `{target}`, and releases go to `local`, `docker` and `kubernetes`; \
             `check`, `show`, `explain` and `render` work for it"
        ),
    }
    let missing = missing(system);
    if missing.is_empty() {
        return Ok(notes(system));
    }
    bail!(
        "environment `{environment}` asks for what a release does not carry out on `{target}`: {}; \
         take it away there, as in `environments: {{{environment}: {{cron: null}}}}`",
        missing.join(", ")
    );
}

fn notes(system: &System) -> Vec<String> {
    let protection = system.policy.protection.as_ref();
    let of_others = protection.filter(|it| it.enforced_by == Enforcer::Github);
    let note = of_others.map(|_| {
        format!(
            "GitHub holds releases to `{}` back until they are approved; a release that is asked for here is not held",
            system.environment
        )
    });
    note.into_iter().collect()
}

fn missing(system: &System) -> Vec<String> {
    let rollout = &system.rollout;
    let is_kubernetes = matches!(system.target, TargetKind::Kubernetes(_));
    let protection = system.policy.protection.as_ref();
    let said = [
        (!is_kubernetes && !system.cron.is_empty(), "cron"),
        (rollout.strategy == Strategy::Recreate, "rollout.strategy: recreate"),
        (!is_kubernetes && !rollout.gates.is_empty(), "rollout.gates"),
        (!system.target.runs_images() && system.policy.promote.is_some(), "promote"),
        (
            protection.is_some_and(|it| it.enforced_by == Enforcer::Lockgate),
            "protection that is `enforced_by: lockgate`",
        ),
        (
            system.smoke.iter().any(|it| matches!(it.kind, SmokeKind::Mail { .. })),
            "smoke checks that send a mail",
        ),
    ];
    let of_the_system = said.into_iter().filter(|it| it.0).map(|it| it.1.to_owned());
    let of_services = system.services.iter().flat_map(|(name, it)| {
        of_service(it, &system.target).into_iter().map(move |what| format!("services.{name}.{what}"))
    });
    of_the_system.chain(of_services).collect()
}

fn of_service(service: &Service, target: &TargetKind) -> Vec<&'static str> {
    let is_kubernetes = matches!(target, TargetKind::Kubernetes(_));
    let said = [
        (!is_kubernetes && service.autoscaling.is_some(), "autoscaling"),
        (!target.runs_images() && !service.volumes.is_empty(), "volumes"),
    ];
    said.into_iter().filter(|it| it.0).map(|it| it.1).collect()
}
