//! Dependencies that are started with the system, what prepares them and what reads their metrics.

use std::collections::BTreeMap;

use lockgate_model::{Dependency, DependencyName};

use super::file::{Container, DependsOn, Healthcheck};
use super::value;
use crate::artifact::Kind;
use crate::facts::container::{self, INNER, OPEN};
use crate::facts::{Bundled, Environment, Exporter, Facts, Template, shell};

pub(super) fn containers(facts: &Facts<'_>, environment: &Environment<'_>) -> Vec<(String, Container)> {
    let mut containers = vec![];
    let measured = facts.wanting(Kind::Prometheus).any(|it| it.name() == environment.name());
    for (name, bundled) in &environment.bundled {
        let dependency = &environment.system.dependencies[*name];
        containers.push((name.to_string(), server(facts, environment, name, dependency, bundled)));
        if !bundled.setup.is_empty() {
            containers.push((setup_name(name.as_str()), setup(facts, environment, name, bundled)));
        }
        if let Some(exporter) = bundled.exporter.as_ref().filter(|_| dependency.monitored && measured) {
            containers.push((format!("{name}-exporter"), exporting(facts, environment, name, exporter)));
        }
    }
    containers
}

fn server(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    name: &DependencyName,
    dependency: &Dependency,
    bundled: &Bundled,
) -> Container {
    let mut ports = vec![];
    // Tools of this machine only: a database has no business on its network.
    ports.extend(dependency.publish.map(|it| format!("127.0.0.1:{it}:{}", bundled.port)));
    ports.extend(bundled.page.map(|it| format!("127.0.0.1:{it}:{it}")));
    Container {
        image: value::literal(&facts.lock.image(&bundled.image)),
        command: bundled.args.iter().map(|it| value::literal(it)).collect(),
        environment: settings(environment, &bundled.env),
        ports,
        volumes: volume(name.as_str(), bundled),
        healthcheck: check(bundled),
        networks: container::networks_of_dependency(dependency, bundled),
        restart: "unless-stopped",
        stop_grace_period: Some("1m".to_owned()),
        security_opt: vec!["no-new-privileges:true"],
        ..Container::default()
    }
}

fn volume(name: &str, bundled: &Bundled) -> Vec<String> {
    let name = container::volume_of_dependency(name);
    bundled.data.iter().map(|it| format!("{name}:{it}")).collect()
}

fn check(bundled: &Bundled) -> Option<Healthcheck> {
    (!bundled.check.is_empty()).then(|| Healthcheck {
        test: test(&bundled.check),
        interval: "5s".to_owned(),
        timeout: "5s".to_owned(),
        retries: 12,
        start_period: "30s".to_owned(),
    })
}

pub(super) fn test(command: &[String]) -> Vec<String> {
    std::iter::once("CMD".to_owned()).chain(command.iter().map(|it| value::literal(it))).collect()
}

/// Topics, extensions: made once the server answers, and left as they are when they are there.
fn setup(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    name: &DependencyName,
    bundled: &Bundled,
) -> Container {
    let script: Vec<String> = bundled.setup.iter().map(|it| shell::line(it)).collect();
    Container {
        image: value::literal(&facts.lock.image(&bundled.image)),
        command: ["sh", "-ec", &value::literal(&script.join("\n"))].map(str::to_owned).to_vec(),
        environment: settings(environment, &bundled.env),
        depends_on: BTreeMap::from([(name.to_string(), DependsOn { condition: ready(bundled) })]),
        networks: vec![INNER],
        restart: "no",
        security_opt: vec!["no-new-privileges:true"],
        ..Container::default()
    }
}

fn exporting(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    name: &DependencyName,
    exporter: &Exporter,
) -> Container {
    Container {
        image: value::literal(&facts.lock.image(exporter.image)),
        command: exporter.args.iter().map(|it| value::literal(it)).collect(),
        environment: settings(environment, &exporter.env),
        depends_on: BTreeMap::from([(name.to_string(), DependsOn { condition: "service_started" })]),
        networks: vec![INNER, OPEN],
        profiles: vec!["monitoring"],
        restart: "unless-stopped",
        cap_drop: vec!["ALL"],
        security_opt: vec!["no-new-privileges:true"],
        ..Container::default()
    }
}

fn settings(
    environment: &Environment<'_>,
    settings: &BTreeMap<&'static str, Template>,
) -> BTreeMap<String, String> {
    settings.iter().map(|(name, it)| ((*name).to_owned(), value::filled(environment, it))).collect()
}

pub(super) fn setup_name(dependency: &str) -> String {
    format!("{dependency}-setup")
}

/// What others wait for.
pub(super) fn ready(bundled: &Bundled) -> &'static str {
    if bundled.check.is_empty() { "service_started" } else { "service_healthy" }
}
