//! The same documents as one `CloudFormation` template.
//!
//! What must be there before an image can run is no part of it: the cluster, the repositories and the secrets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::cloud::Cloud;
use super::document::Document;
use super::resource::{
    ALARM, APP_RUNNER_SCALING, APP_RUNNER_SERVICE, EXPRESS_SERVICE, LOG_GROUP, PARAMETER, ROLE, RULE,
    SCALABLE_TARGET, SCALING_POLICY, SERVICE, TARGET_GROUP, TASK_DEFINITION, TOPIC, capital, properties,
    resource_type,
};

/// What is written by people, in which nothing is looked for.
const TEXTS_OF_USERS: [&str; 4] = ["Command", "Environment", "RuntimeEnvironmentVariables", "StartCommand"];

pub(super) fn template(cloud: &Cloud<'_>, documents: &[&Document]) -> Value {
    let mut resources: BTreeMap<(&'static str, &str), Value> = BTreeMap::new();
    for document in documents {
        let Some(kind) = resource_type(document.call) else { continue };
        let resource = resources.entry((kind, &document.name)).or_insert_with(|| json!({}));
        merge(resource, properties(document));
    }
    let mut writer = Writer { cloud, ids: BTreeMap::new(), exact: BTreeMap::new(), parameters: Map::new() };
    for (kind, name) in resources.keys() {
        writer.ids.insert(((*kind).to_owned(), (*name).to_owned()), logical_id(kind, name));
    }
    writer.exact = writer.arns();
    let mut written = Map::new();
    for ((kind, name), properties) in &resources {
        let properties = if *kind == PARAMETER { properties.clone() } else { writer.filled(properties) };
        let mut needed = writer.needed(kind);
        needed.retain(|it| !refers_to(&properties, it));
        let mut resource = json!({"Type": kind, "Properties": properties});
        if !needed.is_empty() {
            resource["DependsOn"] = json!(needed);
        }
        written.insert(logical_id(kind, name), resource);
    }
    let system = cloud.environment.system;
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("{} in the environment {}", system.name, system.environment),
        "Resources": written,
    });
    if !writer.parameters.is_empty() {
        template["Parameters"] = Value::Object(writer.parameters);
    }
    template
}

fn merge(resource: &mut Value, properties: Value) {
    if let (Value::Object(resource), Value::Object(properties)) = (resource, properties) {
        resource.extend(properties);
    }
}

/// `AWS::ECS::Service` and `shop-web`: `ServiceShopWeb`.
fn logical_id(kind: &str, name: &str) -> String {
    let kind = kind.rsplit("::").next().unwrap_or(kind);
    kind.to_owned() + &words(name)
}

fn words(name: &str) -> String {
    name.split(|it: char| !it.is_ascii_alphanumeric()).map(capital).collect()
}

/// What a resource refers to comes before it anyway.
fn refers_to(value: &Value, id: &str) -> bool {
    match value {
        Value::Object(map) => {
            map.get("Ref").is_some_and(|it| it == id)
                || map.get("Fn::GetAtt").is_some_and(|it| it[0] == id)
                || map.values().any(|it| refers_to(it, id))
        }
        Value::Array(items) => items.iter().any(|it| refers_to(it, id)),
        _ => false,
    }
}

struct Writer<'a> {
    cloud: &'a Cloud<'a>,
    /// By type and name.
    ids: BTreeMap<(String, String), String>,
    /// Whole texts that are a resource of the template.
    exact: BTreeMap<String, Value>,
    parameters: Map<String, Value>,
}

impl Writer<'_> {
    fn id(&self, kind: &str, name: &str) -> Option<&String> {
        self.ids.get(&(kind.to_owned(), name.to_owned()))
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&String, &String)> {
        self.ids.iter().filter(move |it| it.0.0 == kind).map(|it| (&it.0.1, it.1))
    }

    fn arns(&self) -> BTreeMap<String, Value> {
        let cloud = self.cloud;
        let attribute = |id: &String, name: &str| json!({"Fn::GetAtt": [id, name]});
        let roles = self.of_type(ROLE).map(|(name, id)| (cloud.role_arn(name), attribute(id, "Arn")));
        let topics = self.of_type(TOPIC).map(|(name, id)| (cloud.arn("sns", name), json!({"Ref": id})));
        let families = self
            .of_type(TASK_DEFINITION)
            .map(|(name, id)| (cloud.arn("ecs", &format!("task-definition/{name}")), json!({"Ref": id})));
        let scaling = self.of_type(APP_RUNNER_SCALING).map(|(name, id)| {
            let arn = cloud.arn("apprunner", &format!("autoscalingconfiguration/{name}"));
            (arn, attribute(id, "AutoScalingConfigurationArn"))
        });
        roles.chain(topics).chain(families).chain(scaling).collect()
    }

    /// Ids of what has to be there before a resource of this type.
    fn needed(&self, kind: &str) -> Vec<&String> {
        let kinds: &[&str] = match kind {
            SERVICE => &[RULE, ALARM, LOG_GROUP, PARAMETER],
            EXPRESS_SERVICE | APP_RUNNER_SERVICE => &[LOG_GROUP, PARAMETER],
            SCALABLE_TARGET => &[SERVICE],
            SCALING_POLICY => &[SCALABLE_TARGET],
            _ => &[],
        };
        kinds.iter().flat_map(|it| self.of_type(it)).map(|it| it.1).collect()
    }

    fn filled(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => match items.as_slice() {
                // A list of its own, not a list with one in it.
                [Value::String(one)] if one == "«subnets»" => self.text(one),
                items => Value::Array(items.iter().map(|it| self.filled(it)).collect()),
            },
            Value::Object(map) => {
                let mut filled = Map::new();
                for (key, value) in map {
                    let as_it_is = TEXTS_OF_USERS.contains(&key.as_str());
                    let family = value.as_str().filter(|_| key == "TaskDefinition");
                    let value = match family.and_then(|it| self.id(TASK_DEFINITION, it)) {
                        Some(id) => json!({"Ref": id}),
                        None if as_it_is => value.clone(),
                        None => self.filled(value),
                    };
                    filled.insert(key.clone(), value);
                }
                Value::Object(filled)
            }
            _ => value.clone(),
        }
    }

    fn text(&mut self, text: &str) -> Value {
        if let Some(value) = self.exact.get(text) {
            return value.clone();
        }
        let mut parts: Vec<Value> = vec![];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('«') {
            let Some((what, after)) = after.split_once('»') else { break };
            let Some(value) = self.known(what) else { return json!(text) };
            if !before.is_empty() {
                parts.push(json!(before));
            }
            parts.push(value);
            rest = after;
        }
        if parts.is_empty() {
            return json!(text);
        }
        if !rest.is_empty() {
            parts.push(json!(rest));
        }
        if parts.len() == 1 { parts.remove(0) } else { json!({"Fn::Join": ["", parts]}) }
    }

    /// What only AWS knows: a resource of this template, a fact of its own, or a parameter that must be given.
    fn known(&mut self, what: &str) -> Option<Value> {
        let (kind, name) = what.split_once(' ').unwrap_or((what, ""));
        let resource = |kind: &str| self.id(kind, name);
        match kind {
            "account" => Some(json!({"Ref": "AWS::AccountId"})),
            "subnets" => Some(self.parameter("Subnets", "List<AWS::EC2::Subnet::Id>")),
            "vpc" => Some(self.parameter("Vpc", "AWS::EC2::VPC::Id")),
            "security-group" => {
                Some(self.parameter(&format!("SecurityGroup{}", words(name)), "AWS::EC2::SecurityGroup::Id"))
            }
            "listener" | "file-system" | "secret-suffix" | "service-id" | "vpc-connector" => {
                Some(self.parameter(&format!("{}{}", words(kind), words(name)), "String"))
            }
            "load-balancer" => {
                if self.cloud.load_balancer.is_none() {
                    return Some(self.parameter(&format!("LoadBalancer{}", words(name)), "String"));
                }
                // `arn:...:listener/app/NAME/ID/ID`: the balancer is `app/NAME/ID`.
                let listener = self.parameter(&format!("Listener{}", words(name)), "String");
                let part = |idx: u8| json!({"Fn::Select": [idx, {"Fn::Split": ["/", listener]}]});
                Some(json!({"Fn::Join": ["/", [part(1), part(2), part(3)]]}))
            }
            "target-group" => resource(TARGET_GROUP).map(|id| json!({"Ref": id})),
            "target-group-name" => match resource(TARGET_GROUP) {
                Some(id) => Some(json!({"Fn::GetAtt": [id, "TargetGroupFullName"]})),
                None => Some(self.parameter(&format!("TargetGroup{}", words(name)), "String")),
            },
            "listener-rule" => resource(RULE).map(|id| json!({"Ref": id})),
            _ => None,
        }
    }

    /// None of them has a default: who gives nothing is told so.
    fn parameter(&mut self, id: &str, kind: &str) -> Value {
        self.parameters.insert(id.to_owned(), json!({"Type": kind}));
        json!({"Ref": id})
    }
}
