//! Counts and condition of the slots, by which a release is judged.

use lockgate_model::{Samples, ServiceName};

use super::Cluster;
use crate::{Class, TargetError};

pub(super) async fn take(cluster: &Cluster, services: &[ServiceName]) -> Result<Samples, TargetError> {
    let text = format!("nothing counts requests of {services:?} in {}", cluster.namespace);
    Err(TargetError::new(Class::Fatal, text))
}
