//! Dependencies, and the variables that carry their addresses.

use std::collections::BTreeMap;

use lockgate_model::{Dependency, DependencyName, password_secret};

use super::{Context, number_u16};
use crate::layers::{Value, inner};
use crate::scope::{Address, Mentions};
use crate::{language, scalar};

/// The address of each dependency. It may use the names of the system and the environment; addresses of others
/// are not known yet, so no loop can arise.
pub(super) fn addresses(context: &mut Context<'_>) -> BTreeMap<String, Address> {
    let tree = context.tree;
    let mut addresses = BTreeMap::new();
    for (name, value) in tree.get("dependencies").into_iter().flat_map(Value::entries) {
        let external = value.get("external");
        let url = match external {
            Some(external) => {
                let written = external.get("url");
                let url = written.and_then(|it| context.expand(it, None, &mut Mentions::new()));
                // Else it is wrong and in the report, or it is found by looking, when there is something to look at.
                url.or_else(|| Some(format!("${{{name}.url}}")))
            }
            None if context.scope.network.is_machine() => None,
            None => Some(bundled(name, value)),
        };
        let text = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
        let in_store = external.is_some_and(|it| it.get("secret").is_some());
        let address =
            Address { kind: text("type"), version: text("version"), url, span: value.key_span, in_store };
        addresses.insert(name.clone(), address);
    }
    addresses
}

/// How a dependency that is started with the system is reached.
fn bundled(name: &str, value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::text);
    let kind = text("type").unwrap_or_default();
    let (scheme, port, signs_in) = match kind {
        "postgres" | "postgresql" => ("postgresql", 5432, true),
        "mysql" | "mariadb" => ("mysql", 3306, true),
        "mongodb" => ("mongodb", 27017, true),
        "rabbitmq" => ("amqp", 5672, true),
        "redis" | "valkey" => (if text("tls") == Some("required") { "rediss" } else { "redis" }, 6379, false),
        "memcached" => ("memcached", 11211, false),
        "kafka" => return format!("{name}:{}", number_u16(value, "port", 9092)),
        "nats" => ("nats", 4222, false),
        "clickhouse" => ("http", 8123, false),
        "elasticsearch" | "opensearch" => ("http", 9200, false),
        "s3" => ("http", 9000, false),
        "smtp" => ("smtp", 1025, false),
        _ => ("http", 80, false),
    };
    let port = number_u16(value, "port", port);
    let system = text("user").or(text("database")).unwrap_or(kind);
    let auth = value.field("auth", scalar::boolean).unwrap_or(false);
    let credentials = match (signs_in, auth) {
        (true, _) => format!("{system}:${{secrets.{}}}@", password_secret(name)),
        (false, true) => format!(":${{secrets.{}}}@", password_secret(name)),
        (false, false) => String::new(),
    };
    let database = text("database").map_or(String::new(), |it| format!("/{it}"));
    let options = if kind == "mongodb" { "?authSource=admin" } else { "" };
    format!("{scheme}://{credentials}{name}:{port}{database}{options}")
}

pub(super) fn lower(context: &mut Context<'_>) -> BTreeMap<DependencyName, Dependency> {
    let tree = context.tree;
    let of = inner(inner(&language::ROOT, "dependencies"), "");
    let mut dependencies = BTreeMap::new();
    for (text, value) in tree.get("dependencies").into_iter().flat_map(Value::entries) {
        let Ok(name) = DependencyName::new(text.as_str()) else { continue };
        let Some(url) = context.scope.dependencies.get(text).map(|it| it.url.clone()) else { continue };
        let read = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
        let texts = |key: &str| {
            let items = value.get(key).map_or(&[][..], Value::items);
            items.iter().filter_map(Value::text).map(str::to_owned).collect()
        };
        let external = value.get("external");
        let dependency = Dependency {
            kind: read("type").unwrap_or_default(),
            version: read("version"),
            url,
            database: read("database"),
            user: read("user"),
            tls: read("tls").as_deref() == Some("required"),
            auth: value.field("auth", scalar::boolean).unwrap_or(false),
            port: value.get("port").map(|_| number_u16(value, "port", 0)),
            image: read("image"),
            publish: value.get("publish").map(|_| number_u16(value, "publish", 0)),
            storage: read("storage"),
            class: read("class"),
            backup: value
                .get("backup")
                .and_then(|it| context.typed(it, inner(of, "backup"), None, &mut Mentions::new())),
            topics: texts("topics"),
            extensions: texts("extensions"),
            monitored: value.field("monitored", scalar::boolean).unwrap_or(true),
            external: external
                .and_then(|it| context.typed(it, inner(of, "external"), None, &mut Mentions::new())),
        };
        dependencies.insert(name, dependency);
    }
    dependencies
}

/// The variable that carries a dependency's address unless `as` names one.
pub(super) fn conventional_variable(kind: &str) -> String {
    match kind {
        "postgres" | "postgresql" | "mysql" | "mariadb" => "DATABASE_URL".to_owned(),
        "valkey" => "REDIS_URL".to_owned(),
        kind => {
            let letters =
                kind.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' });
            format!("{}_URL", letters.collect::<String>())
        }
    }
}
