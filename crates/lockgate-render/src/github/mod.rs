//! GitHub Actions: checks, images, releases by environment, the way back, and what runs by the clock.
//!
//! **Invariant:** scripts hold no expressions of GitHub's; what they need comes by variables. An image is built once
//! and goes from environment to environment by its digest.

mod action;
mod build;
mod containers;
mod deploy;
mod images;
mod pull_request;
mod quality;
mod release;
mod rotate;
mod summary;
mod text;
mod tools;
mod workflow;
mod write;

use std::collections::BTreeSet;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::output::Output;

#[cfg(test)]
pub(crate) use action::ALL as ACTIONS;
use action::Action;
use workflow::Workflow;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    if facts.wanting(Kind::Github).next().is_none() {
        return;
    }
    for (stem, workflow, origin) in workflows(facts, output) {
        write::file(facts, &stem, &workflow, &origin, output);
    }
}

/// All that the workflows use.
pub(crate) fn actions(facts: &Facts<'_>, output: &mut Output<'_>) -> BTreeSet<Action> {
    let workflows = workflows(facts, output);
    let jobs = workflows.iter().flat_map(|it| &it.1.jobs);
    let steps = jobs.flat_map(|it| &it.1.steps);
    steps.filter_map(|it| action::of(it.uses.as_deref()?)).collect()
}

type Named = (String, Workflow, Vec<String>);

/// By the stem of its file, each with the parts of the spec that it was made of.
fn workflows(facts: &Facts<'_>, output: &mut Output<'_>) -> Vec<Named> {
    let mut workflows: Vec<Named> = vec![];
    let mut add = |stem: &str, workflow: Option<Workflow>, origin: &[&str]| {
        let origin = origin.iter().map(|it| (*it).to_owned()).collect();
        workflows.extend(workflow.map(|it| (stem.to_owned(), it, origin)));
    };
    // The checks of a change belong to no environment; those that releases go to say them as all others do.
    let Some(first) = released(facts).next().or(facts.environments.first()) else { return vec![] };
    let ci = &first.system.ci;
    let groups = images::groups(facts, output);
    let checks = quality::workflow(facts, ci, output);
    let has_quality = checks.is_some();
    add(quality::FILE, checks, &["ci", "dependencies"]);
    for group in &groups {
        add(&group.file, Some(build::workflow(group, output)), &["build", "services"]);
    }
    if has_quality || !groups.is_empty() {
        let workflow = pull_request::workflow(facts, ci, has_quality, &groups, output);
        add(pull_request::FILE, Some(workflow), &["ci", "build"]);
    }
    for environment in released(facts) {
        let workflow = deploy::workflow(facts, environment, has_quality, &groups, output);
        let origin = format!("environments.{}", environment.name());
        let origin = [origin.as_str(), "build", "ci", "migrations", "seeds", "services", "smoke"];
        add(&deploy::file(environment), workflow, &origin);
    }
    add(deploy::ROLLBACK, deploy::rollback(facts, output), &["environments", "services", "smoke"]);
    add(release::FILE, release::workflow(facts, first, has_quality), &["release", "ci"]);
    add(rotate::FILE, rotate::workflow(facts, output), &["secrets", "services", "environments"]);
    add(summary::FILE, summary::workflow(facts, output), &["notifications"]);
    workflows
}

/// Environments that a push to a branch or a tag is released to.
fn released<'f, 'a>(facts: &'f Facts<'a>) -> impl Iterator<Item = &'f Environment<'a>> {
    facts.environments.iter().filter(|it| it.system.policy.branch.is_some() || it.system.policy.tag.is_some())
}
