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

/// One place for what pods are told of their release: a pipeline sets it there, and it goes where it is read.
fn release(objects: &Objects, kustomization: &mut Value) {
    let told: Vec<Told<'_>> = objects.iter().flat_map(|it| told(it.0, &it.1.1)).collect();
    let literals: BTreeMap<&str, &str> = told.iter().map(|it| (it.short, it.value)).collect();
    if literals.is_empty() {
        return;
    }
    let lines: Vec<String> = literals.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
    kustomization["configMapGenerator"] = json!([{
        "name": SOURCE,
        "literals": lines,
        "options": {"disableNameSuffixHash": true, "annotations": {LOCAL: "true"}},
    }]);
    let replacements = literals.keys().map(|short| {
        let source = json!({"kind": "ConfigMap", "name": SOURCE, "fieldPath": format!("data.{short}")});
        let told: Vec<&Told<'_>> = told.iter().filter(|it| it.short == *short).collect();
        json!({"source": source, "targets": targets(objects, &told)})
    });
    kustomization["replacements"] = replacements.collect();
}

/// An annotation of an object's pods.
struct Told<'o> {
    /// `version`, without what all of them begin with.
    short: &'o str,
    value: &'o str,
    kind: &'o str,
    name: &'o str,
    path: String,
}

fn told<'o>((_, kind, name): &'o Identity, value: &'o Value) -> Vec<Told<'o>> {
    let template = if kind == "CronJob" { "spec.jobTemplate.spec.template" } else { "spec.template" };
    let pointer = format!("/{}/metadata/annotations", template.replace('.', "/"));
    let annotations = value.pointer(&pointer).and_then(Value::as_object);
    let told = annotations.into_iter().flatten().filter_map(|(key, value)| {
        let short = key.strip_prefix(RELEASE)?;
        let path = format!("{template}.metadata.annotations.[{key}]");
        Some(Told { short, value: value.as_str()?, kind, name, path })
    });
    told.collect()
}

/// A whole kind where all of it is told; else each by its name, such as jobs of which some prepare dependencies.
fn targets(objects: &Objects, told: &[&Told<'_>]) -> Vec<Value> {
    let mut targets = vec![];
    let kinds: BTreeSet<(&str, &str)> = told.iter().map(|it| (it.kind, it.path.as_str())).collect();
    for (kind, path) in kinds {
        let of_kind: Vec<&&Told<'_>> = told.iter().filter(|it| it.kind == kind).collect();
        if of_kind.len() == objects.keys().filter(|it| it.1 == kind).count() {
            targets.push(json!({"select": {"kind": kind}, "fieldPaths": [path]}));
            continue;
        }
        let by_name =
            |it: &&&Told<'_>| json!({"select": {"kind": kind, "name": it.name}, "fieldPaths": [path]});
        targets.extend(of_kind.iter().map(by_name));
    }
    targets
}
