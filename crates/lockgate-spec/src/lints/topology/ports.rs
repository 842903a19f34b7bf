//! Ports of one machine: each number is there once, whoever has it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, DockerTarget, LocalTarget, Port, TargetKind};

use crate::layers::{Layer, Value};
use crate::lints::replicas;
use crate::lints::shared::{info, label};
use crate::lints::url::{Url, is_loopback, place_of};
use crate::scalar;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    match &seen.system.target {
        TargetKind::Local(target) => {
            taken(seen, target, report);
            usual(seen, |it| Some(it.number), "number", report);
        }
        TargetKind::Docker(target) if target.hosts.len() <= 1 => {
            published_twice(seen, report);
            published_and_many(seen, target, report);
            usual(seen, |it| it.publish, "publish", report);
        }
        TargetKind::Docker(target) => published_and_many(seen, target, report),
        TargetKind::Kubernetes(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => {}
    }
}

/// A port of a service with the value that gives a number of it.
struct Opened<'a> {
    service: &'a str,
    port: &'a str,
    number: u16,
    written: &'a Value,
}

fn opened<'a>(
    seen: &'a Seen<'_>,
    number: impl Fn(&Port) -> Option<u16> + Copy,
    key: &'a str,
) -> impl Iterator<Item = Opened<'a>> {
    seen.system.services.iter().flat_map(move |(service, typed)| {
        let service = service.as_str();
        typed.ports.iter().filter_map(move |(name, port)| {
            let port_name = name.as_str();
            let written = seen.tree.at(&["services", service, "ports", port_name, key])?;
            Some(Opened { service, port: port_name, number: number(port)?, written })
        })
    })
}

/// What services publish, and then the dependencies that are started with them.
fn published<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = (u16, String, &'a Value)> {
    let services = opened(seen, |it| it.publish, "publish");
    let services = services.map(|it| (it.number, format!("`{}` of `{}`", it.port, it.service), it.written));
    let bundled = seen.system.dependencies.iter().filter(|it| it.1.external.is_none());
    let bundled = bundled.filter_map(|(name, _)| {
        let written = seen.tree.at(&["dependencies", name.as_str(), "publish"])?;
        let number = written.read(|it| scalar::integer(it, 1, u64::from(u16::MAX)))?;
        Some((u16::try_from(number).ok()?, format!("`{name}`"), written))
    });
    services.chain(bundled)
}

fn published_twice(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<u16, (String, &Value)> = BTreeMap::new();
    for (number, owner, written) in published(seen) {
        let Some((other, other_written)) = first.get(&number) else {
            first.insert(number, (owner, written));
            continue;
        };
        let message = format!("{other} and {owner} are both published as {number}");
        report.push(
            Diagnostic::error(codes::PUBLISHED_TWICE, message)
                .label(written.place(), owner)
                .label(other_written.place(), other.clone())
                .help("a port of the machine belongs to one of them; publish the other by another number"),
        );
    }
}

fn published_and_many(seen: &Seen<'_>, target: &DockerTarget, report: &mut Vec<Diagnostic>) {
    let machines = target.hosts.len().max(1);
    for it in opened(seen, |it| it.publish, "publish") {
        let Some(most) = replicas::most(seen, it.service).filter(|it| machines < usize::from(it.number))
        else {
            continue;
        };
        let (number, service) = (it.number, it.service);
        let on = if machines == 1 { "one machine".to_owned() } else { format!("{machines} machines") };
        let message =
            format!("Compose cannot give port {number} of {on} to {} instances of `{service}`", most.number);
        let diagnostic =
            info(codes::PUBLISHED_AND_MANY, message).label(it.written.place(), "one container gets it");
        let diagnostic = label(diagnostic, most.written, "so many want it");
        report.push(
            diagnostic
                .help("`lockgate deploy` gives it to the router, which reaches all; `docker compose up` needs one instance"),
        );
    }
}

/// Dependencies that already run on this machine, at an address that a service wants.
fn taken(seen: &Seen<'_>, target: &LocalTarget, report: &mut Vec<Diagnostic>) {
    for name in seen.system.dependencies.keys() {
        let written = seen.tree.at(&["dependencies", name.as_str(), "external", "url"]);
        // An address with a reference in it may well be that of the service itself.
        let Some((written, url)) = written.and_then(|it| Some((it, it.text()?))) else { continue };
        let (host, port) = Url::parse(url).map_or_else(|| place_of(url), |it| (it.host, it.port));
        let same = |it: &Opened<'_>| Some(it.number) == port && binds(target.bind, host);
        if let Some(it) = opened(seen, |it| Some(it.number), "number").find(same) {
            let number = it.number;
            let message =
                format!("port {number} of this machine is that of `{name}`, and `{}` wants it", it.service);
            report.push(
                Diagnostic::warning(codes::PORT_TAKEN, message)
                    .label(it.written.place(), format!("`{}` listens here", it.service))
                    .label(written.place(), format!("`{name}` is here already"))
                    .help(format!("give `{}` another port", it.service)),
            );
        }
    }
}

/// Is this host an address that services listen on?
fn binds(bind: IpAddr, host: &str) -> bool {
    let on_loopback = is_loopback(host);
    let address = if host == "localhost" { Some(IpAddr::from([127, 0, 0, 1])) } else { host.parse().ok() };
    address == Some(bind) || bind.is_unspecified() && on_loopback
}

/// Those that a monitored machine is likely to have.
const USUAL: [(u16, &str); 3] =
    [(9090, "Prometheus"), (9093, "Alertmanager"), (9100, "the node exporter of Prometheus")];

fn usual(
    seen: &Seen<'_>,
    number: impl Fn(&Port) -> Option<u16> + Copy,
    key: &str,
    report: &mut Vec<Diagnostic>,
) {
    let measured = seen.system.services.values().any(|it| it.metrics.is_some());
    if !measured && seen.system.alerts.is_empty() {
        return;
    }
    for it in opened(seen, number, key) {
        let Some((number, owner)) = USUAL.iter().find(|known| known.0 == it.number) else { continue };
        let message = format!("port {number} of `{}` is the usual one of {owner}", it.service);
        let diagnostic =
            info(codes::USUAL_PORT, message).label(it.written.place(), format!("`{}` is {number}", it.port));
        let by_rule = it.written.origin.layer == Layer::Convention;
        let service = seen.tree.at(&["services", it.service]).filter(|_| by_rule);
        let diagnostic =
            service.into_iter().fold(diagnostic, |it, service| it.label(service.key_span, "of this service"));
        report.push(
            diagnostic.help(format!("where {owner} runs beside the system, one of the two cannot start")),
        );
    }
}
