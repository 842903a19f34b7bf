//! The chart makes the very objects of the plain manifests, with every Helm; and it refuses what it must.

mod common;
#[path = "common/objects.rs"]
mod objects;
#[path = "common/validator.rs"]
mod validator;

use std::collections::BTreeMap;

use common::{EXAMPLES, example_request, on_disk, request};
use lockgate_render::{Kind, Rendered, Request, Selection, render};
use objects::{Key, documents};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use validator::{Output, Validator, report, validator};

const HELMS: [&str; 2] = ["helm3", "helm4"];

/// What a release says where nothing is released: as the plain manifests have it.
const UNRELEASED: &str = "unreleased";

/// A chart on disk, with what a release supplies.
struct Tree {
    rendered: Rendered,
    folder: TempDir,
    system: String,
    supplied: String,
}

impl Tree {
    fn new(request: Request) -> Option<Tree> {
        let kinds = [Kind::Helm, Kind::Manifests, Kind::Kustomize];
        let selection = Selection { kinds: Some(kinds.into()), ..request.selection };
        let system = request.systems[0].name.to_string();
        let rendered = render(&Request { selection, ..request }).unwrap();
        rendered.artifacts.iter().find(|it| it.kind == Kind::Helm)?;
        let folder = on_disk(&rendered.artifacts);
        let supplied = supplied(&rendered, &system);
        std::fs::write(folder.path().join("supplied.yaml"), &supplied).unwrap();
        Some(Tree { rendered, folder, system, supplied })
    }

    fn chart(&self) -> String {
        format!("deploy/helm/{}", self.system)
    }

    fn environments(&self) -> Vec<(String, String)> {
        let namespace = |environment: &str| {
            let plain = self.plain(environment);
            plain.keys().map(|it| it.1.clone()).find(|it| !it.is_empty()).unwrap()
        };
        let mut names: Vec<_> = self
            .rendered
            .artifacts
            .iter()
            .filter_map(|it| Some(it.environment.as_ref()?.to_string()))
            .collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|it| (it.clone(), namespace(&it))).collect()
    }

    fn plain(&self, environment: &str) -> BTreeMap<Key, Value> {
        let folder = format!("deploy/kubernetes/{environment}/");
        let files = self.rendered.artifacts.iter().filter(|it| it.path.starts_with(&folder));
        let text: Vec<&str> = files.map(|it| it.text.as_str()).collect();
        objects::objects(&text.join("---\n"))
    }

    fn template(&self, helm: &Validator, environment: &str, namespace: &str, more: &[&str]) -> Output {
        let values = format!("deploy/helm/values-{environment}.yaml");
        let chart = self.chart();
        let mut args = vec!["template", "release", &chart, "-n", namespace, "-f", &values];
        args.extend(more);
        helm.run(args, self.folder.path())
    }
}

/// The values that only a release knows, found where the schema asks for a digest or the version.
fn supplied(rendered: &Rendered, system: &str) -> String {
    let schema = common::text(rendered, &format!("deploy/helm/{system}/values.schema.json"));
    let schema: Value = serde_json::from_str(schema).unwrap();
    let names = |of: &str| -> Vec<String> {
        let group = schema["properties"][of]["properties"].as_object();
        group.into_iter().flat_map(Map::keys).cloned().collect()
    };
    let digest = format!("sha256:{}", "0".repeat(64));
    let images: Map<String, Value> =
        names("images").into_iter().map(|it| (it, json!({"digest": digest}))).collect();
    let git: Map<String, Value> = names("git").into_iter().map(|it| (it, json!(UNRELEASED))).collect();
    let mut values =
        json!({"version": UNRELEASED, "namespace": {"create": true}, "images": images, "git": git});
    let known = schema["properties"].as_object().unwrap();
    values.as_object_mut().unwrap().retain(|key, _| known.contains_key(key));
    values.to_string()
}

/// The objects that a run of Helm would leave: without the notes for Helm itself, and without the copies that hooks
/// have of their own, which must be copies indeed.
fn normalised(text: &str) -> BTreeMap<Key, Value> {
    let mut objects = BTreeMap::new();
    let mut copies = vec![];
    for mut object in documents(text) {
        let is_hook = without_hook(&mut object);
        if is_hook && object["kind"] != "Job" {
            copies.push(without_copies(object));
            continue;
        }
        let object = if is_hook { without_copies(object) } else { object };
        let before = objects.insert(key(&object), object);
        assert!(before.is_none(), "an object is there twice");
    }
    for copy in copies {
        assert_eq!(objects.get(&key(&copy)), Some(&copy), "a hook's copy differs");
    }
    objects
}

fn key(object: &Value) -> Key {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

fn without_hook(object: &mut Value) -> bool {
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return false;
    };
    let before = annotations.len();
    annotations.retain(|key, _| !key.starts_with("helm.sh/hook"));
    let is_hook = annotations.len() != before;
    if annotations.is_empty() {
        object["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    is_hook
}

fn without_copies(object: Value) -> Value {
    match object {
        Value::String(text) => Value::String(text.strip_suffix("-hook").unwrap_or(&text).to_owned()),
        Value::Array(items) => items.into_iter().map(without_copies).collect(),
        Value::Object(map) => map.into_iter().map(|(key, it)| (key, without_copies(it))).collect(),
        other => other,
    }
}

fn assert_same(label: &str, found: &BTreeMap<Key, Value>, wanted: &BTreeMap<Key, Value>) {
    let names = |it: &BTreeMap<Key, Value>| it.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{label}");
    for (key, object) in wanted {
        assert_eq!(&found[key], object, "{label}: {key:?}");
    }
}

fn helms() -> Vec<Validator> {
    HELMS.iter().filter_map(|it| validator(it)).collect()
}

#[test]
fn the_chart_makes_the_objects_of_the_plain_manifests_in_every_environment() {
    let mut files = 0;
    for (name, helm) in EXAMPLES.iter().flat_map(|name| helms().into_iter().map(move |it| (name, it))) {
        let Some(tree) = Tree::new(example_request(name)) else { continue };
        for (environment, namespace) in tree.environments() {
            let plain = tree.plain(&environment);
            files += plain.len();
            for more in [["-f", "supplied.yaml"].as_slice(), &["-f", "supplied.yaml", "--is-upgrade"]] {
                let text = tree.template(&helm, &environment, &namespace, more).passed();
                assert_same(&format!("{name} {environment} {more:?}"), &normalised(&text), &plain);
            }
        }
    }
    if !helms().is_empty() {
        report("helm template", files);
    }
}
