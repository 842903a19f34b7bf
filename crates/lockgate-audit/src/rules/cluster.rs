//! Objects of a cluster: namespaces, routes, and what is taken away with them.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;
use crate::extract::shell::Command;
use crate::markdown::Document;
use crate::place::Word;

/// A route that is patched to a service of another namespace, and a cleanup that deletes the route.
pub(crate) fn route_of_the_old(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (idx, patch) in context.facts.commands.iter().enumerate() {
        if !patch.is(&["kubectl", "patch", "ingress"]) {
            continue;
        }
        let (Some(namespace), Some(to)) = (patch.namespace(), patched_service(patch)) else { continue };
        let in_block = |it: &&Command| it.block == patch.block;
        let block: Vec<&Command> = context.facts.commands.iter().filter(in_block).collect();
        let home = block.iter().find(|it| {
            it.is(&["helm", "install"]) && it.positional().get(2).is_some_and(|it| it.text == to.text)
        });
        if let Some(elsewhere) = home.and_then(|it| it.namespace()).filter(|it| it.text != namespace.text) {
            let message = format!("an ingress cannot lead to `{}` in another namespace", to.text);
            report.push(
                Diagnostic::error(codes::OTHER_NAMESPACE, message)
                    .label(to.span, format!("looked up in `{}`", namespace.text))
                    .label(elsewhere.span, "installed in this namespace")
                    .help("install both versions in one namespace, or route with an object that spans namespaces"),
            );
        }
        let route = patch.positional().get(3).map(|it| it.text.clone()).unwrap_or_default();
        let removal =
            context.facts.commands[idx + 1..].iter().take_while(|it| it.block == patch.block).find(|it| {
                let owns = it.positional().get(2).is_some_and(|it| it.text == route);
                it.is(&["helm", "uninstall"])
                    && owns
                    && it.namespace().is_some_and(|it| it.text == namespace.text)
            });
        if let Some(removal) = removal {
            let message = format!("the cleanup deletes the ingress `{route}` that traffic was just given to");
            report.push(
                Diagnostic::error(codes::REMOVES_WHAT_SERVES, message)
                    .label(removal.head(), "deletes all objects of the release")
                    .label(patch.head(), "the route that serves is one of them")
                    .help("give the route a release of its own, and remove the old version without it"),
            );
        }
    }
}

/// The name in `"value":"service"` of a JSON patch of a backend.
fn patched_service(patch: &Command) -> Option<Word> {
    let json = patch.value(&["-p", "--patch"])?;
    let (before, rest) = json.text.split_once("\"value\"")?;
    if !before.contains("service/name") {
        return None;
    }
    let name = rest.trim_start_matches([':', ' ', '"']).split('"').next()?;
    Some(Word::new(name, json.span))
}

/// An object that is created in a namespace which only a later command creates.
pub(crate) fn namespace_later(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let Some(declared) = declared_namespace(context, document) else { continue };
        let commands: Vec<&Command> = context.facts.commands_in(document.source).collect();
        let makes = |it: &&&Command| {
            it.is(&["kubectl", "create", "namespace"]) || it.is(&["kubectl", "create", "ns"])
        };
        if commands.iter().any(|it| makes(&it)) {
            continue;
        }
        for (idx, create) in commands.iter().enumerate() {
            let Some(namespace) = create.namespace().filter(|it| it.text == declared.text) else { continue };
            let later = commands[idx + 1..].iter().take_while(|it| it.block == create.block);
            let applies = |it: &&&Command| it.is(&["kubectl", "apply"]);
            let before = commands[..idx].iter().any(|it| it.block == create.block && applies(&it));
            let Some(apply) = later.clone().find(|it| applies(it)) else { continue };
            if before || !create.is(&["kubectl", "create"]) {
                continue;
            }
            let message = format!("the namespace `{}` is used before it is there", namespace.text);
            report.push(
                Diagnostic::error(codes::NAMESPACE_LATER, message)
                    .label(namespace.span, "fails on a new cluster")
                    .label(apply.span(), "creates the namespace, later")
                    .label(declared.span, "declared here")
                    .help("apply the namespace first"),
            );
            break;
        }
    }
}

/// The namespace that a listed `namespace.yaml` is said to hold.
fn declared_namespace(context: &Context<'_>, document: &Document) -> Option<Word> {
    let said = |text: &str| {
        let rest = text.split_once("namespace.yaml")?.1;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let at = words.iter().position(|it| it.trim_end_matches('.') == "namespace")?;
        let name = words.get(at.checked_sub(1)?)?;
        name.contains('-').then(|| (*name).to_owned())
    };
    let prose = document.prose.iter().find_map(|it| Some(Word::new(said(it.text())?, it.span())));
    prose.or_else(|| {
        let manifests = context.facts.trees(crate::kind::Kind::Kubernetes);
        let mut own = manifests.filter(|it| it.0.excerpt.source == document.source);
        own.find_map(|(_, tree)| {
            let is_namespace = tree.str("kind") == Some("Namespace");
            is_namespace.then(|| tree.at(&["metadata", "name"])?.word()).flatten()
        })
    })
}
