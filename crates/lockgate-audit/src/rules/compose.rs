//! Compose files: ports, names, and more instances than one host has room for.

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::extract::compose::{Compose, Service};
use crate::extract::shell::Command;

fn is_compose(command: &Command) -> bool {
    command.program() == "docker-compose" || command.is(&["docker", "compose"])
}

/// Several instances that all want the same port of the host.
pub(crate) fn fixed_port(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let problem = |service: &str, count: u64, scaled: Span, port: u16, place: Span| {
        Diagnostic::error(
            codes::FIXED_PORT,
            format!("{count} instances of `{service}` cannot all have port {port} of the host"),
        )
        .label(scaled, format!("{count} instances"))
        .label(place, "the second instance finds it taken")
        .help("publish no fixed port, and put a proxy in front of the instances")
    };
    for service in context.facts.composes.iter().flat_map(|it| &it.services) {
        let Some((count, span)) = service.replicas.filter(|it| 1 < it.0) else { continue };
        if let Some((port, place)) = host_port(service) {
            report.push(problem(&service.name.text, count, span, port, place));
        }
    }
    for command in context.facts.commands.iter().filter(|it| is_compose(it)) {
        for scale in command.values("--scale") {
            let Some((name, count)) = scale.text.split_once('=') else { continue };
            let Some(count) = count.parse::<u64>().ok().filter(|it| 1 < *it) else { continue };
            let mut services = context.facts.composes.iter().filter_map(|it| it.service(name));
            let declared = services.find_map(host_port);
            let Some((port, place)) = declared.or_else(|| called(context, command, name)) else { continue };
            report.push(problem(name, count, scale.span, port, place));
        }
    }
}

fn host_port(service: &Service) -> Option<(u16, Span)> {
    service.ports.iter().find_map(|it| Some((it.host?, it.span)))
}

/// `curl http://localhost:8083/... # auth-service` after the same Compose file was started.
fn called(context: &Context<'_>, scaled: &Command, service: &str) -> Option<(u16, Span)> {
    let file = scaled.value(&["-f", "--file"]).map(|it| it.text);
    let same_file = |it: &&Command| is_compose(it) && it.value(&["-f", "--file"]).map(|it| it.text) == file;
    context.facts.commands_in(scaled.span().source).filter(|it| it.program() == "curl").find_map(|curl| {
        let started = context.facts.commands.iter().filter(same_file).any(|it| it.block == curl.block);
        let is_about = curl.remark.as_ref().is_some_and(|it| it.text == service);
        let url = curl.words.iter().find(|it| it.text.contains("://localhost:"))?;
        let port = url.text.split("://localhost:").nth(1)?.split('/').next()?.parse().ok()?;
        (started && is_about).then_some((port, url.span))
    })
}

/// Names that the file uses and does not declare.
pub(crate) fn undeclared(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for compose in context.facts.composes.iter().filter(|it| !it.is_partial) {
        for service in &compose.services {
            unknown_services(compose, service, report);
            unknown_volumes(compose, service, report);
        }
    }
}

fn unknown_services(compose: &Compose, service: &Service, report: &mut Vec<Diagnostic>) {
    for name in service.depends_on.iter().filter(|it| compose.service(&it.text).is_none()) {
        let known = compose.services.iter().map(|it| it.name.text.as_str());
        let mut diagnostic =
            Diagnostic::error(codes::UNDECLARED, format!("there is no service `{}` to wait for", name.text))
                .label(name.span, "not among the services of this file");
        if let Some(near) = suggest::nearest(&name.text, known) {
            diagnostic = diagnostic.help(format!("is `{near}` meant?"));
        }
        report.push(diagnostic);
    }
}

fn unknown_volumes(compose: &Compose, service: &Service, report: &mut Vec<Diagnostic>) {
    for mount in &service.mounts {
        let is_name = !mount.source.is_empty() && !mount.source.contains(['/', '.', '~', '$', '\\']);
        if is_name && !compose.volumes.contains(&mount.source) {
            let message = format!("there is no volume `{}`", mount.source);
            report.push(
                Diagnostic::error(codes::UNDECLARED, message)
                    .label(mount.span, "not among the volumes of this file")
                    .help("declare it under `volumes`"),
            );
        }
    }
}

/// Two services that publish one port of the host.
pub(crate) fn one_port_twice(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for compose in &context.facts.composes {
        let mut seen: Vec<(&str, Span, &str)> = vec![];
        for service in compose.services.iter().filter(|it| !it.has_profiles) {
            let name = service.name.text.as_str();
            for port in service.ports.iter().filter(|it| it.host.is_some()) {
                if let Some((_, first, other)) = seen.iter().find(|it| it.0 == port.claim && it.2 != name) {
                    let host = port.host.unwrap_or_default();
                    let message = format!("`{name}` and `{other}` both publish port {host} of the host");
                    report.push(
                        Diagnostic::error(codes::FIXED_PORT, message)
                            .label(port.span, "published again here")
                            .label(*first, "published first here")
                            .help("give one of them another port"),
                    );
                }
                seen.push((&port.claim, port.span, name));
            }
        }
    }
}
