//! GitHub Actions: checks, images, releases by environment, the way back, and what runs by the clock.
//!
//! **Invariant:** scripts hold no expressions of GitHub's; what they need comes by variables. An image is built once
//! and goes from environment to environment by its digest.

mod action;
mod build;
mod containers;
mod images;
mod pull_request;
mod quality;
mod text;
mod tools;
mod workflow;
mod write;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::output::Output;

pub(crate) use action::{ALL as ACTIONS, Action};

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    if facts.wanting(Kind::Github).next().is_none() {
        return;
    }
    // The checks of a change belong to no environment; those that releases go to say them as all others do.
    let Some(first) = released(facts).next().or(facts.environments.first()) else { return };
    let ci = &first.system.ci;
    let groups = images::groups(facts, output);
    let checks = quality::workflow(facts, ci, output);
    if let Some(workflow) = &checks {
        write::file(facts, quality::FILE, workflow, &["ci", "dependencies"], output);
    }
    for group in &groups {
        let workflow = build::workflow(group, output);
        write::file(facts, &group.file, &workflow, &["build", "services"], output);
    }
    if checks.is_some() || !groups.is_empty() {
        let workflow = pull_request::workflow(facts, ci, checks.is_some(), &groups, output);
        write::file(facts, pull_request::FILE, &workflow, &["ci", "build"], output);
    }
}

/// Environments that a push to a branch or a tag is released to.
fn released<'f, 'a>(facts: &'f Facts<'a>) -> impl Iterator<Item = &'f Environment<'a>> {
    facts.environments.iter().filter(|it| it.system.policy.branch.is_some() || it.system.policy.tag.is_some())
}
