//! One service as it was seen at a look: its slots, their pods, and the Services that lead to them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use lockgate_model::{ServiceName, SlotRef, SlotSpec};

use super::super::observe::SlotDeployment;
use super::super::traffic::Backend;
use super::pods;

pub(crate) struct Seen<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) service: &'a ServiceName,
    pub(crate) slots: Vec<SeenSlot<'a>>,
    /// Empty where nobody has asked who leads to the slots, and where nothing leads to one of them alone.
    pub(crate) backends: Vec<Backend>,
}

pub(crate) struct SeenSlot<'a> {
    pub(crate) slot: SlotRef,
    pub(crate) deployment: &'a SlotDeployment,
    pub(crate) spec: Option<SlotSpec>,
    pub(crate) pods: Vec<&'a Pod>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(
        namespace: &'a str,
        service: &'a ServiceName,
        slots: &'a [SlotDeployment],
        pods: &'a [Pod],
    ) -> Seen<'a> {
        let of_service = slots.iter().filter(|it| it.slot.service == *service);
        let slots = of_service.map(|it| SeenSlot {
            slot: it.slot.clone(),
            deployment: it,
            spec: it.spec(),
            pods: pods_of(it, pods),
        });
        Seen { namespace, service, slots: slots.collect(), backends: Vec::new() }
    }

    /// Whether every slot says where its own metrics are.
    pub(crate) fn shows_metrics(&self) -> bool {
        self.specs().all(|it| it.metrics.is_some())
    }

    pub(crate) fn takes_requests(&self) -> bool {
        self.specs().any(|it| !it.ports.is_empty())
    }

    pub(crate) fn has_no_pods(&self) -> bool {
        self.slots.iter().all(|it| it.pods.is_empty())
    }

    fn specs(&self) -> impl Iterator<Item = &SlotSpec> {
        self.slots.iter().filter_map(|it| it.spec.as_ref())
    }

    /// Bounds of latency that the release asks for.
    pub(crate) fn planned(&self) -> Vec<u32> {
        self.specs().last().map(|it| it.latency_bounds_ms.clone()).unwrap_or_default()
    }

    /// Paths that nobody but the platform asks for.
    pub(crate) fn ignored(&self) -> BTreeSet<String> {
        self.slots.iter().flat_map(SeenSlot::ignored).collect()
    }
}

impl SeenSlot<'_> {
    pub(crate) fn ignored(&self) -> BTreeSet<String> {
        let metrics = self.spec.iter().filter_map(|it| Some(it.metrics.as_ref()?.path.clone()));
        self.pods.iter().flat_map(|it| pods::probed(it)).chain(metrics).collect()
    }

    pub(crate) fn deployment(&self) -> String {
        self.deployment.deployment.name_any()
    }
}

fn pods_of<'p>(slot: &SlotDeployment, pods: &'p [Pod]) -> Vec<&'p Pod> {
    let labels = slot.selector();
    let is_of = |pod: &&Pod| {
        !labels.is_empty() && labels.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
    };
    pods.iter().filter(is_of).collect()
}
