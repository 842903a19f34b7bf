//! Kubernetes manifests: workloads, and what is routed to them.

use crate::fact::Fact;
use crate::place::Word;
use crate::tree::Tree;

/// Objects that make pods, with the path to the pod.
const WORKLOADS: [(&str, &[&str]); 7] = [
    ("Deployment", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("Rollout", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
];

/// The template of a workload's pods.
pub(crate) fn pod(tree: Tree<'_>) -> Option<Tree<'_>> {
    let kind = tree.str("kind")?;
    let (_, path) = WORKLOADS.iter().find(|it| it.0 == kind)?;
    tree.at(path)
}

pub(crate) fn containers(pod: Tree<'_>) -> impl Iterator<Item = Tree<'_>> {
    let spec = pod.get("spec");
    let of = move |key: &str| spec.and_then(|it| it.get(key)).into_iter().flat_map(Tree::items);
    of("containers").chain(of("initContainers"))
}

/// `key: value` of labels or of a selector.
pub(crate) fn labels(tree: Tree<'_>) -> Vec<(String, String)> {
    tree.entries().filter_map(|(key, value)| Some((key.text, value.text()?.to_owned()))).collect()
}

/// Names of the ports that the containers of a pod declare.
pub(crate) fn port_names(pod: Tree<'_>) -> Vec<Word> {
    let ports = containers(pod).filter_map(|it| it.get("ports")).flat_map(Tree::items);
    ports.filter_map(|it| it.get("name").and_then(Tree::word)).collect()
}

pub(crate) fn facts(tree: Tree<'_>) -> Vec<Fact> {
    let mut found = vec![];
    if let Some(pod) = pod(tree) {
        let images = containers(pod).filter_map(|it| it.get("image").and_then(Tree::word));
        found.extend(images.filter_map(|it| Fact::image(&it)));
    }
    let name = tree.at(&["metadata", "name"]).and_then(Tree::text).unwrap_or("");
    let replicas = tree.at(&["spec", "replicas"]);
    found.extend(replicas.and_then(|it| Some(Fact::replicas(name, it.text()?.parse().ok()?, it.span()))));
    found
}
