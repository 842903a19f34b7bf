//! Requests as resources of `CloudFormation`: the same members, by other names here and there.

use serde_json::{Value, json};

use super::document::{Call, Document};

pub(super) const ROLE: &str = "AWS::IAM::Role";
pub(super) const PARAMETER: &str = "AWS::SSM::Parameter";
pub(super) const LOG_GROUP: &str = "AWS::Logs::LogGroup";
pub(super) const TARGET_GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
pub(super) const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";
pub(super) const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
pub(super) const SERVICE: &str = "AWS::ECS::Service";
pub(super) const EXPRESS_SERVICE: &str = "AWS::ECS::ExpressGatewayService";
pub(super) const SCALABLE_TARGET: &str = "AWS::ApplicationAutoScaling::ScalableTarget";
pub(super) const SCALING_POLICY: &str = "AWS::ApplicationAutoScaling::ScalingPolicy";
pub(super) const APP_RUNNER_SERVICE: &str = "AWS::AppRunner::Service";
pub(super) const APP_RUNNER_SCALING: &str = "AWS::AppRunner::AutoScalingConfiguration";
pub(super) const TOPIC: &str = "AWS::SNS::Topic";
pub(super) const ALARM: &str = "AWS::CloudWatch::Alarm";

/// `None` for what is no part of the template.
pub(super) fn resource_type(call: Call) -> Option<&'static str> {
    match call {
        Call::Namespace => Some("AWS::ServiceDiscovery::HttpNamespace"),
        Call::Parameter => Some(PARAMETER),
        Call::Trust | Call::Policy | Call::ManagedPolicy => Some(ROLE),
        Call::LogGroup | Call::Retention => Some(LOG_GROUP),
        Call::TargetGroup | Call::TargetGroupAttributes => Some(TARGET_GROUP),
        Call::ListenerRule => Some(RULE),
        Call::Topic => Some(TOPIC),
        Call::Subscription => Some("AWS::SNS::Subscription"),
        Call::Alarm => Some(ALARM),
        Call::Dashboard => Some("AWS::CloudWatch::Dashboard"),
        Call::TaskDefinition => Some(TASK_DEFINITION),
        Call::Service => Some(SERVICE),
        Call::ScalableTarget => Some(SCALABLE_TARGET),
        Call::ScalingPolicy => Some(SCALING_POLICY),
        Call::Schedule => Some("AWS::Scheduler::Schedule"),
        Call::ExpressService => Some(EXPRESS_SERVICE),
        Call::AppRunnerScaling => Some(APP_RUNNER_SCALING),
        Call::AppRunnerService => Some(APP_RUNNER_SERVICE),
        Call::Cluster
        | Call::Repository
        | Call::LifecyclePolicy
        | Call::Secret
        | Call::RunTask
        | Call::ExpressServiceUpdate
        | Call::AppRunnerServiceUpdate => None,
    }
}

/// The request's members, as properties of the resource.
pub(super) fn properties(document: &Document) -> Value {
    let (name, body) = (&document.name, &document.body);
    let mut properties = match document.call {
        Call::Trust => return json!({"RoleName": name, "AssumeRolePolicyDocument": body}),
        Call::Policy => return json!({"Policies": [{"PolicyName": name, "PolicyDocument": body}]}),
        Call::ManagedPolicy => return json!({"ManagedPolicyArns": [body["PolicyArn"]]}),
        Call::TargetGroupAttributes => return json!({"TargetGroupAttributes": body["Attributes"]}),
        Call::LogGroup => {
            return json!({"LogGroupName": body["logGroupName"], "Tags": as_list(&body["tags"], "Key")});
        }
        Call::Retention => return json!({"RetentionInDays": body["retentionInDays"]}),
        Call::Topic => return json!({"TopicName": body["Name"], "Tags": body["Tags"]}),
        Call::Dashboard => return json!({"DashboardName": name, "DashboardBody": body.to_string()}),
        _ => capitalised(body),
    };
    if let Some(properties) = properties.as_object_mut() {
        properties.remove("Overwrite");
    }
    let image = properties.pointer_mut("/SourceConfiguration/ImageRepository/ImageConfiguration");
    if let Some(Value::Object(image)) = image {
        for key in ["RuntimeEnvironmentSecrets", "RuntimeEnvironmentVariables"] {
            if let Some(variables) = image.get_mut(key) {
                *variables = as_list(variables, "Name");
            }
        }
    }
    properties
}

/// `{"a": "b"}` as `[{"Name": "a", "Value": "b"}]`.
fn as_list(map: &Value, key: &str) -> Value {
    let items = map.as_object().into_iter().flatten();
    Value::Array(items.map(|(name, value)| json!({key: name, "Value": value})).collect())
}

/// ECS's API begins its members with small letters, `CloudFormation` with capitals.
fn capitalised(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| {
                let free = matches!(
                    key.as_str(),
                    "options" | "RuntimeEnvironmentVariables" | "RuntimeEnvironmentSecrets"
                );
                let value = if free { value.clone() } else { capitalised(value) };
                (property(key), value)
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(capitalised).collect()),
        _ => value.clone(),
    }
}

fn property(key: &str) -> String {
    match key {
        "efsVolumeConfiguration" => "EFSVolumeConfiguration".to_owned(),
        "fileSystemId" => "FilesystemId".to_owned(),
        _ => capital(key),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| it.to_ascii_uppercase().to_string() + letters.as_str())
}
