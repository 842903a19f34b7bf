//! Names under which others reach a service.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::Protocol;

use super::part::Part;
use super::{Objects, meta, route};
use crate::facts::ServiceFact;

pub(super) fn add(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    if fact.service.ports.is_empty() {
        return;
    }
    let part = Part::Service(fact.name.clone());
    named(objects, fact, fact.name.as_str(), meta::stable(&part));
    // Without pods until a release begins.
    if let Some(second) = route::second_name(objects.environment, fact) {
        named(objects, fact, &second, meta::canary(&part));
    }
}

fn named(
    objects: &mut Objects<'_, '_, '_>,
    fact: &ServiceFact<'_>,
    name: &str,
    pods: BTreeMap<String, String>,
) {
    let part = Part::Service(fact.name.clone());
    let service = Service {
        metadata: meta::meta(objects.environment, &part, name),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(pods),
            ports: Some(ports(fact)),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    objects.add(&part, &service);
}

fn ports(fact: &ServiceFact<'_>) -> Vec<ServicePort> {
    let ports = fact.service.ports.iter().map(|(name, port)| ServicePort {
        name: Some(name.to_string()),
        port: i32::from(port.number),
        target_port: Some(IntOrString::Int(i32::from(port.number))),
        app_protocol: Some(protocol(port.protocol).to_owned()),
        ..ServicePort::default()
    });
    ports.collect()
}

/// What gateways and meshes read: without it, HTTP/2 is taken for a stream of bytes.
fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http",
        Protocol::Grpc => "kubernetes.io/h2c",
    }
}
