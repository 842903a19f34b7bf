//! Parts of a service whose types have the shape of the language, and its image and probes.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{
    Build, Diagnostic, Image, Millis, PortName, Probe, ProbeKind, Probes, SecretRule, Service, ServiceName,
    Variable,
};
use serde::de::DeserializeOwned;

use super::{Context, number_u16};
use crate::language;
use crate::layers::{Value, inner};
use crate::scalar;
use crate::schema::Shape;
use crate::scope::Mentions;

impl Context<'_> {
    /// A part of the root.
    pub(super) fn part<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.tree.get(key)?;
        self.typed(value, inner(&language::ROOT, key), None, &mut Mentions::new())
    }
}

fn shape_of_service() -> &'static Shape {
    inner(inner(&language::ROOT, "services"), "")
}

/// Everything of a service that one key says alone.
pub(super) fn fill(
    context: &mut Context<'_>,
    name: &str,
    value: &Value,
    mentions: &mut Mentions,
    service: &mut Service,
) {
    fn part<T: DeserializeOwned>(
        context: &mut Context<'_>,
        (name, value): (&str, &Value),
        key: &str,
        mentions: &mut Mentions,
    ) -> Option<T> {
        context.typed(value.get(key)?, inner(shape_of_service(), key), Some(name), mentions)
    }
    let of = (name, value);
    service.secrets = part(context, of, "secrets", mentions).unwrap_or_default();
    service.disruption_budget = part(context, of, "disruption_budget", mentions);
    service.resources = part(context, of, "resources", mentions).unwrap_or_default();
    service.volumes = part(context, of, "volumes", mentions).unwrap_or_default();
    service.ingress = part(context, of, "ingress", mentions);
    service.egress = part(context, of, "egress", mentions).unwrap_or_default();
    service.metrics = part(context, of, "metrics", mentions);
    service.autoscaling = autoscaling(context, of, service.replicas, mentions);
    service.variables = variables(value);
    service.image = image(context, name, value, mentions);
    service.probes = probes(context, name, value, service, mentions);
    service.secrets.extend(from_stores(context, value));
}

fn autoscaling(
    context: &mut Context<'_>,
    (name, value): (&str, &Value),
    replicas: u16,
    mentions: &mut Mentions,
) -> Option<lockgate_model::Autoscaling> {
    let written = value.get("autoscaling")?;
    let mut written = written.clone();
    let origin = written.origin;
    let min = Value::scalar(replicas.to_string(), origin);
    written.map_mut()?.entry("min".to_owned()).or_insert(min);
    context.typed(&written, inner(shape_of_service(), "autoscaling"), Some(name), mentions)
}

fn variables(value: &Value) -> BTreeMap<String, Variable> {
    let written = value.get("env").into_iter().flat_map(Value::entries);
    let said = written.map(|(name, it)| {
        let about = it.get("about").and_then(Value::text).map(str::to_owned);
        let required = it.field("required", scalar::boolean).unwrap_or(false);
        (name.clone(), Variable { about, required })
    });
    said.filter(|it| it.1 != Variable::default()).collect()
}

/// Addresses of dependencies that a store keeps are secrets of those who need them.
fn from_stores(context: &Context<'_>, value: &Value) -> BTreeMap<String, SecretRule> {
    let mut secrets = BTreeMap::new();
    for (name, entry) in value.get("depends_on").into_iter().flat_map(Value::entries) {
        let secret = context.tree.at(&["dependencies", name, "external", "secret"]).and_then(Value::text);
        let Some(secret) = secret else { continue };
        let Some(variable) = super::services::variable_of(context, name, entry) else { continue };
        if value.at(&["env", &variable]).is_some() || value.at(&["secrets", &variable]).is_some() {
            continue;
        }
        let rule = SecretRule {
            generate: None,
            public_of: None,
            rotate: None,
            from: Some(secret.to_owned()),
            key: None,
            format: None,
            required: true,
            about: None,
        };
        secrets.insert(variable, rule);
    }
    secrets
}

fn image(context: &mut Context<'_>, name: &str, value: &Value, mentions: &mut Mentions) -> Option<Image> {
    if let Some(image) = value.get("image") {
        return context.expand(image, Some(name), mentions).map(Image::Named);
    }
    if let Some(build) = value.get("build") {
        let shape = inner(shape_of_service(), "build");
        return context.typed::<Box<Build>>(build, shape, Some(name), mentions).map(Image::Built);
    }
    let base = value.get("extends").and_then(Value::text)?;
    let services = context.tree.get("services");
    let mut base = base;
    // A circle of `extends` is reported elsewhere; here it only must end.
    for _ in 0..services.map_or(0, |it| it.entries().count()) {
        let next = services.and_then(|it| it.get(base))?;
        if next.get("image").or(next.get("build")).is_some() {
            return ServiceName::new(base).ok().map(Image::SameAs);
        }
        base = next.get("extends").and_then(Value::text)?;
    }
    None
}

/// The probes that are written; what `health` says holds for readiness unless `ready` says otherwise.
fn probes(
    context: &mut Context<'_>,
    name: &str,
    value: &Value,
    service: &Service,
    mentions: &mut Mentions,
) -> Probes {
    let Some(health) = value.get("health") else { return Probes::default() };
    let mut probe = |key: &str| probe(context, (name, health), health.get(key)?, service, mentions);
    Probes { live: probe("live"), ready: probe("ready"), startup: probe("startup") }
}

fn probe(
    context: &mut Context<'_>,
    (name, health): (&str, &Value),
    value: &Value,
    service: &Service,
    mentions: &mut Mentions,
) -> Option<Probe> {
    let kind = if let Some(command) = value.get("command") {
        ProbeKind::Command(context.argv(command, Some(name), mentions))
    } else if let Some(tcp) = value.get("tcp") {
        ProbeKind::Tcp { port: port(context, service, tcp)? }
    } else {
        let conventional = if value.get("grpc").is_some() { "grpc" } else { "http" };
        let port = match value.get("port") {
            Some(written) => port(context, service, written)?,
            None => PortName::new(conventional).ok()?,
        };
        match value.get("grpc").and_then(Value::text) {
            Some(service) => ProbeKind::Grpc { port, service: service.to_owned() },
            None => ProbeKind::Http { path: value.field("path", scalar::url_path)?, port, body: body(value) },
        }
    };
    let either = |key: &str| if value.get(key).is_some() { value } else { health };
    let span = |key: &str| either(key).field(key, |it| scalar::duration(it, Millis::ZERO));
    Some(Probe {
        kind,
        interval: span("interval").unwrap_or(Millis::secs(2)),
        timeout: span("timeout").unwrap_or(Millis::secs(2)),
        healthy_after: number_u16(either("healthy_after"), "healthy_after", 1),
        unhealthy_after: number_u16(either("unhealthy_after"), "unhealthy_after", 3),
    })
}

fn body(value: &Value) -> BTreeMap<String, String> {
    let written = value.get("body").into_iter().flat_map(Value::entries);
    written.filter_map(|(path, it)| Some((path.clone(), it.text()?.to_owned()))).collect()
}

fn port(context: &mut Context<'_>, service: &Service, value: &Value) -> Option<PortName> {
    let name = value.text()?;
    if let Some((port, _)) = service.ports.get_key_value(name) {
        return Some(port.clone());
    }
    let known = service.ports.keys().map(PortName::as_str);
    let message = format!("the service has no port `{}`", lockgate_diagnostics::shown(name));
    let diagnostic = Diagnostic::error(codes::HEALTH_PORT, message).label(value.place(), "asked here");
    context.report.push(if service.ports.is_empty() {
        diagnostic.help("give the service a port, or remove the probe")
    } else {
        diagnostic.help(format!("there is {}", lockgate_diagnostics::suggest::all(known)))
    });
    None
}
