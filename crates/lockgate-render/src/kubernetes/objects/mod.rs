//! The objects of an environment on Kubernetes, patched; plain manifests, Kustomize and Helm are forms of these.

mod deployment;
mod env;
mod meta;
mod part;
mod pod;
mod probe;
mod secret;
mod service;

use k8s_openapi::Resource;
use serde::Serialize;
use serde_json::Value;

use crate::facts::{Environment, Facts};
use crate::output::Output;

pub(crate) use part::Part;

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
    for fact in environment.services.values() {
        deployment::add(&mut it, fact);
        service::add(&mut it, fact);
    }
    it.list.sort_by(|a, b| a.part.cmp(&b.part));
    it.list
}

/// What the modules of this folder add to.
struct Objects<'o, 'f, 'out> {
    #[expect(dead_code, reason = "the objects of dependencies need the lock")]
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

    /// Adds one whose name ends in a digest of its content, and returns that name: what reads it is restarted when
    /// it changes, and what was started with the old content keeps it.
    fn add_by_content<K: Resource + Serialize>(&mut self, part: &Part, object: &K) -> String {
        self.add(part, object);
        let object = self.list.last_mut().expect("it was added above");
        meta::name_by_content(&object.name, &mut object.value)
    }
}
