//! What a change must pass before it is merged.

use lockgate_model::Ci;
use serde_json::json;

use super::images::Group;
use super::workflow::{Concurrency, Job, Permissions, Step, Workflow};
use super::{action, build, quality, text};
use crate::facts::Facts;
use crate::output::Output;

pub(super) const FILE: &str = "pull-request";

pub(super) fn workflow(
    facts: &Facts<'_>,
    ci: &Ci,
    has_quality: bool,
    groups: &[Group<'_>],
    output: &mut Output<'_>,
) -> Workflow {
    let branches: Vec<String> = branches(facts, ci);
    let on = if branches.is_empty() { json!({}) } else { json!({"branches": branches}) };
    let mut workflow = Workflow::new("Pull request", json!({"pull_request": on}));
    workflow.concurrency = Some(Concurrency {
        group: "pull-request-${{ github.event.pull_request.number }}".to_owned(),
        queue: None,
        cancel_in_progress: true,
    });
    if has_quality {
        workflow.job("quality", Job::calling("Quality", quality::FILE, quality::permissions(ci)));
    }
    workflow.jobs.extend(quality::with_secrets(facts, ci, output));
    for group in groups {
        workflow.job(&text::id(&group.file), images(group, output));
    }
    workflow.job("spec", spec(facts, output));
    workflow
}

fn branches(facts: &Facts<'_>, ci: &Ci) -> Vec<String> {
    if !ci.branches.is_empty() {
        return ci.branches.clone();
    }
    let branches: std::collections::BTreeSet<&String> =
        facts.environments.iter().filter_map(|it| it.system.policy.branch.as_ref()).collect();
    branches.into_iter().cloned().collect()
}

/// Built as for a release, and kept nowhere.
fn images(group: &Group<'_>, output: &mut Output<'_>) -> Job {
    let mut permissions: Permissions = build::permissions(group, output);
    permissions.entry("contents").or_insert("read");
    let mut job = Job::calling("Images", &group.file, permissions);
    job.with.insert("push", false.into());
    job.with.insert("version", "pull-request".into());
    job
}

/// Checked by its bytes before it is run, like everything else that comes from outside.
const INSTALL: &str = r#"curl --fail --silent --show-error --location --retry 3 --output "$RUNNER_TEMP/lockgate" "$URL"
echo "$SHA256  $RUNNER_TEMP/lockgate" | sha256sum --check --quiet
chmod +x "$RUNNER_TEMP/lockgate"
"#;

fn spec(facts: &Facts<'_>, output: &mut Output<'_>) -> Job {
    let mut job = Job::new("Spec", 10).allowed([("contents", "read")]);
    job.condition = Some("vars.LOCKGATE_URL != ''".to_owned());
    job.steps.push(action::checkout());
    job.steps.push(
        Step::run("Install Lockgate", INSTALL)
            .env("SHA256", "${{ vars.LOCKGATE_SHA256 }}")
            .env("URL", "${{ vars.LOCKGATE_URL }}"),
    );
    let source = text::literal(facts.source);
    let check = "\"$RUNNER_TEMP/lockgate\" --file \"$SPEC\" --format github check";
    job.steps.push(Step::run("Check the spec", check).env("SPEC", source.clone()));
    let render = "\"$RUNNER_TEMP/lockgate\" --file \"$SPEC\" render --check";
    job.steps.push(Step::run("Check what follows from it", render).env("SPEC", source));
    output.note(
        "GitHub Actions: `lockgate check` and `lockgate render --check` run on pull requests once the repository's \
         variables LOCKGATE_URL and LOCKGATE_SHA256 say where the program is"
            .to_owned(),
    );
    job
}
