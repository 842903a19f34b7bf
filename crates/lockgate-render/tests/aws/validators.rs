//! Every document is what the API takes, as botocore checks it before a call; every template passes cfn-lint.

use std::path::Path;

use lockgate_render::Artifact;

use crate::common::validator;
use crate::specs;

/// By the file's name, and the folder or the prefix where names are not enough.
const CALLS: [(&str, &str, &str); 24] = [
    ("/cluster.json", "ecs", "CreateCluster"),
    ("/namespace.json", "servicediscovery", "CreateHttpNamespace"),
    ("/repository.json", "ecr", "CreateRepository"),
    ("/secrets/", "secretsmanager", "CreateSecret"),
    ("/parameters/", "ssm", "PutParameter"),
    ("/managed-policy.json", "iam", "AttachRolePolicy"),
    ("/log-group.json", "logs", "CreateLogGroup"),
    ("/retention.json", "logs", "PutRetentionPolicy"),
    ("-attributes.json", "elbv2", "ModifyTargetGroupAttributes"),
    ("/target-group", "elbv2", "CreateTargetGroup"),
    ("/listener-rule", "elbv2", "CreateRule"),
    ("/task-definition.json", "ecs", "RegisterTaskDefinition"),
    ("/run-task.json", "ecs", "RunTask"),
    ("/scalable-target.json", "application-autoscaling", "RegisterScalableTarget"),
    ("/scaling-policy-", "application-autoscaling", "PutScalingPolicy"),
    ("/schedule.json", "scheduler", "CreateSchedule"),
    ("/express-service.json", "ecs", "CreateExpressGatewayService"),
    ("/express-service-update.json", "ecs", "UpdateExpressGatewayService"),
    ("/auto-scaling-configuration.json", "apprunner", "CreateAutoScalingConfiguration"),
    ("/service-update.json", "apprunner", "UpdateService"),
    ("deploy/apprunner/", "apprunner", "CreateService"),
    ("/service.json", "ecs", "CreateService"),
    ("/alarms/", "cloudwatch", "PutMetricAlarm"),
    ("/topics/", "sns", "CreateTopic"),
];

/// Files that are one member of a call, as a text.
const TEXTS: [(&str, &str, &str, &str, &str); 4] = [
    (
        "/lifecycle-policy.json",
        "ecr",
        "PutLifecyclePolicy",
        "lifecyclePolicyText",
        r#"{"repositoryName": "aa"}"#,
    ),
    ("/trust.json", "iam", "CreateRole", "AssumeRolePolicyDocument", r#"{"RoleName": "a"}"#),
    ("/policy.json", "iam", "PutRolePolicy", "PolicyDocument", r#"{"RoleName": "a", "PolicyName": "a"}"#),
    ("/dashboard.json", "cloudwatch", "PutDashboard", "DashboardBody", r#"{"DashboardName": "a"}"#),
];

/// The line that `parameters.py` reads.
fn call(path: &str, text: &str, file: &Path) -> String {
    let line = |service: &str, operation: &str, member: Option<&str>, others: &str| {
        let others: serde_json::Value = serde_json::from_str(others).unwrap();
        serde_json::json!([file, path, service, operation, member, others]).to_string()
    };
    if let Some((_, service, operation, member, others)) = TEXTS.iter().find(|it| path.ends_with(it.0)) {
        return line(service, operation, Some(member), others);
    }
    if path.contains("/topics/") && text.contains("\"Endpoint\"") {
        return line("sns", "Subscribe", None, "{}");
    }
    let found = CALLS.iter().find(|it| path.contains(it.0));
    let (_, service, operation) = found.unwrap_or_else(|| panic!("{path} is input of no call that is known"));
    line(service, operation, None, "{}")
}

fn is_of_aws(path: &str) -> bool {
    ["deploy/ecs/", "deploy/ecs-express/", "deploy/apprunner/", "deploy/cloudwatch/"]
        .iter()
        .any(|it| path.starts_with(it))
}

#[test]
fn botocore_takes_every_document() {
    let Some(python) = validator::validator("python-botocore") else { return };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/parameters.py");
    let folder = tempfile::tempdir().unwrap();
    let mut calls = vec![];
    for (name, rendered) in specs::all() {
        let documents = rendered
            .artifacts
            .iter()
            .filter(|it| is_of_aws(&it.path) && it.path.strip_suffix(".json").is_some());
        for (idx, document) in documents.enumerate() {
            let file = folder.path().join(format!("{name}-{idx}.json"));
            std::fs::write(&file, &document.text).unwrap();
            calls.push(call(&document.path, &document.text, &file));
        }
    }
    let input = folder.path().join("calls.jsonl");
    std::fs::write(&input, calls.join("\n")).unwrap();
    python.run([program.as_path(), &input], folder.path()).passed();
    validator::report("botocore", calls.len());
}

#[test]
fn cfn_lint_takes_every_template() {
    let Some(lint) = validator::validator("cfn-lint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![];
    for (name, rendered) in specs::all() {
        let is_template = |it: &&Artifact| is_of_aws(&it.path) && it.path.ends_with("template.yaml");
        let template = rendered.artifacts.iter().find(is_template);
        let template = template.unwrap_or_else(|| panic!("{name} has no template"));
        files.push(format!("{name}.yaml"));
        std::fs::write(folder.path().join(format!("{name}.yaml")), &template.text).unwrap();
    }
    lint.run(&files, folder.path()).passed();
    validator::report("cfn-lint", files.len());
}
