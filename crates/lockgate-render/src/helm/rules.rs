//! Which fields of which objects are values that people expect a chart to have, and what they are called.

use serde_json::{Value, json};

use super::scene::Key;
use super::values::Path;
use crate::kubernetes::objects::Part;

/// Where a value stands, and what it is.
pub(super) struct Place {
    pub(super) path: Path,
    pub(super) about: &'static str,
    pub(super) schema: Option<Value>,
}

/// The group of values that an object's own fields belong to.
pub(super) fn owner(part: &Part) -> Path {
    let path: &[&str] = match part {
        Part::Shared => &[],
        Part::Dependency(name) => &["dependencies", name.as_str()],
        Part::Service(name) => &["services", name.as_str()],
        Part::Cron(name) => &["cron", name.as_str()],
        Part::Migration => &["jobs", "migrate"],
        Part::Seed => &["jobs", "seed"],
        Part::MigrationAfter => &["jobs", "migrate-after"],
        Part::Check(name) => &["jobs", name.as_str()],
    };
    path.iter().map(|it| (*it).to_owned()).collect()
}

/// Names of what many objects share.
const SHARED: [&str; 3] = ["imagePullSecrets", "secretStore", "secretsRefresh"];

pub(super) fn place((kind, name): &Key, part: &Part, path: &[String]) -> Option<Place> {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let (names, about): (Vec<&str>, &'static str) = match (kind.as_str(), keys.as_slice()) {
        ("Deployment" | "StatefulSet", ["spec", "replicas"]) => (vec!["replicas"], "Number of pods"),
        (_, [.., "imagePullSecrets"]) => (vec!["imagePullSecrets"], "Secrets that images are pulled with"),
        (_, [.., "containers", _, "resources"]) => {
            (vec!["resources"], "CPU and memory that are reserved, and the limits")
        }
        (_, [.., "containers", _, "image"]) => (vec!["image"], "Image"),
        ("HorizontalPodAutoscaler", ["spec", "minReplicas"]) => (vec!["autoscaling", "min"], "Fewest pods"),
        ("HorizontalPodAutoscaler", ["spec", "maxReplicas"]) => (vec!["autoscaling", "max"], "Most pods"),
        ("HorizontalPodAutoscaler", ["spec", "metrics", of, "resource", "target", "averageUtilization"]) => {
            (vec!["autoscaling", of], "Share of what is requested that is aimed at, in percent")
        }
        ("PodDisruptionBudget", ["spec", "minAvailable"]) => (
            vec!["disruptionBudget", "minAvailable"],
            "Pods, or a share of them, that a drain of nodes leaves",
        ),
        ("PodDisruptionBudget", ["spec", "maxUnavailable"]) => (
            vec!["disruptionBudget", "maxUnavailable"],
            "Pods, or a share of them, that a drain of nodes takes",
        ),
        ("Ingress", ["spec", "ingressClassName"]) => {
            (vec!["ingress", "class"], "Class of the ingress controller")
        }
        ("Ingress", ["spec", "tls"]) => {
            (vec!["ingress", "tls"], "Hosts and the Secrets of their certificates")
        }
        ("Ingress", ["spec", "rules"]) | ("HTTPRoute" | "GRPCRoute", ["spec", "hostnames"]) => {
            (vec!["ingress", "hosts"], "Names under which users reach it")
        }
        ("HTTPRoute" | "GRPCRoute", ["spec", "parentRefs"]) => {
            (vec!["ingress", "gateways"], "Gateways that it is attached to")
        }
        ("HTTPRoute" | "GRPCRoute", ["spec", "rules", _, "backendRefs", backend, "weight"]) => {
            (vec!["ingress", "weights", backend], "Share of the traffic")
        }
        ("StatefulSet", ["spec", "volumeClaimTemplates", _, "spec", "resources", "requests", "storage"]) => {
            (vec!["storage", "size"], "Size of the volume")
        }
        ("StatefulSet", ["spec", "volumeClaimTemplates", _, "spec", "storageClassName"]) => {
            (vec!["storage", "class"], "Storage class of the volume")
        }
        ("PersistentVolumeClaim", ["spec", "resources", "requests", "storage"]) => {
            (vec!["volumes", name, "size"], "Size of the volume")
        }
        ("PersistentVolumeClaim", ["spec", "storageClassName"]) => {
            (vec!["volumes", name, "class"], "Storage class of the volume")
        }
        ("CronJob", ["spec", "schedule"]) => (vec!["schedule"], "When it runs"),
        ("CronJob", ["spec", "suspend"]) => (vec!["suspend"], "Whether it is held back"),
        ("ExternalSecret", ["spec", "secretStoreRef"]) => {
            (vec!["secretStore"], "Store that secrets are read from")
        }
        ("ExternalSecret", ["spec", "refreshInterval"]) => {
            (vec!["secretsRefresh"], "How often secrets are read again")
        }
        _ => return None,
    };
    let shared = names.first().is_some_and(|it| SHARED.contains(it));
    let mut path = if shared { vec![] } else { owner(part) };
    path.extend(names.iter().map(|it| (*it).to_owned()));
    Some(Place { schema: schema(&names), path, about })
}

/// A field that people set, though no environment of the spec has it.
pub(super) fn offered(kind: &str, path: &[String]) -> Option<&'static str> {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    match (kind, keys.as_slice()) {
        ("StatefulSet", ["spec", "volumeClaimTemplates", _, "spec"])
        | ("PersistentVolumeClaim", ["spec"]) => Some("storageClassName"),
        ("Ingress", ["spec"]) => Some("ingressClassName"),
        _ => None,
    }
}

fn schema(names: &[&str]) -> Option<Value> {
    let amount = || json!({"type": "string", "pattern": "^[0-9.]+(m|[kMGTPE]i?)?$"});
    let amounts = || {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"cpu": amount(), "memory": amount(), "ephemeral-storage": amount()},
        })
    };
    match names {
        ["autoscaling", _] => Some(json!({"type": "integer", "minimum": 1})),
        ["replicas"] | ["ingress", "weights", _] => Some(json!({"type": "integer", "minimum": 0})),
        ["imagePullSecrets"] => Some(json!({"type": "array", "items": reference(&["name"])})),
        ["secretStore"] => Some(reference(&["kind", "name"])),
        ["resources"] => Some(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"requests": amounts(), "limits": amounts()},
        })),
        ["disruptionBudget", _] => Some(json!({"type": ["integer", "string"], "pattern": "^[0-9]+%?$"})),
        ["ingress", "hosts"] => {
            Some(json!({"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}))
        }
        ["storage", "size"] | ["volumes", _, "size"] => Some(amount()),
        ["storage" | "ingress", "class"] | ["volumes", _, "class"] => {
            Some(json!({"type": "string", "minLength": 1}))
        }
        ["image"] => Some(json!({"type": "string", "minLength": 1})),
        _ => None,
    }
}

fn reference(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|it| ((*it).to_owned(), json!({"type": "string", "minLength": 1}))).collect();
    json!({"type": "object", "additionalProperties": false, "required": names, "properties": properties})
}

/// Where `enabled` stands for an object that some environments do not have.
pub(super) fn guard(kind: &str, name: &str, part: &Part) -> Path {
    let group = match kind {
        "HorizontalPodAutoscaler" => Some("autoscaling"),
        "PodDisruptionBudget" => Some("disruptionBudget"),
        _ => None,
    };
    let mut path = match group {
        Some(group) => {
            let mut path = owner(part);
            path.push(group.to_owned());
            path
        }
        None => ["objects", kind, name].map(str::to_owned).to_vec(),
    };
    path.push("enabled".to_owned());
    path
}
