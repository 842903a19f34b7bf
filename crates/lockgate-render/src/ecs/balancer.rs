//! What the load balancer knows of a service: target groups, and the rules that choose them.

use lockgate_model::{Health, Protocol, Strategy};
use serde_json::{Value, json};

use crate::aws::{Call, Cloud, Document, only_aws_knows, tags};
use crate::facts::ServiceFact;
use crate::facts::health::{Question, question};
use crate::output::Output;

/// Of one rule.
const CONDITIONS_MAX: usize = 5;
/// Requests with this header reach the new version before users do.
pub(super) const TEST_HEADER: (&str, &str) = ("x-lockgate-release", "next");

/// The one that has the traffic, and beside it the one that a new version comes up in.
pub(crate) fn target_groups(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<String> {
    if !cloud.is_behind_balancer(fact) {
        return vec![];
    }
    let name = cloud.name_of(fact.name.as_str());
    match cloud.environment.system.rollout.strategy {
        Strategy::Canary => vec![name.clone(), format!("{name}-canary")],
        Strategy::BlueGreen => vec![name.clone(), format!("{name}-green")],
        Strategy::Rolling | Strategy::Recreate => vec![name],
    }
}

pub(super) fn rule_arn(rule: &str) -> String {
    only_aws_knows(&format!("listener-rule {rule}"))
}

pub(super) fn target_group_arn(name: &str) -> String {
    only_aws_knows(&format!("target-group {name}"))
}

/// Name of the rule by which smoke checks reach the new version.
pub(super) fn test_rule(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<String> {
    let has_second = 1 < target_groups(cloud, fact).len();
    let is_checked = cloud.environment.system.smoke.iter().any(|it| it.service == *fact.name);
    (has_second && is_checked).then(|| format!("{}-test", cloud.name_of(fact.name.as_str())))
}

pub(super) fn documents(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let groups = target_groups(cloud, fact);
    let Some(first) = groups.first() else { return vec![] };
    let document = |file: String, call, name: &str, body| Document {
        path: format!("{}/services/{}/{file}.json", cloud.folder(), fact.name),
        call,
        name: name.to_owned(),
        body,
        origin: vec![format!("services.{}", fact.name)],
    };
    let mut documents = vec![];
    for (idx, name) in groups.iter().enumerate() {
        let suffix = if idx == 0 { "" } else { "-alternate" };
        let Some(body) = target_group(cloud, fact, name) else { continue };
        documents.push(document(format!("target-group{suffix}"), Call::TargetGroup, name, body));
        let file = format!("target-group{suffix}-attributes");
        documents.push(document(file, Call::TargetGroupAttributes, name, attributes(fact, name)));
    }
    let conditions = conditions(fact);
    let count: usize = conditions.iter().map(|it| it.1).sum();
    // The rule for smoke checks has the header as well.
    let count = count + usize::from(test_rule(cloud, fact).is_some());
    if CONDITIONS_MAX < count {
        output.problem(
            format!("the hosts and paths of `{}` make {count} conditions, and a rule of a load balancer takes {CONDITIONS_MAX}", fact.name),
            "name fewer hosts, or a path above them all".to_owned(),
        );
    }
    let rules = rules(cloud, fact, conditions.into_iter().map(|it| it.0).collect());
    let listener = only_aws_knows(&format!("listener {}", cloud.load_balancer.unwrap_or_default()));
    for (file, name, priority, conditions, share) in rules {
        let mut targets = vec![json!({"TargetGroupArn": target_group_arn(first), "Weight": 1 - share})];
        if let Some(second) = groups.get(1) {
            targets.push(json!({"TargetGroupArn": target_group_arn(second), "Weight": share}));
        }
        let body = json!({
            "ListenerArn": listener,
            "Priority": priority,
            "Conditions": conditions,
            "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": targets}}],
        });
        documents.push(document(file.to_owned(), Call::ListenerRule, &name, body));
    }
    documents
}

fn target_group(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, name: &str) -> Option<Value> {
    let (_, port) = fact.service.main_port()?;
    let (version, matcher) = match port.protocol {
        Protocol::Http => ("HTTP1", json!({"HttpCode": "200-299"})),
        Protocol::Grpc => ("GRPC", json!({"GrpcCode": "0"})),
    };
    let path = match port.protocol {
        Protocol::Grpc => "/grpc.health.v1.Health/Check",
        Protocol::Http => health_path(fact),
    };
    let (interval, timeout, healthy, unhealthy) = match &fact.service.health {
        Health::Http { interval, timeout, healthy_after, unhealthy_after, .. } => {
            (interval.0.div_ceil(1_000), timeout.0.div_ceil(1_000), *healthy_after, *unhealthy_after)
        }
        Health::Uptime { .. } => (10, 5, 2, 2),
    };
    let interval = interval.clamp(5, 300);
    Some(json!({
        "Name": name,
        "TargetType": "ip",
        "Protocol": "HTTP",
        "ProtocolVersion": version,
        "Port": port.number,
        "VpcId": only_aws_knows("vpc"),
        "HealthCheckEnabled": true,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": path,
        "HealthCheckIntervalSeconds": interval,
        // An answer comes before the next question.
        "HealthCheckTimeoutSeconds": timeout.clamp(2, interval - 1).min(120),
        "HealthyThresholdCount": healthy.clamp(2, 10),
        "UnhealthyThresholdCount": unhealthy.clamp(2, 10),
        "Matcher": matcher,
        "Tags": tags(cloud.environment.system, "Key", "Value"),
    }))
}

/// What is asked where only HTTP can be.
pub(crate) fn health_path<'a>(fact: &ServiceFact<'a>) -> &'a str {
    match (question(fact.service), &fact.service.health) {
        (Some(Question::Http { path, .. }), _) => path,
        (_, Health::Http { path, .. }) => path,
        (_, Health::Uptime { .. }) => "/",
    }
}

/// Requests have this time to end before the task is told to.
fn attributes(fact: &ServiceFact<'_>, name: &str) -> Value {
    let drain = fact.service.stop.drain.0.div_ceil(1_000).min(3_600);
    json!({
        "TargetGroupArn": target_group_arn(name),
        "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": drain.to_string()}],
    })
}

/// With the number of values of each.
fn conditions(fact: &ServiceFact<'_>) -> Vec<(Value, usize)> {
    let Some(ingress) = &fact.service.ingress else { return vec![] };
    let mut conditions = vec![];
    if !ingress.hosts.is_empty() {
        let hosts = json!({"Field": "host-header", "HostHeaderConfig": {"Values": ingress.hosts}});
        conditions.push((hosts, ingress.hosts.len()));
    }
    let paths = ingress.paths.iter().map(|it| it.trim_end_matches('/'));
    let paths: Vec<String> = paths.flat_map(|it| [it.to_owned(), format!("{it}/*")]).collect();
    if !paths.iter().any(|it| it == "/*") || conditions.is_empty() {
        let paths: Vec<String> = paths.into_iter().filter(|it| !it.is_empty()).collect();
        let count = paths.len();
        conditions.push((json!({"Field": "path-pattern", "PathPatternConfig": {"Values": paths}}), count));
    }
    conditions
}

type Rule = (&'static str, String, usize, Vec<Value>, u8);

/// File, name, priority, conditions, and the share of the second target group.
fn rules(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, conditions: Vec<Value>) -> Vec<Rule> {
    let priority = priority(cloud, fact);
    let mut rules = vec![];
    if let Some(name) = test_rule(cloud, fact) {
        let (header, value) = TEST_HEADER;
        let mut with_header = conditions.clone();
        with_header.push(json!({
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": header, "Values": [value]},
        }));
        rules.push(("listener-rule-test", name, priority - 1, with_header, 1));
    }
    rules.push(("listener-rule", cloud.name_of(fact.name.as_str()), priority, conditions, 0));
    rules
}

/// Longer paths first, so that none of them is hidden.
fn priority(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> usize {
    let rank = |it: &ServiceFact<'_>| {
        let paths = it.service.ingress.iter().flat_map(|it| &it.paths);
        let longest = paths.map(|it| it.trim_end_matches('/').len()).max().unwrap_or(0);
        (usize::MAX - longest, it.name.as_str().to_owned())
    };
    let mine = rank(fact);
    let services = cloud.environment.services.values().filter(|it| cloud.is_behind_balancer(it));
    let before = services.filter(|it| rank(it) < mine).count();
    100 + 10 * before
}
