//! A system as one environment sees it: the spec after overlays, conventions and references.

mod alerting;
mod dependency;
mod environment;
mod image;
mod jobs;
mod pipeline;
mod rollout;
mod secret;
mod service;
mod slo;
mod target;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DependencyName, EnvironmentName, JobName, ServiceName, SystemName};

pub use alerting::{
    AlertRule, Dashboard, Email, Event, Logs, Measure, Monitoring, Notifications, PagerDuty, Slack, Sns,
    Webhook,
};
pub use dependency::{Backup, Dependency, External, password_secret};
pub use environment::{Enforcer, Policy, Protection, Store, Stores};
pub use image::{Build, Image, Preset, Scan, ScanLevel};
pub use jobs::{
    Concurrency, CronJob, MigrationTool, Migrations, Retry, Seeds, SeedsRun, SmokeCheck, SmokeExpect,
    SmokeKind, When,
};
pub use pipeline::{Asset, Ci, CiStep, Patch, ReleasePage};
pub use rollout::{Analysis, Freeze, Gate, OnUndecided, RollbackTrigger, Rollout, Step, StepGate, Strategy};
pub use secret::{Generate, SecretFormat, SecretRule};
pub use service::{
    Autoscaling, DependsOn, DisruptionBudget, Health, Ingress, Metrics, Port, Probe, ProbeKind, Probes,
    Protocol, Quantities, Resources, Service, Stop, StopSignal, Variable, Volume, VolumeAccess,
};
pub use slo::{Slo, SloAlert, SloMetric, SloObjective, SloSeverity};
pub use target::{
    AppRunnerTarget, DockerTarget, EcsExpressTarget, EcsTarget, KubernetesTarget, LocalTarget, TargetKind,
    Traffic, Via,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    pub name: SystemName,
    pub owner: Option<String>,
    pub environment: EnvironmentName,
    pub target: TargetKind,
    /// Who may release here, when, and from which change.
    #[serde(default)]
    pub policy: Policy,
    /// Where secrets and configuration live in this environment.
    #[serde(default)]
    pub stores: Stores,
    pub services: BTreeMap<ServiceName, Service>,
    pub dependencies: BTreeMap<DependencyName, Dependency>,
    pub migrations: Option<Migrations>,
    pub seeds: Option<Seeds>,
    #[serde(default)]
    pub cron: BTreeMap<JobName, CronJob>,
    pub smoke: Vec<SmokeCheck>,
    pub slo: BTreeMap<SloMetric, Slo>,
    /// Objectives of what no canary is judged by: dependencies, and the releases themselves.
    #[serde(default)]
    pub objectives: BTreeMap<String, Measure>,
    #[serde(default)]
    pub alerts: BTreeMap<String, AlertRule>,
    #[serde(default)]
    pub monitoring: Monitoring,
    pub rollout: Rollout,
    #[serde(default)]
    pub notifications: Notifications,
    /// Secrets of the release itself, such as a webhook's address.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRule>,
    #[serde(default)]
    pub ci: Ci,
    #[serde(default)]
    pub release: ReleasePage,
    /// Changes of what is rendered, addressed by kind and name.
    #[serde(default)]
    pub patches: Vec<Patch>,
}

impl System {
    /// A system of which nothing is said yet.
    pub fn new(name: SystemName, environment: EnvironmentName, target: TargetKind) -> System {
        System {
            name,
            owner: None,
            environment,
            target,
            policy: Policy::default(),
            stores: Stores::default(),
            services: BTreeMap::new(),
            dependencies: BTreeMap::new(),
            migrations: None,
            seeds: None,
            cron: BTreeMap::new(),
            smoke: vec![],
            slo: BTreeMap::new(),
            objectives: BTreeMap::new(),
            alerts: BTreeMap::new(),
            monitoring: Monitoring::default(),
            rollout: Rollout::default(),
            notifications: Notifications::default(),
            secrets: BTreeMap::new(),
            ci: Ci::default(),
            release: ReleasePage::default(),
            patches: vec![],
        }
    }
}
