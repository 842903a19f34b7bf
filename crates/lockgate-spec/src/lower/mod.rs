//! From one environment's tree to the model. A part that cannot be read was reported before and is left out
//! here; what is missing or contradictory is reported here.

mod demands;
mod dependencies;
mod operations;
mod parts;
mod release;
mod rollout;
mod services;
mod slo;
mod target;
mod typed;

use std::collections::BTreeMap;

use lockgate_model::{Diagnostic, EnvironmentName, Millis, Service, ServiceName, Span, System, SystemName};

use crate::layers::Value;
use crate::scope::{Mentions, Scope, Told};
use crate::spec::Facts;
use crate::{checks, platform, scalar};
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

pub(crate) fn duration(value: &Value, key: &str, default: Millis) -> Millis {
    value.field(key, |it| scalar::duration(it, Millis::ZERO)).unwrap_or(default)
}

pub(crate) fn lower(
    tree: &Value,
    name: &SystemName,
    environment: &EnvironmentName,
    environment_span: Span,
    facts: &Facts,
    report: &mut Vec<Diagnostic>,
) -> System {
    if tree.get("target").is_none() {
        let of = format!("environment `{environment}`");
        report.push(missing("target", &of, environment_span).help("say where it runs: `target: local`"));
    }
    demands::check(tree, report);
    let scope = Scope {
        system: name.as_str(),
        environment: environment.as_str(),
        version: facts.version.as_ref(),
        commit: facts.commit.as_ref(),
        network: target::network(tree),
        tree,
        services: services::ports(tree),
        hosts: BTreeMap::new(),
        dependencies: BTreeMap::new(),
        told: Told::default(),
    };
    let mut context = Context { tree, scope, report };
    context.scope.hosts = services::hosts(&mut context);
    context.scope.dependencies = dependencies::addresses(&mut context);
    let target = target::target(&mut context);
    let policy = target::policy(&mut context);
    let stores = target::stores(&mut context);
    let dependencies = dependencies::lower(&mut context);
    let mut mentions: BTreeMap<String, Mentions> = BTreeMap::new();
    let services: BTreeMap<ServiceName, Service> = services::lower(&mut context, &mut mentions, &target);
    let migrations = release::migrations(&mut context, &services);
    let seeds = operations::seeds(&mut context, &services);
    let cron = operations::cron(&mut context, &services);
    let smoke = release::smoke(&mut context, &services);
    let slo = slo::lower(tree);
    let rollout = rollout::lower(&mut context);
    let system = System {
        name: name.clone(),
        owner: tree.get("owner").and_then(Value::text).map(str::to_owned),
        environment: environment.clone(),
        target,
        policy,
        stores,
        services,
        dependencies,
        migrations,
        seeds,
        cron,
        smoke,
        slo,
        objectives: operations::objectives(&mut context),
        alerts: operations::alerts(&mut context),
        rollout,
        monitoring: context.part("monitoring").unwrap_or_default(),
        notifications: context.part("notifications").unwrap_or_default(),
        secrets: context.part("secrets").unwrap_or_default(),
        ci: context.part("ci").unwrap_or_default(),
        release: context.part("release").unwrap_or_default(),
        patches: context.part("patches").unwrap_or_default(),
    };
    checks::topology(tree, &system, &mentions, context.report);
    checks::release(tree, &system, context.report);
    checks::slo(tree, &system, context.report);
    platform::check(tree, &system, context.report);
    system
}
