//! What a target runs: the forms of services and jobs, and what stands beside them, from one resolved environment.
//!
//! ```text
//! System + images + SecretRefs -> Facts -> Docker:     containers, networks, volumes, dependencies
//!                                       -> Kubernetes: the objects that are rendered, split by who is released
//! ```
//!
//! **Invariant:** a form says nothing of the release that it is in, so a service that did not change has the same
//! form in the next release. What runs is decided where files are rendered from; here it is put into another form.

mod docker;
mod installed;
mod kubernetes;
mod secrets;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{
    Fixtures, Form, Image, JobName, Retry, SecretRef, ServiceName, System, TargetKind, Version,
};

use crate::facts::{self, Facts, ImageFact};
use crate::output::Problem;
use crate::{Lock, Request, Selection};

pub use installed::{Installed, installed};
pub(crate) use secrets::has_secrets_of_its_own;

/// One environment that is released.
pub struct WorkloadRequest<'a> {
    /// Resolved for this version.
    pub system: &'a System,
    pub version: &'a Version,
    /// Each service's image, `repository@sha256:...`; services that share an image may share an entry.
    pub images: &'a BTreeMap<ServiceName, String>,
    /// Pins the images of dependencies.
    pub lock: &'a Lock,
    /// Each service's variables whose values are kept apart, whole: of one that only mentions a secret as well.
    pub secrets: &'a BTreeMap<ServiceName, BTreeMap<String, SecretRef>>,
    /// Passwords of bundled dependencies, by the secret's name.
    pub dependency_secrets: &'a BTreeMap<String, SecretRef>,
}

/// What a release's snapshot freezes. All processes where the target runs no images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workloads {
    pub forms: BTreeMap<ServiceName, Form>,
    pub job_forms: BTreeMap<JobName, Form>,
    pub fixtures: Fixtures,
}

/// Fails with every problem that was found.
pub fn workloads(request: &WorkloadRequest<'_>) -> Result<Workloads, Vec<Problem>> {
    let system = request.system;
    let rendered = Request {
        systems: vec![system.clone()],
        lock: request.lock.clone(),
        source: String::new(),
        // Patches of files that are not made here match nothing, and that is no mistake.
        selection: Selection { kinds: Some(BTreeSet::new()), ..Selection::default() },
        images: BTreeMap::new(),
        version: Some(request.version.clone()),
    };
    let mut facts = Facts::new(&rendered);
    let problems = release(&mut facts, request);
    let made = match &system.target {
        TargetKind::Docker(_) => Ok(docker::workloads(&facts, request)),
        TargetKind::Kubernetes(_) => kubernetes::workloads(&facts, request),
        TargetKind::Local(_) | TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_) => {
            return Ok(Workloads::default());
        }
    };
    match made {
        Ok(workloads) if problems.is_empty() => Ok(workloads),
        Ok(_) => Err(problems),
        Err(more) => Err(problems.into_iter().chain(more).collect()),
    }
}

/// What a release knows beyond the files: images, and jobs of which each attempt is one of the release's own.
fn release<'a>(facts: &mut Facts<'a>, request: &WorkloadRequest<'a>) -> Vec<Problem> {
    let mut problems = vec![];
    for environment in &mut facts.environments {
        environment.checks = facts::job::checks(environment.system);
        for job in environment.migration.iter_mut().chain(&mut environment.seed) {
            job.retry = Retry::ONCE;
        }
        secrets::take(environment, request);
        problems.extend(secrets::problems(environment, request));
        for fact in environment.services.values_mut() {
            let Some(reference) = image(request, fact.name) else {
                problems.push(Problem {
                    message: format!("no image of `{}` is known", fact.name),
                    help: format!("say `image` or `build` of `services.{}`", fact.name),
                });
                continue;
            };
            // An image that only one engine has is named by its id, `sha256:...`, and by no repository.
            let pin = if reference.starts_with("sha256:") { ':' } else { '@' };
            let at = reference.find(pin).unwrap_or(reference.len());
            fact.image = Some(ImageFact {
                repository: reference[..at].to_owned(),
                pinned: &reference[at..],
                digest: None,
                build: fact.image.as_ref().and_then(|it| it.build),
            });
        }
    }
    problems
}

fn image<'a>(request: &WorkloadRequest<'a>, service: &ServiceName) -> Option<&'a str> {
    let own = request.images.get(service).map(String::as_str);
    own.or_else(|| match request.system.services.get(service)?.image.as_ref()? {
        Image::SameAs(other) if other != service => image(request, other),
        Image::SameAs(_) | Image::Built(_) | Image::Named(_) => None,
    })
}
