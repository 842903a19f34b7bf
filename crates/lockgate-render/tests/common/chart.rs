//! A chart on disk, and what the programs around Helm make of it.

use lockgate_render::{Kind, Rendered, Request, Selection, render};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::manifests::{Objects, documents, key, objects};
use super::validator::{Output, Validator, validator};
use super::{on_disk, text};

const HELMS: [&str; 2] = ["helm3", "helm4"];

/// Beside the tree: what a release says.
pub const SUPPLIED: &str = "supplied.yaml";

/// What a release says where nothing is released: as the plain manifests have it.
const UNRELEASED: &str = "unreleased";

/// A chart on disk, with what a release supplies.
pub struct Tree {
    pub rendered: Rendered,
    pub folder: TempDir,
    pub system: String,
}

impl Tree {
    pub fn new(request: Request) -> Option<Tree> {
        let kinds = [Kind::Helm, Kind::Helmfile, Kind::Manifests, Kind::Kustomize];
        let selection = Selection { kinds: Some(kinds.into()), ..request.selection };
        let system = request.systems[0].name.to_string();
        let rendered = render(&Request { selection, ..request }).expect("the spec can be rendered");
        rendered.artifacts.iter().find(|it| it.kind == Kind::Helm)?;
        let folder = on_disk(&rendered.artifacts);
        let supplied = supplied(&rendered, &system);
        std::fs::write(folder.path().join(SUPPLIED), supplied).expect("the folder is ours");
        Some(Tree { rendered, folder, system })
    }

    pub fn chart(&self) -> String {
        format!("deploy/helm/{}", self.system)
    }

    pub fn environments(&self) -> Vec<(String, String)> {
        let namespace = |environment: &str| {
            let mut objects = self.plain(environment).into_values();
            let namespace =
                objects.find_map(|it| Some(it.pointer("/metadata/namespace")?.as_str()?.to_owned()));
            namespace.expect("its objects have a namespace")
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

    pub fn plain(&self, environment: &str) -> Objects {
        let folder = format!("deploy/kubernetes/{environment}/");
        let files = self.rendered.artifacts.iter().filter(|it| it.path.starts_with(&folder));
        objects(files.map(|it| it.text.as_str()))
    }

    pub fn template(&self, helm: &Validator, environment: &str, namespace: &str, more: &[&str]) -> Output {
        let values = format!("deploy/helm/values-{environment}.yaml");
        let chart = self.chart();
        let mut args = vec![
            "template",
            "release",
            &chart,
            "-n",
            namespace,
            "-f",
            &values,
            "--set",
            "namespace.create=true",
        ];
        args.extend(more);
        helm.run(args, self.folder.path())
    }
}

/// The values that only a release knows, found where the schema asks for a digest, the version or the commit.
fn supplied(rendered: &Rendered, system: &str) -> String {
    let schema = text(rendered, &format!("deploy/helm/{system}/values.schema.json"));
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    let names = |of: &str| -> Vec<String> {
        let group = schema["properties"][of]["properties"].as_object();
        group.into_iter().flat_map(Map::keys).cloned().collect()
    };
    let digest = format!("sha256:{}", "0".repeat(64));
    let images: Map<String, Value> =
        names("images").into_iter().map(|it| (it, json!({"digest": digest}))).collect();
    let git: Map<String, Value> = names("git").into_iter().map(|it| (it, json!(UNRELEASED))).collect();
    let mut values = json!({"version": UNRELEASED, "images": images, "git": git});
    let known = schema["properties"].as_object().expect("a chart has values");
    values.as_object_mut().expect("it was made above").retain(|key, _| known.contains_key(key));
    values.to_string()
}

/// The objects that a run of Helm would leave: without the notes for Helm itself, and without the copies that hooks
/// have of their own, which must be copies indeed.
pub fn normalised(text: &str) -> Objects {
    let mut objects = Objects::new();
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

fn without_hook(object: &mut Value) -> bool {
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return false;
    };
    let is_hook = annotations.contains_key("helm.sh/hook");
    annotations.retain(|key, _| !key.starts_with("helm.sh/"));
    if annotations.is_empty() {
        object["metadata"].as_object_mut().expect("annotations are in it").remove("annotations");
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

pub fn helms() -> Vec<Validator> {
    HELMS.iter().filter_map(|it| validator(it)).collect()
}
