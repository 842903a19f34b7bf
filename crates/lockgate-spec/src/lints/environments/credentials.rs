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
        report.extend(others.find_map(|other| what.shared(seen, other)));
    }
}

#[derive(Clone, Copy)]
enum What {
    Kubeconfig,
    Role,
    Secrets,
    Config,
}

impl What {
    fn shared(self, seen: &Seen<'_>, other: &Seen<'_>) -> Option<Diagnostic> {
        let (own, others) = (self.written(seen)?, self.written(other)?);
        let name = match self {
            // One name in two stores is two secrets.
            What::Kubeconfig => {
                own.text().filter(|_| seen.system.stores.secrets == other.system.stores.secrets)
            }
            What::Role => own.text(),
            What::Secrets | What::Config => self.one_store(seen, other),
        }?;
        if matches!(self, What::Kubeconfig | What::Role) && own.text() != others.text() {
            return None;
        }
        let (thing, example) = match self {
            What::Kubeconfig => ("kubeconfig", "KUBECONFIG_PROD"),
            What::Role => ("role", "deploy-prod"),
            What::Secrets => ("store of secrets", "shop/${environment.name}"),
            What::Config => ("store of configuration", "/shop/${environment.name}/"),
        };
        let (a, b) = (&other.system.environment, &seen.system.environment);
        let message = format!("`{a}` and `{b}` have one {thing}, `{}`", shown(name));
        let mut diagnostic =
            Diagnostic::warning(codes::SHARED_CREDENTIAL, message).label(own.place(), format!("of `{b}`"));
        if own.place() != others.place() {
            diagnostic = diagnostic.label(others.place(), format!("and of `{a}`"));
        }
        Some(
            diagnostic.help(format!(
                "who gets into one gets into the other; give each its own, such as `{example}`"
            )),
        )
    }

    fn written<'a>(self, seen: &'a Seen<'_>) -> Option<&'a Value> {
        let target = seen.tree.at(&["target", seen.system.target.as_str()]);
        let store = |key: &str| seen.tree.at(&["stores", key])?.entries().next().map(|it| it.1);
        match self {
            What::Kubeconfig => target?.get("kubeconfig"),
            What::Role => target?.get("role"),
            What::Secrets => store("secrets"),
            What::Config => store("config"),
        }
    }

    fn store<'a>(self, seen: &'a Seen<'_>) -> Option<&'a Store> {
        match self {
            What::Secrets => seen.system.stores.secrets.as_ref(),
            What::Config => seen.system.stores.config.as_ref(),
            What::Kubeconfig | What::Role => None,
        }
    }

    /// One name is one store, unless it is of another region or account, or of a cluster.
    fn one_store<'a>(self, seen: &'a Seen<'_>, other: &Seen<'_>) -> Option<&'a str> {
        let store = self.store(seen).filter(|it| Some(*it) == self.store(other))?;
        match store {
            Store::AwsSecretsManager(name) | Store::AwsParameterStore(name) => {
                let differ = |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| a != b);
                let regions = differ(region(&seen.system.target), region(&other.system.target));
                let accounts = differ(account(seen), account(other));
                (!regions && !accounts).then_some(name)
            }
            Store::File(name) | Store::Github(name) => Some(name),
            Store::Kubernetes(_) | Store::ExternalSecrets(_) => None,
        }
    }
}

fn region(target: &TargetKind) -> Option<&str> {
    match target {
        TargetKind::Ecs(it) => Some(&it.region),
        TargetKind::EcsExpress(it) => Some(&it.region),
        TargetKind::AppRunner(it) => Some(&it.region),
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => None,
    }
}

/// The account in `arn:aws:iam::123456789012:role/deploy`.
fn account<'a>(seen: &'a Seen<'_>) -> Option<&'a str> {
    What::Role.written(seen)?.text()?.split(':').nth(4)
}
