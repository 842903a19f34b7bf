//! What runs now, as a target sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, ReleaseId, ServiceName, Version, Weights};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub services: BTreeMap<ServiceName, ObservedService>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedService {
    pub slots: BTreeMap<ReleaseId, ObservedSlot>,
    /// `None` until the first slot has been given traffic.
    pub weights: Option<Weights>,
    /// How its traffic is split here.
    #[serde(default)]
    pub routing: Routing,
}

/// What splits the traffic of a service, found by looking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    pub sharing: Sharing,
    /// For people: `HTTPRoute web of Gateway public`; empty for the router of the node.
    pub by: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Any weight, in basis points.
    #[default]
    Exact,
    /// Whole percents.
    Percent,
    /// No router: the share follows from how many instances each version has ready.
    Replicas,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedSlot {
    pub version: Version,
    /// [`crate::SlotSpec::workload_digest`] of what runs.
    pub workload: Digest,
    pub wanted: u16,
    pub ready: u16,
    /// Requests, streams and WebSockets under way.
    pub in_flight: u64,
    /// One line per instance, for people: address, process id, condition.
    pub instances: Vec<String>,
}
