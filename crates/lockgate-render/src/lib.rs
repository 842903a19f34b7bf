//! Every artifact of a system, from its resolved environments alone.
//!
//! ```text
//! Systems + Lock -> Facts (computed once) -> one module per format -> Artifacts -> Tree
//! ```
//!
//! **Invariant:** no I/O, no clock, no randomness; the same input gives the same bytes. Formats are written by typed
//! builders and serialisers, never by pasting text together.

mod alertmanager;
mod apprunner;
mod artifact;
mod aws;
mod block;
mod cloudwatch;
mod compose;
mod dockerfile;
mod docs;
mod dotenv;
mod ecs;
mod ecs_express;
mod facts;
mod github;
mod grafana;
mod header;
mod helm;
mod helmfile;
mod image_builds;
mod keys;
mod kubernetes;
mod kustomize;
mod lock;
mod manifest;
mod output;
mod patch;
mod prometheus;
mod rbac;
mod tree;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{Digest, EnvironmentName, ServiceName, System, Version};

/// The secret that is the password of a dependency, where the system starts it and clients sign in.
pub fn password_of(
    name: &lockgate_model::DependencyName,
    dependency: &lockgate_model::Dependency,
) -> Option<String> {
    facts::password_of(name, dependency)
}

pub use artifact::{Artifact, Kind, UnknownKind};
pub use block::{BadBlock, fill as fill_blocks, is_managed};
pub use image_builds::{ImageBuild, LABEL_ARGS, Origin, image_builds};
pub use keys::vanished;
pub use lock::{Lock, Needed, Pin, Unreadable as UnreadableLock, needed};
pub use manifest::{Entry, Manifest, PATH as MANIFEST};
pub use output::Problem;
pub use rbac::{Rule, rules};
pub use tree::{Comparison, Difference, DifferenceKind};
pub use workloads::{Installed, WorkloadRequest, Workloads, installed, workloads};

use facts::Facts;
use output::Output;

/// What is rendered.
pub struct Request {
    /// Every environment of the spec, so that what they share is known.
    pub systems: Vec<System>,
    pub lock: Lock,
    /// The spec's file name, as headers name it.
    pub source: String,
    pub selection: Selection,
    /// What is released, where it is known: each service's image, by digest.
    pub images: BTreeMap<ServiceName, Digest>,
    pub version: Option<Version>,
}

/// Which artifacts are wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty is all. What the environments share is always part of it.
    pub environments: BTreeSet<EnvironmentName>,
    /// `None` is what each environment's target needs; kinds named here are rendered wherever they can be.
    pub kinds: Option<BTreeSet<Kind>>,
}

impl Selection {
    pub fn wants(&self, kind: Kind, environment: Option<&EnvironmentName>) -> bool {
        let here =
            self.environments.is_empty() || environment.is_none_or(|it| self.environments.contains(it));
        here && self.kinds.as_ref().map_or(!kind.is_on_request(), |it| it.contains(&kind))
    }
}

/// All artifacts, sorted by path, and what a person should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    pub artifacts: Vec<Artifact>,
    /// Texts for managed blocks in files of the user's, by name: `variables`, `services`, ...
    pub blocks: BTreeMap<String, String>,
    pub notes: Vec<String>,
}

/// Fails with every problem that was found, not the first alone.
pub fn render(request: &Request) -> Result<Rendered, Vec<Problem>> {
    let facts = Facts::new(request);
    let mut output = Output::new(&facts);
    for format in FORMATS {
        format(&facts, &mut output);
    }
    output.finish(&request.selection)
}

const FORMATS: [fn(&Facts<'_>, &mut Output<'_>); 17] = [
    dockerfile::render,
    compose::render,
    kubernetes::render,
    kustomize::render,
    helm::render,
    helmfile::render,
    ecs::render,
    ecs_express::render,
    apprunner::render,
    github::render,
    prometheus::render,
    alertmanager::render,
    grafana::render,
    cloudwatch::render,
    dotenv::render,
    docs::render,
    rbac::render,
];
