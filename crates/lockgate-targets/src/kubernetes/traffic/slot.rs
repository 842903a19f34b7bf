//! What a slot's Deployment says of its pods.

use lockgate_model::SlotSpec;

use super::super::names;
use super::super::observe::SlotDeployment;

impl SlotDeployment {
    pub(crate) fn replicas(&self) -> u16 {
        count(self.deployment.spec.as_ref().map(|it| it.replicas.unwrap_or(1)))
    }

    pub(crate) fn ready(&self) -> u16 {
        count(self.deployment.status.as_ref().and_then(|it| it.ready_replicas))
    }

    /// What was asked for, without its objects; `None` of one that was made by others.
    pub(crate) fn spec(&self) -> Option<SlotSpec> {
        serde_json::from_str(self.annotation(names::SPEC)?).ok()
    }
}

fn count(number: Option<i32>) -> u16 {
    u16::try_from(number.unwrap_or_default()).unwrap_or_default()
}
