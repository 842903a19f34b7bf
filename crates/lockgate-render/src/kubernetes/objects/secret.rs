//! Where containers read their secrets: which Secret, and which of its keys.

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, EnvVarSource, SecretKeySelector};
use lockgate_model::{SecretRule, Store};

use crate::facts::Environment;

/// The Secret that holds what the environment needs.
pub(crate) fn of_environment(environment: &Environment<'_>) -> String {
    match &environment.system.stores.secrets {
        Some(Store::Kubernetes(name)) => name.clone(),
        Some(
            Store::AwsSecretsManager(_)
            | Store::AwsParameterStore(_)
            | Store::ExternalSecrets(_)
            | Store::File(_)
            | Store::Github(_),
        )
        | None => format!("{}-secrets", environment.system.name),
    }
}

/// A value that the spec knows by name only.
pub(super) fn source(environment: &Environment<'_>, name: &str, rule: Option<&SecretRule>) -> EnvVarSource {
    let optional = rule.is_some_and(|it| !it.required);
    let (secret, key) = place(environment, name, rule, optional);
    EnvVarSource {
        secret_key_ref: Some(SecretKeySelector { name: secret, key, optional: optional.then_some(true) }),
        ..EnvVarSource::default()
    }
}

/// A variable without a value in the spec: the environment's configuration has it, else its secrets do.
pub(super) fn stored(environment: &Environment<'_>, name: &str, required: bool) -> EnvVarSource {
    let optional = (!required).then_some(true);
    if let Some(Store::Kubernetes(map)) = &environment.system.stores.config {
        let selector = ConfigMapKeySelector { name: map.clone(), key: name.to_owned(), optional };
        return EnvVarSource { config_map_key_ref: Some(selector), ..EnvVarSource::default() };
    }
    let (secret, key) = place(environment, name, None, !required);
    EnvVarSource {
        secret_key_ref: Some(SecretKeySelector { name: secret, key, optional }),
        ..EnvVarSource::default()
    }
}

/// Name of the Secret and of its key.
pub(super) fn place(
    environment: &Environment<'_>,
    name: &str,
    rule: Option<&SecretRule>,
    optional: bool,
) -> (String, String) {
    let whole = of_environment(environment);
    match &environment.system.stores.secrets {
        Some(Store::Kubernetes(_)) => {
            let (from, key) = rule.map_or((None, None), |it| (it.from.clone(), it.key.clone()));
            match (from, key) {
                (Some(secret), Some(key)) => (secret, key),
                (Some(key), None) | (None, Some(key)) => (whole, key),
                (None, None) => (whole, name.to_owned()),
            }
        }
        Some(Store::ExternalSecrets(_)) if optional => (alone(environment, name), name.to_owned()),
        _ => (whole, name.to_owned()),
    }
}

/// A missing value would keep all others of the same `ExternalSecret` back, so what may be missing has one of its own.
pub(super) fn alone(environment: &Environment<'_>, name: &str) -> String {
    let tail = name.to_ascii_lowercase().replace('_', "-");
    format!("{}-{}", environment.system.name, tail.trim_matches('-'))
}
