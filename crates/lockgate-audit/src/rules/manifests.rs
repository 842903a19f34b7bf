//! Kubernetes manifests and task definitions: names that lead nowhere.

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::Diagnostic;

use super::Context;
use crate::extract::{ecs, kubernetes};
use crate::fact::{File, Origin};
use crate::kind::Kind;
use crate::listing::folder_of;
use crate::place::Word;
use crate::tree::Tree;

/// Objects of one folder, or of one document.
struct Folder<'a> {
    objects: Vec<Tree<'a>>,
}

fn folders<'a>(context: &'a Context<'_>) -> Vec<Folder<'a>> {
    let mut keys: Vec<(Origin, String)> = vec![];
    let mut folders: Vec<Folder<'a>> = vec![];
    let key = |file: &File| (file.origin, folder_of(&file.name).to_owned());
    for (file, tree) in context.facts.trees(Kind::Kubernetes) {
        let key = key(file);
        let at = keys.iter().position(|it| *it == key).unwrap_or_else(|| {
            keys.push(key);
            folders.push(Folder { objects: vec![] });
            folders.len() - 1
        });
        folders[at].objects.push(tree);
    }
    // What Kustomize changes on the way is not known from the files alone.
    let changed: Vec<(Origin, String)> = context
        .facts
        .trees(Kind::Kustomization)
        .filter(|it| {
            ["commonLabels", "labels", "namePrefix", "nameSuffix", "components"]
                .iter()
                .any(|key| it.1.has(key))
        })
        .map(|it| key(it.0))
        .collect();
    let kept = keys.iter().zip(folders).filter(|it| !changed.contains(it.0));
    kept.map(|it| it.1).collect()
}

impl<'a> Folder<'a> {
    fn pods(&self) -> impl Iterator<Item = Tree<'a>> {
        self.objects.iter().filter_map(|it| kubernetes::pod(*it))
    }

    fn of(&self, kind: &'a str) -> impl Iterator<Item = Tree<'a>> {
        self.objects.iter().copied().filter(move |it| it.str("kind") == Some(kind))
    }

    /// Only built-in kinds: what an operator makes is not in the files.
    fn is_plain(&self) -> bool {
        const GROUPS: [&str; 7] = [
            "v1",
            "apps/",
            "batch/",
            "networking.k8s.io/",
            "autoscaling/",
            "policy/",
            "rbac.authorization.k8s.io/",
        ];
        self.objects.iter().all(|it| {
            let version = it.str("apiVersion").unwrap_or("");
            GROUPS.iter().any(|group| version.starts_with(group))
        })
    }
}

pub(crate) fn undeclared(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for folder in folders(context).iter().filter(|it| it.is_plain()) {
        let pods: Vec<Tree<'_>> = folder.pods().collect();
        for service in folder.of("Service") {
            selector(service, &pods, report);
        }
        let services: Vec<Word> =
            folder.of("Service").filter_map(|it| it.at(&["metadata", "name"])?.word()).collect();
        for ingress in folder.of("Ingress") {
            backends(ingress, &services, report);
        }
    }
}

/// A service that selects no pod, or a port of it by a name that no pod has.
fn selector(service: Tree<'_>, pods: &[Tree<'_>], report: &mut Vec<Diagnostic>) {
    let Some(selector) = service.at(&["spec", "selector"]) else { return };
    let wanted = kubernetes::labels(selector);
    let labels = |pod: &Tree<'_>| pod.at(&["metadata", "labels"]).map(kubernetes::labels).unwrap_or_default();
    let matches = |pod: &&Tree<'_>| {
        let labels = labels(pod);
        wanted.iter().all(|it| labels.contains(it))
    };
    let Some(pod) = pods.iter().find(matches) else {
        let name = service.at(&["metadata", "name"]).and_then(Tree::text).unwrap_or("");
        let Some(near) =
            pods.iter().find(|pod| labels(pod).iter().any(|it| wanted.iter().any(|key| key.0 == it.0)))
        else {
            return;
        };
        let Some(place) = near.at(&["metadata", "labels"]) else { return };
        report.push(
            Diagnostic::error(codes::UNDECLARED, format!("the service `{name}` selects no pod"))
                .label(selector.span(), "no pod of this folder has these labels")
                .label(place.span(), "the labels of a pod")
                .help("use the labels of the pod that is meant"),
        );
        return;
    };
    let names = kubernetes::port_names(*pod);
    for port in service.at(&["spec", "ports"]).into_iter().flat_map(Tree::items) {
        let Some(target) = port.get("targetPort").and_then(Tree::word) else { continue };
        let is_name = target.text.bytes().any(|it| it.is_ascii_alphabetic());
        if is_name && names.iter().all(|it| it.text != target.text) {
            let mut diagnostic = Diagnostic::error(
                codes::UNDECLARED,
                format!("no container has a port named `{}`", target.text),
            )
            .label(target.span, "leads nowhere");
            let near = suggest::nearest(&target.text, names.iter().map(|it| it.text.as_str()));
            if let Some(word) = near.and_then(|near| names.iter().find(|it| it.text == near)) {
                diagnostic = diagnostic.label(word.span, "is this one meant?");
            }
            report.push(diagnostic.help("name a port of the container, or give its number"));
        }
    }
}

/// An ingress whose backend is no service of the folder, while others of its backends are.
fn backends(ingress: Tree<'_>, services: &[Word], report: &mut Vec<Diagnostic>) {
    let rules = ingress.at(&["spec", "rules"]).into_iter().flat_map(Tree::items);
    let paths = rules.filter_map(|it| it.at(&["http", "paths"])).flat_map(Tree::items);
    let names = paths.filter_map(|it| it.at(&["backend", "service", "name"])?.word());
    for name in names.filter(|name| services.iter().all(|it| it.text != name.text)) {
        let Some(near) = suggest::nearest(&name.text, services.iter().map(|it| it.text.as_str())) else {
            continue;
        };
        let Some(place) = services.iter().find(|it| it.text == near) else { continue };
        report.push(
            Diagnostic::error(codes::UNDECLARED, format!("there is no service `{}`", name.text))
                .label(name.span, "the ingress leads there")
                .label(place.span, "is this one meant?")
                .help("name a service of the same namespace"),
        );
    }
}

/// A variable that a container gets both as a value and as a secret: ECS refuses the task definition.
pub(crate) fn given_twice(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (_, tree) in context.facts.trees(Kind::TaskDefinition) {
        for container in ecs::containers(tree) {
            let secrets = ecs::names(container, "secrets");
            for name in ecs::names(container, "environment") {
                let Some(secret) = secrets.iter().find(|it| it.text == name.text) else { continue };
                report.push(
                    Diagnostic::error(
                        codes::KEY_TWICE,
                        format!("the variable `{}` is given twice", name.text),
                    )
                    .label(secret.span, "as a secret")
                    .label(name.span, "and as a value")
                    .help("keep the secret, and take the value away"),
                );
            }
        }
    }
}
