//! One of the platforms, chosen by the environment of a release.

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, ServiceName, SlotRef, SlotSpec,
    SmokeSpec, Weights,
};

#[cfg(feature = "kubernetes")]
use crate::Kubernetes;
use crate::{Docker, JobReport, Local, LogLine, Sighting, Target, TargetError};

/// A target whose kind is known at run time only.
#[derive(Clone, Debug)]
pub enum Platform {
    Local(Local),
    #[cfg(feature = "kubernetes")]
    Kubernetes(Kubernetes),
    Docker(Docker),
}

/// The same call on whichever platform it is.
macro_rules! each {
    ($platform:expr, $target:ident => $call:expr) => {
        match $platform {
            Platform::Local($target) => $call,
            #[cfg(feature = "kubernetes")]
            Platform::Kubernetes($target) => $call,
            Platform::Docker($target) => $call,
        }
    };
}

impl Target for Platform {
    async fn observe(&self) -> Result<Observed, TargetError> {
        each!(self, it => it.observe().await)
    }

    async fn prepare(&self, fence: &Fence, key: &EffectKey, fixtures: &Fixtures) -> Result<(), TargetError> {
        each!(self, it => it.prepare(fence, key, fixtures).await)
    }

    async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), TargetError> {
        each!(self, it => it.prune(fence, key, keep).await)
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        each!(self, it => it.ensure_slot(fence, key, slot, instances).await)
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        each!(self, it => it.set_weights(fence, key, service, weights).await)
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), TargetError> {
        each!(self, it => it.drain(fence, key, slot, within).await)
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        each!(self, it => it.remove_slot(fence, key, slot).await)
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        each!(self, it => it.run_job(fence, key, job).await)
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        each!(self, it => it.smoke(check).await)
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        each!(self, it => it.look(fence, key).await)
    }

    async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
        each!(self, it => it.logs(slot, lines).await)
    }

    async fn measure(&self, query: &str) -> Result<Vec<f64>, TargetError> {
        each!(self, it => it.measure(query).await)
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        each!(self, it => it.samples(services).await)
    }
}
