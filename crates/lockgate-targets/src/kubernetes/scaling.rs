//! Autoscalers: the size of what serves is theirs, and they follow what serves.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt as _;
use kube::api::{ListParams, Patch, PatchParams};
use lockgate_model::{Fence, ServiceName, Weight, Weights};
use serde_json::json;

use super::observe::{self, SlotDeployment};
use super::refusal::{is_conflict, told};
use super::{Cluster, fence::mark, names};
use crate::{Class, TargetError};

/// Times that an autoscaler may change between our reading and writing; its controller writes its status.
const WRITES_MAX: u16 = 20;

/// How many instances are to be written: those that there are when an autoscaler says how many, and none when
/// none are wanted.
pub(super) async fn instances(
    cluster: &Cluster,
    found: Option<&SlotDeployment>,
    wanted: u16,
) -> Result<u16, TargetError> {
    let Some(found) = found else { return Ok(wanted) };
    let now = observe::wanted(&found.deployment);
    // An autoscaler leaves a Deployment of size 0 alone.
    if wanted == 0 || now == 0 || now == wanted {
        return Ok(wanted);
    }
    let name = found.deployment.name_any();
    let scaled = of_service(cluster, &found.slot.service).await?.iter().any(|it| target(it) == name);
    Ok(if scaled { now } else { wanted })
}

/// The autoscaler of a service follows the slot that serves all of it.
pub(super) async fn follow(
    cluster: &Cluster,
    fence: &Fence,
    service: &ServiceName,
    weights: &Weights,
) -> Result<(), TargetError> {
    let Some((release, _)) = weights.iter().find(|it| it.1 == Weight::ALL) else { return Ok(()) };
    for _ in 0..WRITES_MAX {
        let scalers = of_service(cluster, service).await?;
        if scalers.is_empty() {
            return Ok(());
        }
        let slots = observe::slots(cluster, Some(service)).await?;
        let Some(serving) = slots.iter().find(|it| it.slot.release == release) else { return Ok(()) };
        let name = serving.deployment.name_any();
        let mut others = scalers.iter().filter(|it| target(it) != name);
        let Some(scaler) = others.next() else { return Ok(()) };
        aim(cluster, fence, scaler, &name).await?;
    }
    let text = format!("the autoscaler of {service} is changed by somebody else all the time");
    Err(TargetError::new(Class::Transient, text))
}

/// One that somebody has written since it was read is looked at again.
async fn aim(
    cluster: &Cluster,
    fence: &Fence,
    scaler: &HorizontalPodAutoscaler,
    name: &str,
) -> Result<(), TargetError> {
    let patch = json!({
        "metadata": {
            "annotations": {names::FENCE: mark(fence)},
            "resourceVersion": scaler.resource_version(),
        },
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
    });
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    let api = cluster.api::<HorizontalPodAutoscaler>();
    match api.patch(&scaler.name_any(), &params, &Patch::Merge(&patch)).await {
        Err(error) if !is_conflict(&error) => {
            Err(told(&error, &format!("change HorizontalPodAutoscaler {}", scaler.name_any())))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn target(scaler: &HorizontalPodAutoscaler) -> &str {
    scaler.spec.as_ref().map_or("", |it| it.scale_target_ref.name.as_str())
}

async fn of_service(
    cluster: &Cluster,
    service: &ServiceName,
) -> Result<Vec<HorizontalPodAutoscaler>, TargetError> {
    let selector = format!("{}={},{}={service}", names::PART_OF, cluster.scope.system, names::NAME);
    let listed =
        cluster.api::<HorizontalPodAutoscaler>().list(&ListParams::default().labels(&selector)).await;
    let doing = format!("list HorizontalPodAutoscalers in namespace {}", cluster.namespace);
    Ok(listed.map_err(|it| told(&it, &doing))?.items)
}
