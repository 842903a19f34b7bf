//! What is measured, who hears of it, and what one sees at a glance.

use serde_json::Value;

use crate::common::{example, rendered, text};
use crate::specs::{APP_RUNNER, ECS};

const FOLDER: &str = "deploy/cloudwatch/production";

#[test]
fn alarms_are_on_metrics_that_exist_with_the_limits_of_the_spec() {
    let rendered = rendered(ECS);
    for name in [
        "HighErrorRate-web",
        "HighLatencyP95-web",
        "CacheDown",
        "CacheHighEvictionRate",
        "MissingTasks-worker",
    ] {
        let path = format!("{FOLDER}/alarms/{name}.json");
        insta::assert_snapshot!(format!("alarm_{name}"), text(&rendered, &path));
    }
    let of = |name: &str| -> Value {
        serde_json::from_str(text(&rendered, &format!("{FOLDER}/alarms/{name}.json"))).unwrap()
    };
    // What must be available is looked at as what fails.
    let availability = of("LowAvailability-web");
    assert_eq!(availability["Threshold"], 1.0);
    assert_eq!(availability["ComparisonOperator"], "GreaterThanThreshold");
    assert_eq!(of("HighCPUUsage-worker")["Threshold"], 90.0);
    assert_eq!(of("HighCPUUsage-worker")["EvaluationPeriods"], 15);
    // Warnings are not for those who hear what is critical only.
    assert_eq!(of("HighCPUUsage-worker")["AlarmActions"].as_array().unwrap().len(), 1);
    assert_eq!(of("HighErrorRate-web")["AlarmActions"].as_array().unwrap().len(), 2);
}

#[test]
fn a_service_of_app_runner_is_measured_by_app_runner() {
    let rendered = rendered(APP_RUNNER);
    insta::assert_snapshot!(
        "app_runner_latency",
        text(&rendered, &format!("{FOLDER}/alarms/HighLatencyP95-web.json"))
    );
}

#[test]
fn every_topic_of_the_examples_has_a_subscriber() {
    for name in ["covenant-connect-ecs", "kanvaro"] {
        let rendered = example(name);
        let topics = rendered.artifacts.iter().filter(|it| it.path.contains("/topics/"));
        let (subscriptions, topics): (Vec<_>, Vec<_>) = topics.partition(|it| it.text.contains("Endpoint"));
        assert!(!topics.is_empty() && topics.len() <= subscriptions.len(), "{name}");
    }
}

#[test]
fn the_dashboard_shows_what_the_alarms_look_at() {
    let rendered = rendered(ECS);
    let body: Value = serde_json::from_str(text(&rendered, &format!("{FOLDER}/dashboard.json"))).unwrap();
    let titles: Vec<&str> = body["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["properties"]["title"].as_str().unwrap())
        .collect();
    insta::assert_snapshot!("dashboard", titles.join("\n"));
}
