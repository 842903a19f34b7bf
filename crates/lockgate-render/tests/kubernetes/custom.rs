//! Kinds that no schema of Kubernetes has: the parts of their specifications that are used here, closed.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::common::manifests::{Objects, objects};
use crate::common::validator::report;
use crate::shop::{both_forms, manifests, requests};

/// Kinds that are no part of Kubernetes, which its schemas do not have.
pub(crate) const CUSTOM: [(&str, &str); 4] = [
    ("Gateway", "gateway.networking.k8s.io/v1"),
    ("HTTPRoute", "gateway.networking.k8s.io/v1"),
    ("GRPCRoute", "gateway.networking.k8s.io/v1"),
    ("ExternalSecret", "external-secrets.io/v1"),
];

/// What is checked of them is what their own definitions demand: required fields, closed maps, and names that lead
/// to something.
#[test]
fn kinds_of_others_have_the_shape_that_their_definitions_demand() {
    let mut read = 0;
    for (name, request) in requests() {
        let rendered = both_forms(request);
        let environments: BTreeSet<&str> = rendered
            .artifacts
            .iter()
            .filter_map(|it| it.path.strip_prefix("deploy/kubernetes/")?.split('/').next())
            .collect();
        for environment in environments {
            let objects = objects(manifests(&rendered, environment).map(|it| &it.text));
            for ((kind, of), value) in &objects {
                read += usize::from(CUSTOM.iter().any(|it| it.0 == kind));
                custom_is_sound(&objects, kind, &value["spec"])
                    .unwrap_or_else(|error| panic!("{name} {kind} {of}: {error}"));
            }
        }
    }
    report("the test of custom kinds", read);
}

fn custom_is_sound(objects: &Objects, kind: &str, spec: &Value) -> Result<(), serde_json::Error> {
    let is_there = |kind: &str, name: &str| objects.contains_key(&(kind.to_owned(), name.to_owned()));
    match kind {
        "HTTPRoute" | "GRPCRoute" => {
            let route: Route = serde_json::from_value(spec.clone())?;
            let backends = route.rules.iter().flat_map(|it| &it.backend_refs);
            for it in backends.clone() {
                assert!(is_there("Service", &it.name) && it.port != 0);
            }
            assert_eq!(backends.map(|it| it.weight).sum::<u32>(), 100);
            let [parent] = route.parent_refs.as_slice() else { panic!("one parent") };
            if parent.kind.as_deref() == Some("Service") {
                assert!(
                    is_there("Service", &parent.name)
                        && parent.group.as_deref() == Some("")
                        && parent.port.is_some()
                );
            } else {
                assert!(!parent.name.is_empty() && !route.hostnames.is_empty());
            }
            for it in route.rules.iter().flat_map(|it| &it.matches) {
                assert!(matches!(it.path.r#type, PathType::PathPrefix) && it.path.value.starts_with('/'));
            }
        }
        "Gateway" => {
            let gateway: Gateway = serde_json::from_value(spec.clone())?;
            assert!(!gateway.gateway_class_name.is_empty());
            let names: BTreeSet<&str> = gateway.listeners.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names.len(), gateway.listeners.len(), "listeners have names of their own");
            for it in &gateway.listeners {
                assert_eq!(it.tls.is_some(), it.protocol == ListenerProtocol::Https);
                assert!(!it.hostname.is_empty() && it.port != 0);
                let certificates = it
                    .tls
                    .as_ref()
                    .map_or(0, |it| it.certificate_refs.iter().filter(|it| !it.name.is_empty()).count());
                assert_eq!(certificates, usize::from(it.tls.is_some()));
                assert!(it.tls.as_ref().is_none_or(|it| matches!(it.mode, TlsMode::Terminate)));
            }
        }
        "ExternalSecret" => {
            let it: ExternalSecret = serde_json::from_value(spec.clone())?;
            assert!(matches!(it.secret_store_ref.kind, StoreKind::SecretStore));
            assert!(matches!(it.target.creation_policy, CreationPolicy::Owner));
            assert!(
                !it.refresh_interval.is_empty()
                    && !it.secret_store_ref.name.is_empty()
                    && !it.target.name.is_empty()
            );
            assert!(it.data.iter().all(|it| !it.secret_key.is_empty() && !it.remote_ref.key.is_empty()));
            assert!(it.data.iter().all(|it| it.remote_ref.property.as_deref() != Some("")));
        }
        _ => {}
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Route {
    #[serde(default)]
    hostnames: Vec<String>,
    parent_refs: Vec<Parent>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parent {
    name: String,
    group: Option<String>,
    kind: Option<String>,
    port: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    backend_refs: Vec<Backend>,
    #[serde(default)]
    matches: Vec<Match>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backend {
    name: String,
    port: u16,
    weight: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    path: Path,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Path {
    r#type: PathType,
    value: String,
}

#[derive(Deserialize)]
enum PathType {
    PathPrefix,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Gateway {
    gateway_class_name: String,
    listeners: Vec<Listener>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    name: String,
    hostname: String,
    port: u16,
    protocol: ListenerProtocol,
    tls: Option<Tls>,
}

#[derive(Deserialize, PartialEq)]
enum ListenerProtocol {
    #[serde(rename = "HTTP")]
    Http,
    #[serde(rename = "HTTPS")]
    Https,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Tls {
    mode: TlsMode,
    certificate_refs: Vec<Named>,
}

#[derive(Deserialize)]
enum TlsMode {
    Terminate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExternalSecret {
    refresh_interval: String,
    secret_store_ref: StoreRef,
    target: Target,
    data: Vec<Datum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreRef {
    kind: StoreKind,
    name: String,
}

#[derive(Deserialize)]
enum StoreKind {
    SecretStore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Target {
    name: String,
    creation_policy: CreationPolicy,
}

#[derive(Deserialize)]
enum CreationPolicy {
    Owner,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Datum {
    secret_key: String,
    remote_ref: Remote,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remote {
    key: String,
    property: Option<String>,
}
