//! Lints of images: whether there is one, where it is pushed, and which one runs.

mod promoted;
mod reference;
mod repository;

use lockgate_diagnostics::codes;
use lockgate_model::{Build, Diagnostic, Image};
use lockgate_yaml::Node;

use super::topology;
use crate::layers::Value;
use crate::levels;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    if seen.system.target.runs_images() {
        nothing_to_run(seen, report);
    }
    reference::check(seen, report);
    repository::check(seen, report);
    stages(seen, report);
}

pub(super) fn across(root: &Node, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    promoted::check(all, report);
    let mut found = vec![];
    in_no_environment(root, all, &mut found);
    levels::apply(all.first().and_then(|it| it.tree.get("checks")), &mut found);
    report.append(&mut found);
}

/// The services whose images are built here, as they are written and as they are.
fn built<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = (&'a str, &'a Value, &'a Build)> {
    seen.system.services.iter().filter_map(|(name, service)| match &service.image {
        Some(Image::Built(build)) => {
            Some((name.as_str(), seen.tree.at(&["services", name.as_str()])?, build.as_ref()))
        }
        Some(Image::Named(_) | Image::SameAs(_)) | None => None,
    })
}

fn nothing_to_run(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, service) in seen.tree.get("services").into_iter().flat_map(Value::entries) {
        let base = topology::last_base(&seen.tree, name);
        let written = |it: &Value| it.get("image").or(it.get("build")).is_some();
        // A base that is not there is an error already.
        let Some(base) = base.map_or(Some(service), |it| seen.tree.at(&["services", it])) else { continue };
        if written(service) || written(base) {
            continue;
        }
        let target = seen.system.target.as_str();
        let message = format!("`{name}` has no image, and `{target}` runs images");
        let mut diagnostic = Diagnostic::error(codes::NOTHING_TO_RUN, message)
            .label(service.key_span, "neither `image` nor `build`");
        if let Some(written) = seen.tree.get("target") {
            diagnostic = diagnostic.label(written.place(), "runs images");
        }
        report.push(diagnostic.help(
            "say how it is built (`build: {dockerfile: Dockerfile}`), whose image it is (`image`), or `extends` a service that has one",
        ));
    }
}

/// A preset writes the Dockerfile, so the spec cannot know a stage of it.
fn stages(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (_, service, _) in built(seen) {
        let (Some(stage), Some(preset)) = (service.at(&["build", "stage"]), service.at(&["build", "preset"]))
        else {
            continue;
        };
        report.push(
            Diagnostic::warning(codes::STAGE_OF_PRESET, "`stage` has no meaning beside `preset`")
                .label(stage.place(), "a stage of which Dockerfile?")
                .label(preset.place(), "the preset writes the Dockerfile")
                .help("remove `stage`, or name a Dockerfile instead of the preset"),
        );
    }
}

fn in_no_environment(root: &Node, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    for entry in root.get("services").map_or(&[][..], Node::entries) {
        let is_there = |it: &Seen<'_>| it.tree.at(&["services", &entry.key]).is_some();
        let removals = all.iter().filter_map(|it| it.entry.value.get("services")?.entry(&entry.key));
        if all.is_empty() || all.iter().any(is_there) {
            continue;
        }
        let message = format!("`{}` is removed in every environment", entry.key);
        let diagnostic =
            Diagnostic::warning(codes::IN_NO_ENVIRONMENT, message).label(entry.key_span, "declared here");
        let diagnostic = removals.fold(diagnostic, |it, removal| it.label(removal.key_span, "removed here"));
        report.push(diagnostic.help("remove the service, or keep it where it shall run"));
    }
}
