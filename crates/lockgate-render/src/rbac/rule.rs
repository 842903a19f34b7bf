//! Which rights a release needs, for which reason.

use std::collections::BTreeSet;

use lockgate_model::{TargetKind, Traffic};

use crate::facts::Environment;
use crate::workloads::has_secrets_of_its_own;

/// Rights on one kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Empty for the core of Kubernetes.
    pub group: &'static str,
    /// As the API calls it, with a subresource behind a `/`.
    pub resource: &'static str,
    pub verbs: &'static [&'static str],
    /// For people, to be read after "so that".
    pub why: &'static str,
}

const READ: &[&str] = &["get", "list", "watch"];
const LOOK: &[&str] = &["get"];
const WRITE: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];
/// From Kubernetes 1.35 on, a connection that is kept open is one that is made.
const FORWARD: &[&str] = &["get", "create"];
/// Of what holds data, or serves others too: made and changed, and never taken away.
const KEEP: &[&str] = &["get", "list", "watch", "create", "update", "patch"];

/// Of what an earlier spec had.
const LEFT: &[&str] = &["list", "delete"];
const LEFT_WHY: &str = "what an earlier spec had is found and taken away";
const FOLLOW: &[&str] = &["get", "list", "patch", "delete"];

const GATEWAY: &str = "gateway.networking.k8s.io";

const fn rule(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule { group, resource, verbs, why }
}

/// A set waits for ever for a pod that an older description has broken.
const PODS_OF_SETS: Rule = rule(
    "",
    "pods",
    &["get", "list", "watch", "delete"],
    "it is known when instances are ready, and why they are not; pods that hold up a dependency are replaced",
);

/// What every release does, whatever it is made of.
const ALWAYS: [Rule; 14] = [
    rule("apps", "deployments", WRITE, "each version of a service has one of its own"),
    rule("", "configmaps", WRITE, "settings go with their version, and only one release at a time writes"),
    rule("", "services", WRITE, "requests reach the version that serves"),
    rule("batch", "jobs", WRITE, "migrations, seeds and smoke checks run"),
    rule("", "pods", READ, "it is known when instances are ready, and why they are not"),
    rule("", "pods/log", LOOK, "the last words of what crashed are shown"),
    rule("", "pods/proxy", LOOK, "metrics of each version are read"),
    rule("", "services/proxy", LOOK, "a Prometheus of the namespace is asked for them"),
    rule("", "pods/portforward", FORWARD, "a version is asked before it has traffic"),
    rule("", "events", READ, "what Kubernetes says of pods that do not start is shown"),
    rule("apps", "replicasets", READ, "pods are known to be of a version"),
    rule("discovery.k8s.io", "endpointslices", READ, "traffic moves once the new instances are reached"),
    rule("", "resourcequotas", READ, "a quota that is used up is named"),
    rule("", "namespaces", &["get", "patch"], "the environment's own namespace has its labels"),
];

/// Rights for objects of a kind, where the environment has any.
const BY_KIND: [(&str, Rule); 11] = [
    ("ServiceAccount", rule("", "serviceaccounts", WRITE, "each part runs as an account without rights")),
    (
        "PersistentVolumeClaim",
        rule("", "persistentvolumeclaims", KEEP, "volumes are asked for, and never taken away"),
    ),
    ("StatefulSet", rule("apps", "statefulsets", WRITE, "dependencies of the system run")),
    ("CronJob", rule("batch", "cronjobs", WRITE, "what runs by the clock is of the version that serves")),
    (
        "HorizontalPodAutoscaler",
        rule("autoscaling", "horizontalpodautoscalers", WRITE, "autoscalers follow the version that serves"),
    ),
    (
        "PodDisruptionBudget",
        rule("policy", "poddisruptionbudgets", WRITE, "enough instances stay while nodes are emptied"),
    ),
    (
        "NetworkPolicy",
        rule("networking.k8s.io", "networkpolicies", WRITE, "only those talk that the spec lets talk"),
    ),
    (
        "Ingress",
        rule(
            "networking.k8s.io",
            "ingresses",
            WRITE,
            "users reach the services, a share of them the new version",
        ),
    ),
    ("HTTPRoute", rule(GATEWAY, "httproutes", WRITE, "a share of the requests goes to the new version")),
    ("GRPCRoute", rule(GATEWAY, "grpcroutes", WRITE, "a share of the calls goes to the new version")),
    (
        "ExternalSecret",
        rule("external-secrets.io", "externalsecrets", WRITE, "values of secrets are asked of their store"),
    ),
];

/// In the environment's namespace.
pub(super) fn of_namespace(kinds: &BTreeSet<&str>, environment: &Environment<'_>) -> Vec<Rule> {
    let mut rules = ALWAYS.to_vec();
    for (kind, rule) in BY_KIND {
        rules.extend(if kinds.contains(kind) { Some(rule) } else { without(kind, rule, environment) });
    }
    if kinds.contains("StatefulSet") {
        rules.iter_mut().filter(|it| it.resource == "pods").for_each(|it| *it = PODS_OF_SETS);
    }
    let secrets =
        rule("", "secrets", WRITE, "values that Lockgate keeps reach the containers that read them");
    let writes_secrets = has_secrets_of_its_own(environment);
    rules.push(if writes_secrets { secrets } else { Rule { verbs: LEFT, why: LEFT_WHY, ..secrets } });
    if kinds.contains("Gateway") {
        rules.push(rule(GATEWAY, "gateways", KEEP, "hosts of the services are listened for"));
    } else if uses_gateways(kinds) {
        rules.push(rule(GATEWAY, "gateways", READ, "it is known whether something follows the routes"));
    }
    rules.sort_by_key(|it| (it.group, it.resource));
    rules
}

/// Of a kind that the environment has no object of: it may have had one, or somebody else may have made it.
fn without(kind: &str, rule: Rule, environment: &Environment<'_>) -> Option<Rule> {
    let traffic = match &environment.system.target {
        TargetKind::Kubernetes(it) => it.traffic,
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => return None,
    };
    let splits = match kind {
        "PersistentVolumeClaim" => return None,
        "HTTPRoute" | "GRPCRoute" => matches!(traffic, Traffic::Auto | Traffic::GatewayApi),
        "Ingress" => matches!(traffic, Traffic::Auto | Traffic::IngressNginx),
        "HorizontalPodAutoscaler" => {
            let why = "an autoscaler that somebody else made follows the version that serves";
            return Some(Rule { verbs: FOLLOW, why, ..rule });
        }
        _ => false,
    };
    Some(if splits { rule } else { Rule { verbs: LEFT, why: LEFT_WHY, ..rule } })
}

/// What lies outside of namespaces. Without it a release works, and knows less.
pub(super) fn of_cluster(kinds: &BTreeSet<&str>) -> Vec<Rule> {
    let classes = rule(GATEWAY, "gatewayclasses", LOOK, "it is known who follows the routes");
    if uses_gateways(kinds) { vec![classes] } else { vec![] }
}

fn uses_gateways(kinds: &BTreeSet<&str>) -> bool {
    ["Gateway", "HTTPRoute", "GRPCRoute"].iter().any(|it| kinds.contains(it))
}
