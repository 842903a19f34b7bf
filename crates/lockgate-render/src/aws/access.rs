//! Roles: what ECS may do to start a container, and what the container itself may do. Nothing beyond what is named.

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::document::{Call, Document};
use super::store::{Home, Placed, parameter_arn, secret_arn};
use crate::facts::{ServiceFact, VariableValue};

/// A role's documents: who may take it on, and what it may do, if anything.
pub(crate) fn role(
    cloud: &Cloud<'_>,
    name: &str,
    principal: &str,
    statements: &[Value],
    origin: &[String],
) -> Vec<Document> {
    let document = |file: &str, call, body| Document {
        path: format!("{}/iam/{name}/{file}.json", cloud.folder()),
        call,
        name: name.to_owned(),
        body,
        origin: origin.to_vec(),
    };
    let mut who = json!({
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sts:AssumeRole",
    });
    // Nobody else's tasks and schedules; the other services do not say whose they are.
    if matches!(principal, "ecs-tasks.amazonaws.com" | "scheduler.amazonaws.com") {
        who["Condition"] = json!({"StringEquals": {"aws:SourceAccount": cloud.account}});
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [who]});
    let mut documents = vec![document("trust", Call::Trust, trust)];
    if !statements.is_empty() {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        documents.push(document("policy", Call::Policy, policy));
    }
    documents
}

/// With one of Amazon's own policies instead.
pub(crate) fn infrastructure_role(cloud: &Cloud<'_>, name: &str, policy: &str) -> Vec<Document> {
    let origin = vec!["target".to_owned()];
    let mut documents = role(cloud, name, "ecs.amazonaws.com", &[], &origin);
    documents.push(Document {
        path: format!("{}/iam/{name}/managed-policy.json", cloud.folder()),
        call: Call::ManagedPolicy,
        name: name.to_owned(),
        body: json!({"RoleName": name, "PolicyArn": cloud.managed_policy(policy)}),
        origin,
    });
    documents
}

/// What ECS does before the container runs: fetches its image and its variables, and opens its log.
pub(crate) fn execution_role(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, homes: &[Placed<'_>]) -> Vec<Value> {
    let mut statements = fetching(cloud, fact);
    let streams = cloud.arn("logs", &format!("log-group:{}:*", cloud.environment.log_group()));
    statements.push(allow("WriteTheLog", &["logs:CreateLogStream", "logs:PutLogEvents"], &[streams]));
    statements.extend(reading(cloud, homes));
    statements
}

/// The image of the service, if Amazon's registry has it.
pub(crate) fn fetching(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<Value> {
    let repository = fact.image.as_ref().and_then(|it| repository_arn(cloud, &it.repository));
    let Some(repository) = repository else { return vec![] };
    let actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    vec![
        allow("SignInToTheRegistry", &["ecr:GetAuthorizationToken"], &["*".to_owned()]),
        allow("FetchTheImage", &actions, &[repository]),
    ]
}

/// The secrets and parameters that these variables are in, and no others.
pub(crate) fn reading(cloud: &Cloud<'_>, homes: &[Placed<'_>]) -> Vec<Value> {
    let mut secrets: Vec<String> = vec![];
    let mut parameters: Vec<String> = vec![];
    for placed in homes {
        match &placed.home {
            // What is named by its ARN has the six signs that AWS chooses.
            Home::Secret { id, .. } if id.starts_with("arn:") => secrets.push(id.clone()),
            Home::Secret { id, .. } => secrets.push(format!("{}-??????", secret_arn(cloud, id))),
            Home::Parameter { name, .. } => parameters.push(parameter_arn(cloud, name)),
            Home::Here(_) | Home::Nowhere => {}
        }
    }
    let mut statements = vec![];
    for (id, action, mut arns) in [
        ("ReadSecrets", "secretsmanager:GetSecretValue", secrets),
        ("ReadParameters", "ssm:GetParameters", parameters),
    ] {
        arns.sort();
        arns.dedup();
        if !arns.is_empty() {
            statements.push(allow(id, &[action], &arns));
        }
    }
    statements
}

/// What the application itself may do: a bucket that a variable names, and the file systems that it mounts.
pub(crate) fn task_role(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<Value> {
    let buckets = fact.variables.iter().filter(|it| it.name.ends_with("S3_BUCKET"));
    let buckets: Vec<&str> = buckets
        .filter_map(|it| match &it.value {
            VariableValue::Plain(value) => value.plain().filter(|it| !it.is_empty()),
            VariableValue::Secret(_) | VariableValue::Store { .. } => None,
        })
        .collect();
    if buckets.is_empty() {
        return vec![];
    }
    let arns = |rest: &str| -> Vec<String> {
        buckets.iter().map(|it| format!("arn:{}:s3:::{it}{rest}", cloud.partition())).collect()
    };
    let objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
    vec![allow("ListFiles", &["s3:ListBucket"], &arns("")), allow("UseFiles", &objects, &arns("/*"))]
}

/// `123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web`; `None` for another registry.
pub(super) fn repository_arn(cloud: &Cloud<'_>, image: &str) -> Option<String> {
    let (host, name) = image.split_once('/')?;
    let account = super::cloud::account(host)?;
    let region = host.split_once(".dkr.ecr.")?.1.split('.').next()?;
    Some(format!("arn:{}:ecr:{region}:{account}:repository/{name}", cloud.partition()))
}

pub(crate) fn allow(id: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({"Sid": id, "Effect": "Allow", "Action": actions, "Resource": resources})
}
