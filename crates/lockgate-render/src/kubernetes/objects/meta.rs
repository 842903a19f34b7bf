//! Names, labels and annotations.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use lockgate_model::{Digest, TargetKind};
use serde_json::Value;

use super::env::Env;
use super::part::Part;
use crate::facts::Environment;

/// Annotation of pods: the version that they run. Who deploys without Lockgate sets it.
pub(crate) const VERSION: &str = "lockgate.dev/version";
/// What annotations of pods begin with that differ from release to release.
pub(crate) const RELEASE: &str = "lockgate.dev/";
/// What stands there until then.
pub(crate) const UNRELEASED: &str = "unreleased";

const NAME: &str = "app.kubernetes.io/name";
/// Label of pods: which of the two versions of a release they are.
const TRACK: &str = "lockgate.dev/track";
/// Of 16 digits each; two contents of one name that share eight are not to be expected.
pub(crate) const SUFFIX: usize = 8;

pub(crate) fn namespace(environment: &Environment<'_>) -> String {
    match &environment.system.target {
        TargetKind::Kubernetes(it) => it.namespace.clone(),
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => environment.system.name.to_string(),
    }
}

pub(super) fn meta(environment: &Environment<'_>, part: &Part, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace(environment)),
        labels: Some(labels(environment, part, &part.name())),
        ..ObjectMeta::default()
    }
}

fn labels(environment: &Environment<'_>, part: &Part, pods: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), pods.to_owned()),
        ("app.kubernetes.io/part-of".to_owned(), environment.system.name.to_string()),
        ("app.kubernetes.io/component".to_owned(), part.component().to_owned()),
        ("app.kubernetes.io/managed-by".to_owned(), "lockgate".to_owned()),
    ])
}

/// Metadata of pods that run an image of the release: the labels they are selected by, and what they are of.
pub(super) fn of_release(environment: &Environment<'_>, part: &Part, env: &Env) -> ObjectMeta {
    let mut labels = labels(environment, part, &part.name());
    if matches!(part, Part::Service(_)) {
        labels.extend(stable(part));
    }
    let mut annotations: BTreeMap<_, _> =
        env.commit.iter().map(|it| (it.clone(), UNRELEASED.to_owned())).collect();
    annotations.insert(VERSION.to_owned(), version(environment));
    ObjectMeta { labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }
}

/// Metadata of other pods. Their name is a part's, or begins with it.
pub(super) fn of_pods(environment: &Environment<'_>, part: &Part, pods: &str) -> ObjectMeta {
    ObjectMeta { labels: Some(labels(environment, part, pods)), ..ObjectMeta::default() }
}

/// Annotation of pods that a reference to the commit, such as `git.sha`, is read from.
pub(super) fn of_commit(reference: &str) -> Option<String> {
    reference.strip_prefix("git.").map(|it| format!("{RELEASE}git-{it}"))
}

fn version(environment: &Environment<'_>) -> String {
    let known = environment.version.as_deref().or(environment.system.policy.version.as_deref());
    known.filter(|it| !it.contains("${")).unwrap_or(UNRELEASED).to_owned()
}

/// All pods of a name, whatever their version.
pub(super) fn all(pods: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(NAME.to_owned(), pods.to_owned())])
}

/// The pods of a service that serve while no release is under way.
pub(super) fn stable(part: &Part) -> BTreeMap<String, String> {
    track(part, "stable")
}

/// The pods of a service's new version while it is tried.
pub(super) fn canary(part: &Part) -> BTreeMap<String, String> {
    track(part, "canary")
}

fn track(part: &Part, track: &str) -> BTreeMap<String, String> {
    let mut labels = all(&part.name());
    labels.insert(TRACK.to_owned(), track.to_owned());
    labels
}

pub(super) fn selector(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}

/// The digest of a `ConfigMap` is that of its lines `NAME=value`, which a chart can compute as well.
pub(crate) fn name_by_content(name: &str, value: &mut Value) -> String {
    let digest = match value.get("data").and_then(Value::as_object) {
        Some(data) => {
            let line = |it: (&String, &Value)| format!("{}={}\n", it.0, it.1.as_str().unwrap_or_default());
            Digest::of(data.iter().map(line).collect::<String>().as_bytes())
        }
        None => Digest::of_value(&value["spec"]),
    };
    let name = format!("{name}-{}", &digest.hex()[..SUFFIX]);
    value["metadata"]["name"] = Value::String(name.clone());
    name
}
