//! Where an environment runs, and what it demands of a release.

use std::net::{IpAddr, Ipv4Addr};

use lockgate_model::{EnvironmentName, LocalTarget, Policy, Protection, Stores, TargetKind};

use super::Context;
use crate::language;
use crate::layers::{Value, inner};
use crate::scalar;
use crate::scope::{Mentions, Network};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How services reach one another.
pub(super) fn network(tree: &Value) -> Network {
    let images =
        tree.get("target").is_some_and(|it| it.get("local").is_none() && it.entries().next().is_some());
    if images {
        return Network::Names;
    }
    let bind = bind(tree);
    Network::Machine(if bind.is_unspecified() { LOCALHOST } else { bind })
}

fn bind(tree: &Value) -> IpAddr {
    let written = tree.at(&["target", "local"]).and_then(|it| it.field("bind", scalar::address));
    written.unwrap_or(LOCALHOST)
}

/// The target, or the local one when it is missing or wrong, which is in the report then.
pub(super) fn target(context: &mut Context<'_>) -> TargetKind {
    let tree = context.tree;
    let written = tree.get("target");
    let target = written
        .and_then(|it| context.typed(it, inner(&language::ROOT, "target"), None, &mut Mentions::new()));
    target.unwrap_or_else(|| TargetKind::Local(LocalTarget { bind: bind(tree) }))
}

pub(super) fn policy(context: &mut Context<'_>) -> Policy {
    let tree = context.tree;
    let text = |key: &str| tree.get(key).and_then(Value::text).map(str::to_owned);
    let version = tree.get("version").and_then(|it| context.expand(it, None, &mut Mentions::new()));
    Policy {
        branch: text("branch"),
        tag: text("tag"),
        version,
        promote: text("promote").and_then(|it| EnvironmentName::new(it).ok()),
        host: text("host"),
        protection: context.part::<Protection>("protection"),
    }
}

pub(super) fn stores(context: &mut Context<'_>) -> Stores {
    context.part("stores").unwrap_or_default()
}
