//! How a service is reached: an Ingress, or routes of a gateway that split the traffic between two versions.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress as IngressObject, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};
use lockgate_model::{Ingress, Port, Protocol, Strategy, TargetKind, Traffic};
use serde_json::{Value, json};

use super::part::Part;
use super::{Objects, meta};
use crate::facts::{Environment, ServiceFact};

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

pub(super) fn add(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let environment = objects.environment;
    let Some((_, main)) = fact.service.main_port() else { return };
    match (traffic(environment), &fact.service.ingress) {
        (Traffic::GatewayApi, Some(ingress)) => {
            let route = http_route(environment, fact, *main, &from_gateway(environment, ingress));
            objects.add_value(&Part::Service(fact.name.clone()), with_rules_of(route, ingress));
        }
        (Traffic::GatewayApi, None) => between_services(objects, fact),
        (Traffic::Auto | Traffic::IngressNginx | Traffic::Replicas, Some(ingress)) => {
            ingresses(objects, fact, ingress, *main);
        }
        (Traffic::Auto | Traffic::IngressNginx | Traffic::Replicas, None) => {}
    }
}

fn traffic(environment: &Environment<'_>) -> Traffic {
    match &environment.system.target {
        TargetKind::Kubernetes(it) => it.traffic,
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => Traffic::Auto,
    }
}

/// Name of the Service of the new version, where something can send it a share of the traffic.
pub(super) fn second_name(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Option<String> {
    let suffix = match environment.system.rollout.strategy {
        Strategy::Canary => "canary",
        Strategy::BlueGreen => "green",
        Strategy::Rolling | Strategy::Recreate => return None,
    };
    let splits = match traffic(environment) {
        Traffic::GatewayApi => true,
        Traffic::IngressNginx => fact.service.ingress.is_some(),
        Traffic::Auto | Traffic::Replicas => false,
    };
    (splits && !fact.service.ports.is_empty()).then(|| format!("{}-{suffix}", fact.name))
}

/// All traffic to the stable version; a release moves the weights.
fn backends(environment: &Environment<'_>, fact: &ServiceFact<'_>, port: Port) -> Value {
    let backend = |name: &str, weight: u16| json!({"name": name, "port": port.number, "weight": weight});
    let mut backends = vec![backend(fact.name.as_str(), 100)];
    backends.extend(second_name(environment, fact).map(|it| backend(&it, 0)));
    Value::Array(backends)
}

/// The kinds of the Gateway API are no part of Kubernetes, and have no types here.
fn http_route(environment: &Environment<'_>, fact: &ServiceFact<'_>, port: Port, parent: &Value) -> Value {
    let kind = match port.protocol {
        Protocol::Http => "HTTPRoute",
        Protocol::Grpc => "GRPCRoute",
    };
    json!({
        "apiVersion": GATEWAY_API,
        "kind": kind,
        "metadata": meta::meta(environment, &Part::Service(fact.name.clone()), fact.name.as_str()),
        "spec": {
            "parentRefs": [parent],
            "rules": [{"backendRefs": backends(environment, fact, port)}],
        },
    })
}

fn with_rules_of(mut route: Value, ingress: &Ingress) -> Value {
    route["spec"]["hostnames"] = json!(ingress.hosts);
    if route["kind"] == "HTTPRoute" {
        let matches: Vec<Value> =
            ingress.paths.iter().map(|it| json!({"path": {"type": "PathPrefix", "value": it}})).collect();
        route["spec"]["rules"][0]["matches"] = json!(matches);
    }
    route
}

/// A route whose parent is a Service holds for those who call it within the cluster, where a mesh is there to keep it.
fn between_services(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let environment = objects.environment;
    if second_name(environment, fact).is_none() {
        return;
    }
    objects.output.note(format!(
        "environment `{}`: services without `ingress` are called within the cluster, so a share of their traffic goes to a new version only where a mesh follows routes of Services (GAMMA)",
        environment.name(),
    ));
    for protocol in [Protocol::Http, Protocol::Grpc] {
        // One route for each protocol is what the names have room for: the first port has it.
        let Some(port) = fact.service.ports.values().find(|it| it.protocol == protocol).copied() else {
            continue;
        };
        let parent = json!({"group": "", "kind": "Service", "name": fact.name, "port": port.number});
        let route = http_route(environment, fact, port, &parent);
        objects.add_value(&Part::Service(fact.name.clone()), route);
    }
}

fn from_gateway(environment: &Environment<'_>, ingress: &Ingress) -> Value {
    json!({"name": gateway(environment, ingress.class.as_deref())})
}

/// A gateway of a class is ours; without a class it is somebody's who called it after the system.
fn gateway(environment: &Environment<'_>, class: Option<&str>) -> String {
    match class {
        Some(class) => format!("{}-{class}", environment.system.name),
        None => environment.system.name.to_string(),
    }
}

pub(super) fn add_gateways(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    if traffic(environment) != Traffic::GatewayApi {
        return;
    }
    let mut listeners: BTreeMap<Option<&str>, BTreeSet<(&str, bool)>> = BTreeMap::new();
    let services = environment.services.values().filter(|it| it.image.is_some());
    for ingress in services.filter_map(|it| it.service.ingress.as_ref()) {
        let of_class = listeners.entry(ingress.class.as_deref()).or_default();
        of_class.extend(ingress.hosts.iter().map(|it| (it.as_str(), ingress.tls)));
    }
    for (class, hosts) in listeners {
        let name = gateway(environment, class);
        let Some(class) = class else {
            objects.output.note(format!(
                "environment `{}`: the Gateway `{name}` has to be there; with `class` of `ingress` it is rendered as well",
                environment.name(),
            ));
            continue;
        };
        certificates_note(objects, hosts.iter().filter(|it| it.1).map(|it| it.0));
        let listeners: Vec<Value> = hosts.into_iter().map(|(host, tls)| listener(host, tls)).collect();
        let object = json!({
            "apiVersion": GATEWAY_API,
            "kind": "Gateway",
            "metadata": meta::meta(environment, &Part::Shared, &name),
            "spec": {"gatewayClassName": class, "listeners": listeners},
        });
        objects.add_value(&Part::Shared, object);
    }
}

fn listener(host: &str, tls: bool) -> Value {
    let name = as_name(host);
    if !tls {
        return json!({"name": name, "hostname": host, "protocol": "HTTP", "port": 80});
    }
    json!({
        "name": name,
        "hostname": host,
        "protocol": "HTTPS",
        "port": 443,
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": certificate(host)}]},
    })
}

fn ingresses(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>, ingress: &Ingress, main: Port) {
    if ingress.tls {
        certificates_note(objects, ingress.hosts.iter().map(String::as_str));
    }
    let nginx = traffic(objects.environment) == Traffic::IngressNginx;
    let class = ingress.class.clone().or_else(|| nginx.then(|| "nginx".to_owned()));
    let second = second_name(objects.environment, fact);
    for (name, is_second) in [(Some(fact.name.to_string()), false), (second, true)] {
        let Some(name) = name else { continue };
        let part = Part::Service(fact.name.clone());
        let mut metadata = meta::meta(objects.environment, &part, &name);
        metadata.annotations = is_second.then(without_traffic);
        let spec = Some(spec(&name, class.clone(), ingress, main));
        objects.add(&part, &IngressObject { metadata, spec, ..IngressObject::default() });
    }
}

/// What ingress-nginx reads; a release moves the weight.
fn without_traffic() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("nginx.ingress.kubernetes.io/canary".to_owned(), "true".to_owned()),
        ("nginx.ingress.kubernetes.io/canary-weight".to_owned(), "0".to_owned()),
    ])
}

fn spec(service: &str, class: Option<String>, ingress: &Ingress, main: Port) -> IngressSpec {
    let path = |path: &String| HTTPIngressPath {
        path: Some(path.clone()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: service.to_owned(),
                port: Some(ServiceBackendPort { number: Some(i32::from(main.number)), name: None }),
            }),
            ..IngressBackend::default()
        },
    };
    let rule = |host: &String| IngressRule {
        host: Some(host.clone()),
        http: Some(HTTPIngressRuleValue { paths: ingress.paths.iter().map(path).collect() }),
    };
    let tls =
        |host: &String| IngressTLS { hosts: Some(vec![host.clone()]), secret_name: Some(certificate(host)) };
    IngressSpec {
        ingress_class_name: class,
        rules: Some(ingress.hosts.iter().map(rule).collect()),
        tls: ingress.tls.then(|| ingress.hosts.iter().map(tls).collect()),
        ..IngressSpec::default()
    }
}

fn certificates_note<'h>(objects: &mut Objects<'_, '_, '_>, hosts: impl Iterator<Item = &'h str>) {
    for host in hosts {
        objects.output.note(format!(
            "environment `{}`: the certificate of {host} is read from the Secret `{}` of the namespace `{}`",
            objects.environment.name(),
            certificate(host),
            meta::namespace(objects.environment),
        ));
    }
}

/// Of one host each, so that services that share one share its certificate.
fn certificate(host: &str) -> String {
    format!("{}-tls", as_name(host))
}

/// `*.example.org` as `any-example-org`.
fn as_name(host: &str) -> String {
    host.replace('*', "any").replace('.', "-").to_ascii_lowercase()
}
