//! Compose files: a whole environment on one machine, with the dependencies, jobs and checks of the spec.

mod dependency;
mod file;
mod job;
mod service;
mod value;

use lockgate_yaml::WriteStyle;
use serde_json::Value;

use crate::artifact::Kind;
use crate::facts::container::{INNER, OPEN};
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use file::{ComposeFile, Container, Network};

/// Name of the job, as others wait for it.
const MIGRATE: &str = "migrate";
const SEED: &str = "seed";

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::Compose).collect();
    for environment in environments {
        environment_file(facts, environment, output);
    }
}

fn environment_file(facts: &Facts<'_>, environment: &Environment<'_>, output: &mut Output<'_>) {
    let mut containers: Vec<(String, Container)> = vec![];
    containers.extend(dependency::containers(facts, environment));
    containers.extend(job::containers(environment));
    containers.extend(service::containers(environment));
    notes(environment, &containers, output);
    let mut file = ComposeFile { name: environment.system.name.to_string(), ..ComposeFile::default() };
    for (_, container) in &containers {
        for volume in &container.volumes {
            if let Some((name, _)) = volume.split_once(':').filter(|it| !it.0.contains(['/', '.'])) {
                file.volumes.insert(name.to_owned(), serde_json::json!({}));
            }
        }
    }
    file.networks.insert(OPEN, Network::default());
    if containers.iter().any(|it| it.1.networks.contains(&INNER)) {
        file.networks.insert(INNER, Network { internal: true });
    }
    for (name, container) in containers {
        let mut value = serde_json::to_value(container).expect("maps have keys of text");
        output.patch(environment, "ComposeService", &name, &mut value);
        file.services.insert(name, value);
    }
    let mut value = serde_json::to_value(file).expect("maps have keys of text");
    output.patch(environment, "ComposeFile", environment.name(), &mut value);
    write(environment, &value, output);
}

fn write(environment: &Environment<'_>, value: &Value, output: &mut Output<'_>) {
    let first = ["name", "services", "image", "build", "context", "dockerfile", "command"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    output.file(File {
        kind: Kind::Compose,
        path: format!("{}/compose.yaml", folder(environment)),
        environment: Some(&environment.system.environment),
        comment: Comment::Hash,
        text: lockgate_yaml::write(value, &style),
        origin: origin(environment),
    });
}

fn folder(environment: &Environment<'_>) -> String {
    format!("deploy/compose/{}", environment.name())
}

fn origin(environment: &Environment<'_>) -> Vec<String> {
    let mut origin = vec![];
    origin.extend(environment.bundled.keys().map(|it| format!("dependencies.{it}")));
    origin.extend(environment.migration.iter().map(|_| "migrations".to_owned()));
    origin.extend(environment.seed.iter().map(|_| "seeds".to_owned()));
    origin.extend(environment.services.keys().map(|it| format!("services.{it}")));
    origin.extend(environment.system.cron.keys().map(|it| format!("cron.{it}")));
    origin
}

fn notes(environment: &Environment<'_>, containers: &[(String, Container)], output: &mut Output<'_>) {
    let name = environment.name();
    if !environment.system.cron.is_empty() {
        output.note(format!(
            "environment `{name}`: Compose has no clock; start each cron job from the machine's own, as in \
             `docker compose --profile cron run --rm NAME`"
        ));
    }
    let is_service = |it: &str| environment.services.keys().any(|name| name.as_str() == it);
    if !containers.iter().any(|it| is_service(&it.0) && !it.1.ports.is_empty()) {
        output.note(format!(
            "environment `{name}`: no service is reachable from outside of Compose's network; say \
             `ports: {{http: {{publish: 8080}}}}` of the one that should be"
        ));
    }
    for (service, fact) in &environment.services {
        let published = fact.service.ports.values().any(|it| it.publish.is_some());
        if published && 1 < fact.service.replicas {
            output.problem(
                format!("`{service}` cannot run {} times in environment `{name}`: all instances would take the same port of the machine", fact.service.replicas),
                "remove `publish`, or let it run once there".to_owned(),
            );
        }
    }
}
