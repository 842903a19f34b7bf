//! What ECS, Express Mode and App Runner are told, and what they cannot do.

use std::collections::BTreeSet;

use lockgate_render::{Rendered, render};
use serde_json::{Value, json};

use crate::common::{example, rendered, request, text};
use crate::specs::{APP_RUNNER, ECS, EXPRESS};

const FOLDER: &str = "deploy/ecs/production";

fn document(rendered: &Rendered, path: &str) -> Value {
    serde_json::from_str(text(rendered, path)).unwrap()
}

fn ecs(rendered: &Rendered, path: &str) -> Value {
    document(rendered, &format!("{FOLDER}/{path}"))
}

fn names(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn a_task_is_small_enough_and_reads_its_variables_from_where_they_are() {
    let rendered = rendered(ECS);
    let task = ecs(&rendered, "services/web/task-definition.json");
    assert_eq!((&task["cpu"], &task["memory"]), (&json!("1024"), &json!("2048")));
    assert_eq!(task["runtimePlatform"]["cpuArchitecture"], "ARM64");
    let container = &task["containerDefinitions"][0];
    assert_eq!(container["stopTimeout"], 120, "Fargate waits no longer");
    // What Parameter Store cannot hold, and what goes with a release, stays.
    assert_eq!(names(&container["environment"]), ["EMPTY", "NESTED", "VERSION"]);
    let place = |name: &str| {
        let all = container["secrets"].as_array().unwrap();
        all.iter().find(|it| it["name"] == name).unwrap()["valueFrom"].as_str().unwrap().to_owned()
    };
    let parameter = "arn:aws:ssm:eu-west-1:210987654321:parameter/shop/config";
    let secret = "arn:aws:secretsmanager:eu-west-1:210987654321:secret";
    assert_eq!(place("PLAIN"), format!("{parameter}/web/PLAIN"), "`api` has another");
    assert_eq!(place("ORDERS"), format!("{parameter}/ORDERS"));
    assert_eq!(place("REDIS_URL"), format!("{parameter}/REDIS_URL"));
    assert_eq!(place("DATABASE_URL"), format!("{secret}:shop/app:DATABASE_URL::"), "with a password");
    assert_eq!(place("SHARED"), format!("{secret}:shop/app:SHARED::"));
    assert_eq!(place("SHARED_COPY"), place("SHARED"));
    assert_eq!(place("JOINED"), format!("{secret}:shop/app:JOINED::"));
    assert_eq!(place("WHOLE"), format!("{secret}:shop/whole"));
    assert_eq!(place("PART"), format!("{secret}:shop/parts:one::"));
    // AWS would take the end of the name for the six signs that it adds itself.
    assert_eq!(place("AMBIGUOUS"), format!("{secret}:shop/the-secret-«secret-suffix shop/the-secret»"));
}

#[test]
fn the_roles_read_what_the_task_reads_and_nothing_else() {
    let rendered = rendered(ECS);
    for service in ["web", "api", "orders", "worker"] {
        let task = ecs(&rendered, &format!("services/{service}/task-definition.json"));
        let wanted = task["containerDefinitions"][0]["secrets"].as_array().unwrap().iter().map(|it| {
            let from = it["valueFrom"].as_str().unwrap();
            match from.split(':').collect::<Vec<_>>().as_slice() {
                ["arn", "aws", "secretsmanager", region, account, "secret", name, ..] => {
                    let name = name.split_once("-«").map_or(*name, |it| it.0);
                    format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????")
                }
                _ => from.to_owned(),
            }
        });
        let wanted: BTreeSet<String> = wanted.collect();
        let policy = ecs(&rendered, &format!("iam/shop-{service}-execution/policy.json"));
        let read = policy["Statement"].as_array().unwrap().iter();
        let read = read.filter(|it| it["Sid"].as_str().unwrap().starts_with("Read"));
        let read: BTreeSet<String> = read
            .flat_map(|it| it["Resource"].as_array().unwrap())
            .map(|it| it.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(read, wanted, "{service}");
    }
    insta::assert_snapshot!("task_role", text(&rendered, &format!("{FOLDER}/iam/shop-web-task/policy.json")));
}

#[test]
fn the_rollout_is_done_by_ecs_itself() {
    let strategy = |rollout: &str| {
        let start = ECS.find("rollout:").unwrap();
        let end = ECS.find("notifications:").unwrap();
        let rendered = rendered(&format!("{}{rollout}\n{}", &ECS[..start], &ECS[end..]));
        let mut it = ecs(&rendered, "services/web/service.json")["deploymentConfiguration"].take();
        it.as_object_mut().unwrap().remove("alarms");
        it
    };
    let hook = json!([{
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "ROLLBACK"},
    }]);
    let shifted = |rest: Value| {
        let mut whole = json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "lifecycleHooks": hook});
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        whole
    };
    assert_eq!(
        strategy("rollout: {strategy: canary, steps: [{weight: 5%, pause: 10m}, {weight: 100%}], bake: 90s}"),
        shifted(json!({
            "strategy": "CANARY",
            "bakeTimeInMinutes": 2,
            "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
        }))
    );
    assert_eq!(
        strategy("rollout: {strategy: canary, steps: [{weight: 50%, pause: 10m}, {weight: 100%}]}")["strategy"],
        "CANARY"
    );
    let even = "rollout: {strategy: canary, steps: [{weight: 25%, pause: 5m}, {weight: 50%, pause: 5m}, {weight: 75%, pause: 5m}, {weight: 100%}]}";
    assert_eq!(
        strategy(even),
        shifted(json!({
            "strategy": "LINEAR",
            "bakeTimeInMinutes": 0,
            "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 5},
        }))
    );
    let uneven = "rollout: {strategy: canary, steps: [{weight: 5%, pause: 5m}, {weight: 50%, pause: 10m}, {weight: 100%}]}";
    assert_eq!(
        strategy(uneven)["canaryConfiguration"],
        json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 15})
    );
    assert_eq!(
        strategy("rollout: {strategy: blue-green, bake: 10m}"),
        shifted(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10}))
    );
    assert_eq!(
        strategy(
            "rollout: {strategy: rolling, max_surge: 1, max_unavailable: 25%, rollback_on: [crash_loop]}"
        ),
        json!({
            "strategy": "ROLLING",
            "maximumPercent": 150,
            "minimumHealthyPercent": 75,
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
        })
    );
}

#[test]
fn a_worker_is_replaced_task_by_task_and_it_is_said() {
    let rendered = example("covenant-connect-ecs");
    let worker = ecs(&rendered, "services/worker/service.json");
    assert_eq!(worker["deploymentConfiguration"]["strategy"], "ROLLING");
    assert_eq!(worker.get("loadBalancers"), None);
    let note = "`worker` takes no requests from the load balancer";
    assert!(rendered.notes.iter().any(|it| it.contains(note)), "{:#?}", rendered.notes);
}

#[test]
fn what_a_reader_sees() {
    let rendered = rendered(ECS);
    insta::assert_snapshot!("service", text(&rendered, &format!("{FOLDER}/services/web/service.json")));
    insta::assert_snapshot!("rule", text(&rendered, &format!("{FOLDER}/services/api/listener-rule.json")));
    insta::assert_snapshot!("schedule", text(&rendered, &format!("{FOLDER}/cron/report/schedule.json")));
    insta::assert_snapshot!("variables", text(&rendered, &format!("{FOLDER}/variables.md")));
    insta::assert_snapshot!("readme", text(&rendered, &format!("{FOLDER}/README.md")));
    insta::assert_snapshot!("notes", rendered.notes.join("\n"));
}

#[test]
fn express_mode_and_app_runner_have_documents_of_their_own() {
    let express = rendered(EXPRESS);
    let folder = "deploy/ecs-express/production";
    insta::assert_snapshot!(
        "express",
        text(&express, &format!("{folder}/services/web/express-service.json"))
    );
    let worker = document(&express, &format!("{folder}/services/worker/service.json"));
    assert_eq!(worker["cluster"], "default", "what has no port is a service of ECS as ever");
    let runner = rendered(APP_RUNNER);
    insta::assert_snapshot!(
        "apprunner",
        text(&runner, "deploy/apprunner/production/services/web/service.json")
    );
    insta::assert_snapshot!("apprunner_notes", runner.notes.join("\n"));
}

#[test]
fn what_aws_cannot_do_is_a_problem() {
    let problems = |spec: &str| -> Vec<String> {
        let problems = render(&request(spec)).expect_err("something cannot be done");
        problems.into_iter().map(|it| format!("{}\n    {}", it.message, it.help)).collect()
    };
    let from = |old: &str, new: &str| {
        assert!(ECS.contains(old), "{old}");
        problems(&ECS.replace(old, new)).join("\n")
    };
    insta::assert_snapshot!(
        "problems",
        [
            from("      cache: {external: {elasticache: shop-cache}}\n", ""),
            from("      secrets: {aws-secrets-manager: shop/app}\n", "      secrets: {file: .env}\n"),
            from("limits: {cpu: \"1\"", "limits: {cpu: \"32\""),
            from("30 2 * * 1-5", "30 2 1 * 1"),
            from(", to: [ops@shop.example, \"https://hooks.shop.example/aws\"]", ""),
            from(
                "hosts: [shop.example], paths: [/]",
                "hosts: [a.example, b.example, c.example, d.example, e.example], paths: [/]"
            ),
        ]
        .join("\n\n")
    );
}

#[test]
fn a_patch_reaches_the_document_and_the_template() {
    let patch = "
patches:
  - {kind: EcsService, name: web, set: {desiredCount: 7, deploymentConfiguration: {bakeTimeInMinutes: 42}}}
  - {kind: Alarm, name: PostgresDown, set: {Period: 300}}
";
    let rendered = rendered(&format!("{ECS}{patch}"));
    let service = ecs(&rendered, "services/web/service.json");
    assert_eq!(
        (&service["desiredCount"], &service["deploymentConfiguration"]["bakeTimeInMinutes"]),
        (&json!(7), &json!(42))
    );
    let template = text(&rendered, &format!("{FOLDER}/template.yaml"));
    assert!(template.contains("BakeTimeInMinutes: 42") && template.contains("DesiredCount: 7"));
    assert_eq!(document(&rendered, "deploy/cloudwatch/production/alarms/PostgresDown.json")["Period"], 300);
    assert!(template.contains("Period: 300"));
}

/// The files that are not the same after one fact of the spec is.
fn changed(old: &str, new: &str) -> Vec<String> {
    assert!(ECS.contains(old), "{old}");
    let (before, after) = (rendered(ECS), rendered(&ECS.replacen(old, new, 1)));
    let of_aws = |it: &&lockgate_render::Artifact| {
        it.path.starts_with("deploy/ecs") || it.path.starts_with("deploy/cloudwatch")
    };
    let texts = |rendered: &Rendered| -> BTreeSet<(String, String)> {
        rendered.artifacts.iter().filter(of_aws).map(|it| (it.path.clone(), it.text.clone())).collect()
    };
    let (before, after) = (texts(&before), texts(&after));
    let paths: BTreeSet<String> = before.symmetric_difference(&after).map(|it| it.0.clone()).collect();
    paths.into_iter().map(|it| it.replace("/production", "")).collect()
}

#[test]
fn one_fact_changes_exactly_what_follows_from_it() {
    assert_eq!(
        changed("replicas: 3", "replicas: 4"),
        ["deploy/ecs/services/worker/service.json", "deploy/ecs/template.yaml"]
    );
    assert_eq!(
        changed("> 1.5% for 5m", "> 2.5% for 5m"),
        [
            "deploy/cloudwatch/alarms/HighErrorRate-api.json",
            "deploy/cloudwatch/alarms/HighErrorRate-web.json",
            "deploy/cloudwatch/dashboard.json",
            "deploy/ecs/template.yaml",
        ]
    );
    assert_eq!(
        changed("retention: 20d", "retention: 60d"),
        ["deploy/cloudwatch/retention.json", "deploy/ecs/template.yaml"]
    );
    assert_eq!(
        changed("{PLAIN: other}", "{PLAIN: third}"),
        ["deploy/ecs/parameters/api/PLAIN.json", "deploy/ecs/template.yaml", "deploy/ecs/variables.md"]
    );
    assert_eq!(
        changed("key: one", "key: two"),
        [
            "deploy/ecs/cron/report/task-definition.json",
            "deploy/ecs/jobs/migrate/task-definition.json",
            "deploy/ecs/jobs/seed/task-definition.json",
            "deploy/ecs/services/api/task-definition.json",
            "deploy/ecs/services/web/task-definition.json",
            "deploy/ecs/services/worker/task-definition.json",
            "deploy/ecs/template.yaml",
            "deploy/ecs/variables.md",
        ]
    );
}
