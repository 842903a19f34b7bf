//! AWS App Runner: services from images, for those who have it still.

use lockgate_model::External;
use serde_json::{Map, Value, json};

use crate::artifact::Kind;
use crate::aws::{self, Call, Cloud, Document, Home, homes, only_aws_knows, tags};
use crate::cloudwatch;
use crate::ecs;
use crate::facts::{Environment, Facts, ServiceFact, shell};
use crate::output::Output;

/// Requests that one instance has at a time, as Amazon's own default is.
const CONCURRENCY: u32 = 100;
const INSTANCES_MAX: u16 = 25;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::AppRunner).collect();
    for environment in environments {
        environment_files(environment, output);
    }
}

fn environment_files(environment: &Environment<'_>, output: &mut Output<'_>) {
    let Some(cloud) = Cloud::of(environment) else { return };
    aws::review(&cloud, output);
    let name = environment.name();
    output.note(format!(
        "environment `{name}`: App Runner takes no new customers since 2026-04-30; Amazon points to the target \
         `ecs-express`"
    ));
    let system = environment.system;
    if environment.migration.is_some() || environment.seed.is_some() || !system.cron.is_empty() {
        output.note(format!(
            "environment `{name}`: App Runner runs no jobs, so migrations, seeds and cron jobs need another place"
        ));
    }
    let mut documents = aws::before(&cloud);
    for fact in environment.services.values() {
        documents.extend(service(&cloud, fact, output));
    }
    aws::write(&cloud, Kind::AppRunner, documents, cloudwatch::documents(&cloud, output), output);
}

fn service(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let Some(body) = update(cloud, fact, output) else { return vec![] };
    let name = cloud.name_of(fact.name.as_str());
    let mut documents = roles(cloud, fact);
    let document = |file: &str, call, body| Document {
        path: format!("{}/services/{}/{file}.json", cloud.folder(), fact.name),
        call,
        name: fact.name.to_string(),
        body,
        origin: vec![format!("services.{}", fact.name), "target".to_owned()],
    };
    let (least, most) = match &fact.service.autoscaling {
        Some(it) => (it.min, it.max),
        None => (fact.service.replicas, fact.service.replicas),
    };
    let scaling = json!({
        "AutoScalingConfigurationName": name,
        "MinSize": least.clamp(1, INSTANCES_MAX),
        "MaxSize": most.clamp(1, INSTANCES_MAX),
        "MaxConcurrency": CONCURRENCY,
        "Tags": tags(cloud.environment.system, "Key", "Value"),
    });
    let mut scaling = document("auto-scaling-configuration", Call::AppRunnerScaling, scaling);
    // The template refers to it by what AWS calls it.
    scaling.name.clone_from(&name);
    documents.push(scaling);
    let mut create = body.clone();
    create["ServiceName"] = json!(name);
    create["Tags"] = tags(cloud.environment.system, "Key", "Value");
    documents.push(document("service", Call::AppRunnerService, create));
    let mut update = body;
    let id = only_aws_knows(&format!("service-id {name}"));
    update["ServiceArn"] = json!(cloud.arn("apprunner", &format!("service/{name}/{id}")));
    documents.push(document("service-update", Call::AppRunnerServiceUpdate, update));
    documents
}

fn access_role_name(service: &str) -> String {
    format!("{service}-access")
}

fn instance_role_name(service: &str) -> String {
    format!("{service}-instance")
}

/// Who fetches the image, and what the application and its variables need.
fn roles(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<Document> {
    let name = cloud.name_of(fact.name.as_str());
    let origin = [format!("services.{}", fact.name)];
    let mut fetching = aws::fetching(cloud, fact);
    // It asks what images there are before it fetches one.
    if let Some(actions) = fetching.last_mut().and_then(|it| it["Action"].as_array_mut()) {
        actions.push(json!("ecr:DescribeImages"));
    }
    let mut instance = aws::reading(cloud, &homes(cloud, fact));
    instance.extend(aws::task_role(cloud, fact));
    let (access_name, instance_name) = (access_role_name(&name), instance_role_name(&name));
    let access = aws::role(cloud, &access_name, "build.apprunner.amazonaws.com", &fetching, &origin);
    let instance = aws::role(cloud, &instance_name, "tasks.apprunner.amazonaws.com", &instance, &origin);
    access.into_iter().chain(instance).collect()
}

/// What a release changes; `None` where it cannot run there.
fn update(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Option<Value> {
    let environment = cloud.environment.name();
    let Some((_, port)) = fact.service.main_port() else {
        output.problem(
            format!("`{}` takes no requests, and App Runner runs nothing else", fact.name),
            format!("give environment `{environment}` the target `ecs` or `ecs-express`"),
        );
        return None;
    };
    let image = ecs::image(cloud, fact, output)?;
    if aws::fetching(cloud, fact).is_empty() {
        output.problem(
            format!("App Runner fetches images from Amazon ECR only, and `{}` is `{image}`", fact.name),
            "say `image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/NAME` of the build".to_owned(),
        );
        return None;
    }
    let Some(size) = aws::app_runner(&fact.service.resources) else {
        output.problem(
            format!("`{}` asks for more CPU or memory than an instance of App Runner has", fact.name),
            "at most 4 CPUs and 12 GiB can be had".to_owned(),
        );
        return None;
    };
    let name = cloud.name_of(fact.name.as_str());
    let mut configuration = json!({"Port": port.number.to_string()});
    if !fact.service.command.is_empty() {
        configuration["StartCommand"] = json!(shell::line(&fact.service.command));
    }
    variables(cloud, fact, &mut configuration);
    let scaling = cloud.arn("apprunner", &format!("autoscalingconfiguration/{name}"));
    Some(json!({
        "SourceConfiguration": {
            "AutoDeploymentsEnabled": false,
            "AuthenticationConfiguration": {"AccessRoleArn": cloud.role_arn(&access_role_name(&name))},
            "ImageRepository": {
                "ImageIdentifier": image,
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": configuration,
            },
        },
        "InstanceConfiguration": {
            "Cpu": size.cpu.to_string(),
            "Memory": size.memory.to_string(),
            "InstanceRoleArn": cloud.role_arn(&instance_role_name(&name)),
        },
        "HealthCheckConfiguration": health(fact),
        "NetworkConfiguration": network(cloud, fact),
        "AutoScalingConfigurationArn": scaling,
    }))
}

fn variables(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, configuration: &mut Value) {
    let (mut plain, mut kept) = (Map::new(), Map::new());
    for placed in homes(cloud, fact) {
        let name = placed.variable.name;
        if let Home::Here(value) = &placed.home {
            plain.insert(name.to_owned(), json!(value));
        } else if let Some(from) = placed.home.value_from(cloud) {
            kept.insert(name.to_owned(), json!(from));
        }
    }
    for (key, map) in [("RuntimeEnvironmentVariables", plain), ("RuntimeEnvironmentSecrets", kept)] {
        if !map.is_empty() {
            configuration[key] = Value::Object(map);
        }
    }
}

/// Within the bounds of App Runner: 1 to 20 of everything.
fn health(fact: &ServiceFact<'_>) -> Value {
    let mut health = json!({"Protocol": "HTTP", "Path": ecs::health_path(fact)});
    if let lockgate_model::Health::Http { interval, timeout, healthy_after, unhealthy_after, .. } =
        &fact.service.health
    {
        health["Interval"] = json!(interval.0.div_ceil(1_000).clamp(1, 20));
        health["Timeout"] = json!(timeout.0.div_ceil(1_000).clamp(1, 20));
        health["HealthyThreshold"] = json!((*healthy_after).clamp(1, 20));
        health["UnhealthyThreshold"] = json!((*unhealthy_after).clamp(1, 20));
    }
    health
}

/// Databases and caches of Amazon are within a network of one's own, which a connector leads to.
fn network(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Value {
    let needed = |it: &String| {
        let dependency = cloud.environment.system.dependencies.iter().find(|of| of.0.as_str() == it);
        matches!(
            dependency.and_then(|it| it.1.external.as_ref()),
            Some(External::Rds(_) | External::Elasticache(_))
        )
    };
    let egress = if fact.service.depends_on.keys().any(needed) {
        json!({"EgressType": "VPC", "VpcConnectorArn": only_aws_knows("vpc-connector")})
    } else {
        json!({"EgressType": "DEFAULT"})
    };
    json!({
        "EgressConfiguration": egress,
        "IngressConfiguration": {"IsPubliclyAccessible": fact.service.ingress.is_some()},
    })
}
