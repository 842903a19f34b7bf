//! Pods that the API server refuses to make: quotas, policies, webhooks, accounts that are not there.

use lockgate_model::Millis;

use super::seen::Seen;
use super::{Finding, QUOTA, RESTARTING, SETTLING, Times, after, hopeless};
use crate::Class;

pub(super) fn refused(seen: &Seen, times: &Times) -> Finding {
    let said = of_replica_set(seen).or_else(|| of_deployment(seen))?;
    let said = said.trim_start_matches("Error creating: ");
    let namespace = seen.deployment.as_ref().and_then(|it| it.metadata.namespace.as_deref());
    let (patience, class, text, hint) = reading(said, namespace.unwrap_or("default"));
    Some(after(patience, times, hopeless(class, text, hint)))
}

fn of_replica_set(seen: &Seen) -> Option<&str> {
    let conditions =
        seen.replica_sets.iter().filter_map(|it| it.status.as_ref()?.conditions.as_ref()).flatten();
    let mut failed = conditions.filter(|it| it.type_ == "ReplicaFailure" && it.status == "True");
    failed.find_map(|it| it.message.as_deref())
}

fn of_deployment(seen: &Seen) -> Option<&str> {
    let conditions = seen.deployment.as_ref()?.status.as_ref()?.conditions.as_ref()?;
    let failed = conditions.iter().find(|it| it.type_ == "ReplicaFailure" && it.status == "True");
    failed?.message.as_deref()
}

/// What is said of a refused pod, in the words of the API server's own checks and of webhooks.
fn reading(said: &str, namespace: &str) -> (Millis, Class, String, String) {
    // `pods "web-r12-x" is forbidden: `; the name is of a pod that never was.
    let plain = said.split_once(" is forbidden: ").map_or(said, |it| it.1);
    if let Some(rest) = plain.strip_prefix("exceeded quota: ") {
        let quota = rest.split(',').next().unwrap_or(rest);
        let hint =
            format!("kubectl -n {namespace} get quota {quota}: raise it, or ask for less with `resources`");
        return (QUOTA, Class::Fatal, format!("no pod is made: exceeded quota {rest}"), hint);
    }
    if plain.contains("failed quota:") {
        let hint = "the namespace's quota wants `resources` to be stated for every service";
        return (Millis(0), Class::Fatal, format!("no pod is made: {plain}"), hint.to_owned());
    }
    if plain.contains("failed calling webhook") {
        let hook = plain.split('"').nth(1).unwrap_or_default();
        let text =
            format!("no pod is made, since the webhook `{hook}` does not answer: {}", last_part(plain));
        let hint = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations: see that its service runs";
        return (RESTARTING, Class::Transient, text, hint.to_owned());
    }
    if plain.contains("denied the request") || plain.contains("denied request") {
        return (Millis(0), Class::Fatal, format!("no pod is made: {plain}"), policy_hint(plain));
    }
    if plain.contains("violates PodSecurity") {
        let hint = "the namespace's label `pod-security.kubernetes.io/enforce` asks for this: change the service, or the label";
        return (Millis(0), Class::Fatal, format!("no pod is made: it {plain}"), hint.to_owned());
    }
    if plain.contains("serviceaccount") && plain.contains("not found") {
        let account = plain.rsplit('"').nth(1).unwrap_or_default();
        let text = format!("no pod is made: its service account `{account}` is not there");
        return (
            SETTLING,
            Class::Fatal,
            text,
            format!("kubectl -n {namespace} get serviceaccount {account}"),
        );
    }
    let hint = format!("kubectl -n {namespace} describe replicasets");
    let class = if plain.contains("Internal error") || plain.contains("timeout") {
        Class::Transient
    } else {
        Class::Fatal
    };
    (SETTLING, class, format!("no pod is made: {plain}"), hint)
}

fn policy_hint(said: &str) -> String {
    if said.contains("ValidatingAdmissionPolicy") {
        let policy = said.split('\'').nth(1).unwrap_or_default();
        return format!("kubectl get validatingadmissionpolicy {policy} -o yaml");
    }
    "the cluster's policy refuses these pods: change what it names, or ask whoever owns the policy".to_owned()
}

/// `... Post "https://...": dial tcp ...: connection refused`: what went wrong in the end.
fn last_part(said: &str) -> &str {
    said.rsplit_once("\": ").map_or(said, |it| it.1)
}
