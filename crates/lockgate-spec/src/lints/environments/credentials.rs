//! Credentials and stores that two environments share: who gets into the one gets into the other.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, Store, TargetKind};

use crate::layers::Value;
use crate::lints::target::is_this_machine;
use crate::spec::Seen;

/// Of this environment and those before it in the file.
pub(super) fn check(seen: &Seen<'_>, before: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    if is_this_machine(&seen.system.target) {
        return;
    }
    for what in [What::Kubeconfig, What::Role, What::Secrets, What::Config] {
        let mut others = before.iter().filter(|it| !is_this_machine(&it.system.target));
        report.extend(others.find_map(|other| shared(seen, other, what)));
    }
}

#[derive(Clone, Copy)]
enum What {
    Kubeconfig,
    Role,
    Secrets,
    Config,
}

fn shared(seen: &Seen<'_>, other: &Seen<'_>, what: What) -> Option<Diagnostic> {
    let (name, example) = match what {
        What::Kubeconfig => {
            (kubeconfig(seen).filter(|it| Some(*it) == kubeconfig(other))?, "KUBECONFIG_PROD")
        }
        What::Role => (role(seen).filter(|it| Some(*it) == role(other))?, "a role for each"),
        What::Secrets => (store(seen, other, "secrets")?, "shop/${environment.name}"),
        What::Config => (store(seen, other, "config")?, "/shop/${environment.name}/"),
    };
    if matches!(what, What::Kubeconfig) && seen.system.stores.secrets != other.system.stores.secrets {
        return None;
    }
    let (a, b) = (&other.system.environment, &seen.system.environment);
    let thing = match what {
        What::Kubeconfig => "kubeconfig",
        What::Role => "role",
        What::Secrets => "store of secrets",
        What::Config => "store of configuration",
    };
    let message = format!("`{a}` and `{b}` have one {thing}, `{}`", shown(name));
    let mut diagnostic = Diagnostic::warning(codes::SHARED_CREDENTIAL, message);
    let (own, others) = (place(seen, what)?, place(other, what)?);
    diagnostic = diagnostic.label(own.place(), format!("of `{b}`"));
    if own.place() != others.place() {
        diagnostic = diagnostic.label(others.place(), format!("and of `{a}`"));
    }
    Some(
        diagnostic
            .help(format!("who gets into one gets into the other; give each its own, such as `{example}`")),
    )
}

fn kubeconfig<'a>(seen: &'a Seen<'_>) -> Option<&'a str> {
    match &seen.system.target {
        TargetKind::Kubernetes(it) => it.kubeconfig.as_deref(),
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => None,
    }
}

fn role<'a>(seen: &'a Seen<'_>) -> Option<&'a str> {
    match &seen.system.target {
        TargetKind::Ecs(it) => it.role.as_deref(),
        TargetKind::EcsExpress(it) => it.role.as_deref(),
        TargetKind::AppRunner(it) => it.role.as_deref(),
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => None,
    }
}

fn region<'a>(seen: &'a Seen<'_>) -> Option<&'a str> {
    match &seen.system.target {
        TargetKind::Ecs(it) => Some(&it.region),
        TargetKind::EcsExpress(it) => Some(&it.region),
        TargetKind::AppRunner(it) => Some(&it.region),
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => None,
    }
}

/// The account in `arn:aws:iam::123456789012:role/deploy`.
fn account(role: &str) -> Option<&str> {
    role.split(':').nth(4)
}

/// One name is one store, unless it is of another region or account, or of a cluster.
fn store<'a>(seen: &'a Seen<'_>, other: &Seen<'_>, key: &str) -> Option<&'a str> {
    let of = |it: &'a Seen<'_>| {
        if key == "secrets" { it.system.stores.secrets.as_ref() } else { it.system.stores.config.as_ref() }
    };
    let own = of(seen)?;
    let others = if key == "secrets" { &other.system.stores.secrets } else { &other.system.stores.config };
    if Some(own) != others.as_ref() {
        return None;
    }
    match own {
        Store::AwsSecretsManager(name) | Store::AwsParameterStore(name) => {
            let differ = |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| a != b);
            let regions = differ(region(seen), region(other));
            let accounts = differ(role(seen).and_then(account), role(other).and_then(account));
            (!regions && !accounts).then_some(name)
        }
        Store::File(name) | Store::Github(name) => Some(name),
        Store::Kubernetes(_) | Store::ExternalSecrets(_) => None,
    }
}

fn place<'a>(seen: &'a Seen<'_>, what: What) -> Option<&'a Value> {
    let target = seen.tree.at(&["target", seen.system.target.as_str()]);
    match what {
        What::Kubeconfig => target?.get("kubeconfig"),
        What::Role => target?.get("role"),
        What::Secrets => seen.tree.at(&["stores", "secrets"])?.entries().next().map(|it| it.1),
        What::Config => seen.tree.at(&["stores", "config"])?.entries().next().map(|it| it.1),
    }
}
