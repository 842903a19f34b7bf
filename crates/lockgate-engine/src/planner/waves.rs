//! The order in which services are started: what others depend on comes first.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{ServiceName, Snapshot};

use super::PlanError;
use super::changes::Change;

/// Groups of services that can be started together, each after those that it depends on.
pub(super) fn waves<'a>(
    snapshot: &Snapshot,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<Vec<Vec<&'a Change>>, PlanError> {
    let mut left: BTreeMap<&ServiceName, &Change> = changes.map(|it| (&it.slot.service, it)).collect();
    let mut waves = vec![];
    while !left.is_empty() {
        let names: BTreeSet<&ServiceName> = left.keys().copied().collect();
        let waits = |name: &ServiceName| {
            let on = &snapshot.system.services[name].depends_on;
            names.iter().any(|it| on.contains_key(it.as_str()) && *it != name)
        };
        let (ready, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = left.into_iter().partition(|it| !waits(it.0));
        if ready.is_empty() {
            return Err(PlanError::Circle(rest.into_keys().cloned().collect()));
        }
        waves.push(ready.into_values().collect());
        left = rest;
    }
    Ok(waves)
}
