//! Ingresses of ingress-nginx: the canary's beside the stable one, and the share that its annotations say.

use lockgate_model::Weight;
use serde_json::{Map, Value, json};

use super::route::Pair;
use super::share;

pub(super) const API_VERSION: &str = "networking.k8s.io/v1";
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
pub(super) const CANARY_WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";
/// How the class was said before it had a field.
const OLD_CLASS: &str = "kubernetes.io/ingress.class";
const CLASS: &str = "nginx";

/// Does it send requests to this Service, as the main one of its kind?
pub(super) fn names(ingress: &Value, service: &str) -> bool {
    let annotation = &ingress["metadata"]["annotations"][CANARY];
    annotation != "true" && sends_to(&ingress["spec"], service)
}

fn sends_to(value: &Value, service: &str) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| (key == "service" && value["name"] == service) || sends_to(value, service)),
        Value::Array(items) => items.iter().any(|it| sends_to(it, service)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

pub(super) fn class(ingress: &Value) -> Option<&str> {
    let field = ingress["spec"]["ingressClassName"].as_str();
    field.or_else(|| ingress["metadata"]["annotations"][OLD_CLASS].as_str())
}

/// Of ingress-nginx, by the name that its class has unless it is called otherwise.
pub(super) fn is_nginx(ingress: &Value) -> bool {
    class(ingress).is_some_and(|it| it == CLASS || it.starts_with("nginx-") || it.ends_with("-nginx"))
}

/// `None` when its annotation says no percent.
pub(super) fn share(canary: &Value) -> Option<Weight> {
    let annotations = &canary["metadata"]["annotations"];
    if annotations[CANARY] != "true" {
        return Some(Weight::NONE);
    }
    match annotations[CANARY_WEIGHT].as_str() {
        Some(percent) => share::of_percent(percent.parse().ok()?),
        None => Some(Weight::NONE),
    }
}

pub(super) fn annotations(share: Weight) -> [(&'static str, String); 2] {
    [(CANARY, "true".to_owned()), (CANARY_WEIGHT, share::percent(share).to_string())]
}

/// The canary's: hosts and paths of the stable one that lead to the service. All else it takes from that one.
pub(super) fn canary(stable: &Value, pair: &Pair, share: Weight) -> Value {
    let mut spec = stable["spec"].clone();
    if let Some(rules) = spec["rules"].as_array_mut() {
        for rule in &mut *rules {
            if let Some(paths) = rule["http"]["paths"].as_array_mut() {
                paths.retain(|it| it["backend"]["service"]["name"] == pair.stable);
            }
        }
        rules.retain(|it| it["http"]["paths"].as_array().is_some_and(|it| !it.is_empty()));
    }
    let default = &spec["defaultBackend"]["service"]["name"];
    if *default != pair.stable
        && let Some(spec) = spec.as_object_mut()
    {
        spec.remove("defaultBackend");
    }
    rename(&mut spec, pair);
    let mut said: Map<String, Value> =
        annotations(share).into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect();
    if let Some(class) = stable["metadata"]["annotations"][OLD_CLASS].as_str() {
        said.insert(OLD_CLASS.to_owned(), json!(class));
    }
    json!({
        "apiVersion": API_VERSION,
        "kind": "Ingress",
        "metadata": {"name": pair.canary, "labels": stable["metadata"]["labels"], "annotations": said},
        "spec": spec,
    })
}

fn rename(value: &mut Value, pair: &Pair) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "service" && value["name"] == pair.stable {
                    value["name"] = json!(pair.canary);
                } else {
                    rename(value, pair);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| rename(it, pair)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_has_the_paths_of_its_service_only() {
        let backend = |name: &str| json!({"service": {"name": name, "port": {"number": 80}}});
        let stable = json!({
            "metadata": {"name": "site", "labels": {"a": "b"}, "annotations": {"other": "kept there"}},
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
                "defaultBackend": backend("fallback"),
                "rules": [
                    {"host": "shop.example", "http": {"paths": [
                        {"path": "/", "pathType": "Prefix", "backend": backend("web")},
                        {"path": "/api", "pathType": "Prefix", "backend": backend("api")},
                    ]}},
                    {"host": "api.example", "http": {"paths": [
                        {"path": "/", "pathType": "Prefix", "backend": backend("api")},
                    ]}},
                ],
            },
        });
        assert!(names(&stable, "web") && names(&stable, "fallback") && !names(&stable, "db"));
        assert!(is_nginx(&stable));
        let pair = Pair { stable: "web".to_owned(), canary: "web-canary".to_owned() };
        let canary = canary(&stable, &pair, Weight::from_basis_points(1_250).unwrap());
        assert_eq!(
            canary,
            json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": {
                    "name": "web-canary",
                    "labels": {"a": "b"},
                    "annotations": {
                        "nginx.ingress.kubernetes.io/canary": "true",
                        "nginx.ingress.kubernetes.io/canary-weight": "13",
                    },
                },
                "spec": {
                    "ingressClassName": "nginx",
                    "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
                    "rules": [{"host": "shop.example", "http": {"paths": [
                        {"path": "/", "pathType": "Prefix", "backend": backend("web-canary")},
                    ]}}],
                },
            })
        );
        assert_eq!(share(&canary), Weight::from_basis_points(1_300));
        assert!(!names(&canary, "web-canary"));
    }
}
