//! The tables of the runbook, which are also blocks for pages of the user's own.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{External, SecretRule, Store, Stores};

use super::markdown::{Page, code, codes, plain};
use crate::facts::{Environment, Part, Template, VariableValue, health};

pub(super) fn services(page: &mut Page, environment: &Environment<'_>) {
    let rows: Vec<Vec<String>> = environment
        .services
        .values()
        .map(|fact| {
            let service = fact.service;
            let ports =
                service.ports.iter().map(|(name, it)| format!("{name} {}", it.number)).collect::<Vec<_>>();
            let asked = match health::question(service) {
                Some(health::Question::Http { path, port }) => code(&format!("GET :{port}{path}")),
                Some(health::Question::Tcp { port }) => format!("TCP {port}"),
                Some(health::Question::Command(command)) => code(&command.join(" ")),
                None => "that it stays up".to_owned(),
            };
            let instances = service
                .autoscaling
                .as_ref()
                .map_or_else(|| service.replicas.to_string(), |it| format!("{} to {}", it.min, it.max));
            let hosts = service.ingress.iter().flat_map(|it| &it.hosts).map(String::as_str);
            let image = fact.image.as_ref().map_or_else(String::new, |it| code(&it.repository));
            vec![code(fact.name.as_str()), image, ports.join(", "), instances, asked, codes(hosts)]
        })
        .collect();
    page.table(&["service", "image", "ports", "instances", "health", "hosts"], &rows);
}

pub(super) fn dependencies(page: &mut Page, environment: &Environment<'_>) {
    let rows: Vec<Vec<String>> = environment
        .system
        .dependencies
        .iter()
        .map(|(name, it)| {
            let runs = match &it.external {
                Some(External::Url(url)) => code(&shown(&Template::parse(url))),
                Some(External::Secret(secret)) => format!("address in the secret {}", code(secret)),
                Some(External::Rds(id)) => format!("Amazon RDS {}", code(id)),
                Some(External::Elasticache(id)) => format!("Amazon ElastiCache {}", code(id)),
                Some(External::Atlas(id)) => format!("MongoDB Atlas {}", code(id)),
                None if environment.system.target.runs_images() => "with the system".to_owned(),
                None => "where it is installed".to_owned(),
            };
            let backup = it
                .backup
                .as_ref()
                .map_or_else(|| "none".to_owned(), |it| format!("{}, kept {}", code(&it.schedule), it.keep));
            let used_by: Vec<&str> = environment
                .services
                .iter()
                .filter(|fact| fact.1.service.depends_on.contains_key(name.as_str()))
                .map(|it| it.0.as_str())
                .collect();
            vec![
                code(name.as_str()),
                plain(&it.kind),
                plain(it.version.as_deref().unwrap_or("")),
                runs,
                backup,
                codes(used_by),
            ]
        })
        .collect();
    page.table(&["dependency", "kind", "version", "runs", "backup", "used by"], &rows);
}

/// A variable, for all services that read it the same way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    name: String,
    class: &'static str,
    value: String,
    about: String,
}

pub(super) fn variables(page: &mut Page, environment: &Environment<'_>) {
    let mut rows: BTreeMap<Row, BTreeSet<&str>> = BTreeMap::new();
    let stores = &environment.system.stores;
    for (service, fact) in &environment.services {
        for variable in &fact.variables {
            let (class, value) = match &variable.value {
                VariableValue::Plain(template) => ("plain", code(&shown(template))),
                VariableValue::Secret(rule) => (
                    if rule.required { "secret" } else { "secret, optional" },
                    home_of_secret(stores, variable.name, rule),
                ),
                VariableValue::Store { required: true } => {
                    ("required", home_of_config(stores, variable.name))
                }
                VariableValue::Store { required: false } => {
                    ("optional", home_of_config(stores, variable.name))
                }
            };
            let about = variable.about.map_or_else(String::new, plain);
            rows.entry(Row { name: variable.name.to_owned(), class, value, about })
                .or_default()
                .insert(service.as_str());
        }
    }
    let everybody = environment.services.len();
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(row, services)| {
            let readers =
                if 2 < everybody && services.len() == everybody { "all".to_owned() } else { codes(services) };
            vec![code(&row.name), row.class.to_owned(), row.value, row.about, readers]
        })
        .collect();
    page.table(&["variable", "class", "value or home", "what it is", "read by"], &rows);
}

/// References as the spec writes them: no value of a secret is here.
pub(super) fn shown(template: &Template) -> String {
    template.write(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Secret(name) => format!("${{secrets.{name}}}"),
        Part::Version => "${release.version}".to_owned(),
        Part::Other(name) => format!("${{{name}}}"),
    })
}

fn home_of_secret(stores: &Stores, name: &str, rule: &SecretRule) -> String {
    in_store(stores, name, rule.from.as_deref(), rule.key.as_deref())
}

fn in_store(stores: &Stores, name: &str, from: Option<&str>, key: Option<&str>) -> String {
    match &stores.secrets {
        Some(Store::AwsSecretsManager(secret)) => {
            let place = format!("Secrets Manager {}", code(from.unwrap_or(secret)));
            match (from, key) {
                (Some(_), None) => place,
                (_, key) => format!("{place}, key {}", code(key.unwrap_or(name))),
            }
        }
        Some(Store::AwsParameterStore(path)) => {
            format!("Parameter Store {}", code(&format!("{path}{}", from.unwrap_or(name))))
        }
        Some(Store::Kubernetes(secret)) => {
            format!("Secret {}, key {}", code(secret), code(from.unwrap_or(name)))
        }
        Some(Store::ExternalSecrets(store)) => {
            format!("External Secrets store {}, {}", code(store), code(from.unwrap_or(name)))
        }
        Some(Store::File(file)) => format!("file {}", code(file)),
        Some(Store::Github(name)) => format!("GitHub environment {}", code(name)),
        None => "no store is said".to_owned(),
    }
}

fn home_of_config(stores: &Stores, name: &str) -> String {
    match &stores.config {
        Some(Store::AwsParameterStore(path)) => format!("Parameter Store {}", code(&format!("{path}{name}"))),
        Some(Store::Kubernetes(map)) => format!("ConfigMap {}", code(map)),
        _ => in_store(stores, name, None, None),
    }
}

/// Secrets that grow old, or that Lockgate makes.
pub(super) fn secrets(page: &mut Page, environment: &Environment<'_>) {
    let rows: Vec<Vec<String>> = environment
        .secrets
        .iter()
        .map(|(name, fact)| {
            let rule = fact.rule;
            let origin = match rule {
                None => "password of a dependency, made once".to_owned(),
                Some(it) if it.generate.is_some() => "generated".to_owned(),
                Some(it) => it.public_of.as_deref().map_or_else(
                    || "made by a person".to_owned(),
                    |of| format!("public half of {}", code(of)),
                ),
            };
            let age =
                rule.and_then(|it| it.rotate).map_or_else(|| "no limit".to_owned(), |it| it.to_string());
            let consumers: Vec<&str> = fact
                .services
                .iter()
                .map(|it| it.as_str())
                .chain(fact.dependencies.iter().map(|it| it.as_str()))
                .collect();
            vec![code(name), origin, age, codes(consumers)]
        })
        .collect();
    page.table(&["secret", "comes from", "may become", "restart after a change"], &rows);
}
