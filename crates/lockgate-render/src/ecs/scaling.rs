//! How the number of tasks follows the load.

use lockgate_model::Autoscaling;
use serde_json::{Value, json};

use super::balancer::target_groups;
use crate::aws::{Call, Cloud, Document, only_aws_knows};
use crate::facts::ServiceFact;
use crate::output::Output;

pub(super) fn documents(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let Some(autoscaling) = &fact.service.autoscaling else { return vec![] };
    let name = cloud.name_of(fact.name.as_str());
    let document = |file: String, call, name: String, body| Document {
        path: format!("{}/services/{}/{file}.json", cloud.folder(), fact.name),
        call,
        name,
        body,
        origin: vec![format!("services.{}.autoscaling", fact.name)],
    };
    let scalable = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": format!("service/{}/{name}", cloud.cluster.unwrap_or("default")),
        "ScalableDimension": "ecs:service:DesiredCount",
    });
    let mut target = scalable.clone();
    target["MinCapacity"] = json!(autoscaling.min);
    target["MaxCapacity"] = json!(autoscaling.max);
    let mut documents =
        vec![document("scalable-target".to_owned(), Call::ScalableTarget, fact.name.to_string(), target)];
    for (of, aim, metric) in aims(cloud, fact, autoscaling, output) {
        let mut policy = scalable.clone();
        policy["PolicyName"] = json!(format!("{name}-{of}"));
        policy["PolicyType"] = json!("TargetTrackingScaling");
        policy["TargetTrackingScalingPolicyConfiguration"] =
            json!({"TargetValue": aim, "PredefinedMetricSpecification": metric});
        let file = format!("scaling-policy-{of}");
        documents.push(document(file, Call::ScalingPolicy, format!("{}-{of}", fact.name), policy));
    }
    documents
}

/// What is aimed at: its name, the number, and Amazon's metric.
fn aims(
    cloud: &Cloud<'_>,
    fact: &ServiceFact<'_>,
    autoscaling: &Autoscaling,
    output: &mut Output<'_>,
) -> Vec<(&'static str, f64, Value)> {
    let share = |text: &Option<String>| text.as_deref()?.trim_end_matches('%').trim().parse::<f64>().ok();
    let mut aims = vec![];
    if let Some(aim) = share(&autoscaling.cpu) {
        aims.push(("cpu", aim, json!({"PredefinedMetricType": "ECSServiceAverageCPUUtilization"})));
    }
    if let Some(aim) = share(&autoscaling.memory) {
        aims.push(("memory", aim, json!({"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"})));
    }
    let Some(per_second) = autoscaling.requests_per_second else { return aims };
    let groups = target_groups(cloud, fact);
    if let (Some(group), Some(balancer)) = (groups.first(), cloud.load_balancer) {
        let label = format!(
            "{}/{}",
            only_aws_knows(&format!("load-balancer {balancer}")),
            only_aws_knows(&format!("target-group-name {group}"))
        );
        let metric = json!({"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label});
        aims.push(("requests", f64::from(per_second) * 60.0, metric));
    } else {
        output.note(format!(
            "environment `{}`: nothing counts the requests of `{}`, so its number of tasks does not follow them",
            cloud.environment.name(),
            fact.name
        ));
    }
    aims
}
