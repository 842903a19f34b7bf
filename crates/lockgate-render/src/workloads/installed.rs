//! The objects that somebody installed who applied the rendered files: those of the files themselves, with what a
//! release would own told apart.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{ServiceName, System, TargetKind, Version};
use serde_json::Value;

use crate::facts::Facts;
use crate::kubernetes::objects::{Part, objects};
use crate::output::{Output, Problem};
use crate::{Lock, Request, Selection};

/// An object that outlives its installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// Of a Deployment and of what only its pods read: the service that is released with it.
    pub service: Option<ServiceName>,
    pub object: Value,
}

/// What the manifests, the chart and the overlays of an environment have in common. Jobs are left out: they are over
/// when the installation is.
pub fn installed(system: &System, version: &Version, lock: &Lock) -> Result<Vec<Installed>, Vec<Problem>> {
    if !matches!(system.target, TargetKind::Kubernetes(_)) {
        return Ok(vec![]);
    }
    let request = Request {
        systems: vec![system.clone()],
        lock: lock.clone(),
        source: String::new(),
        // No file is wanted of it: only what is wrong counts.
        selection: Selection { kinds: Some(BTreeSet::new()), ..Selection::default() },
        images: BTreeMap::new(),
        version: Some(version.clone()),
    };
    let facts = Facts::new(&request);
    let mut output = Output::new(&facts);
    let mut found = vec![];
    for environment in &facts.environments {
        for object in objects(&facts, environment, &mut output).into_iter().filter(|it| it.kind != "Job") {
            let is_of_pods = object.kind == "Deployment" || object.value["immutable"] == true;
            let service = match object.part {
                Part::Service(name) if is_of_pods => Some(name),
                _ => None,
            };
            found.push(Installed { service, object: object.value });
        }
    }
    output.finish(&request.selection)?;
    Ok(found)
}
