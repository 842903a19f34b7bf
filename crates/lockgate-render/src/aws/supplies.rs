//! What must be there before the first release, and what of a spec AWS cannot do.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::Store;
use serde_json::{Value, json};

use super::access::repository_arn;
use super::cloud::Cloud;
use super::document::{Call, Document, tags};
use super::store::{Home, Placed, fits_parameter, homes};
use crate::facts::VariableValue;
use crate::output::Output;

/// Images without a tag are what is left of builds that nobody released.
const UNTAGGED_DAYS: u16 = 30;

pub(crate) fn before(cloud: &Cloud<'_>) -> Vec<Document> {
    let mut documents = vec![];
    documents.extend(repositories(cloud));
    let placed: Vec<_> = cloud.environment.services.values().map(|it| (it.name, homes(cloud, it))).collect();
    let mut secrets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut parameters: BTreeMap<&str, Document> = BTreeMap::new();
    for (service, homes) in &placed {
        for it in homes {
            match &it.home {
                // What is named by its ARN is there.
                Home::Secret { id, .. } if !id.starts_with("arn:") => {
                    secrets.entry(id).or_default().insert(service.as_str());
                }
                Home::Parameter { name, value: Some(value), secure: false } => {
                    let origin = format!("services.{service}.env.{}", it.variable.name);
                    let document = parameter(cloud, name, value, it);
                    parameters.entry(name).or_insert(document).origin.push(origin);
                }
                Home::Secret { .. } | Home::Parameter { .. } | Home::Here(_) | Home::Nowhere => {}
            }
        }
    }
    documents.extend(secrets.into_iter().map(|it| secret(cloud, it.0, &it.1)));
    documents.extend(parameters.into_values());
    documents
}

fn repositories(cloud: &Cloud<'_>) -> Vec<Document> {
    let mut documents = vec![];
    for fact in cloud.environment.services.values() {
        let Some(image) = fact.image.as_ref().filter(|it| it.build.is_some_and(|it| it.0 == fact.name))
        else {
            continue;
        };
        let Some((_, name)) = image.repository.split_once('/') else { continue };
        if repository_arn(cloud, &image.repository).is_none()
            || documents.iter().any(|it: &Document| it.name == name)
        {
            continue;
        }
        let document = |file: &str, call, body| Document {
            path: format!("{}/repositories/{name}/{file}.json", cloud.folder()),
            call,
            name: name.to_owned(),
            body,
            origin: vec![format!("services.{}.build", fact.name)],
        };
        let repository = json!({
            "repositoryName": name,
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": true},
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "tags": tags(cloud.environment.system, "Key", "Value"),
        });
        documents.push(document("repository", Call::Repository, repository));
        let lifecycle = json!({"rules": [{
            "rulePriority": 1,
            "description": "images without a tag, which no release has",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        }]});
        documents.push(document("lifecycle-policy", Call::LifecyclePolicy, lifecycle));
    }
    documents
}

/// Without a value: those are nowhere in what is rendered.
fn secret(cloud: &Cloud<'_>, id: &str, services: &BTreeSet<&str>) -> Document {
    let readers = services.iter().copied().collect::<Vec<_>>().join(", ");
    Document {
        path: format!("{}/secrets/{}.json", cloud.folder(), id.trim_matches('/').replace("..", "__")),
        call: Call::Secret,
        name: id.to_owned(),
        body: json!({
            "Name": id,
            "Description": format!("read by {readers}"),
            "Tags": tags(cloud.environment.system, "Key", "Value"),
        }),
        origin: vec!["stores.secrets".to_owned()],
    }
}

fn parameter(cloud: &Cloud<'_>, name: &str, value: &str, placed: &Placed<'_>) -> Document {
    let last_parts = name.trim_start_matches('/').split('/').collect::<Vec<_>>();
    // Parameters of one service only are below its name.
    let own = last_parts.len().checked_sub(2).map(|it| last_parts[it]);
    let own = own.filter(|it| cloud.environment.services.keys().any(|name| name.as_str() == *it));
    let folder = own.map_or_else(String::new, |it| format!("{it}/"));
    let mut body = json!({
        "Name": name,
        "Type": "String",
        "Value": value,
        "Overwrite": true,
    });
    // What is larger than this is of the tier that costs.
    if 4_096 < value.len() {
        body["Tier"] = json!("Advanced");
    }
    if let Some(about) = placed.variable.about {
        body["Description"] = Value::from(about.chars().take(1_024).collect::<String>());
    }
    Document {
        path: format!("{}/parameters/{folder}{}.json", cloud.folder(), placed.variable.name),
        call: Call::Parameter,
        name: own.map_or_else(String::new, |it| format!("{it}-")) + placed.variable.name,
        body,
        origin: vec![],
    }
}

/// Tells what cannot be had on AWS, and what has to be looked at.
pub(crate) fn review(cloud: &Cloud<'_>, output: &mut Output<'_>) {
    let environment = cloud.environment;
    let name = environment.name();
    for dependency in environment.bundled.keys() {
        let place = match environment.system.dependencies[*dependency].kind.as_str() {
            "postgres" | "postgresql" | "mysql" | "mariadb" => "rds: shop-prod-db",
            "redis" | "valkey" | "memcached" => "elasticache: shop-prod-cache",
            _ => "secret: shop/address",
        };
        output.problem(
            format!("`{dependency}` would be started with the system in environment `{name}`, and Fargate keeps no data"),
            format!("say where it is, as in `dependencies: {{{dependency}: {{external: {{{place}}}}}}}`"),
        );
    }
    let reads_secrets = environment.services.values().any(|it| !it.service.secrets.is_empty());
    let store = &environment.system.stores.secrets;
    if reads_secrets && !matches!(store, Some(Store::AwsSecretsManager(_) | Store::AwsParameterStore(_))) {
        output.problem(
            format!("the secrets of environment `{name}` are nowhere that AWS can read them"),
            format!(
                "say `stores: {{secrets: {{aws-secrets-manager: {}/app}}}}` of the environment",
                environment.system.name
            ),
        );
    }
    for fact in environment.services.values() {
        for variable in &fact.variables {
            review_variable(cloud, variable.name, &variable.value, output);
        }
    }
}

fn review_variable(cloud: &Cloud<'_>, variable: &str, value: &VariableValue<'_>, output: &mut Output<'_>) {
    let name = cloud.environment.name();
    let in_parameters = matches!(cloud.environment.system.stores.config, Some(Store::AwsParameterStore(_)));
    let value = match value {
        VariableValue::Plain(value) => value,
        VariableValue::Secret(rule) if !rule.required => {
            return output.note(format!(
                "environment `{name}`: the secret `{variable}` may be without a value, but no container starts \
                 without its key: store an empty text"
            ));
        }
        VariableValue::Secret(_) | VariableValue::Store { .. } => return,
    };
    if in_parameters && value.plain().is_some_and(|it| !fits_parameter(it)) {
        output.note(format!(
            "environment `{name}`: Parameter Store cannot hold the value of `{variable}`, so it stays in what is \
             deployed"
        ));
    }
    if value.secrets().next().is_some() && value.0.len() != 1 {
        output.note(format!(
            "environment `{name}`: nothing on AWS joins a secret with other text, so the store holds the whole value \
             of `{variable}`"
        ));
    }
}
