//! The objects of an environment on Kubernetes, split by who is released.
//!
//! A service has its Deployment and the immutable `ConfigMap` and Secret of its pods, a job the same with its Job.
//! Everything else stands beside them, in an order in which it can be applied. A release stamps what says which one it is.

use std::collections::BTreeMap;

use lockgate_model::{Fixtures, Form, JobName, Objects, SecretRef, ServiceName};
use serde_json::Value;

use super::template::{self, SecretSource};
use super::{WorkloadRequest, Workloads, secrets};
use crate::Selection;
use crate::facts::{Environment, Facts, JobFact};
use crate::kubernetes::objects::{Object, Part, name_by_content, objects, secret_of_environment};
use crate::output::{Output, Problem};

pub(super) fn workloads(facts: &Facts<'_>, request: &WorkloadRequest<'_>) -> Result<Workloads, Vec<Problem>> {
    let mut output = Output::new(facts);
    let mut split = Split::default();
    for environment in &facts.environments {
        for object in objects(facts, environment, &mut output) {
            split.take(object, environment, request);
        }
    }
    // No file is wanted of it: only what is wrong counts.
    output.finish(&Selection { kinds: Some([].into()), ..Selection::default() })?;
    Ok(split.finish())
}

#[derive(Default)]
struct Split {
    services: BTreeMap<ServiceName, Vec<Value>>,
    jobs: BTreeMap<JobName, Vec<Value>>,
    fixtures: Vec<Value>,
}

impl Split {
    fn take(&mut self, object: Object, environment: &Environment<'_>, request: &WorkloadRequest<'_>) {
        let Object { kind, name, part, mut value } = object;
        template::of_no_release(&mut value);
        let whole = secret_of_environment(environment);
        let owner = part.name();
        let source = if secrets::are_kept_by_the_cluster(environment) {
            SecretSource::Cluster
        } else {
            SecretSource::Vault { whole: &whole, owner: &owner }
        };
        let secret = template::with_secrets(&mut value, &refs(environment, request, &part), &source);
        if matches!(part, Part::Dependency(_)) && kind == "Job" {
            // A job cannot be changed: with another secret it is another one.
            name_by_content(&name, &mut value);
        }
        let is_config = kind == "ConfigMap" && value["immutable"] == true;
        let list = match (part, kind.as_str()) {
            (Part::Service(name), kind) if kind == "Deployment" || is_config => {
                self.services.entry(name).or_default()
            }
            (part, kind) if kind == "Job" || is_config => match job(&part) {
                Some(name) => self.jobs.entry(name).or_default(),
                None => &mut self.fixtures,
            },
            _ => &mut self.fixtures,
        };
        // A server and what prepares it have the same one.
        let secret = secret.filter(|it| !list.contains(it));
        list.extend(secret.into_iter().chain([value]));
    }

    fn finish(self) -> Workloads {
        let form = |it: Vec<Value>| Form::Objects(Objects(it));
        Workloads {
            forms: self.services.into_iter().map(|(name, it)| (name, form(it))).collect(),
            job_forms: self.jobs.into_iter().map(|(name, it)| (name, form(it))).collect(),
            fixtures: Fixtures::Objects(Objects(self.fixtures)),
        }
    }
}

/// The job of a release that the part is.
fn job(part: &Part) -> Option<JobName> {
    match part {
        Part::Migration | Part::MigrationAfter | Part::Seed => JobName::new(part.name()).ok(),
        Part::Check(name) => Some(name.clone()),
        Part::Shared | Part::Dependency(_) | Part::Service(_) | Part::Cron(_) => None,
    }
}

/// Secrets that the pods of a part have.
fn refs(
    environment: &Environment<'_>,
    request: &WorkloadRequest<'_>,
    part: &Part,
) -> BTreeMap<String, SecretRef> {
    let of_job = |it: Option<&JobFact<'_>>| it.map(|it| it.service.clone());
    let service = match part {
        Part::Shared => None,
        Part::Dependency(name) => {
            let takes =
                |it: &&String| environment.secrets.get(*it).is_some_and(|it| it.dependencies.contains(name));
            let own = request.dependency_secrets.iter().filter(|it| takes(&it.0));
            return own.map(|(name, it)| (name.clone(), it.clone())).collect();
        }
        Part::Service(name) => Some(name.clone()),
        Part::Cron(name) => environment.system.cron.get(name).map(|it| it.service.clone()),
        Part::Migration | Part::MigrationAfter => of_job(environment.migration.as_ref()),
        Part::Seed => of_job(environment.seed.as_ref()),
        Part::Check(name) => of_job(environment.checks.get(name)),
    };
    service.and_then(|it| request.secrets.get(&it).cloned()).unwrap_or_default()
}
