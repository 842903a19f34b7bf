//! What stands beside the slots: applied in order, and awaited until it is ready.

use lockgate_model::{Fence, Fixtures};

use super::Cluster;
use super::apply::{Take, apply};
use crate::{Class, TargetError};

pub(super) async fn prepare(
    cluster: &Cluster,
    fence: &Fence,
    fixtures: &Fixtures,
) -> Result<(), TargetError> {
    match fixtures {
        Fixtures::None => Ok(()),
        Fixtures::Docker(_) => {
            let text = format!("the release of {} is made for Docker, not for Kubernetes", fence.scope);
            Err(TargetError::new(Class::Fatal, text))
        }
        Fixtures::Objects(objects) => {
            for object in &objects.0 {
                apply(cluster, object, Take::Ours).await?;
            }
            Ok(())
        }
    }
}
