//! How the traffic of a service is split between its slots.

use std::collections::BTreeMap;

use lockgate_model::{Fence, Routing, ServiceName, Weights};

use super::Cluster;
use crate::{Class, TargetError};

/// How the traffic of a service is split now, and by what.
pub(crate) struct Split {
    pub(crate) weights: Option<Weights>,
    pub(crate) routing: Routing,
}

/// Of all of these services, with as few requests as for one of them.
pub(super) async fn splits(
    cluster: &Cluster,
    services: &[ServiceName],
) -> Result<BTreeMap<ServiceName, Split>, TargetError> {
    tracing::debug!(namespace = cluster.namespace, services = services.len(), "no router is known");
    Ok(BTreeMap::new())
}

pub(super) async fn set_weights(
    cluster: &Cluster,
    fence: &Fence,
    service: &ServiceName,
    weights: &Weights,
) -> Result<(), TargetError> {
    let text = format!("{service} of {} has no router in {}: {weights:?}", fence.scope, cluster.namespace);
    Err(TargetError::new(Class::Fatal, text))
}
