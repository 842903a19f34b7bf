//! The checks of `ci`, each a job: what a change must pass wherever it goes.

use lockgate_model::{Ci, CiStep, Percent};
use serde_json::json;

use super::workflow::{Job, Permissions, Step, Workflow};
use super::{action, containers, text, tools};
use crate::facts::Facts;
use crate::output::Output;

pub(super) const FILE: &str = "quality";

/// Where jobs find secrets that belong to no environment of the spec.
pub(super) const SECRETS: &str = "ci";

/// A pull request of somebody else's copy gets no secrets, and may write nothing.
const OWN_CHANGE: &str = "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository";

pub(super) fn steps(ci: &Ci) -> impl Iterator<Item = (&'static str, &'static str, &CiStep)> {
    let all = [
        ("lint", "Lint", &ci.lint),
        ("format", "Format", &ci.format),
        ("types", "Types", &ci.types),
        ("unit", "Unit tests", &ci.unit),
        ("integration", "Integration tests", &ci.integration),
        ("coverage", "Coverage", &ci.coverage),
        ("benchmark", "Benchmark", &ci.benchmark),
        ("security", "Security", &ci.security),
        ("e2e", "End-to-end tests", &ci.e2e),
        ("build", "Build", &ci.build),
    ];
    all.into_iter().filter_map(|(id, name, step)| Some((id, name, step.as_ref()?)))
}

/// `None` where the spec asks for no checks.
pub(super) fn workflow(facts: &Facts<'_>, ci: &Ci, output: &mut Output<'_>) -> Option<Workflow> {
    let mut workflow = Workflow::new("Quality", json!({"workflow_call": {}}));
    for (id, name, step) in steps(ci).filter(|it| it.2.secrets.is_empty()) {
        workflow.job(id, job(facts, ci, id, name, step, output));
        if let Some(comment) = comment(id, step) {
            workflow.job("coverage-comment", comment);
        }
    }
    for tool in tools::unknown(ci) {
        output.note(format!("GitHub Actions: nothing sets up `{tool}`; the runner's own is used"));
    }
    (!workflow.jobs.is_empty()).then_some(workflow)
}

/// What a caller has to allow the jobs.
pub(super) fn permissions(ci: &Ci) -> Permissions {
    let mut permissions = Permissions::from([("contents", "read")]);
    if let Some(coverage) = &ci.coverage {
        permissions.extend((coverage.upload.as_deref() == Some("codecov")).then_some(("id-token", "write")));
        permissions.extend(comment("coverage", coverage).map(|_| ("pull-requests", "write")));
    }
    permissions
}

/// Checks that need secrets are jobs of each workflow itself: a called one sees none of an environment's.
pub(super) fn with_secrets(facts: &Facts<'_>, ci: &Ci, output: &mut Output<'_>) -> Vec<(String, Job)> {
    let mut jobs = vec![];
    for (id, name, step) in steps(ci).filter(|it| !it.2.secrets.is_empty()) {
        let mut job = job(facts, ci, id, name, step, output);
        job.condition = Some(OWN_CHANGE.to_owned());
        job.environment = Some(json!({"name": SECRETS, "deployment": false}));
        jobs.push((id.to_owned(), job));
        output.note(format!(
            "GitHub Actions: `{id}` reads {} from the environment `{SECRETS}` of the repository",
            step.secrets.join(", ")
        ));
    }
    jobs
}

fn job(
    facts: &Facts<'_>,
    ci: &Ci,
    id: &'static str,
    name: &str,
    step: &CiStep,
    output: &mut Output<'_>,
) -> Job {
    let mut job = tools::job(name, ci, step);
    let mut run = tools::run(name, step);
    for secret in &step.secrets {
        run.env.insert(secret.clone(), text::secret(secret));
    }
    for dependency in &step.services {
        match containers::find(facts, dependency) {
            Some(started) => {
                started.join(facts, &mut job, &mut run);
                if let Some(image) = started.unpinned(facts) {
                    output.note(format!(
                        "GitHub Actions: `{image}` is used by its tag; pin it with `lockgate lock`"
                    ));
                }
            }
            None => output.problem(
                format!("`ci.{id}` needs `{dependency}`, which no environment starts"),
                "leave out `external` of it in one environment, so that it is known how it is started"
                    .to_owned(),
            ),
        }
    }
    job.steps.push(run);
    if id == "coverage" {
        coverage(step, &mut job, output);
    }
    if !step.keep.is_empty() {
        let days = step.keep_for.map(|it| it.0.div_ceil(86_400_000).clamp(1, 90));
        let mut keep = action::UPLOAD
            .step("Keep reports")
            .when("!cancelled()")
            .with("name", id)
            .with("path", text::literal(&step.keep.join("\n")))
            .with("if-no-files-found", "ignore");
        if let Some(days) = days {
            keep = keep.with("retention-days", days);
        }
        job.steps.push(keep);
    }
    job
}

/// Lines of an LCOV report that were run, of all: `LH` and `LF` of each file, summed.
const PERCENT: &str = r#"percent="$(awk -F: '$1 == "LH" {hit += $2} $1 == "LF" {found += $2} END {if (!found) exit 1; printf "%.2f", 100 * hit / found}' "$REPORT")"
echo "$percent % of the lines are covered" >> "$GITHUB_STEP_SUMMARY"
echo "percent=$percent" >> "$GITHUB_OUTPUT"
"#;

const ENOUGH: &str = r#"awk -v percent="$percent" -v least="$LEAST" 'BEGIN {exit percent < least}' || {
  echo "::error::$percent % of the lines are covered, less than $LEAST %"
  exit 1
}
"#;

fn coverage(step: &CiStep, job: &mut Job, output: &mut Output<'_>) {
    let Some(report) = &step.report else { return };
    if step.upload.as_deref() == Some("codecov") {
        job.permissions.insert("id-token", "write");
        let upload = action::CODECOV
            .step("Upload to Codecov")
            .with("files", text::literal(report))
            .with("fail_ci_if_error", true)
            .with("use_oidc", true);
        // A copy's pull request has no identity to show.
        job.steps.push(upload.when(OWN_CHANGE));
    } else if let Some(other) = &step.upload {
        output.note(format!(
            "GitHub Actions: the coverage is kept with the run; nothing here uploads to `{other}`"
        ));
        let keep = action::UPLOAD.step("Keep the report").with("name", "coverage");
        job.steps.push(keep.with("path", text::literal(report)));
    }
    let mut measure = Step::run("Measure", PERCENT).id("measure").env("REPORT", text::literal(report));
    if let Some(least) = step.at_least {
        measure = measure.env("LEAST", number(least));
        measure.run = Some(PERCENT.to_owned() + ENOUGH);
    }
    job.steps.push(measure);
    job.outputs.insert("percent", "${{ steps.measure.outputs.percent }}".to_owned());
}

fn number(share: Percent) -> String {
    share.to_string().trim_end_matches([' ', '%']).to_owned()
}

/// Written by a job of its own: whoever runs the tests may write nothing.
fn comment(id: &str, step: &CiStep) -> Option<Job> {
    if id != "coverage" || !step.comment || step.report.is_none() {
        return None;
    }
    let mut job =
        Job::new("Comment on coverage", 5).needing(["coverage"]).allowed([("pull-requests", "write")]);
    job.condition = Some(
        "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository"
            .to_owned(),
    );
    job.steps.push(
        Step::run(
            "Comment",
            "gh pr comment \"$NUMBER\" --edit-last --create-if-none --body \"$PERCENT % of the lines are covered.\"",
        )
        .env("GH_REPO", "${{ github.repository }}")
        .env("GH_TOKEN", "${{ github.token }}")
        .env("NUMBER", "${{ github.event.pull_request.number }}")
        .env("PERCENT", "${{ needs.coverage.outputs.percent }}"),
    );
    Some(job)
}
