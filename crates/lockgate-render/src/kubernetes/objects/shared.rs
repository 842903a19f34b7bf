//! What belongs to an environment as a whole: its namespace and its secrets.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Namespace;
use lockgate_model::{SecretRule, Store};
use serde_json::{Value, json};

use super::part::Part;
use super::{Objects, meta, pod, secret};
use crate::facts::{Environment, VariableValue};

pub(super) fn add(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    let mut metadata = meta::meta(environment, &Part::Shared, &meta::namespace(environment));
    metadata.namespace = None;
    let level = level(environment);
    for mode in ["enforce", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}");
        metadata.labels.get_or_insert_default().insert(label, level.to_owned());
    }
    objects.add(&Part::Shared, &Namespace { metadata, ..Namespace::default() });
    secrets(objects);
    for it in pod::pull_secrets(environment).into_iter().flatten() {
        objects.output.note(format!(
            "environment `{}`: images are pulled with the Secret `{}` of the namespace `{}`, which has to be there",
            environment.name(),
            it.name,
            meta::namespace(environment),
        ));
    }
}

/// What all pods of the environment keep to.
fn level(environment: &Environment<'_>) -> &'static str {
    if environment.bundled.values().any(|it| it.user == 0) { "baseline" } else { "restricted" }
}

/// A value that a container reads, and where the environment's store has it.
struct Wanted<'a> {
    name: &'a str,
    rule: Option<&'a SecretRule>,
    required: bool,
}

fn wanted<'e>(environment: &'e Environment<'_>) -> Vec<Wanted<'e>> {
    let secrets = environment.secrets.iter().map(|(name, fact)| Wanted {
        name,
        rule: fact.rule,
        required: fact.rule.is_none_or(|it| it.required),
    });
    let mut wanted: Vec<Wanted<'_>> = secrets.collect();
    if !matches!(environment.system.stores.config, Some(Store::Kubernetes(_))) {
        for variable in environment.services.values().flat_map(|it| &it.variables) {
            if let VariableValue::Store { required } = variable.value
                && wanted.iter().all(|it| it.name != variable.name)
            {
                wanted.push(Wanted { name: variable.name, rule: None, required });
            }
        }
    }
    wanted.sort_by_key(|it| it.name);
    wanted
}

fn secrets(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    let wanted = wanted(environment);
    if wanted.is_empty() {
        return;
    }
    let Some(Store::ExternalSecrets(store)) = &environment.system.stores.secrets else {
        by_hand(objects, &wanted);
        return;
    };
    let (required, optional): (Vec<&Wanted<'_>>, Vec<&Wanted<'_>>) =
        wanted.iter().partition(|it| it.required);
    if !required.is_empty() {
        let object = external(environment, store, &secret::of_environment(environment), &required);
        objects.add_value(&Part::Shared, object);
    }
    for one in optional {
        let object = external(environment, store, &secret::alone(environment, one.name), &[one]);
        objects.add_value(&Part::Shared, object);
    }
}

/// Values are never in a file: somebody, or a pipeline, puts them into the cluster.
fn by_hand(objects: &mut Objects<'_, '_, '_>, wanted: &[Wanted<'_>]) {
    let environment = objects.environment;
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in wanted {
        let (secret, key) = secret::place(environment, it.name, it.rule, !it.required);
        if !is_key(&key) {
            objects.output.problem(
                format!("the secret `{}` is kept as `{key}`, which no Secret of Kubernetes can have as a key", it.name),
                "let `from` or `key` name a key of letters, digits, `-`, `_` and `.`; a name with `/` is one of another store"
                    .to_owned(),
            );
        }
        if it.required {
            keys.entry(secret).or_default().insert(key);
        }
    }
    for (secret, keys) in keys {
        objects.output.note(format!(
            "environment `{}`: the Secret `{secret}` of the namespace `{}` has to be there before anything starts, with {}",
            environment.name(),
            meta::namespace(environment),
            keys.into_iter().collect::<Vec<_>>().join(", "),
        ));
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
}

/// External Secrets has no types of its own here: its kinds are not a part of Kubernetes.
fn external(environment: &Environment<'_>, store: &str, name: &str, wanted: &[&Wanted<'_>]) -> Value {
    let data: Vec<Value> = wanted
        .iter()
        .map(|it| {
            let mut remote = json!({"key": it.rule.and_then(|it| it.from.as_deref()).unwrap_or(it.name)});
            if let Some(key) = it.rule.and_then(|it| it.key.as_ref()) {
                remote["property"] = json!(key);
            }
            json!({"secretKey": it.name, "remoteRef": remote})
        })
        .collect();
    json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": meta::meta(environment, &Part::Shared, name),
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "SecretStore", "name": store},
            "target": {"name": name, "creationPolicy": "Owner"},
            "data": data,
        },
    })
}
