//! One-off jobs: a Job named by the effect's key, followed to its end.

use lockgate_model::{EffectKey, Fence, JobSpec};

use super::Cluster;
use crate::{Class, JobReport, Sighting, TargetError};

pub(super) async fn run(
    cluster: &Cluster,
    fence: &Fence,
    key: &EffectKey,
    job: &JobSpec,
) -> Result<JobReport, TargetError> {
    let text = format!("job {} ({key}) of {} is not run in {}", job.name, fence.scope, cluster.namespace);
    Err(TargetError::new(Class::Fatal, text))
}

/// What became of the Job of this key.
pub(super) async fn look(cluster: &Cluster, key: &EffectKey) -> Result<Sighting, TargetError> {
    tracing::debug!(namespace = cluster.namespace, %key, "no job runs");
    Ok(Sighting::NeverRan)
}
