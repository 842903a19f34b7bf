//! What a release does beside the rollout: migrations and smoke checks.

use std::collections::BTreeMap;

use lockgate_model::{
    Diagnostic, MigrationTool, Migrations, Millis, Retry, Service, ServiceName, SmokeCheck, SmokeExpect,
    SmokeKind, When,
};

use super::{Context, duration, missing, number_u16};
use crate::language;
use crate::layers::{Value, inner};
use crate::scalar;
use crate::scope::Mentions;
use lockgate_diagnostics::codes;

type Services = BTreeMap<ServiceName, Service>;

pub(super) fn migrations(context: &mut Context<'_>, services: &Services) -> Option<Migrations> {
    let tree = context.tree;
    let value = tree.get("migrations")?;
    let (tool, service, files, env) = match (value.get("tool"), value.get("command")) {
        (Some(tool), None) if tool.text() != Some("sqlx") => {
            idle(context, value, "source", "tool");
            let known = language::TOOLS.iter().find(|it| tool.text() == Some(it.0))?;
            let argv = known.1.iter().map(|it| (*it).to_owned()).collect();
            let service = chosen(context, value, "in", services, Wants::Files)?;
            let of = services.get(&service)?;
            (MigrationTool::Command(argv), Some(service), of.files.clone(), of.env.clone())
        }
        (Some(_), None) => {
            let Some(source) = value.get("source") else {
                let help = "the folder of the migrations, as in `source: migrations`";
                context.missing("source", "`migrations`", value.key_span, help);
                return None;
            };
            let named = value.get("in").and_then(Value::text).and_then(|it| services.get_key_value(it));
            let service = named.map(|it| it.0.clone());
            (
                MigrationTool::Sqlx,
                service,
                source.read(scalar::inner_path),
                sqlx_env(context, value, services),
            )
        }
        (None, Some(command)) => {
            idle(context, value, "source", "command");
            let service = chosen(context, value, "in", services, Wants::Files)?;
            let argv = context.argv(command, Some(service.as_str()), &mut Mentions::new());
            let of = services.get(&service)?;
            (MigrationTool::Command(argv), Some(service), of.files.clone(), of.env.clone())
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(Migrations {
        tool,
        service,
        files,
        env,
        timeout: duration(value, "timeout", Millis::mins(10)),
        retry: retry_of(value),
        compatible: value.field("compatible", scalar::boolean).unwrap_or(true),
        when: match value.get("when").and_then(Value::text) {
            Some("after-rollout") => When::AfterRollout,
            Some(_) | None => When::BeforeRollout,
        },
        keep_for: duration(value, "keep_for", Millis::mins(60)),
    })
}

/// sqlx finds its database in `DATABASE_URL`: of the service named by `in`, else of the only database.
fn sqlx_env(context: &mut Context<'_>, value: &Value, services: &Services) -> BTreeMap<String, String> {
    const VARIABLE: &str = "DATABASE_URL";
    if value.get("in").is_some() {
        let service = chosen(context, value, "in", services, Wants::Files);
        let env = service.and_then(|it| services.get(&it)).map(|it| it.env.clone()).unwrap_or_default();
        if !env.contains_key(VARIABLE) {
            no_database(context, value, "the service named by `in` has no `DATABASE_URL`");
        }
        return env;
    }
    let databases = context.scope.dependencies.values();
    let mut databases = databases.filter(|it| {
        it.kind.as_deref().is_some_and(|it| super::dependencies::conventional_variable(it) == VARIABLE)
    });
    match (databases.next(), databases.next()) {
        (Some(only), None) => match only.url.clone() {
            Some(url) => return BTreeMap::from([(VARIABLE.to_owned(), url)]),
            None => no_database(context, value, "the database has no `external.url` in this environment"),
        },
        (None, _) => no_database(context, value, "no dependency is a database"),
        (Some(_), Some(_)) => {
            no_database(context, value, "there is more than one database; add `in: SERVICE`");
        }
    }
    BTreeMap::new()
}

fn no_database(context: &mut Context<'_>, value: &Value, reason: &str) {
    let message = format!("migrations have no `DATABASE_URL` in environment `{}`", context.scope.environment);
    context.report.push(
        Diagnostic::error(codes::NO_VALUE_HERE, message)
            .label(value.key_span, reason)
            .help("sqlx migrates the database of `DATABASE_URL`; declare a dependency of `type: postgres` with `external: {url: ...}`"),
    );
}

pub(super) fn retry_of(value: &Value) -> Retry {
    let Some(value) = value.get("retry") else { return Retry::ONCE };
    Retry {
        attempts: number_u16(value, "attempts", 1),
        initial: duration(value, "initial", Millis::secs(2)),
        max: duration(value, "max", Millis::secs(60)),
        factor: number_u16(value, "factor", 2),
    }
}

pub(super) fn smoke(context: &mut Context<'_>, services: &Services) -> Vec<SmokeCheck> {
    let tree = context.tree;
    let items = tree.get("smoke").map_or(&[][..], Value::items);
    items.iter().filter_map(|it| smoke_check(context, it, services)).collect()
}

fn smoke_check(context: &mut Context<'_>, value: &Value, services: &Services) -> Option<SmokeCheck> {
    let timeout = duration(value, "timeout", Millis::secs(10));
    let (service, kind) = match (value.get("get"), value.get("run"), value.get("mail")) {
        (Some(get), None, None) => {
            idle(context, value, "in", "get");
            let service = chosen(context, value, "service", services, Wants::Port)?;
            let status = number_u16(value, "status", 200);
            let path = get.read(scalar::url_path)?;
            (service, SmokeKind::Get { path, status, expect: expect(context, value) })
        }
        (None, Some(run), None) => {
            of_a_request(context, value, "run");
            let service = chosen(context, value, "in", services, Wants::Files)?;
            let command = context.argv(run, Some(service.as_str()), &mut Mentions::new());
            (service, SmokeKind::Run { command })
        }
        (None, None, Some(mail)) => {
            of_a_request(context, value, "mail");
            let service = chosen(context, value, "in", services, Wants::Files)?;
            let mut text =
                |key: &str| context.expand(mail.get(key)?, Some(service.as_str()), &mut Mentions::new());
            let (from, to) = (text("from")?, text("to")?);
            (service, SmokeKind::Mail { from, to })
        }
        _ => return None,
    };
    Some(SmokeCheck { service, kind, timeout })
}

fn expect(context: &mut Context<'_>, value: &Value) -> SmokeExpect {
    let shape = inner(inner(&language::ROOT, "smoke"), "");
    let texts = |key: &str| {
        let written = value.get(key).into_iter().flat_map(Value::entries);
        written.filter_map(|(name, it)| Some((name.clone(), it.text()?.to_owned()))).collect()
    };
    let text = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
    let headers = value.get("headers");
    let headers =
        headers.and_then(|it| context.typed(it, inner(shape, "headers"), None, &mut Mentions::new()));
    SmokeExpect {
        json: texts("json"),
        contains: text("contains"),
        headers: headers.unwrap_or_default(),
        bearer: text("bearer"),
    }
}

/// What only a request has.
fn of_a_request(context: &mut Context<'_>, value: &Value, beside: &str) {
    for key in ["service", "status", "json", "contains", "headers", "bearer"] {
        idle(context, value, key, beside);
    }
}

/// A key that nothing reads beside another one is a mistake, not a detail.
fn idle(context: &mut Context<'_>, value: &Value, key: &str, beside: &str) {
    if let Some(idle) = value.get(key) {
        let message = format!("`{key}` has no meaning beside `{beside}`");
        let mut diagnostic =
            Diagnostic::error(codes::EITHER_OR, message).label(idle.key_span, "nothing reads this");
        if let Some(beside) = value.get(beside) {
            diagnostic = diagnostic.label(beside.key_span, "because of this");
        }
        context.report.push(diagnostic.help("remove one of the two"));
    }
}

/// What a check or job needs of the service that it is given to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Port,
    Files,
}

/// The service that `key` names, or the only one that can be meant.
pub(super) fn chosen(
    context: &mut Context<'_>,
    value: &Value,
    key: &str,
    services: &Services,
    wants: Wants,
) -> Option<ServiceName> {
    let fits = |it: &Service| wants == Wants::Files || !it.ports.is_empty();
    if let Some(named) = value.get(key) {
        let name = named.text()?;
        let Some((name, service)) = services.get_key_value(name) else {
            let known: Vec<&str> = services.keys().map(ServiceName::as_str).collect();
            context.report.push(crate::checks::unknown_service(name, named.place(), &known));
            return None;
        };
        if fits(service) {
            return Some(name.clone());
        }
        let message = format!("`{name}` takes no requests, so a smoke check cannot ask it");
        let diagnostic = Diagnostic::error(codes::SMOKE_SERVICE, message);
        context.report.push(diagnostic.label(named.place(), "a service with a port is wanted"));
        return None;
    }
    let mut candidates = services.iter().filter(|it| fits(it.1));
    match (candidates.next(), candidates.next()) {
        (Some((name, _)), None) => Some(name.clone()),
        (None, _) if wants == Wants::Port && !services.is_empty() => {
            let diagnostic =
                Diagnostic::error(codes::SMOKE_SERVICE, "no service takes requests for this smoke check");
            context.report.push(diagnostic.label(value.place(), "asks a service with a port"));
            None
        }
        (None, _) => None,
        (Some(_), Some(_)) => {
            ambiguous(context, value, key, services, wants);
            None
        }
    }
}

fn ambiguous(context: &mut Context<'_>, value: &Value, key: &str, services: &Services, wants: Wants) {
    let fits = services.iter().filter(|it| wants == Wants::Files || !it.1.ports.is_empty());
    let names = lockgate_diagnostics::suggest::list(fits.map(|it| it.0.as_str()));
    let diagnostic = match wants {
        Wants::Port => {
            let message = "the smoke check does not say which service it asks";
            Diagnostic::error(codes::SMOKE_SERVICE, message)
                .label(value.place(), "several services take requests")
        }
        Wants::Files => missing(key, "this command", value.place()),
    };
    context.report.push(diagnostic.help(format!("add `{key}:` with one of {names}")));
}
