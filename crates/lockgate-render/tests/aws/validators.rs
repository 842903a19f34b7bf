//! Every document is what the API takes, as botocore checks it before a call; every template passes cfn-lint.

use std::path::Path;

use crate::common::{on_disk, validator};
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
fn call(path: &str, text: &str) -> String {
    let line = |service: &str, operation: &str, member: Option<&str>, others: &str| {
        let others: serde_json::Value = serde_json::from_str(others).unwrap();
        serde_json::json!([path, service, operation, member, others]).to_string()
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
    let mut files = 0;
    for (name, rendered) in specs::all() {
        let folder = on_disk(&rendered.artifacts);
        let documents: Vec<String> = rendered
            .artifacts
            .iter()
            .filter(|it| is_of_aws(&it.path) && it.path.ends_with(".json"))
            .map(|it| call(&it.path, &it.text))
            .collect();
        files += documents.len();
        let input = folder.path().join("calls.jsonl");
        std::fs::write(&input, documents.join("\n")).unwrap();
        let output = python.run([program.as_path(), &input], folder.path());
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), ""), "{name}: {output}");
    }
    validator::report("botocore", files);
}

#[test]
fn cfn_lint_takes_every_template() {
    let Some(lint) = validator::validator("cfn-lint") else { return };
    let mut files = 0;
    for (name, rendered) in specs::all() {
        let folder = on_disk(&rendered.artifacts);
        let templates: Vec<&str> = rendered
            .artifacts
            .iter()
            .map(|it| it.path.as_str())
            .filter(|it| is_of_aws(it) && it.ends_with("template.yaml"))
            .collect();
        assert!(!templates.is_empty(), "{name} has no template");
        files += templates.len();
        lint.run(&templates, folder.path()).passed();
    }
    validator::report("cfn-lint", files);
}
