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
