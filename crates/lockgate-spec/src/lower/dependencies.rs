//! Dependencies, and the variables that carry their addresses.

use std::collections::BTreeMap;

use lockgate_model::{Dependency, DependencyName};

use super::Context;
use crate::layers::Value;
use crate::scope::{Address, Mentions};

/// The address of each dependency. It may use the names of the system and the environment; addresses of others
/// are not known yet, so no loop can arise.
pub(super) fn addresses(context: &mut Context<'_>) -> BTreeMap<String, Address> {
    let tree = context.tree;
    let mut addresses = BTreeMap::new();
    for (name, value) in tree.get("dependencies").into_iter().flat_map(Value::entries) {
        let url = value.at(&["external", "url"]);
        let url = url.and_then(|it| context.expand(it, None, &mut Mentions::new()));
        let text = |key: &str| value.get(key).and_then(Value::text).map(str::to_owned);
        let address = Address { kind: text("type"), version: text("version"), url, span: value.key_span };
        addresses.insert(name.clone(), address);
    }
    addresses
}

pub(super) fn lower(context: &mut Context<'_>) -> BTreeMap<DependencyName, Dependency> {
    let tree = context.tree;
    let mut dependencies = BTreeMap::new();
    for (name, value) in tree.get("dependencies").into_iter().flat_map(Value::entries) {
        if value.get("type").is_none() {
            let help = "as in `type: postgres`; it decides the variable that carries the address";
            context.missing("type", &format!("dependency `{name}`"), value.key_span, help);
            continue;
        }
        let (Ok(name), Some(address)) =
            (DependencyName::new(name.as_str()), context.scope.dependencies.get(name))
        else {
            continue;
        };
        let dependency = Dependency {
            kind: address.kind.clone().unwrap_or_default(),
            version: address.version.clone(),
            url: address.url.clone(),
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
