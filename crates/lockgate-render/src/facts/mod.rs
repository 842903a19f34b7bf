//! What every format needs to know, computed once from the resolved environments, so that no two formats can disagree.

pub(crate) mod address;
mod alert;
pub(crate) mod build;
mod bundled;
pub(crate) mod container;
mod edges;
pub(crate) mod health;
mod image;
pub(crate) mod job;
pub(crate) mod path;
pub(crate) mod quantity;
pub(crate) mod shell;
mod template;
mod variable;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{DependencyName, JobName, Service, ServiceName, System, TargetKind, Via};

use crate::Request;
use crate::artifact::Kind;
use crate::lock::Lock;

pub(crate) use address::Address;
pub(crate) use alert::{Alert, Measured, Objective, proper_name};
pub(crate) use bundled::{Bundled, Exporter, is_queried, password_of, shown};
pub(crate) use edges::{Edges, Peer};
pub(crate) use image::ImageFact;
pub(crate) use job::JobFact;
pub(crate) use template::{Part, Template, as_variable};
pub(crate) use variable::{SecretFact, Variable, VariableValue};

pub(crate) struct Facts<'a> {
    /// The spec's file name.
    pub(crate) source: &'a str,
    pub(crate) lock: &'a Lock,
    pub(crate) environments: Vec<Environment<'a>>,
    kinds: Option<&'a BTreeSet<Kind>>,
}

/// One environment, as all formats see it.
pub(crate) struct Environment<'a> {
    pub(crate) system: &'a System,
    /// What `${release.version}` is, where it is known.
    pub(crate) version: Option<String>,
    pub(crate) services: BTreeMap<&'a ServiceName, ServiceFact<'a>>,
    /// Dependencies that are started with the system; the others are somebody else's.
    pub(crate) bundled: BTreeMap<&'a DependencyName, Bundled>,
    /// Every secret that a container needs, by name.
    pub(crate) secrets: BTreeMap<String, SecretFact<'a>>,
    pub(crate) migration: Option<JobFact<'a>>,
    pub(crate) seed: Option<JobFact<'a>>,
    /// Checks that are commands, by name. Lockgate runs them itself, so no file that is written has them.
    pub(crate) checks: BTreeMap<JobName, JobFact<'a>>,
    /// Every alert that the spec asks for, by name.
    pub(crate) alerts: Vec<Alert<'a>>,
    pub(crate) objectives: Vec<Objective<'a>>,
}

pub(crate) struct ServiceFact<'a> {
    pub(crate) name: &'a ServiceName,
    pub(crate) service: &'a Service,
    /// `None` where nothing says it, as on `local`.
    pub(crate) image: Option<ImageFact<'a>>,
    /// Sorted by name; plain ones, secrets and those that only a store knows.
    pub(crate) variables: Vec<Variable<'a>>,
    pub(crate) edges: Edges<'a>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(request: &'a Request) -> Facts<'a> {
        let mut environments: Vec<_> =
            request.systems.iter().map(|it| Environment::new(it, request)).collect();
        environments.sort_by_key(Environment::name);
        Facts {
            source: &request.source,
            lock: &request.lock,
            environments,
            kinds: request.selection.kinds.as_ref(),
        }
    }

    /// The environments for which this kind of artifact is rendered.
    pub(crate) fn wanting(&self, kind: Kind) -> impl Iterator<Item = &Environment<'a>> {
        self.environments.iter().filter(move |it| self.wants(kind, it))
    }

    fn wants(&self, kind: Kind, environment: &Environment<'_>) -> bool {
        match self.kinds {
            Some(kinds) => kinds.contains(&kind) && environment.takes(kind),
            None => environment.takes(kind) && environment.is_shipped_as(kind),
        }
    }
}

impl<'a> Environment<'a> {
    fn new(system: &'a System, request: &Request) -> Environment<'a> {
        let services = system.services.iter().map(|(name, service)| {
            let fact = ServiceFact {
                name,
                service,
                image: image::of(system, name, &request.images),
                variables: variable::of(service),
                edges: edges::of(system, name),
            };
            (name, fact)
        });
        let services: BTreeMap<_, _> = services.collect();
        let bundled =
            system.dependencies.iter().filter(|it| it.1.external.is_none() && system.target.runs_images());
        let bundled = bundled.filter_map(|(name, it)| Some((name, bundled::bundled(name, it)?))).collect();
        Environment {
            system,
            version: request.version.as_ref().map(ToString::to_string),
            alerts: alert::alerts(system),
            objectives: alert::objectives(system),
            secrets: variable::secrets(system, &bundled),
            migration: job::migration(system),
            seed: job::seed(system),
            checks: BTreeMap::new(),
            services,
            bundled,
        }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.system.environment.as_str()
    }

    /// Could this kind of artifact be used here?
    fn takes(&self, kind: Kind) -> bool {
        let target = &self.system.target;
        match kind {
            Kind::Dockerfile | Kind::Prometheus | Kind::Alertmanager | Kind::Grafana => target.runs_images(),
            Kind::Compose => matches!(target, TargetKind::Docker(_)),
            Kind::Manifests | Kind::Kustomize | Kind::Helm | Kind::Helmfile | Kind::Rbac => {
                matches!(target, TargetKind::Kubernetes(_))
            }
            Kind::Ecs => matches!(target, TargetKind::Ecs(_)),
            Kind::EcsExpress => matches!(target, TargetKind::EcsExpress(_)),
            Kind::AppRunner => matches!(target, TargetKind::AppRunner(_)),
            Kind::CloudWatch => self.is_on_aws(),
            Kind::Github | Kind::Dotenv | Kind::Docs => true,
        }
    }

    /// Is it what the environment uses, where several kinds would do?
    fn is_shipped_as(&self, kind: Kind) -> bool {
        let via = match &self.system.target {
            TargetKind::Kubernetes(it) => Some(it.via),
            _ => None,
        };
        match kind {
            Kind::Manifests => via == Some(Via::Apply),
            Kind::Kustomize => via == Some(Via::Kustomize),
            Kind::Helm => matches!(via, Some(Via::Helm | Via::Helmfile)),
            Kind::Helmfile => via == Some(Via::Helmfile),
            Kind::Prometheus | Kind::Alertmanager | Kind::Grafana => !self.is_on_aws(),
            _ => !kind.is_on_request(),
        }
    }

    /// Where containers write what they print, on AWS.
    pub(crate) fn log_group(&self) -> String {
        let said = self.system.monitoring.logs.as_ref().and_then(|it| it.group.clone());
        said.unwrap_or_else(|| format!("/ecs/{}-{}", self.system.name, self.name()))
    }

    pub(crate) fn is_on_aws(&self) -> bool {
        matches!(
            self.system.target,
            TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_)
        )
    }
}
