//! The services of the system.

use std::collections::BTreeMap;

use lockgate_model::{Migrations, Quantities, SeedsRun, Service, StopSignal, When};

use super::dependency::{ready, setup_name, test};
use super::file::{Amounts, Build, Container, DependsOn, Deploy, Healthcheck, Resources, duration};
use super::{MIGRATE, SEED, folder, value};
use crate::facts::{self, Environment, ImageFact, Peer, ServiceFact, container, health, path};

pub(super) fn containers(environment: &Environment<'_>) -> Vec<(String, Container)> {
    let services = environment.services.values();
    services.filter_map(|it| Some((it.name.to_string(), container(environment, it)?))).collect()
}

fn container(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Option<Container> {
    let service = fact.service;
    let mut container = of_image(environment, fact)?;
    container.depends_on.extend(jobs_before(environment));
    container.command = service.command.iter().map(|it| value::literal(it)).collect();
    let ports = service.ports.values().filter_map(|it| Some(format!("{}:{}", it.publish?, it.number)));
    container.ports = ports.collect();
    container.healthcheck = healthcheck(environment, fact);
    container.restart = "unless-stopped";
    container.stop_signal = match service.stop.signal {
        StopSignal::Term => None,
        StopSignal::Int => Some("SIGINT"),
        StopSignal::Quit => Some("SIGQUIT"),
    };
    container.stop_grace_period = Some(duration(service.stop.grace));
    container.deploy = deploy(service);
    Some(container)
}

/// What a service and the jobs of its image have in common.
pub(super) fn of_image(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Option<Container> {
    let image = fact.image.as_ref()?;
    let variables = fact.variables.iter();
    Some(Container {
        image: reference(environment, image),
        build: image.digest.is_none().then(|| build(environment, image)).flatten(),
        environment: variables.map(|it| (it.name.to_owned(), value::of(environment, it))).collect(),
        volumes: volumes(fact),
        tmpfs: container::scratch(fact).map(value::literal).collect(),
        depends_on: needs(environment, fact),
        networks: container::networks(fact),
        init: true,
        read_only: image.is_of_preset(),
        cap_drop: vec!["ALL"],
        security_opt: vec!["no-new-privileges:true"],
        ..Container::default()
    })
}

fn reference(environment: &Environment<'_>, image: &ImageFact<'_>) -> String {
    match image.build {
        Some(_) if image.digest.is_none() => {
            format!("{}:{}", value::literal(&image.repository), value::version(environment))
        }
        _ => value::literal(&image.reference()),
    }
}

fn build(environment: &Environment<'_>, image: &ImageFact<'_>) -> Option<Build> {
    let (owner, build) = image.build?;
    let dockerfile = path::relative(&build.context, &facts::build::dockerfile(owner, build));
    Some(Build {
        context: path::relative(&folder(environment), &build.context),
        dockerfile,
        target: build.stage.clone(),
        args: value::build_args(environment, build),
    })
}

fn volumes(fact: &ServiceFact<'_>) -> Vec<String> {
    container::volumes(fact).map(|(name, path)| format!("{name}:{}", value::literal(path))).collect()
}

fn needs(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> BTreeMap<String, DependsOn> {
    let mut needs = BTreeMap::new();
    for peer in &fact.edges.calls {
        match peer {
            Peer::Service(name) => {
                let asked = environment.services.get(name).and_then(|it| health::command(environment, it));
                let condition = if asked.is_some() { "service_healthy" } else { "service_started" };
                needs.insert(name.to_string(), DependsOn { condition });
            }
            Peer::Dependency(name) => {
                let Some(bundled) = environment.bundled.get(name) else { continue };
                needs.insert(name.to_string(), DependsOn { condition: ready(bundled) });
                if !bundled.setup.is_empty() {
                    needs.insert(setup_name(name.as_str()), done());
                }
            }
        }
    }
    needs
}

fn jobs_before(environment: &Environment<'_>) -> Vec<(String, DependsOn)> {
    let before = |it: &Migrations| it.when == When::BeforeRollout;
    let mut jobs = vec![];
    if environment.migration.is_some() && environment.system.migrations.as_ref().is_some_and(before) {
        jobs.push((MIGRATE.to_owned(), done()));
    }
    if environment.system.seeds.as_ref().is_some_and(|it| it.run == SeedsRun::Always) {
        jobs.push((SEED.to_owned(), done()));
    }
    jobs
}

pub(super) fn done() -> DependsOn {
    DependsOn { condition: "service_completed_successfully" }
}

fn healthcheck(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Option<Healthcheck> {
    let command = health::command(environment, fact)?;
    let timing = health::timing(fact.service)?;
    Some(Healthcheck {
        test: test(&command),
        interval: duration(timing.interval),
        timeout: duration(timing.timeout),
        retries: timing.retries,
        start_period: duration(timing.start),
    })
}

fn deploy(service: &Service) -> Option<Deploy> {
    let replicas = (service.replicas != 1).then_some(service.replicas);
    let resources = Resources {
        limits: amounts(&service.resources.limits),
        reservations: amounts(&service.resources.requests),
    };
    let says_something = replicas.is_some() || !resources.says_nothing();
    says_something.then_some(Deploy { replicas, resources })
}

fn amounts(quantities: &Quantities) -> Amounts {
    let (cpu, memory) = container::amounts(quantities);
    Amounts { cpus: cpu.map(decimal), memory: memory.map(in_units) }
}

/// 500 thousandths as `0.5`.
fn decimal(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Docker's `m` is 2^20 bytes.
fn in_units(bytes: u64) -> String {
    match bytes {
        it if it % (1 << 30) == 0 => format!("{}g", it >> 30),
        it if it % (1 << 20) == 0 => format!("{}m", it >> 20),
        it => format!("{it}b"),
    }
}
