//! From one environment's tree to the model. A part that cannot be read was reported before and is left out
//! here; what is missing or contradictory is reported here.

mod dependencies;
mod release;
mod rollout;
mod services;
mod slo;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use lockgate_model::{
    Diagnostic, EnvironmentName, LocalTarget, Service, ServiceName, Span, System, SystemName, TargetKind,
    Version,
};

use crate::layers::Value;
use crate::scope::{Mentions, Scope};
use crate::{checks, scalar};
use lockgate_diagnostics::codes;

/// What every part of the lowering looks at.
pub(crate) struct Context<'a> {
    pub(crate) tree: &'a Value,
    pub(crate) scope: Scope<'a>,
    pub(crate) report: &'a mut Vec<Diagnostic>,
}

impl Context<'_> {
    fn expand(&mut self, value: &Value, own: Option<&str>, mentions: &mut Mentions) -> Option<String> {
        self.scope.expand(value.text()?, value.place(), own, mentions, self.report)
    }

    fn argv(&mut self, value: &Value, own: Option<&str>, mentions: &mut Mentions) -> Vec<String> {
        value.items().iter().filter_map(|it| self.expand(it, own, mentions)).collect()
    }

    fn missing(&mut self, key: &str, of: &str, span: Span, help: &str) {
        self.report.push(missing(key, of, span).help(help));
    }
}

pub(crate) fn missing(key: &str, of: &str, span: Span) -> Diagnostic {
    Diagnostic::error(codes::MISSING_KEY, format!("{of} has no `{key}`"))
        .label(span, format!("`{key}` is missing"))
}

pub(crate) fn number_u16(value: &Value, key: &str, default: u16) -> u16 {
    let read = |it: &lockgate_yaml::Scalar| scalar::integer(it, 0, u64::from(u16::MAX));
    value.field(key, read).and_then(|it| u16::try_from(it).ok()).unwrap_or(default)
}

pub(crate) fn lower(
    tree: &Value,
    name: &SystemName,
    environment: &EnvironmentName,
    environment_span: Span,
    version: Option<&Version>,
    report: &mut Vec<Diagnostic>,
) -> System {
    let bind = bind(tree);
    let host = if bind.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bind };
    if tree.get("target").is_none() {
        let of = format!("environment `{environment}`");
        report.push(missing("target", &of, environment_span).help("say where it runs: `target: local`"));
    }
    let scope = Scope {
        system: name.as_str(),
        environment: environment.as_str(),
        version,
        host,
        services: services::ports(tree),
        dependencies: BTreeMap::new(),
    };
    let mut context = Context { tree, scope, report };
    context.scope.dependencies = dependencies::addresses(&mut context);
    let dependencies = dependencies::lower(&mut context);
    let mut mentions: BTreeMap<String, Mentions> = BTreeMap::new();
    let services: BTreeMap<ServiceName, Service> = services::lower(&mut context, &mut mentions);
    let migrations = release::migrations(&mut context, &services);
    let smoke = release::smoke(&mut context, &services);
    let slo = slo::lower(tree);
    let rollout = rollout::lower(&mut context);
    let system = System {
        name: name.clone(),
        owner: tree.get("owner").and_then(Value::text).map(str::to_owned),
        environment: environment.clone(),
        target: TargetKind::Local(LocalTarget { bind }),
        services,
        dependencies,
        migrations,
        smoke,
        slo,
        rollout,
    };
    checks::topology(tree, &system, &mentions, context.report);
    checks::release(tree, &system, context.report);
    checks::slo(tree, &system, context.report);
    system
}

fn bind(tree: &Value) -> IpAddr {
    let written = tree.at(&["target", "local"]).and_then(|it| it.field("bind", scalar::address));
    written.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}
