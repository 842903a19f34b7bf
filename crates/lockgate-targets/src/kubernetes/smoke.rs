//! One request to a running version.

use lockgate_model::SmokeSpec;

use super::Cluster;
use crate::{Class, TargetError};

pub(super) async fn check(cluster: &Cluster, check: &SmokeSpec) -> Result<(), TargetError> {
    let text = format!("{} in {} is not reached at port {}", check.service, cluster.namespace, check.port);
    Err(TargetError::new(Class::Fatal, text))
}
