//! The `kubernetes` target: a slot is a Deployment, what stands beside it are the objects that are rendered.
//!
//! Every call reads what is in the cluster and brings it to what is asked; nothing is remembered here but the
//! connection. `docs/guide/kubernetes.md` says which objects are whose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, KubernetesTarget, Millis, Observed, ReleaseId, Samples, Scope,
    ServiceName, SlotRef, SlotSpec, SmokeSpec, Subject, Weights,
};
use lockgate_node::Vault;
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::{Check, JobReport, LogLine, Sighting, Target, TargetError};

mod adopt;
mod apply;
mod client;
mod cluster;
mod diff;
mod doctor;
mod fence;
mod fixtures;
mod jobs;
mod logs;
mod names;
mod observe;
mod prune;
mod refusal;
mod samples;
mod scaling;
mod secrets;
mod slots;
mod smoke;
mod stateful;
mod traffic;
mod watched;
mod why;
mod workload;

pub use adopt::{
    Adoption, Found as FoundObject, HelmRelease, HelmVerdict, Rendered, TakeOver, Taken, Verdict,
};
pub(crate) use cluster::Cluster;
pub use diff::{Change, FieldDiff, ObjectDiff, Writer};
pub use doctor::Right;

#[derive(Clone, Debug)]
pub struct KubernetesConfig {
    pub scope: Scope,
    pub target: KubernetesTarget,
    /// Where the values of secrets are; without one, only releases without secrets of their own go through.
    pub vault: Option<Vault>,
    /// Where Prometheus answers; looked for in the cluster unless it is said.
    pub prometheus: Option<String>,
}

/// Who counts the requests of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedBy {
    /// `None` when nobody does.
    pub by: Option<String>,
    /// What Prometheus is asked at each look: when it has read the counters, and what they were then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
    /// Why others are not asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A namespace of a cluster, for one system and environment. Connects when it is first used.
#[derive(Clone)]
pub struct Kubernetes {
    config: Arc<KubernetesConfig>,
    cluster: Arc<OnceCell<Cluster>>,
    requests: Arc<AtomicU64>,
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kubernetes").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Kubernetes {
    pub fn new(config: KubernetesConfig) -> Kubernetes {
        Kubernetes { config: Arc::new(config), cluster: Arc::default(), requests: Arc::default() }
    }

    /// Requests that were sent to the API server, repeats among them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What applying these objects would change.
    pub async fn diff(&self, objects: &[serde_json::Value]) -> Result<Vec<ObjectDiff>, TargetError> {
        diff::of_objects(self.cluster().await?, objects).await
    }

    /// Where the cluster is not as a release left it, or as another one would.
    pub async fn drift(&self, keep: &Keep) -> Result<Vec<ObjectDiff>, TargetError> {
        diff::of_release(self.cluster().await?, keep).await
    }

    /// What the installed services' versions are called by those who installed them.
    pub async fn installed_versions(
        &self,
        services: &[ServiceName],
    ) -> Result<BTreeMap<ServiceName, String>, TargetError> {
        adopt::versions(self.cluster().await?, services).await
    }

    /// What is there of what was rendered, and whether it can be taken over; `ours` is the number of an attempt that
    /// was cut off.
    pub async fn adoption(
        &self,
        rendered: &[Rendered],
        ours: Option<ReleaseId>,
    ) -> Result<Adoption, TargetError> {
        adopt::look(self.cluster().await?, rendered, ours).await
    }

    /// Whether the cluster would take every write.
    pub async fn try_taking_over(&self, taking: &TakeOver) -> Result<(), TargetError> {
        adopt::try_out(self.cluster().await?, taking).await
    }

    /// Makes it Lockgate's. What was cut off is finished by another call.
    pub async fn take_over(&self, fence: &Fence, taking: &TakeOver) -> Result<(), TargetError> {
        adopt::take_over(self.cluster().await?, fence, taking).await
    }

    /// What releases need of the cluster, these rights among it, checked one by one.
    pub async fn doctor(&self, rights: &[Right]) -> Vec<Check> {
        match self.cluster().await {
            Ok(cluster) => doctor::checks(cluster, &self.config.target, rights).await,
            Err(error) => vec![doctor::unreached(error)],
        }
    }

    /// Who counts the requests of these services now.
    pub async fn counted_by(
        &self,
        services: &[ServiceName],
    ) -> Result<BTreeMap<ServiceName, CountedBy>, TargetError> {
        samples::sources(self.cluster().await?, services).await
    }

    async fn cluster(&self) -> Result<&Cluster, TargetError> {
        self.cluster.get_or_try_init(|| Cluster::connect(&self.config, &self.requests)).await
    }

    /// The cluster, after it took note of a fence.
    async fn admitted(&self, fence: &Fence, subject: &Subject<'_>) -> Result<&Cluster, TargetError> {
        let cluster = self.cluster().await?;
        fence::admit(cluster, fence, subject).await?;
        Ok(cluster)
    }
}

impl Target for Kubernetes {
    async fn observe(&self) -> Result<Observed, TargetError> {
        observe::observe(self.cluster().await?).await
    }

    async fn prepare(&self, fence: &Fence, key: &EffectKey, fixtures: &Fixtures) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Fixtures).await?;
        tracing::info!(%key, "preparing");
        fixtures::prepare(cluster, fence, fixtures).await
    }

    async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Fixtures).await?;
        tracing::info!(%key, "pruning");
        prune::prune(cluster, keep).await?;
        tracing::info!(requests = self.requests(), "requests to the API server so far");
        Ok(())
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Service(&slot.slot.service)).await?;
        tracing::info!(%key, slot = %slot.slot, instances, "instances wanted");
        slots::ensure(cluster, fence, slot, instances).await
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Service(service)).await?;
        tracing::info!(%key, %service, ?weights, "weights wanted");
        traffic::set_weights(cluster, fence, service, weights).await?;
        scaling::follow(cluster, fence, service, weights).await
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Service(&slot.service)).await?;
        tracing::info!(%key, %slot, "draining");
        slots::drain(cluster, slot, within).await
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        let cluster = self.admitted(fence, &Subject::Service(&slot.service)).await?;
        tracing::info!(%key, %slot, "removing");
        slots::remove(cluster, fence, slot).await
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        let subject = Subject::Job { name: job.name.as_str(), key: key.as_str() };
        let cluster = self.admitted(fence, &subject).await?;
        tracing::info!(%key, job = %job.name, "job wanted");
        Box::pin(jobs::run(cluster, fence, key, job)).await
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        smoke::check(self.cluster().await?, check).await
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        let cluster = self.admitted(fence, &Subject::Key(key.as_str())).await?;
        jobs::look(cluster, fence, key).await
    }

    async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
        logs::logs(self.cluster().await?, slot, lines).await
    }

    async fn measure(&self, query: &str) -> Result<Vec<f64>, TargetError> {
        samples::measure(self.cluster().await?, query).await
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        samples::take(self.cluster().await?, services).await
    }
}
