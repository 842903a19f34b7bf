//! The objects of an environment on Kubernetes, patched; plain manifests, Kustomize and Helm are forms of these.

mod dependency;
mod deployment;
mod env;
mod job;
mod meta;
mod network;
mod part;
mod pod;
mod probe;
mod route;
mod scale;
mod secret;
mod service;
mod shared;
mod volume;

use std::collections::BTreeMap;

use k8s_openapi::Resource;
use serde::Serialize;
use serde_json::Value;

use crate::facts::{Environment, Facts};
use crate::output::Output;

pub(crate) use meta::{RELEASE, SUFFIX, UNRELEASED, VERSION, name_by_content, namespace};
pub(crate) use part::Part;
pub(crate) use secret::of_environment as secret_of_environment;

pub(crate) struct Object {
    pub(crate) kind: String,
    /// What patches call it. The name within `value` may end in a digest of its content.
    pub(crate) name: String,
    pub(crate) part: Part,
    /// With `apiVersion`, `kind` and `metadata.namespace`.
    pub(crate) value: Value,
}

/// In the order in which they are applied: what is shared, dependencies, jobs before the rollout, services, the rest.
pub(crate) fn objects(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    output: &mut Output<'_>,
) -> Vec<Object> {
    let mut it = Objects { facts, environment, output, list: vec![] };
    shared::add(&mut it);
    dependency::add(&mut it);
    job::add(&mut it);
    for fact in environment.services.values().filter(|it| it.image.is_some()) {
        volume::add(&mut it, fact);
        deployment::add(&mut it, fact);
        service::add(&mut it, fact);
        route::add(&mut it, fact);
        scale::add(&mut it, fact);
    }
    route::add_gateways(&mut it);
    network::add(&mut it);
    it.list.sort_by(|a, b| a.part.cmp(&b.part));
    it.told_apart();
    it.list
}

/// What the modules of this folder add to.
struct Objects<'o, 'f, 'out> {
    facts: &'o Facts<'f>,
    environment: &'o Environment<'f>,
    output: &'o mut Output<'out>,
    list: Vec<Object>,
}

impl Objects<'_, '_, '_> {
    fn add<K: Resource + Serialize>(&mut self, part: &Part, object: &K) {
        let value = serde_json::to_value(object).expect("keys of maps are text");
        self.add_value(part, value);
    }

    fn add_value(&mut self, part: &Part, mut value: Value) {
        let text =
            |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        self.output.patch(self.environment, &kind, &name, &mut value);
        self.list.push(Object { kind, name, part: part.clone(), value });
    }

    /// One name may be a service's and a job's, and then one would take the other's place.
    fn told_apart(&mut self) {
        let mut owners: BTreeMap<(&str, &str), &Part> = BTreeMap::new();
        for object in &self.list {
            let Some(first) = owners.insert((&object.kind, &object.name), &object.part) else { continue };
            let (kind, name) = (&object.kind, &object.name);
            self.output.problem(
                format!(
                    "`{}` and `{}` would both have the {kind} `{name}`",
                    first.origin(),
                    object.part.origin()
                ),
                "give one of them another name".to_owned(),
            );
        }
    }

    /// Adds one whose name ends in a digest of its content, and returns that name: what reads it is restarted when
    /// it changes, and what was started with the old content keeps it.
    fn add_by_content<K: Resource + Serialize>(&mut self, part: &Part, object: &K) -> String {
        self.add(part, object);
        let object = self.list.last_mut().expect("it was added above");
        meta::name_by_content(&object.name, &mut object.value)
    }
}
