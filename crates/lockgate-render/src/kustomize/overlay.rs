//! An overlay: where the objects go, which images and version they run, and what differs from the base.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::images::Images;
use super::{Identity, by_part, file, shared, write_kustomization};
use crate::facts::Environment;
use crate::kubernetes::documents;
use crate::kubernetes::objects::{self, Part, RELEASE};
use crate::output::Output;

type Objects = BTreeMap<Identity, (Part, Value)>;

/// Read while it is built, and no object of the cluster.
const LOCAL: &str = "config.kubernetes.io/local-config";
const SOURCE: &str = "release";

pub(super) fn write(
    environment: &Environment<'_>,
    images: &Images,
    base: &Objects,
    objects: &Objects,
    output: &mut Output<'_>,
) {
    let folder = format!("deploy/kustomize/overlays/{}", environment.name());
    let mut resources = vec!["../../base".to_owned()];
    let own = objects.iter().filter(|it| !base.contains_key(it.0)).map(|it| it.1);
    for (part, values) in by_part(own) {
        let name = format!("{}.yaml", part.file_stem());
        let origin = vec![part.origin()];
        file(output, Some(environment), &format!("{folder}/{name}"), documents(values), origin);
        resources.push(name);
    }
    let mut patches = vec![];
    for (identity, (part, value)) in objects {
        let Some((_, base)) = base.get(identity) else { continue };
        let Some(patch) = shared::difference("", base, value) else { continue };
        let name = format!("patches/{}-{}.yaml", identity.1.to_ascii_lowercase(), identity.2);
        let text = documents([&addressed(patch, identity)]);
        file(output, Some(environment), &format!("{folder}/{name}"), text, vec![part.origin()]);
        patches.push(json!({"path": name}));
    }
    let mut kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": objects::namespace(environment),
        "resources": resources,
    });
    if !patches.is_empty() {
        kustomization["patches"] = json!(patches);
    }
    if !images.is_empty() {
        let images = images.iter().map(|it| json!({"name": it.0, "digest": it.1.to_string()}));
        kustomization["images"] = images.collect();
    }
    release(objects, &mut kustomization);
    write_kustomization(output, Some(environment), &folder, &kustomization);
}

fn addressed(mut patch: Value, identity: &Identity) -> Value {
    patch["apiVersion"] = json!(identity.0);
    patch["kind"] = json!(identity.1);
    patch["metadata"]["name"] = json!(identity.2);
    patch
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    kind: String,
    /// `None` for all of the kind.
    name: Option<String>,
    path: String,
}

/// One place for what pods are told of their release: a pipeline sets it there, and it goes where it is read.
fn release(objects: &Objects, kustomization: &mut Value) {
    let mut literals: BTreeMap<String, String> = BTreeMap::new();
    let mut targets: BTreeMap<String, BTreeSet<Target>> = BTreeMap::new();
    for ((_, kind, name), (_, value)) in objects {
        let template = if kind == "CronJob" { "spec.jobTemplate.spec.template" } else { "spec.template" };
        let pointer = format!("/{}/metadata/annotations", template.replace('.', "/"));
        let annotations = value.pointer(&pointer).and_then(Value::as_object);
        for (key, value) in annotations.into_iter().flatten() {
            let Some(short) = key.strip_prefix(RELEASE) else { continue };
            literals.insert(short.to_owned(), value.as_str().unwrap_or_default().to_owned());
            let path = format!("{template}.metadata.annotations.[{key}]");
            // Jobs that prepare dependencies are of no release.
            let name = (kind == "Job").then(|| name.clone());
            targets.entry(short.to_owned()).or_default().insert(Target { kind: kind.clone(), name, path });
        }
    }
    if literals.is_empty() {
        return;
    }
    let lines: Vec<String> = literals.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
    kustomization["configMapGenerator"] = json!([{
        "name": SOURCE,
        "literals": lines,
        "options": {"disableNameSuffixHash": true, "annotations": {LOCAL: "true"}},
    }]);
    let replacements = targets.into_iter().map(|(short, targets)| {
        let targets: Vec<Value> = targets
            .into_iter()
            .map(|it| {
                let mut select = json!({"kind": it.kind});
                if let Some(name) = it.name {
                    select["name"] = json!(name);
                }
                json!({"select": select, "fieldPaths": [it.path]})
            })
            .collect();
        let source = json!({"kind": "ConfigMap", "name": SOURCE, "fieldPath": format!("data.{short}")});
        json!({"source": source, "targets": targets})
    });
    kustomization["replacements"] = replacements.collect();
}
