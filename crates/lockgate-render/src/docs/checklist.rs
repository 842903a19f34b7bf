//! The release checklist: each box names the record that ticks it.

use lockgate_model::{SmokeKind, StepGate, Strategy};

use super::markdown::{Page, code};
use crate::facts::{Environment, shell};

pub(super) fn page(environment: &Environment<'_>) -> String {
    let name = environment.name();
    let mut page = Page::default();
    page.heading(1, &format!("Release checklist: {} in {name}", environment.system.name));
    page.text(&format!(
        "One copy for each release. A box is ticked by its evidence in the release's record (`lockgate history {name} --release ID`), never beforehand."
    ));
    page.heading(2, "Before");
    page.boxes(before(environment));
    page.heading(2, "During");
    page.boxes(during(environment));
    page.heading(2, "After");
    page.boxes(after(environment));
    page.finish()
}

fn before(environment: &Environment<'_>) -> Vec<String> {
    let system = environment.system;
    let mut boxes = vec![
        "`lockgate check` finds nothing (workflow run)".to_owned(),
        "`lockgate render --check` is clean (workflow run)".to_owned(),
    ];
    let checks = [
        ("format", &system.ci.format),
        ("lint", &system.ci.lint),
        ("types", &system.ci.types),
        ("unit tests", &system.ci.unit),
        ("integration tests", &system.ci.integration),
        ("coverage", &system.ci.coverage),
        ("security", &system.ci.security),
        ("end-to-end tests", &system.ci.e2e),
        ("benchmark", &system.ci.benchmark),
    ];
    boxes.extend(
        checks
            .iter()
            .filter(|it| it.1.is_some())
            .map(|it| format!("{} passed for this commit (workflow run)", it.0)),
    );
    if let Some(notes) = &system.release.notes {
        boxes.push(format!("{} says what this version changes (commit)", code(notes)));
    }
    match &system.policy.promote {
        Some(from) => boxes.push(format!(
            "the digests are those that passed {} (record of {from}, images)",
            code(from.as_str())
        )),
        None if environment
            .services
            .values()
            .any(|it| it.image.as_ref().is_some_and(|it| it.build.is_some())) =>
        {
            boxes.push("every image is built once and known by digest (record, images)".to_owned());
        }
        None => {}
    }
    let scanned = environment
        .services
        .values()
        .any(|it| it.image.as_ref().and_then(|it| it.build).is_some_and(|it| it.1.scan.is_some()));
    if scanned {
        boxes.push("the scan of the images found nothing at or above the limit (workflow run)".to_owned());
    }
    if let Some(protection) = system.policy.protection.as_ref().filter(|it| 0 < it.reviewers) {
        boxes.push(format!("{} approved it (record, approvals)", protection.reviewers));
    }
    boxes
}

fn during(environment: &Environment<'_>) -> Vec<String> {
    let system = environment.system;
    let mut boxes = vec![];
    if let Some(job) = &environment.migration {
        boxes.push(format!("{} ended well (record, migrate)", code(&shell::line(&job.command))));
    }
    if let Some(job) = &environment.seed {
        boxes.push(format!("{} ended well (record, seed)", code(&shell::line(&job.command))));
    }
    for step in &system.rollout.steps {
        let how = match step.gate {
            StepGate::Metrics => "passed its gate",
            StepGate::Approval => "was passed by a person",
        };
        boxes.push(format!("{} of the traffic: {how} (record, verdict)", step.weight));
    }
    if system.rollout.steps.is_empty() && system.rollout.strategy == Strategy::Rolling {
        boxes.push("every instance is ready with the new version (record, rollout)".to_owned());
    }
    for check in &system.smoke {
        let what = match &check.kind {
            SmokeKind::Get { path, .. } => code(&format!("GET {path}")),
            SmokeKind::Run { command } => code(&shell::line(command)),
            SmokeKind::Mail { to, .. } => format!("mail to {}", code(to)),
        };
        boxes.push(format!("smoke check of {}: {what} (record, smoke)", code(check.service.as_str())));
    }
    boxes
}

fn after(environment: &Environment<'_>) -> Vec<String> {
    let rollout = &environment.system.rollout;
    let mut boxes = vec![];
    if 0 < rollout.bake.0 {
        boxes.push(format!("the bake of {} ended without an abort (record, verdict)", rollout.bake));
    }
    for (metric, _) in environment.system.slo.iter().filter(|it| it.1.alert.is_some()) {
        boxes.push(format!("no alert of {} since the release (dashboard)", code(metric.as_str())));
    }
    boxes.push("the version before can be gone back to (record, rollback)".to_owned());
    boxes
}
