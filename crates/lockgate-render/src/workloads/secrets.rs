//! Which secrets must have a value before a release begins, and whether each has one.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{DependencyName, ServiceName, Store, System};

use super::WorkloadRequest;
use crate::facts::{Environment, Facts, Part, VariableValue, as_variable};
use crate::output::Problem;
use crate::{Lock, Request, Selection};

/// One value that containers need and the spec does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretNeed {
    /// Without a value, nothing that reads it can start.
    pub required: bool,
    /// Services that have it as a variable, or within one.
    pub services: BTreeSet<ServiceName>,
    /// Bundled dependencies that take it.
    pub dependencies: BTreeSet<DependencyName>,
}

/// By name. A variable of which the spec says only that it is needed counts as well: some store has its value.
pub fn secret_needs(system: &System) -> BTreeMap<String, SecretNeed> {
    let rendered = Request {
        systems: vec![system.clone()],
        lock: Lock::default(),
        source: String::new(),
        selection: Selection::default(),
        images: BTreeMap::new(),
        version: None,
    };
    Facts::new(&rendered).environments.first().map(of_environment).unwrap_or_default()
}

fn of_environment(environment: &Environment<'_>) -> BTreeMap<String, SecretNeed> {
    let secrets = environment.secrets.iter().map(|(name, fact)| {
        let need = SecretNeed {
            required: fact.rule.is_none_or(|it| it.required),
            services: fact.services.iter().map(|it| (*it).clone()).collect(),
            dependencies: fact.dependencies.iter().map(|it| (*it).clone()).collect(),
        };
        (name.clone(), need)
    });
    let mut needs: BTreeMap<String, SecretNeed> = secrets.collect();
    for fact in environment.services.values() {
        for variable in &fact.variables {
            match &variable.value {
                VariableValue::Store { required } => {
                    let need = needs.entry(variable.name.to_owned()).or_default();
                    need.required |= required;
                    need.services.insert(fact.name.clone());
                }
                VariableValue::Plain(template) => {
                    for it in template.0.iter().filter_map(address) {
                        let need = needs.entry(it).or_default();
                        need.required = true;
                        need.services.insert(fact.name.clone());
                    }
                }
                VariableValue::Secret(_) => {}
            }
        }
    }
    needs
}

/// An address that is found by looking, such as `${postgres.url}`, is kept as secrets are.
fn address(part: &Part) -> Option<String> {
    match part {
        Part::Other(name) if !is_of_commit(name) => Some(as_variable(name)),
        Part::Other(_) | Part::Text(_) | Part::Secret(_) | Part::Version => None,
    }
}

fn is_of_commit(reference: &str) -> bool {
    reference.starts_with("git.")
}

/// Does the cluster have the values itself?
pub(super) fn are_kept_by_the_cluster(environment: &Environment<'_>) -> bool {
    matches!(environment.system.stores.secrets, Some(Store::Kubernetes(_) | Store::ExternalSecrets(_)))
}

pub(super) fn problems(environment: &Environment<'_>, request: &WorkloadRequest<'_>) -> Vec<Problem> {
    let mut problems = vec![];
    for fact in environment.services.values() {
        for variable in &fact.variables {
            let VariableValue::Plain(template) = &variable.value else { continue };
            for part in &template.0 {
                let Part::Other(name) = part else { continue };
                if is_of_commit(name) {
                    problems.push(Problem {
                        message: format!(
                            "`{}` of `{}` is `${{{name}}}`, and a release knows its version only",
                            variable.name, fact.name
                        ),
                        help: "say `${release.version}`, and give the commit as `--version`".to_owned(),
                    });
                }
            }
        }
    }
    if are_kept_by_the_cluster(environment) {
        return problems;
    }
    for (name, need) in of_environment(environment).iter().filter(|it| it.1.required) {
        let lacks =
            |service: &&ServiceName| !request.secrets.get(*service).is_some_and(|it| it.contains_key(name));
        let mut readers: Vec<String> =
            need.services.iter().filter(lacks).map(|it| format!("`{it}`")).collect();
        if !request.dependency_secrets.contains_key(name) {
            readers.extend(need.dependencies.iter().map(|it| format!("`{it}`")));
        }
        if !readers.is_empty() {
            problems.push(Problem {
                message: format!(
                    "the secret `{name}` has no value, and {} cannot start without it",
                    readers.join(", ")
                ),
                help: format!(
                    "give it one in the environment's store of secrets, or say `required: false` of `{name}`"
                ),
            });
        }
    }
    problems
}
