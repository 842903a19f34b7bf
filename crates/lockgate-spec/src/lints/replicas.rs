//! How many instances of a service there may be at once.

use crate::layers::Value;
use crate::spec::Seen;

/// The number of instances at most, with the value that says it where one does.
pub(super) struct Most<'a> {
    pub(super) number: u16,
    pub(super) written: Option<&'a Value>,
}

pub(super) fn most<'a>(seen: &'a Seen<'_>, service: &str) -> Option<Most<'a>> {
    let typed = seen.system.services.get(service)?;
    let value = seen.tree.at(&["services", service])?;
    Some(match &typed.autoscaling {
        Some(scaling) if typed.replicas <= scaling.max => {
            Most { number: scaling.max, written: value.at(&["autoscaling", "max"]) }
        }
        Some(_) | None => Most { number: typed.replicas, written: value.get("replicas") },
    })
}
