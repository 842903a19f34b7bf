//! Removes what Lockgate made for this scope and nothing needs any more.

use lockgate_model::Keep;

use super::Cluster;
use crate::TargetError;

pub(super) async fn prune(cluster: &Cluster, keep: &Keep) -> Result<(), TargetError> {
    tracing::debug!(namespace = cluster.namespace, slots = keep.slots.len(), "nothing is pruned");
    Ok(())
}
