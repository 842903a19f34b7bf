//! Names and labels of what a node makes on an engine. By them alone a later node finds it again.

use std::collections::BTreeMap;

use lockgate_docker::ContainerState;
use lockgate_model::{EffectKey, EnvironmentName, Scope, SlotRef, SystemName};

pub(crate) const SYSTEM: &str = "lockgate.dev/system";
pub(crate) const ENVIRONMENT: &str = "lockgate.dev/environment";
pub(crate) const NODE: &str = "lockgate.dev/node";
pub(crate) const SERVICE: &str = "lockgate.dev/service";
pub(crate) const RELEASE: &str = "lockgate.dev/release";
pub(crate) const INSTANCE: &str = "lockgate.dev/instance";
pub(crate) const JOB: &str = "lockgate.dev/job";
pub(crate) const DEPENDENCY: &str = "lockgate.dev/dependency";
/// Digest of the description that it was made from.
pub(crate) const SPEC: &str = "lockgate.dev/spec";

/// The network that the router is on.
pub(crate) const DEFAULT_NETWORK: &str = "default";

pub(crate) type Labels = BTreeMap<String, String>;

/// Of a network, a volume or a dependency by its short name.
pub(crate) fn in_scope(scope: &Scope, name: &str) -> String {
    format!("{}-{}-{name}", scope.system, scope.environment)
}

pub(crate) fn instance(scope: &Scope, slot: &SlotRef, number: u32) -> String {
    in_scope(scope, &format!("{}-{}-{number}", slot.service, slot.release))
}

pub(crate) fn job(scope: &Scope, key: &EffectKey) -> String {
    in_scope(scope, key.as_str())
}

pub(crate) fn scope_labels(scope: &Scope) -> Labels {
    labels([(SYSTEM, scope.system.to_string()), (ENVIRONMENT, scope.environment.to_string())])
}

pub(crate) fn labels<const N: usize>(pairs: [(&str, String); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether it carries all of these labels.
pub(crate) fn carries(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// Whose instance a container is, by its labels.
pub(crate) fn instance_of(container: &ContainerState) -> Option<(Scope, SlotRef, u32)> {
    let of = |name: &str| container.labels.get(name);
    let slot = format!("{}@{}", of(SERVICE)?, of(RELEASE)?).parse().ok()?;
    Some((scope_of(&container.labels)?, slot, of(INSTANCE)?.parse().ok()?))
}

pub(crate) fn scope_of(labels: &Labels) -> Option<Scope> {
    let system = SystemName::new(labels.get(SYSTEM)?.clone()).ok()?;
    let environment = EnvironmentName::new(labels.get(ENVIRONMENT)?.clone()).ok()?;
    Some(Scope { system, environment })
}

#[cfg(test)]
mod tests {
    use lockgate_docker::Phase;

    use super::*;

    #[test]
    fn an_instance_is_found_again_by_its_labels() {
        let scope = Scope {
            system: SystemName::new("shop").unwrap(),
            environment: EnvironmentName::new("prod").unwrap(),
        };
        let slot: SlotRef = "web@r12".parse().unwrap();
        assert_eq!(instance(&scope, &slot, 3), "shop-prod-web-r12-3");
        let mut labels = scope_labels(&scope);
        labels.extend(super::labels([
            (SERVICE, "web".to_owned()),
            (RELEASE, "r12".to_owned()),
            (INSTANCE, "3".to_owned()),
        ]));
        assert!(carries(&labels, &scope_labels(&scope)) && !carries(&scope_labels(&scope), &labels));
        let container = ContainerState {
            id: "0a".to_owned(),
            name: instance(&scope, &slot, 3),
            image: "web".to_owned(),
            labels,
            phase: Phase::Running,
            addresses: BTreeMap::new(),
        };
        assert_eq!(instance_of(&container), Some((scope, slot, 3)));
    }
}
