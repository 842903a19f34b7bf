//! Who may talk to whom: what the spec refers to, and nobody else.

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::{DependencyName, ServiceName};

use super::dependency::{metrics_port, setup_name};
use super::part::Part;
use super::{Objects, job, meta};
use crate::facts::{Address, Environment, Peer, ServiceFact, address, is_queried};

/// Name that every way of installing Prometheus gives its pods.
const PROMETHEUS: &str = "prometheus";
/// Where a cache of names answers on each node that has one.
const NODE_CACHE: &str = "169.254.20.10/32";

pub(super) fn add(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    // Also of pods that nothing here knows.
    policy(objects, &Part::Shared, "default-deny", LabelSelector::default(), vec![], vec![]);
    let callers = callers(environment);
    for (part, fact) in &callers {
        let name = part.name();
        let (mut ingress, mut egress) = (vec![], vec![dns()]);
        if matches!(part, Part::Service(_)) {
            ingress = into_service(&callers, fact);
        }
        egress.extend(out_of_service(environment, fact));
        policy(objects, part, &name, meta::selector(meta::all(&name)), ingress, egress);
    }
    for (name, bundled) in &environment.bundled {
        let part = Part::Dependency((*name).clone());
        let dependency = &environment.system.dependencies[*name];
        let mut from = names_of(&callers, Peer::Dependency(name));
        if !bundled.setup.is_empty() {
            from.push(setup_name(name));
        }
        let mut ingress = vec![from_pods(&from, &[bundled.port])];
        ingress.extend(metrics_port(dependency, bundled).map(from_prometheus));
        ingress.extend(is_queried(dependency).then(|| from_prometheus(bundled.port)));
        // What reads the server's metrics beside it uses the server's name.
        let egress = vec![dns(), to_pods(name.as_str(), &[bundled.port])];
        let pods = meta::selector(meta::all(name.as_str()));
        policy(objects, &part, name.as_str(), pods, ingress, egress);
        if !bundled.setup.is_empty() {
            let pods = setup_name(name);
            let egress = vec![dns(), to_pods(name.as_str(), &[bundled.port])];
            policy(objects, &part, &pods, meta::selector(meta::all(&pods)), vec![], egress);
        }
    }
}

/// All that run with the variables of a service: itself, and jobs.
fn callers<'e, 'f>(environment: &'e Environment<'f>) -> Vec<(Part, &'e ServiceFact<'f>)> {
    let services = environment.services.values().filter(|it| it.image.is_some());
    let services = services.map(|it| (Part::Service(it.name.clone()), it));
    let jobs = job::of_release(environment).into_iter().map(|it| (it.0, it.2));
    let cron = environment.system.cron.iter().filter_map(|(name, it)| {
        let fact = environment.services.get(&it.service).filter(|it| it.image.is_some())?;
        Some((Part::Cron(name.clone()), fact))
    });
    services.chain(jobs).chain(cron).collect()
}

fn names_of(callers: &[(Part, &ServiceFact<'_>)], peer: Peer<'_>) -> Vec<String> {
    callers.iter().filter(|it| it.1.edges.calls.contains(&peer)).map(|it| it.0.name()).collect()
}

fn into_service(
    callers: &[(Part, &ServiceFact<'_>)],
    fact: &ServiceFact<'_>,
) -> Vec<NetworkPolicyIngressRule> {
    let service = fact.service;
    let mut rules = vec![];
    let from = names_of(callers, Peer::Service(fact.name));
    let all: Vec<u16> = service.ports.values().map(|it| it.number).collect();
    if !from.is_empty() && !all.is_empty() {
        rules.push(from_pods(&from, &all));
    }
    if service.ingress.is_some()
        && let Some((_, port)) = service.main_port()
    {
        // Where gateways run, and which addresses they have, differs from cluster to cluster; and users may come.
        rules.push(NetworkPolicyIngressRule { from: None, ports: Some(tcp(&[port.number])) });
    }
    if let Some(metrics) = &service.metrics {
        let named = metrics.port.as_ref().and_then(|it| service.ports.get(it));
        let port = named.or(service.main_port().map(|it| it.1));
        rules.extend(port.map(|it| from_prometheus(it.number)));
    }
    rules
}

fn out_of_service(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Vec<NetworkPolicyEgressRule> {
    let mut rules = vec![];
    let mut outside = vec![];
    for peer in &fact.edges.calls {
        match peer {
            Peer::Service(name) => rules.extend(to_service(environment, name)),
            Peer::Dependency(name) => match environment.bundled.get(name) {
                Some(bundled) => rules.push(to_pods(name.as_str(), &[bundled.port])),
                None => outside.extend(external(environment, name)),
            },
        }
    }
    outside.extend(fact.service.egress.iter().filter_map(|it| address::of_url(it)));
    outside.sort();
    outside.dedup();
    let mut anywhere: Vec<u16> = outside.iter().filter(|it| it.ip().is_none()).map(|it| it.port).collect();
    anywhere.dedup();
    anywhere.sort_unstable();
    anywhere.dedup();
    if !anywhere.is_empty() {
        // A policy knows addresses and no names, and those of a name change.
        rules.push(NetworkPolicyEgressRule { to: None, ports: Some(tcp(&anywhere)) });
    }
    for it in &outside {
        let Some(ip) = it.ip() else { continue };
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        let block = IPBlock { cidr: format!("{ip}/{bits}"), except: None };
        let peer = NetworkPolicyPeer { ip_block: Some(block), ..NetworkPolicyPeer::default() };
        rules.push(NetworkPolicyEgressRule { to: Some(vec![peer]), ports: Some(tcp(&[it.port])) });
    }
    rules
}

fn to_service(environment: &Environment<'_>, name: &ServiceName) -> Option<NetworkPolicyEgressRule> {
    let ports: Vec<u16> =
        environment.services.get(name)?.service.ports.values().map(|it| it.number).collect();
    (!ports.is_empty()).then(|| to_pods(name.as_str(), &ports))
}

fn external(environment: &Environment<'_>, name: &DependencyName) -> Option<Address> {
    address::of_dependency(name, environment.system.dependencies.get(name)?)
}

fn policy(
    objects: &mut Objects<'_, '_, '_>,
    part: &Part,
    name: &str,
    pods: LabelSelector,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) {
    let policy = NetworkPolicy {
        metadata: meta::meta(objects.environment, part, name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(pods),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: (!ingress.is_empty()).then_some(ingress),
            egress: (!egress.is_empty()).then_some(egress),
        }),
    };
    objects.add(part, &policy);
}

fn from_pods(names: &[String], ports: &[u16]) -> NetworkPolicyIngressRule {
    let from = names.iter().map(|it| pods(it)).collect();
    NetworkPolicyIngressRule { from: Some(from), ports: Some(tcp(ports)) }
}

fn from_prometheus(port: u16) -> NetworkPolicyIngressRule {
    let everywhere = Some(LabelSelector::default());
    let peer = NetworkPolicyPeer { namespace_selector: everywhere, ..pods(PROMETHEUS) };
    NetworkPolicyIngressRule { from: Some(vec![peer]), ports: Some(tcp(&[port])) }
}

fn to_pods(name: &str, ports: &[u16]) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: Some(vec![pods(name)]), ports: Some(tcp(ports)) }
}

fn pods(name: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(meta::selector(meta::all(name))), ..NetworkPolicyPeer::default() }
}

fn dns() -> NetworkPolicyEgressRule {
    let system = [("kubernetes.io/metadata.name".to_owned(), "kube-system".to_owned())].into();
    let servers = NetworkPolicyPeer {
        namespace_selector: Some(meta::selector(system)),
        ..NetworkPolicyPeer::default()
    };
    let cache = NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: NODE_CACHE.to_owned(), except: None }),
        ..NetworkPolicyPeer::default()
    };
    let ports = [port("UDP", 53), port("TCP", 53)].to_vec();
    NetworkPolicyEgressRule { to: Some(vec![servers, cache]), ports: Some(ports) }
}

fn tcp(numbers: &[u16]) -> Vec<NetworkPolicyPort> {
    numbers.iter().map(|it| port("TCP", *it)).collect()
}

fn port(protocol: &str, number: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(i32::from(number))),
        end_port: None,
    }
}
