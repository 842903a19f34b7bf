//! Services: ports, health, variables and what they depend on.

use std::collections::BTreeMap;

use lockgate_model::{
    DependsOn, Diagnostic, Health, Millis, Port, PortName, Protocol, Service, ServiceName, Span, Stop,
    StopSignal, TargetKind,
};

use super::{Context, dependencies, number_u16, parts};
use crate::layers::Value;
use crate::scalar;
use crate::scope::Mentions;
use lockgate_diagnostics::codes;

/// The ports of every service, for references.
pub(super) fn ports(tree: &Value) -> BTreeMap<String, BTreeMap<PortName, Port>> {
    let services = tree.get("services").into_iter().flat_map(Value::entries);
    services.map(|(name, service)| (name.clone(), ports_of(service))).collect()
}

fn ports_of(service: &Value) -> BTreeMap<PortName, Port> {
    let mut ports = BTreeMap::new();
    for (name, value) in service.get("ports").into_iter().flat_map(Value::entries) {
        let number = number_u16(value, "number", 0);
        let protocol = value.field("protocol", |it| scalar::one_of(it, &["http", "grpc"]));
        let protocol = match protocol {
            Some("grpc") => Protocol::Grpc,
            None if name == "grpc" => Protocol::Grpc,
            Some(_) | None => Protocol::Http,
        };
        let publish = value.get("publish").map(|_| number_u16(value, "publish", 0));
        if let Ok(name) = PortName::new(name.as_str())
            && number != 0
        {
            ports.insert(name, Port { number, protocol, publish });
        }
    }
    ports
}

pub(super) fn lower(
    context: &mut Context<'_>,
    mentions: &mut BTreeMap<String, Mentions>,
    target: &TargetKind,
) -> BTreeMap<ServiceName, Service> {
    let tree = context.tree;
    let tells_ports = tells_ports(target);
    let mut services = BTreeMap::new();
    for (text, value) in tree.get("services").into_iter().flat_map(Value::entries) {
        let Ok(name) = ServiceName::new(text.as_str()) else { continue };
        let mut mentioned = Mentions::new();
        let service = service(context, text, value, &mut mentioned, tells_ports);
        mentions.insert(text.clone(), mentioned);
        services.insert(name, service);
    }
    services
}

fn service(
    context: &mut Context<'_>,
    name: &str,
    value: &Value,
    mentioned: &mut Mentions,
    tells_ports: bool,
) -> Service {
    let command = value.get("command").map(|it| context.argv(it, Some(name), mentioned));
    if command.is_none() && context.scope.network.is_machine() {
        let help = "say what is run: `command: [./web, --verbose]`";
        context.missing("command", &format!("service `{name}`"), value.key_span, help);
    }
    for (port, it) in value.get("ports").into_iter().flat_map(Value::entries) {
        if it.map().is_some() && it.get("number").is_none() {
            context.missing(
                "number",
                &format!("port `{port}` of `{name}`"),
                it.key_span,
                "as in `number: 8080`",
            );
        }
    }
    let ports = ports_of(value);
    let mut env = BTreeMap::new();
    for (key, text) in value.get("env").into_iter().flat_map(Value::entries) {
        if is_reserved(key, &ports) {
            reserved(context, key, text.key_span);
        }
        if let Some(clash) = value.at(&["secrets", key]) {
            both_ways(context, key, text.key_span, clash.key_span);
        }
        let written = text.get("value").and_then(|it| context.expand(it, Some(name), mentioned));
        if let Some(written) = written {
            env.insert(key.clone(), written);
        }
    }
    connections(context, value, &mut env);
    let mut service = Service {
        files: value.field("files", scalar::inner_path),
        env,
        health: health(context, name, value, &ports),
        ports,
        depends_on: depends_on(name, value, mentioned),
        replicas: number_u16(value, "replicas", 1),
        stop: stop(value),
        ..Service::new(command.unwrap_or_default())
    };
    parts::fill(context, name, value, mentioned, &mut service);
    if tells_ports {
        service.env.extend(service.port_variables());
    }
    service
}

/// A node tells each of its processes a port of its own, and App Runner tells `PORT` itself.
fn tells_ports(target: &TargetKind) -> bool {
    match target {
        TargetKind::Docker(_)
        | TargetKind::Kubernetes(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_) => true,
        TargetKind::Local(_) | TargetKind::AppRunner(_) => false,
    }
}

fn both_ways(context: &mut Context<'_>, variable: &str, env: Span, secret: Span) {
    let message = format!("`{variable}` is both a plain variable and a secret");
    context.report.push(
        Diagnostic::error(codes::VARIABLE_TWICE, message)
            .label(env, "the plain variable")
            .label(secret, "the secret")
            .help("a variable is declared once; remove one of the two"),
    );
}

/// The names that lead to each service, for references.
pub(super) fn hosts(context: &mut Context<'_>) -> BTreeMap<String, Vec<String>> {
    let mut hosts = BTreeMap::new();
    let mut report = vec![];
    let mut quiet = Context { tree: context.tree, scope: context.scope.clone(), report: &mut report };
    for (name, service) in context.tree.get("services").into_iter().flat_map(Value::entries) {
        let written = service.at(&["ingress", "hosts"]).map_or(&[][..], Value::items);
        let expanded = written.iter().filter_map(|it| quiet.expand(it, Some(name), &mut Mentions::new()));
        let expanded: Vec<String> = expanded.collect();
        if !expanded.is_empty() {
            hosts.insert(name.clone(), expanded);
        }
    }
    hosts
}

/// The variable that carries the address of something in `depends_on`.
pub(super) fn variable_of(context: &Context<'_>, name: &str, entry: &Value) -> Option<String> {
    let named = entry.get("as").and_then(Value::text).map(str::to_owned);
    let dependency = context.scope.dependencies.get(name);
    let conventional =
        || dependency.and_then(|it| it.kind.as_deref()).map(dependencies::conventional_variable);
    named.or_else(conventional)
}

/// Instances are told their own ports, and by whom they were started.
fn is_reserved(variable: &str, ports: &BTreeMap<PortName, Port>) -> bool {
    let named = ports.keys().any(|it| it.variable() == variable);
    named || (variable == "PORT" && !ports.is_empty()) || variable.starts_with("LOCKGATE_")
}

fn reserved(context: &mut Context<'_>, variable: &str, span: Span) {
    let message = format!("`{variable}` is set by Lockgate itself");
    context.report.push(
        Diagnostic::error(codes::RESERVED_VARIABLE, message)
            .label(span, "this value would never be seen")
            .help("each instance is told its own ports in `PORT` and `<NAME>_PORT`; remove the variable"),
    );
}

fn depends_on(own: &str, value: &Value, mentioned: &Mentions) -> BTreeMap<String, DependsOn> {
    let mut all: BTreeMap<String, DependsOn> = BTreeMap::new();
    for (name, entry) in value.get("depends_on").into_iter().flat_map(Value::entries) {
        // `defaults` may name a service that all others need.
        if name == own && !entry.origin.layer.is_specific() {
            continue;
        }
        let variable = entry.get("as").and_then(Value::text).map(str::to_owned);
        all.insert(name.clone(), DependsOn { variable });
    }
    // A reference implies the dependency; of oneself nothing follows.
    for name in mentioned.keys().filter(|it| *it != own) {
        all.entry(name.clone()).or_insert(DependsOn { variable: None });
    }
    all
}

/// The addresses of what the service says it depends on, unless a variable of that name is written.
fn connections(context: &mut Context<'_>, value: &Value, env: &mut BTreeMap<String, String>) {
    let mut set: BTreeMap<String, (String, Span)> = BTreeMap::new();
    for (name, entry) in value.get("depends_on").into_iter().flat_map(Value::entries) {
        let Some(variable) = variable_of(context, name, entry) else { continue };
        if value.at(&["env", &variable]).is_some() || value.at(&["secrets", &variable]).is_some() {
            continue;
        }
        let dependency = context.scope.dependencies.get(name);
        if let Some((other, span)) = set.get(&variable) {
            let message = format!("`{name}` and `{other}` both set `{variable}`");
            context.report.push(
                Diagnostic::error(codes::VARIABLE_TWICE, message)
                    .label(entry.key_span, "set by this")
                    .label(*span, "and by this")
                    .help(format!("name the variable: `depends_on: {{{name}: {{as: OTHER_URL}}}}`")),
            );
            continue;
        }
        set.insert(variable.clone(), (name.clone(), entry.key_span));
        let url = match dependency {
            // Somebody else's store keeps it: it is a secret of the service.
            Some(dependency) if dependency.in_store => continue,
            Some(dependency) => dependency.url.clone(),
            None => service_url(context, name),
        };
        if let Some(url) = url {
            env.insert(variable, url);
        } else if dependency.is_some() {
            no_address(context, name, &variable);
        }
    }
}

fn service_url(context: &Context<'_>, name: &str) -> Option<String> {
    let ports = context.scope.services.get(name)?;
    let main =
        ports.iter().find(|it| it.0.as_str() == "http").or(ports.iter().min_by_key(|it| it.1.number))?;
    Some(context.scope.url(name, main.1.number))
}

fn no_address(context: &mut Context<'_>, dependency: &str, variable: &str) {
    let environment = context.scope.environment;
    let Some(address) = context.scope.dependencies.get(dependency) else { return };
    let message = format!("`{dependency}` has no address in environment `{environment}`");
    let diagnostic = Diagnostic::warning(codes::NO_ADDRESS, message)
        .label(address.span, format!("services that depend on it get no `{variable}`"))
        .help(format!("set `environments.{environment}.dependencies.{dependency}.external.url`"))
        .help("the `local` target runs the system's own services and starts no dependencies");
    if !context.report.contains(&diagnostic) {
        context.report.push(diagnostic);
    }
}

fn health(context: &mut Context<'_>, name: &str, value: &Value, ports: &BTreeMap<PortName, Port>) -> Health {
    let worker = Service::new(vec![]).health;
    let written = value.get("health");
    let http = |it: &(&PortName, &Port)| it.1.protocol == Protocol::Http;
    let named = written.and_then(|it| it.get("port"));
    let port = match named.and_then(Value::text) {
        Some(named) => ports.get_key_value(named).filter(http),
        None => ports.get_key_value("http").filter(http).or_else(|| ports.iter().find(http)),
    };
    let Some((port, _)) = port else {
        let asked_otherwise = |it: &Value| it.get("ready").or(it.get("live")).is_some();
        if written.is_some_and(asked_otherwise) && !context.scope.network.is_machine() {
            return worker;
        }
        // Workers and services share `defaults`; what they say of health is not meant for workers.
        if let Some(written) = written.filter(|it| it.is_specific()) {
            no_health_port(context, name, named.unwrap_or(written), ports);
        }
        return worker;
    };
    let empty = Value::empty_map(value.origin);
    let written = written.unwrap_or(&empty);
    let span = |key: &str, default: Millis| {
        written.field(key, |it| scalar::duration(it, Millis::ZERO)).unwrap_or(default)
    };
    Health::Http {
        path: written.field("path", scalar::url_path).unwrap_or_else(|| "/health".to_owned()),
        port: port.clone(),
        interval: span("interval", Millis::secs(2)),
        timeout: span("timeout", Millis::secs(2)),
        healthy_after: number_u16(written, "healthy_after", 1),
        unhealthy_after: number_u16(written, "unhealthy_after", 3),
        ready_within: span("ready_within", Millis::secs(60)),
    }
}

fn no_health_port(context: &mut Context<'_>, name: &str, value: &Value, ports: &BTreeMap<PortName, Port>) {
    let message = format!("the health check of `{name}` has no HTTP port to ask");
    let mut diagnostic = Diagnostic::error(codes::HEALTH_PORT, message);
    let http: Vec<&str> =
        ports.iter().filter(|it| it.1.protocol == Protocol::Http).map(|it| it.0.as_str()).collect();
    diagnostic = if http.is_empty() {
        let help = "give the service a port, or remove the check: a worker is ready when it has stayed up";
        diagnostic.label(value.place(), "no port of the service speaks HTTP").help(help)
    } else {
        let all = lockgate_diagnostics::suggest::all(http);
        diagnostic.label(value.place(), "no HTTP port of this name").help(format!("there is {all}"))
    };
    context.report.push(diagnostic);
}

fn stop(value: &Value) -> Stop {
    let empty = Value::empty_map(value.origin);
    let stop = value.get("stop").unwrap_or(&empty);
    let span = |key: &str, default: Millis| {
        stop.field(key, |it| scalar::duration(it, Millis::ZERO)).unwrap_or(default)
    };
    let signal = stop.field("signal", |it| scalar::one_of(it, &["SIGTERM", "SIGINT", "SIGQUIT"]));
    Stop {
        signal: match signal {
            Some("SIGINT") => StopSignal::Int,
            Some("SIGQUIT") => StopSignal::Quit,
            Some(_) | None => StopSignal::Term,
        },
        drain: span("drain", Millis::secs(30)),
        grace: span("grace", Millis::secs(10)),
    }
}
