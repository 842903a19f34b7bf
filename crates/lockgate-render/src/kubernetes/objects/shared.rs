//! What belongs to an environment as a whole: its namespace and its secrets.

use k8s_openapi::api::core::v1::Namespace;
use lockgate_model::Store;
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
struct Wanted {
    name: String,
    required: bool,
    from: Option<String>,
    key: Option<String>,
}

fn wanted(environment: &Environment<'_>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = vec![];
    for (name, fact) in &environment.secrets {
        wanted.push(Wanted {
            name: name.clone(),
            required: fact.rule.is_none_or(|it| it.required),
            from: fact.rule.and_then(|it| it.from.clone()),
            key: fact.rule.and_then(|it| it.key.clone()),
        });
    }
    if !matches!(environment.system.stores.config, Some(Store::Kubernetes(_))) {
        for variable in environment.services.values().flat_map(|it| &it.variables) {
            if let VariableValue::Store { required } = variable.value
                && wanted.iter().all(|it| it.name != variable.name)
            {
                wanted.push(Wanted { name: variable.name.to_owned(), required, from: None, key: None });
            }
        }
    }
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
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
    let (required, optional): (Vec<&Wanted>, Vec<&Wanted>) = wanted.iter().partition(|it| it.required);
    if !required.is_empty() {
        let object = external(environment, store, &secret::of_environment(environment), &required);
        objects.add_value(&Part::Shared, object);
    }
    for one in optional {
        let object = external(environment, store, &secret::alone(environment, &one.name), &[one]);
        objects.add_value(&Part::Shared, object);
    }
}

/// Values are never in a file: somebody, or a pipeline, puts them into the cluster.
fn by_hand(objects: &mut Objects<'_, '_, '_>, wanted: &[Wanted]) {
    let environment = objects.environment;
    let keys: Vec<&str> = wanted.iter().filter(|it| it.required).map(|it| it.name.as_str()).collect();
    if keys.is_empty() {
        return;
    }
    objects.output.note(format!(
        "environment `{}`: the Secret `{}` of the namespace `{}` has to be there before anything starts, with {}",
        environment.name(),
        secret::of_environment(environment),
        meta::namespace(environment),
        keys.join(", "),
    ));
}

/// External Secrets has no types of its own here: its kinds are not a part of Kubernetes.
fn external(environment: &Environment<'_>, store: &str, name: &str, wanted: &[&Wanted]) -> Value {
    let data: Vec<Value> = wanted
        .iter()
        .map(|it| {
            let mut remote = json!({"key": it.from.as_ref().unwrap_or(&it.name)});
            if let Some(key) = &it.key {
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
