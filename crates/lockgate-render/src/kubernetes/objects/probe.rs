//! How the kubelet asks a container whether it has started, is ready and lives.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ExecAction, GRPCAction, HTTPGetAction, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::{Health, Millis, PortName, Probe as Wanted, ProbeKind, Service};

use super::env::literal;

#[derive(Default)]
pub(super) struct Checks {
    pub(super) startup: Option<Probe>,
    pub(super) ready: Option<Probe>,
    pub(super) live: Option<Probe>,
}

/// Do the service's checks ask for something within an answer? The kubelet looks at its status only.
pub(super) fn ask_for_a_body(service: &Service) -> bool {
    let probes = [&service.probes.live, &service.probes.ready, &service.probes.startup];
    probes
        .into_iter()
        .flatten()
        .any(|it| matches!(&it.kind, ProbeKind::Http { body, .. } if !body.is_empty()))
}

/// Readiness is what the spec says, else what is asked on `local`. Nothing restarts an instance unless it is said.
pub(super) fn checks(service: &Service) -> Checks {
    let mut checks = Checks::default();
    let (of_health, ready_within) = health(service);
    checks.ready = service.probes.ready.as_ref().map(|it| probe(service, it)).or(of_health);
    checks.live =
        service.probes.live.as_ref().map(|it| Probe { success_threshold: None, ..probe(service, it) });
    let startup = service.probes.startup.as_ref().map(|it| probe(service, it));
    // Without it, liveness would end an instance that is only slow to start.
    let startup = startup.or_else(|| checks.live.as_ref().and(checks.ready.clone()));
    checks.startup = startup.map(|it| patient(it, ready_within));
    checks
}

/// As many tries as the time to become ready has room for.
fn patient(probe: Probe, ready_within: Option<Millis>) -> Probe {
    let period = u64::try_from(probe.period_seconds.unwrap_or(10)).unwrap_or(10).max(1);
    let tries =
        ready_within.map(|it| i32::try_from(it.0.div_ceil(period * 1_000)).unwrap_or(i32::MAX).max(1));
    Probe { failure_threshold: tries.or(probe.failure_threshold), success_threshold: None, ..probe }
}

fn health(service: &Service) -> (Option<Probe>, Option<Millis>) {
    match &service.health {
        Health::Http { path, port, interval, timeout, healthy_after, unhealthy_after, ready_within } => {
            let kind = ProbeKind::Http { path: path.clone(), port: port.clone(), body: BTreeMap::new() };
            let wanted = Wanted {
                kind,
                interval: *interval,
                timeout: *timeout,
                healthy_after: *healthy_after,
                unhealthy_after: *unhealthy_after,
            };
            (Some(probe(service, &wanted)), Some(*ready_within))
        }
        Health::Uptime { .. } => (None, None),
    }
}

fn probe(service: &Service, wanted: &Wanted) -> Probe {
    let number = |port: &PortName| {
        service
            .ports
            .get(port)
            .map_or(IntOrString::String(port.to_string()), |it| IntOrString::Int(i32::from(it.number)))
    };
    let mut probe = Probe {
        period_seconds: Some(whole_seconds(wanted.interval)),
        timeout_seconds: Some(whole_seconds(wanted.timeout)),
        success_threshold: (wanted.healthy_after > 1).then(|| i32::from(wanted.healthy_after)),
        failure_threshold: Some(i32::from(wanted.unhealthy_after.max(1))),
        ..Probe::default()
    };
    match &wanted.kind {
        ProbeKind::Http { path, port, .. } => {
            let path = Some(path.clone());
            probe.http_get = Some(HTTPGetAction { path, port: number(port), ..HTTPGetAction::default() });
        }
        ProbeKind::Grpc { port, service: name } => {
            let port = service.ports.get(port).map_or(0, |it| i32::from(it.number));
            let service = (!name.is_empty()).then(|| name.clone());
            probe.grpc = Some(GRPCAction { port, service });
        }
        ProbeKind::Tcp { port } => {
            probe.tcp_socket = Some(TCPSocketAction { port: number(port), ..TCPSocketAction::default() });
        }
        ProbeKind::Command(command) => {
            let command = command.iter().map(|it| literal(it)).collect();
            probe.exec = Some(ExecAction { command: Some(command) });
        }
    }
    probe
}

/// Kubernetes counts in seconds, and none of them is zero.
pub(super) fn whole_seconds(span: Millis) -> i32 {
    i32::try_from(span.0.div_ceil(1_000)).unwrap_or(i32::MAX).max(1)
}
