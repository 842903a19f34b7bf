//! Variables and secrets: each with one value, one home and the services that read it.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{DependencyName, SecretRule, Service, ServiceName, System};

use super::bundled::Bundled;
use super::template::Template;

pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: VariableValue<'a>,
    pub(crate) about: Option<&'a str>,
}

pub(crate) enum VariableValue<'a> {
    Plain(Template),
    Secret(&'a SecretRule),
    /// The spec has no value; the environment's store must have one.
    Store {
        required: bool,
    },
}

/// A secret that containers need, and who.
pub(crate) struct SecretFact<'a> {
    /// What the spec says of it; nothing of the password of a bundled dependency.
    pub(crate) rule: Option<&'a SecretRule>,
    /// Services that have it as a variable, or within one.
    pub(crate) services: BTreeSet<&'a ServiceName>,
    /// Bundled dependencies that take it.
    pub(crate) dependencies: BTreeSet<&'a DependencyName>,
}

pub(super) fn of(service: &Service) -> Vec<Variable<'_>> {
    let about = |name: &str| service.variables.get(name).and_then(|it| it.about.as_deref());
    let plain = service.env.iter().map(|(name, value)| {
        let value = VariableValue::Plain(Template::parse(value));
        Variable { name, value, about: about(name) }
    });
    let secret = service.secrets.iter().map(|(name, rule)| Variable {
        name,
        value: VariableValue::Secret(rule),
        about: rule.about.as_deref(),
    });
    let stored = service
        .variables
        .iter()
        .filter(|it| !service.env.contains_key(it.0) && !service.secrets.contains_key(it.0));
    let stored = stored.map(|(name, it)| Variable {
        name,
        value: VariableValue::Store { required: it.required },
        about: it.about.as_deref(),
    });
    let mut variables: Vec<Variable<'_>> = plain.chain(secret).chain(stored).collect();
    variables.sort_by_key(|it| it.name);
    variables
}

pub(super) fn secrets<'a>(
    system: &'a System,
    bundled: &BTreeMap<&'a DependencyName, Bundled>,
) -> BTreeMap<String, SecretFact<'a>> {
    let mut secrets: BTreeMap<String, SecretFact<'a>> = BTreeMap::new();
    let empty = || SecretFact { rule: None, services: BTreeSet::new(), dependencies: BTreeSet::new() };
    for (service_name, service) in &system.services {
        for (name, rule) in &service.secrets {
            let fact = secrets.entry(name.clone()).or_insert_with(empty);
            fact.rule = Some(rule);
            fact.services.insert(service_name);
        }
        for value in service.env.values() {
            for name in Template::parse(value).secrets() {
                secrets.entry(name.to_owned()).or_insert_with(empty).services.insert(service_name);
            }
        }
    }
    for (dependency, it) in bundled {
        if let Some(name) = &it.password {
            secrets.entry(name.clone()).or_insert_with(empty).dependencies.insert(dependency);
        }
    }
    for (name, fact) in &mut secrets {
        fact.rule = fact.rule.or_else(|| system.secrets.get(name));
    }
    secrets
}
