//! temporary
use crate::protocol::Failure;
use lockgate_model::*;
use std::collections::BTreeMap;
use std::net::IpAddr;
pub(crate) struct Front {}
pub(crate) struct HealthWatch {}
impl HealthWatch {
    pub(crate) async fn changed(&mut self) -> bool {
        std::future::pending().await
    }
}
impl Front {
    pub(crate) fn new(_: &Scope) -> Front {
        Front {}
    }
    pub(crate) async fn listen(
        &self,
        _: &ServiceName,
        _: IpAddr,
        _: &BTreeMap<PortName, Port>,
    ) -> Result<(), Failure> {
        Ok(())
    }
    pub(crate) async fn listen_until_open(&self, _: &ServiceName, _: IpAddr, _: &BTreeMap<PortName, Port>) {}
    pub(crate) async fn close(&self, _: &ServiceName) {}
    pub(crate) fn put_slot(&self, _: &SlotSpec) {}
    pub(crate) fn remove_slot(&self, _: &SlotRef) {}
    pub(crate) fn put_instance(&self, _: &SlotSpec, _: u32, _: &BTreeMap<PortName, u16>, _: bool) {}
    pub(crate) fn mark_ready(&self, _: &SlotRef, _: u32) {}
    pub(crate) fn remove_instance(&self, _: &SlotRef, _: u32) {}
    pub(crate) fn health(&self, _: &SlotRef, _: u32) -> HealthWatch {
        HealthWatch {}
    }
    pub(crate) async fn drain_instance(&self, _: &SlotRef, _: u32, _: Millis) {}
    pub(crate) async fn drain_slot(&self, _: &SlotRef, _: Millis) -> u64 {
        0
    }
    pub(crate) fn last_probe(&self, _: &SlotRef, _: u32) -> Option<String> {
        None
    }
    pub(crate) fn set_weights(&self, _: &ServiceName, _: &Weights) -> Result<(), Failure> {
        Ok(())
    }
    pub(crate) fn in_flight(&self, _: &SlotRef) -> u64 {
        0
    }
    pub(crate) fn samples(&self, _: &[ServiceName]) -> Samples {
        Samples::default()
    }
    pub(crate) fn prometheus(&self, _: &Scope) -> String {
        String::new()
    }
}
