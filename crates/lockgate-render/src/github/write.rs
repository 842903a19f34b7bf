//! From the types to the file: keys in the order in which people read workflows, actions by the commit of the lock.

use std::collections::BTreeSet;

use lockgate_yaml::WriteStyle;
use serde_json::Value;

use super::action;
use super::workflow::Workflow;
use crate::artifact::Kind;
use crate::facts::Facts;
use crate::header::Comment;
use crate::output::{File, Output};

const FIRST: [&str; 31] = [
    "name",
    "description",
    "id",
    "needs",
    "if",
    "on",
    "push",
    "pull_request",
    "schedule",
    "workflow_call",
    "workflow_dispatch",
    "permissions",
    "concurrency",
    "group",
    "queue",
    "defaults",
    "runs-on",
    "environment",
    "timeout-minutes",
    "outputs",
    "strategy",
    "continue-on-error",
    "services",
    "image",
    "uses",
    "with",
    "secrets",
    "env",
    "run",
    "jobs",
    "steps",
];

/// Why a job is allowed what it is.
fn reason(permission: &str, level: &Value) -> Option<String> {
    let text = match (permission, level.as_str()?) {
        ("contents", "read") => "check out",
        ("contents", "write") => "write the page of the release",
        ("packages", "read") => "pull images",
        ("packages", "write") => "push images",
        ("id-token", "write") => "sign in by OIDC",
        ("security-events", "write") => "upload findings",
        ("pull-requests", "write") => "write a comment",
        ("issues", "write") => "ask a person",
        ("deployments", "read") => "list releases",
        ("actions", "read") => "list runs",
        _ => return None,
    };
    Some(text.to_owned())
}

pub(super) fn file(
    facts: &Facts<'_>,
    stem: &str,
    workflow: &Workflow,
    origin: &[String],
    output: &mut Output<'_>,
) {
    let mut value = serde_json::to_value(workflow).expect("maps have keys of text");
    for name in pin(facts, &mut value) {
        output.note(format!("GitHub Actions: `{name}` is used by its tag; pin it with `lockgate lock`"));
    }
    for environment in &facts.environments {
        output.patch(environment, "Workflow", stem, &mut value);
    }
    let jobs: Vec<&str> = workflow.jobs.iter().map(|it| it.0.as_str()).collect();
    let mut first = FIRST.to_vec();
    first.extend(jobs.iter().filter(|it| !FIRST.contains(it)));
    let remark = |key: &str, value: &Value| match key {
        "uses" => action::remark(value, facts.lock),
        _ => reason(key, value),
    };
    let style =
        WriteStyle { first: &first, remark: Some(&remark), indent_lists: true, ..WriteStyle::default() };
    output.file(File {
        kind: Kind::Github,
        path: format!(".github/workflows/{stem}.yml"),
        environment: None,
        comment: Comment::Hash,
        text: lockgate_yaml::write(&value, &style),
        origin: origin.to_vec(),
    });
}

/// Names every action by its commit; returns those that the lock does not have.
fn pin(facts: &Facts<'_>, workflow: &mut Value) -> BTreeSet<String> {
    let mut unpinned = BTreeSet::new();
    let jobs = workflow["jobs"].as_object_mut().into_iter().flat_map(|it| it.values_mut());
    let steps = jobs.filter_map(|it| it.get_mut("steps")?.as_array_mut()).flatten();
    for uses in steps.filter_map(|it| it.get_mut("uses")) {
        let name = uses.as_str().unwrap_or_default();
        let pinned = action::pinned(name, facts.lock);
        if pinned == name {
            unpinned.insert(name.to_owned());
        }
        *uses = Value::String(pinned);
    }
    unpinned
}
