//! The platforms that releases are carried out on, behind one contract.
//!
//! Every operation is idempotent and level-triggered: it says what should be, not what to change, and asking
//! twice is the same as asking once. Every request carries a [`Fence`]; a target refuses one that is older
//! than what it has seen, so a late request of a dead driver does no harm.

use std::future::Future;

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, ServiceName, SlotRef, SlotSpec,
    SmokeSpec, Weights,
};

mod docker;
mod doctor;
mod error;
mod exchange;
mod expect;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod local;
mod platform;
mod ssh;

pub use docker::{Docker, DockerConfig, HostAddress, SshAddress};
pub use doctor::{Check, Found};
pub use error::{Class, TargetError};
#[cfg(feature = "kubernetes")]
pub use kubernetes::{
    Adoption, Change, CountedBy, FieldDiff, FoundObject, HelmRelease, HelmVerdict, Kubernetes,
    KubernetesConfig, ObjectDiff, Rendered, Right, TakeOver, Taken, Verdict, Writer,
};
pub use local::Local;
pub use lockgate_node::LogLine;
pub use platform::Platform;

/// One platform, for one system and environment.
pub trait Target: Send + Sync {
    /// What runs now.
    fn observe(&self) -> impl Future<Output = Result<Observed, TargetError>> + Send;

    /// What stands beside the slots is there and ready: networks, dependencies, routes, policies. Data is never
    /// touched, nor how traffic is split, and what is there and not asked for stays.
    fn prepare(
        &self,
        fence: &Fence,
        key: &EffectKey,
        fixtures: &Fixtures,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Removes what Lockgate made for this scope and nothing of `keep` needs. Data is never touched.
    fn prune(
        &self,
        fence: &Fence,
        key: &EffectKey,
        keep: &Keep,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Instances of a version up and ready, `instances` of them; fewer than before means that some are drained
    /// and stopped. Answers when they are ready, or as soon as it is clear that they will not be.
    fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Splits a service's traffic. Answers when the data plane routes by it.
    fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Waits until a slot without weight has nothing under way, at most `within`.
    fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Stops and forgets a slot. A slot that is not there is removed already.
    fn remove_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Runs a one-off job to its end. A key that was run before is answered from the record, not run again.
    fn run_job(
        &self,
        fence: &Fence,
        key: &EffectKey,
        job: &JobSpec,
    ) -> impl Future<Output = Result<JobReport, TargetError>> + Send;

    /// One request to a running version.
    fn smoke(&self, check: &SmokeSpec) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// What became of a job that was asked for under this key; and no older request for it runs from now on.
    fn look(
        &self,
        fence: &Fence,
        key: &EffectKey,
    ) -> impl Future<Output = Result<Sighting, TargetError>> + Send;

    /// Last lines that each instance of a slot printed.
    fn logs(
        &self,
        slot: &SlotRef,
        lines: u16,
    ) -> impl Future<Output = Result<Vec<LogLine>, TargetError>> + Send;

    /// Counts and condition of every slot of these services.
    fn samples(&self, services: &[ServiceName]) -> impl Future<Output = Result<Samples, TargetError>> + Send;

    /// The numbers that a query of `rollout.gates` gives now.
    fn measure(&self, query: &str) -> impl Future<Output = Result<Vec<f64>, TargetError>> + Send {
        let text = format!("no Prometheus is known that answers `{query}`");
        async { Err(TargetError::new(Class::Fatal, text)) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReport {
    /// `None` when it was killed or nobody saw it end.
    pub exit_code: Option<i32>,
    /// Last lines of what it printed.
    pub tail: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It ended.
    Done(JobReport),
    /// It runs still; asking for it again with the same key waits for it.
    Running,
    NeverRan,
    /// It was started and nobody can say how it ended.
    Unknown,
}
