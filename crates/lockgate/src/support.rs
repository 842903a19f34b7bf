//! What the spec can say and this version does not carry out. A release that left a step out in silence would be
//! worse than none, so it is refused by name.

use anyhow::bail;
use lockgate_model::{Service, SmokeExpect, SmokeKind, StepGate, Strategy, System, When};

/// Refuses a system whose release would leave out something that it asks for.
pub fn check(system: &System) -> anyhow::Result<()> {
    let environment = &system.environment;
    if system.target.runs_images() {
        bail!(
            "environment `{environment}` is on `{}`, and this version releases to `local` only; \
             `check`, `show` and `explain` work for it",
            system.target.as_str()
        );
    }
    let missing = missing(system);
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "environment `{environment}` asks for what this version does not carry out on `local`: {}; \
         take it away there, as in `environments: {{{environment}: {{seeds: null}}}}`",
        missing.join(", ")
    );
}

fn missing(system: &System) -> Vec<String> {
    let rollout = &system.rollout;
    let said = [
        (system.seeds.is_some(), "seeds"),
        (!system.cron.is_empty(), "cron"),
        (rollout.strategy == Strategy::Recreate, "rollout.strategy: recreate"),
        (rollout.steps.iter().any(|it| it.gate == StepGate::Approval), "rollout.steps with `gate: approval`"),
        (!rollout.gates.is_empty(), "rollout.gates"),
        (!rollout.freeze.is_empty(), "rollout.freeze"),
        (system.policy.promote.is_some(), "promote"),
        (system.policy.protection.is_some(), "protection"),
        (
            system.migrations.as_ref().is_some_and(|it| it.when == When::AfterRollout),
            "migrations after the rollout",
        ),
        (
            system.smoke.iter().any(|it| asks_more(&it.kind)),
            "smoke checks of more than a status or a command",
        ),
    ];
    let of_the_system = said.into_iter().filter(|it| it.0).map(|it| it.1.to_owned());
    let of_services = system
        .services
        .iter()
        .flat_map(|(name, it)| of_service(it).into_iter().map(move |what| format!("services.{name}.{what}")));
    of_the_system.chain(of_services).collect()
}

fn asks_more(kind: &SmokeKind) -> bool {
    match kind {
        SmokeKind::Get { expect, .. } => *expect != SmokeExpect::default(),
        SmokeKind::Run { .. } => false,
        SmokeKind::Mail { .. } => true,
    }
}

fn of_service(service: &Service) -> Vec<&'static str> {
    let said = [(service.autoscaling.is_some(), "autoscaling"), (!service.volumes.is_empty(), "volumes")];
    said.into_iter().filter(|it| it.0).map(|it| it.1).collect()
}
