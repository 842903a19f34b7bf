//! Repositories that images are pushed to: there is one, and each image has its own.

use std::collections::BTreeMap;

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Build, Diagnostic};

use super::built;
use crate::layers::Value;
use crate::lints::target::is_this_machine;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    shared(seen, report);
    if !is_this_machine(&seen.system.target) && seen.system.policy.promote.is_none() {
        nowhere(seen, report);
    }
}

#[derive(Clone, Copy)]
struct Built<'a> {
    name: &'a str,
    service: &'a Value,
    build: &'a Build,
    /// Where the repository is written.
    repository: &'a Value,
}

/// Two images of one name: whichever is pushed last has it.
fn shared(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&str, Built<'_>> = BTreeMap::new();
    for (name, service, build) in built(seen) {
        let (Some(image), Some(repository)) = (&build.image, service.at(&["build", "image"])) else {
            continue;
        };
        let this = Built { name, service, build, repository };
        match first.get(image.as_str()) {
            Some(other) => report.push(labelled(of_one_name(image, this, *other), this, *other)),
            None => drop(first.insert(image, this)),
        }
    }
}

fn of_one_name(image: &str, this: Built<'_>, other: Built<'_>) -> Diagnostic {
    let (name, first, image) = (this.name, other.name, shown(image));
    if is_alike(this.build, other.build) {
        let message = format!("`{first}` and `{name}` are built alike, each of them into `{image}`");
        return Diagnostic::warning(codes::ONE_REPOSITORY, message).help(format!(
            "build once: with `extends: {first}`, `{name}` runs that image with its own command"
        ));
    }
    let message = format!("`{first}` and `{name}` are different images and have one repository, `{image}`");
    Diagnostic::error(codes::ONE_REPOSITORY, message)
        .help("the one that is pushed last takes the tag; put `${service.name}` into `build.image`")
}

fn labelled(diagnostic: Diagnostic, this: Built<'_>, other: Built<'_>) -> Diagnostic {
    if this.repository.place() != other.repository.place() {
        return diagnostic
            .label(this.repository.place(), format!("of `{}`", this.name))
            .label(other.repository.place(), format!("of `{}`", other.name));
    }
    diagnostic
        .label(this.repository.place(), "the repository of both")
        .label(this.service.key_span, "pushed there as well")
        .label(other.service.key_span, "pushed there")
}

/// Is it the same image? What is scanned is no part of it.
fn is_alike(a: &Build, b: &Build) -> bool {
    Build { scan: None, ..a.clone() } == Build { scan: None, ..b.clone() }
}

fn nowhere(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let target = seen.tree.get("target");
    let registry = target.into_iter().flat_map(Value::entries).any(|it| it.1.get("registry").is_some());
    if registry {
        return;
    }
    for (name, service, _) in built(seen).filter(|it| it.2.image.is_none()) {
        let Some(build) = service.get("build") else { continue };
        let kind = seen.system.target.as_str();
        let message = format!("the image of `{name}` has no repository, and `{kind}` pulls images from one");
        let diagnostic =
            Diagnostic::warning(codes::NOWHERE_TO_PUSH, message).label(build.place(), "no `image`");
        let diagnostic =
            target.into_iter().fold(diagnostic, |it, target| it.label(target.place(), "pulls images"));
        report.push(
            diagnostic
                .help("say where it is pushed, as in `build: {image: \"ghcr.io/shop/${service.name}\"}`"),
        );
    }
}
