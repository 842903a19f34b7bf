//! Names, labels and annotations that say whose an object is and which release it is of.

use lockgate_model::{EffectKey, Scope, ServiceName, SlotRef};

/// Owner of the fields that Lockgate applies.
pub(crate) const MANAGER: &str = "lockgate";

/// Label of every object of a system.
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
/// Label of every object of a service, and of its pods.
pub(crate) const NAME: &str = "app.kubernetes.io/name";
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Label of what belongs to one environment of the system, such as `production`.
pub(crate) const ENVIRONMENT: &str = "lockgate.dev/environment";
/// Label of a slot's Deployment and its pods, such as `r12`.
pub(crate) const RELEASE: &str = "lockgate.dev/release";
/// Label of rendered pods: which of two versions they are. A slot's pods have [`RELEASE`] instead.
pub(crate) const TRACK: &str = "lockgate.dev/track";
/// Label of a Job: the key of the attempt that it is.
pub(crate) const KEY: &str = "lockgate.dev/key";

/// Annotation: the version that users know.
pub(crate) const VERSION: &str = "lockgate.dev/version";
/// Annotation: [`lockgate_model::SlotSpec::workload_digest`].
pub(crate) const WORKLOAD: &str = "lockgate.dev/workload";
/// Annotation: epoch and number of the request that wrote the object last, such as `3.17`.
pub(crate) const FENCE: &str = "lockgate.dev/fence";
/// Annotation: instances that were asked for, which is what an autoscaler begins with.
pub(crate) const REPLICAS: &str = "lockgate.dev/replicas";
/// Annotation: the slot without its Kubernetes objects and the values of its variables, as JSON.
pub(crate) const SPEC: &str = "lockgate.dev/slot";
/// Annotation of a Deployment that was taken over: its images as they were written, and what they mean, as JSON.
pub(crate) const INSTALLED: &str = "lockgate.dev/installed-images";
/// Annotation of a Secret: which values it is made of, as JSON.
pub(crate) const SECRET_REFS: &str = "lockgate.dev/secret-refs";

/// Longest name of objects whose pods' host names and labels carry it.
const NAME_LEN_MAX: usize = 63;

/// Name of the Deployment that is made for a slot. Names that are too long keep a digest of themselves.
pub(crate) fn deployment(slot: &SlotRef) -> String {
    shortened(&slot.service.to_string(), &format!("-{}", slot.release))
}

/// The Service that takes the share of the version that is tried.
pub(crate) fn canary(service: &ServiceName) -> String {
    shortened(service.as_str(), "-canary")
}

/// The `ConfigMap` that keeps the fences.
pub(crate) fn fences(scope: &Scope) -> String {
    shortened(&format!("lockgate-{}", scope.system), &format!("-{}", scope.environment))
}

/// The Job of an attempt. A look knows its key only.
pub(crate) fn job(scope: &Scope, key: &EffectKey) -> String {
    shortened(
        &format!("{}-{}", scope.system, scope.environment),
        &format!("-{}", key.as_str().replace('.', "-")),
    )
}

/// `name` and `ending`, the former cut and told apart by its digest when both together are too long.
fn shortened(name: &str, ending: &str) -> String {
    let whole = format!("{name}{ending}");
    if whole.len() <= NAME_LEN_MAX {
        return whole;
    }
    let digest = &lockgate_model::Digest::of(whole.as_bytes()).hex()[..8];
    let ending = if ending.len() < NAME_LEN_MAX / 2 { ending } else { "" };
    let kept = NAME_LEN_MAX - ending.len() - digest.len() - 1;
    format!("{}-{digest}{ending}", name[..kept.min(name.len())].trim_end_matches('-'))
}

/// Label selector of what has all of these labels.
pub(crate) fn selector<'l>(labels: impl IntoIterator<Item = (&'l String, &'l String)>) -> String {
    let pairs = labels.into_iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

/// Label selector of all that belongs to this system and environment.
pub(crate) fn of_scope(scope: &Scope) -> String {
    format!("{PART_OF}={},{ENVIRONMENT}={}", scope.system, scope.environment)
}

/// Label selector of the pods of a slot.
pub(crate) fn pods(slot: &SlotRef) -> String {
    format!("{NAME}={},{RELEASE}={}", slot.service, slot.release)
}

#[cfg(test)]
mod tests {
    use lockgate_model::ReleaseId;

    use super::*;

    #[test]
    fn names_say_which_slot_and_fit() {
        let slot = |name: &str| SlotRef { service: ServiceName::new(name).unwrap(), release: ReleaseId(12) };
        assert_eq!(deployment(&slot("web")), "web-r12");
        let (long, other) = (deployment(&slot(&"a".repeat(62))), deployment(&slot(&"a".repeat(63))));
        assert!(long.len() <= 63 && long.ends_with("-r12") && long != other, "{long} {other}");
    }
}
