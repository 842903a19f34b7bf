//! Services: how many tasks, where they are, who reaches them and how a new version takes over.

use lockgate_model::Protocol;
use serde_json::{Value, json};

use super::balancer::{rule_arn, target_group_arn, target_groups, test_rule};
use super::{deployment, task};
use crate::aws::{self, Call, Cloud, Document, tags};
use crate::facts::ServiceFact;
use crate::output::Output;

/// The platform of Fargate that reads the keys of secrets.
pub(super) const PLATFORM: &str = "1.4.0";
/// Amazon's own policy for a role that moves traffic.
const BALANCER_POLICY: &str = "AmazonECSInfrastructureRolePolicyForLoadBalancers";

pub(super) fn document(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Document {
    let name = cloud.name_of(fact.name.as_str());
    let service = fact.service;
    let mut body = json!({
        "cluster": cloud.cluster,
        "serviceName": name,
        "taskDefinition": name,
        "desiredCount": service.autoscaling.as_ref().map_or(service.replicas, |it| it.min),
        "launchType": "FARGATE",
        "platformVersion": PLATFORM,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "deploymentConfiguration": deployment::configuration(cloud, fact, output),
        "networkConfiguration": network(cloud),
        "enableECSManagedTags": true,
        "enableExecuteCommand": false,
        "propagateTags": "SERVICE",
        "tags": tags(cloud.environment.system, "key", "value"),
    });
    // Tasks are moved between zones by starting one more, which a service that never has two versions cannot.
    let may_be_more = body["deploymentConfiguration"]["maximumPercent"].as_u64().is_some_and(|it| 100 < it);
    body["availabilityZoneRebalancing"] = json!(if may_be_more { "ENABLED" } else { "DISABLED" });
    if let Some(balancer) = balancer(cloud, fact) {
        body["loadBalancers"] = json!([balancer]);
        body["healthCheckGracePeriodSeconds"] = json!(task::ready_within(&service.health));
    }
    if let Some(connect) = connect(cloud, fact) {
        body["serviceConnectConfiguration"] = connect;
    }
    Document {
        path: format!("{}/services/{}/service.json", cloud.folder(), fact.name),
        call: Call::Service,
        name: fact.name.to_string(),
        body,
        origin: vec![format!("services.{}", fact.name), "rollout".to_owned(), "target".to_owned()],
    }
}

/// What the services share: the cluster, the role that moves traffic, the names by which they find each other.
pub(crate) fn around(cloud: &Cloud<'_>) -> Vec<Document> {
    let system = cloud.environment.system;
    let mut documents = vec![];
    if let Some(cluster) = cloud.cluster {
        documents.push(Document {
            path: format!("{}/cluster.json", cloud.folder()),
            call: Call::Cluster,
            name: cluster.to_owned(),
            body: json!({
                "clusterName": cluster,
                "capacityProviders": ["FARGATE"],
                // The numbers of tasks are measured with it only.
                "settings": [{"name": "containerInsights", "value": "enabled"}],
                "tags": tags(system, "key", "value"),
            }),
            origin: vec!["target".to_owned()],
        });
    }
    if cloud.environment.services.values().any(|it| is_called(cloud, it)) {
        documents.push(Document {
            path: format!("{}/namespace.json", cloud.folder()),
            call: Call::Namespace,
            name: namespace(cloud),
            body: json!({"Name": namespace(cloud), "Tags": tags(system, "Key", "Value")}),
            origin: vec!["services".to_owned()],
        });
    }
    if cloud.environment.services.values().any(|it| 1 < target_groups(cloud, it).len()) {
        documents.extend(aws::infrastructure_role(cloud, &role_name(cloud), BALANCER_POLICY));
    }
    documents
}

fn role_name(cloud: &Cloud<'_>) -> String {
    cloud.in_environment("ecs-traffic")
}

fn namespace(cloud: &Cloud<'_>) -> String {
    format!("{}-{}", cloud.environment.system.name, cloud.environment.name())
}

pub(super) fn network(cloud: &Cloud<'_>) -> Value {
    let mut network = json!({"subnets": cloud.subnets(), "assignPublicIp": "DISABLED"});
    let groups = cloud.security_groups();
    if !groups.is_empty() {
        network["securityGroups"] = json!(groups);
    }
    json!({"awsvpcConfiguration": network})
}

fn balancer(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<Value> {
    let groups = target_groups(cloud, fact);
    let (_, port) = fact.service.main_port()?;
    let mut balancer = json!({
        "targetGroupArn": target_group_arn(groups.first()?),
        "containerName": fact.name,
        "containerPort": port.number,
    });
    if let Some(second) = groups.get(1) {
        let mut advanced = json!({
            "alternateTargetGroupArn": target_group_arn(second),
            "productionListenerRule": rule_arn(&cloud.name_of(fact.name.as_str())),
            "roleArn": cloud.role_arn(&role_name(cloud)),
        });
        if let Some(rule) = test_rule(cloud, fact) {
            advanced["testListenerRule"] = json!(rule_arn(&rule));
        }
        balancer["advancedConfiguration"] = advanced;
    }
    Some(balancer)
}

fn is_called(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> bool {
    cloud.environment.services.values().any(|it| calls(it, fact))
}

/// Is an address of the other one in its variables? That it needs the other one says less: the host that users see is
/// no address within the system.
fn calls(fact: &ServiceFact<'_>, other: &ServiceFact<'_>) -> bool {
    let name = other.name.as_str();
    let addresses: Vec<String> =
        other.service.ports.values().map(|it| format!("{name}:{}", it.number)).collect();
    let values = fact.service.env.values();
    let has_one = |it: &String| it == name || addresses.iter().any(|address| it.contains(address));
    !addresses.is_empty() && fact.name != other.name && values.into_iter().any(has_one)
}

/// By its own name, as the addresses in the spec say; only where services call each other.
fn connect(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<Value> {
    let calls_a_service = cloud.environment.services.values().any(|it| calls(fact, it));
    let is_called = is_called(cloud, fact);
    if !calls_a_service && !is_called {
        return None;
    }
    let mut connect = json!({"enabled": true, "namespace": namespace(cloud)});
    if is_called {
        let main = fact.service.main_port().map(|it| it.0);
        let ports = fact.service.ports.iter().map(|(name, port)| {
            // A name is given once: further ports have their own beside it.
            let discovery =
                if Some(name) == main { fact.name.to_string() } else { format!("{}-{name}", fact.name) };
            let mut service = json!({
                "portName": name,
                "discoveryName": discovery,
                "clientAliases": [{"port": port.number, "dnsName": fact.name}],
            });
            if port.protocol == Protocol::Grpc {
                // A stream may be silent for long.
                service["timeout"] = json!({"idleTimeoutSeconds": 3_600, "perRequestTimeoutSeconds": 0});
            }
            service
        });
        connect["services"] = ports.collect();
    }
    Some(connect)
}
