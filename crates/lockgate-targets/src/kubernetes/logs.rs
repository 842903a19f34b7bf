//! Last lines that the pods of a slot printed.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{ListParams, LogParams};
use lockgate_model::SlotRef;
use lockgate_node::LogLine;

use super::refusal::told;
use super::{Cluster, names, observe};
use crate::TargetError;

pub(super) async fn logs(cluster: &Cluster, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
    let slots = observe::slots(cluster, Some(&slot.service)).await?;
    let Some(found) = slots.into_iter().find(|it| it.slot == *slot) else { return Ok(vec![]) };
    let pods = cluster.api::<Pod>();
    let listed = pods.list(&ListParams::default().labels(&names::selector(&found.selector()))).await;
    let doing = format!("list the pods of {slot} in namespace {}", cluster.namespace);
    let mut shown = vec![];
    for pod in listed.map_err(|it| told(&it, &doing))?.items {
        let source = pod.name_any();
        let params = LogParams {
            container: pod.spec.as_ref().and_then(|it| Some(it.containers.first()?.name.clone())),
            tail_lines: Some(i64::from(lines)),
            ..LogParams::default()
        };
        match pods.logs(&source, &params).await {
            Ok(text) => {
                shown.extend(text.lines().map(|it| LogLine { source: source.clone(), text: it.to_owned() }));
            }
            // One whose container has not begun has printed nothing; one that has just gone is not missed.
            Err(kube::Error::Api(status)) if [400, 404].contains(&status.code) => (),
            Err(error) => return Err(told(&error, &format!("read what pod {source} printed"))),
        }
    }
    Ok(shown)
}
