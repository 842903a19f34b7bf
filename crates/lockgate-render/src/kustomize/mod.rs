//! Kustomize: a base of what all environments share, and an overlay for what each has of its own.

mod images;
mod overlay;
mod shared;

use std::collections::BTreeMap;

use lockgate_yaml::WriteStyle;
use serde_json::{Value, json};

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::kubernetes::documents;
use crate::kubernetes::objects::{self, Part};
use crate::output::{File, Output};

const BASE: &str = "deploy/kustomize/base";

/// What is one object in all environments: its version, kind and name.
type Identity = (String, String, String);

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::Kustomize).collect();
    let mut all = vec![];
    for environment in environments {
        let objects = objects::objects(facts, environment, output);
        let images = images::of(environment, output);
        let named = objects.into_iter().map(|mut it| {
            without_namespace(&mut it.value);
            images::unknown(&images, &mut it.value);
            (identity(&it.value), (it.part, it.value))
        });
        let named: BTreeMap<_, _> = named.collect();
        all.push((environment, images, named));
    }
    let base = shared::base(all.iter().map(|it| &it.2));
    if all.is_empty() {
        return;
    }
    write_base(&base, output);
    for (environment, images, objects) in &all {
        overlay::write(environment, images, &base, objects, output);
    }
}

fn identity(object: &Value) -> Identity {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/apiVersion"), text("/kind"), text("/metadata/name"))
}

/// Each overlay says it once for all.
fn without_namespace(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("namespace");
    }
}

fn write_base(base: &BTreeMap<Identity, (Part, Value)>, output: &mut Output<'_>) {
    let mut resources = vec![];
    for (part, values) in by_part(base.values()) {
        let name = format!("{}.yaml", part.file_stem());
        file(output, None, &format!("{BASE}/{name}"), documents(values), vec![part.origin()]);
        resources.push(name);
    }
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    write_kustomization(output, None, BASE, &kustomization);
}

/// What one file holds.
fn by_part<'v>(objects: impl IntoIterator<Item = &'v (Part, Value)>) -> BTreeMap<Part, Vec<&'v Value>> {
    let mut parts: BTreeMap<Part, Vec<&Value>> = BTreeMap::new();
    for (part, value) in objects {
        parts.entry(part.clone()).or_default().push(value);
    }
    parts
}

fn write_kustomization(
    output: &mut Output<'_>,
    environment: Option<&Environment<'_>>,
    folder: &str,
    value: &Value,
) {
    let first = ["apiVersion", "kind", "metadata", "namespace", "resources", "patches", "images", "name"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    let text = lockgate_yaml::write(value, &style);
    let origin = vec!["environments".to_owned()];
    file(output, environment, &format!("{folder}/kustomization.yaml"), text, origin);
}

fn file(
    output: &mut Output<'_>,
    environment: Option<&Environment<'_>>,
    path: &str,
    text: String,
    origin: Vec<String>,
) {
    output.file(File {
        kind: Kind::Kustomize,
        path: path.to_owned(),
        environment: environment.map(|it| &it.system.environment),
        comment: Comment::Hash,
        text,
        origin,
    });
}
