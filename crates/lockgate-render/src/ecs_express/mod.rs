//! Amazon ECS Express Mode: services that users reach, with everything around them made by Amazon.
//!
//! Workers and jobs are services and tasks of ECS as ever.

use lockgate_model::Strategy;
use serde_json::{Value, json};

use crate::artifact::Kind;
use crate::aws::{self, Call, Cloud, Document, homes, tags};
use crate::cloudwatch;
use crate::ecs;
use crate::facts::{Environment, Facts, ServiceFact};
use crate::output::Output;

/// Amazon's own policy for the role that makes load balancers and what else is needed.
const POLICY: &str = "service-role/AmazonECSInfrastructureRoleforExpressGatewayServices";
/// Share of the CPU that is aimed at where the spec says nothing, as Amazon's own default is.
const CPU_PERCENT: u64 = 60;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::EcsExpress).collect();
    for environment in environments {
        environment_files(environment, output);
    }
}

fn environment_files(environment: &Environment<'_>, output: &mut Output<'_>) {
    let Some(cloud) = Cloud::of(environment) else { return };
    aws::review(&cloud, output);
    let mut documents = aws::before(&cloud);
    documents.extend(ecs::around(&cloud));
    for fact in environment.services.values() {
        if cloud.is_express(fact) {
            documents.extend(service(&cloud, fact, output));
        } else {
            documents.extend(ecs::whole_service(&cloud, fact, output));
        }
    }
    if environment.services.values().any(|it| cloud.is_express(it)) {
        documents.extend(aws::infrastructure_role(&cloud, &role_name(&cloud), POLICY));
        note_the_rollout(environment, output);
    }
    documents.extend(ecs::jobs(&cloud, output));
    aws::write(&cloud, Kind::EcsExpress, documents, cloudwatch::documents(&cloud, output), output);
}

fn note_the_rollout(environment: &Environment<'_>, output: &mut Output<'_>) {
    let strategy = match environment.system.rollout.strategy {
        Strategy::Canary => "canary",
        Strategy::Rolling => "rolling",
        Strategy::BlueGreen => "blue-green",
        Strategy::Recreate => "recreate",
    };
    output.note(format!(
        "environment `{}`: Express Mode has a rollout of its own, 5% of the requests for three minutes and then all \
         of them; the spec's `{strategy}` needs the target `ecs`",
        environment.name()
    ));
}

fn role_name(cloud: &Cloud<'_>) -> String {
    cloud.in_environment("ecs-express")
}

fn service(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let mut documents = ecs::roles(cloud, fact);
    let Some(update) = update(cloud, fact, output) else { return documents };
    let name = cloud.name_of(fact.name.as_str());
    let cluster = cloud.cluster.unwrap_or("default");
    let mut create = update.clone();
    create["serviceName"] = json!(name);
    create["cluster"] = json!(cluster);
    create["infrastructureRoleArn"] = json!(cloud.role_arn(&role_name(cloud)));
    create["tags"] = tags(cloud.environment.system, "key", "value");
    let mut update = update;
    update["serviceArn"] = json!(cloud.arn("ecs", &format!("service/{cluster}/{name}")));
    let document = |file: &str, call, body| Document {
        path: format!("{}/services/{}/{file}.json", cloud.folder(), fact.name),
        call,
        name: fact.name.to_string(),
        body,
        origin: vec![format!("services.{}", fact.name), "target".to_owned()],
    };
    documents.push(document("express-service", Call::ExpressService, create));
    documents.push(document("express-service-update", Call::ExpressServiceUpdate, update));
    documents
}

/// What a release changes; `None` where no image or no size is there.
fn update(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Option<Value> {
    let (_, port) = fact.service.main_port()?;
    let size = ecs::size(cloud, fact, output)?;
    let image = ecs::image(cloud, fact, output)?;
    let name = cloud.name_of(fact.name.as_str());
    let homes = homes(cloud, fact);
    let mut container = json!({
        "image": image,
        "containerPort": port.number,
        "awsLogsConfiguration": {"logGroup": cloud.environment.log_group(), "logStreamPrefix": fact.name},
        "environment": ecs::environment(&homes),
        "secrets": ecs::secrets(cloud, &homes),
    });
    if !fact.service.command.is_empty() {
        container["command"] = json!(fact.service.command);
    }
    let mut body = json!({
        "primaryContainer": container,
        "healthCheckPath": ecs::health_path(fact),
        "executionRoleArn": cloud.role_arn(&ecs::execution_role_name(&name)),
        "taskRoleArn": cloud.role_arn(&ecs::task_role_name(&name)),
        "cpu": size.cpu.to_string(),
        "memory": size.memory.to_string(),
        "scalingTarget": scaling(fact),
    });
    // What is not said is X86_64.
    if ecs::architecture(fact) == "ARM64" {
        body["cpuArchitecture"] = json!("ARM64");
    }
    Some(body)
}

/// Express Mode follows one number.
fn scaling(fact: &ServiceFact<'_>) -> Value {
    let replicas = fact.service.replicas;
    let Some(it) = &fact.service.autoscaling else {
        return json!({
            "minTaskCount": replicas,
            "maxTaskCount": replicas,
            "autoScalingMetric": "AVERAGE_CPU",
            "autoScalingTargetValue": CPU_PERCENT,
        });
    };
    // It takes whole numbers only.
    let share = |text: &Option<String>| -> Option<u64> {
        let number = text.as_deref()?.trim_end_matches('%').trim();
        number.split('.').next()?.parse().ok()
    };
    let (metric, aim) = match (share(&it.cpu), share(&it.memory), it.requests_per_second) {
        (Some(aim), _, _) => ("AVERAGE_CPU", aim),
        (None, Some(aim), _) => ("AVERAGE_MEMORY", aim),
        (None, None, Some(requests)) => ("REQUEST_COUNT_PER_TARGET", u64::from(requests) * 60),
        (None, None, None) => ("AVERAGE_CPU", CPU_PERCENT),
    };
    json!({
        "minTaskCount": it.min,
        "maxTaskCount": it.max,
        "autoScalingMetric": metric,
        "autoScalingTargetValue": aim,
    })
}
