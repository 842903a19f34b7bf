//! Variables whose values are kept apart, and what is missing of them.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{SecretRef, SecretRule, Store};

use super::WorkloadRequest;
use crate::facts::{Environment, Part, Template, Variable, VariableValue, as_variable};
use crate::output::Problem;

/// Of a variable whose value is known: nothing more is asked of it.
static KEPT: SecretRule = SecretRule {
    generate: None,
    public_of: None,
    rotate: None,
    from: None,
    key: None,
    format: None,
    required: true,
    about: None,
};

/// Do its pods read values that Lockgate puts into the cluster?
pub(crate) fn has_secrets_of_its_own(environment: &Environment<'_>) -> bool {
    let stored = |it: &Variable<'_>| matches!(it.value, VariableValue::Store { .. });
    let is_stored = || environment.services.values().flat_map(|it| &it.variables).any(stored);
    !are_kept_by_the_cluster(environment) && (!environment.secrets.is_empty() || is_stored())
}

/// Does the cluster have the values itself?
pub(super) fn are_kept_by_the_cluster(environment: &Environment<'_>) -> bool {
    matches!(environment.system.stores.secrets, Some(Store::Kubernetes(_) | Store::ExternalSecrets(_)))
}

/// A variable that is kept apart is a secret as a whole, whatever it is made of.
pub(super) fn take(environment: &mut Environment<'_>, request: &WorkloadRequest<'_>) {
    for fact in environment.services.values_mut() {
        let Some(refs) = request.secrets.get(fact.name) else { continue };
        for variable in fact.variables.iter_mut().filter(|it| refs.contains_key(it.name)) {
            variable.value = VariableValue::Secret(&KEPT);
        }
    }
}

pub(super) fn problems(environment: &Environment<'_>, request: &WorkloadRequest<'_>) -> Vec<Problem> {
    let mut problems = vec![];
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let none = BTreeMap::new();
    for fact in environment.services.values() {
        let refs = request.secrets.get(fact.name).unwrap_or(&none);
        for variable in &fact.variables {
            problems.extend(of_commit(fact.name.as_str(), variable));
            for secret in lacks(environment, variable, refs) {
                missing.entry(secret).or_default().insert(format!("`{}`", fact.name));
            }
        }
    }
    for (name, bundled) in &environment.bundled {
        for secret in bundled.env.values().flat_map(Template::secrets) {
            if !request.dependency_secrets.contains_key(secret) {
                missing.entry(secret.to_owned()).or_default().insert(format!("`{name}`"));
            }
        }
    }
    if !are_kept_by_the_cluster(environment) {
        problems.extend(missing.into_iter().map(|(name, readers)| {
            let readers: Vec<String> = readers.into_iter().collect();
            Problem {
                message: format!("`{name}` has no value, and {} cannot start without it", readers.join(", ")),
                help: "give it one in the environment's store of secrets".to_owned(),
            }
        }));
    }
    problems
}

/// The commit is known to whoever builds, and not to a release.
fn of_commit(service: &str, variable: &Variable<'_>) -> Option<Problem> {
    let VariableValue::Plain(template) = &variable.value else { return None };
    let reference = template.0.iter().find_map(|it| match it {
        Part::Other(name) => name.strip_prefix("git."),
        Part::Text(_) | Part::Secret(_) | Part::Version => None,
    })?;
    Some(Problem {
        message: format!(
            "`{}` of `{service}` is `${{git.{reference}}}`, and a release knows its version only",
            variable.name
        ),
        help: "say `${release.version}`, and give the commit as `--version`".to_owned(),
    })
}

/// Names of the values without which the variable cannot be set.
fn lacks(
    environment: &Environment<'_>,
    variable: &Variable<'_>,
    refs: &BTreeMap<String, SecretRef>,
) -> Vec<String> {
    let is_required =
        |name: &str| environment.secrets.get(name).and_then(|it| it.rule).is_none_or(|it| it.required);
    let wanted: Vec<String> = match &variable.value {
        VariableValue::Plain(template) => {
            let parts = template.0.iter().filter_map(|it| match it {
                Part::Secret(name) if is_required(name) => Some(name.clone()),
                Part::Other(name) if !name.starts_with("git.") => Some(as_variable(name)),
                Part::Text(_) | Part::Secret(_) | Part::Other(_) | Part::Version => None,
            });
            parts.collect()
        }
        VariableValue::Secret(rule) if rule.required => vec![variable.name.to_owned()],
        VariableValue::Store { required: true } => vec![variable.name.to_owned()],
        VariableValue::Secret(_) | VariableValue::Store { .. } => vec![],
    };
    wanted.into_iter().filter(|it| !refs.contains_key(it)).collect()
}
