//! A release to one environment: build or promote, migrate, seed, roll out, check, and go back if that fails.

mod aws;
mod compose;
mod helm;
mod kubernetes;
mod notify;
mod promote;
mod rollback;
mod smoke;

use lockgate_model::{Enforcer, Millis, TargetKind, Via, When};
use serde_json::{Value, json};

use super::images::{self, Group};
use super::workflow::{Concurrency, Job, Permissions, Step, Workflow, minutes};
use super::{action, build, quality, text};
use crate::facts::{Environment, Facts};
use crate::output::Output;

pub(super) use aws::{region, restart};
pub(super) use kubernetes::{selector, sign_in as cluster};
pub(super) use rollback::{FILE as ROLLBACK, workflow as rollback};

/// Time in which new instances must have become healthy.
const ROLLOUT: Millis = Millis::mins(15);
/// What a job does around that: machines, downloads, sign-in.
const AROUND: Millis = Millis::mins(10);

/// Something of the new release may be there, so what was before has to be put back.
const BEGUN_AND_FAILED: &str = "failure() && steps.rollout.outcome != 'skipped'";

/// What a target needs for each part of a release.
struct Parts {
    /// Access, from what the environment keeps.
    sign_in: Vec<Step>,
    /// What is deployed, with the digests of the release.
    fill: Vec<Step>,
    before: Vec<Step>,
    roll_out: Vec<Step>,
    after: Vec<Step>,
    /// To what ran before this release.
    go_back: Vec<Step>,
    permissions: Permissions,
}

pub(super) fn file(environment: &Environment<'_>) -> String {
    format!("deploy-{}", text::id(environment.name()))
}

/// `None` for a target that no runner reaches.
pub(super) fn workflow(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    has_quality: bool,
    groups: &[Group<'_>],
    output: &mut Output<'_>,
) -> Option<Workflow> {
    let name = environment.name();
    let policy = &environment.system.policy;
    let on = match (&policy.branch, &policy.tag) {
        (None, None) => return None,
        (branch, tag) => json!({"push": trigger(branch.as_deref(), tag.as_deref())}),
    };
    let parts = parts(environment, output)?;
    let ci = &environment.system.ci;
    let mut workflow = Workflow::new(&format!("Deploy to {name}"), on);
    // In the order of the pushes: a build that is quicker than the one before it must not be overtaken by that.
    workflow.concurrency = Some(queue(format!("release-{name}")));
    let version = images::version_script(environment, output);
    let mut job = Job::new("Version", 5);
    job.outputs.insert("version", "${{ steps.version.outputs.version }}".to_owned());
    job.steps.push(
        Step::run(
            "Name the version",
            format!("version={version}\necho \"version=$version\" >> \"$GITHUB_OUTPUT\"\n"),
        )
        .id("version"),
    );
    workflow.job("version", job);
    let mut needs = vec!["version".to_owned()];
    if has_quality {
        workflow.job("quality", Job::calling("Quality", quality::FILE, quality::permissions(ci)));
        needs.push("quality".to_owned());
    }
    for (id, job) in quality::with_secrets(facts, ci, output) {
        needs.push(id.clone());
        workflow.job(&id, job);
    }
    let source = match &policy.promote {
        Some(from) => Some(promote::job(facts, environment, from, output)),
        None => groups.iter().find(|it| it.members.contains(&&environment.system.environment)).map(|group| {
            let mut job = Job::calling("Images", &group.file, build::permissions(group, output));
            job.with.insert("version", "${{ needs.version.outputs.version }}".into());
            job
        }),
    };
    if let Some(mut source) = source {
        // Nothing is published, or gets a new name, that did not pass its checks.
        source.needs.clone_from(&needs);
        workflow.job("images", source);
        needs.push("images".to_owned());
    }
    let mut job = deploy(facts, environment, parts, output);
    job.needs = needs;
    workflow.job("deploy", job);
    protection(environment, output);
    Some(workflow)
}

fn trigger(branch: Option<&str>, tag: Option<&str>) -> Value {
    match (branch, tag) {
        (Some(branch), Some(tag)) => json!({"branches": [branch], "tags": [tag]}),
        (Some(branch), None) => json!({"branches": [branch]}),
        (None, tag) => json!({"tags": tag.into_iter().collect::<Vec<_>>()}),
    }
}

fn parts(environment: &Environment<'_>, output: &mut Output<'_>) -> Option<Parts> {
    match &environment.system.target {
        TargetKind::Local(_) => None,
        TargetKind::Docker(target) => Some(compose::parts(environment, target, output)),
        TargetKind::Kubernetes(target) => Some(match target.via {
            Via::Apply | Via::Kustomize => kubernetes::parts(environment, target, output),
            Via::Helm | Via::Helmfile => helm::parts(environment, target, output),
        }),
        TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_) => {
            aws::parts(environment, output)
        }
    }
}

/// A job at this environment: its secrets, its protection, and one release at a time.
pub(super) fn at(environment: &Environment<'_>, name: &str, needed: Millis) -> Job {
    let mut job = Job::new(name, minutes(needed));
    let url = environment.system.policy.host.as_ref().map(|it| format!("https://{}", text::literal(it)));
    job.environment = Some(match url {
        Some(url) => json!({"name": environment.name(), "url": url}),
        None => json!({"name": environment.name()}),
    });
    job.concurrency = Some(queue(format!("deploy-{}", environment.name())));
    job
}

/// One after the other; none is thrown away, and none is ended halfway.
fn queue(group: String) -> Concurrency {
    Concurrency { group, queue: Some("max"), cancel_in_progress: false }
}

fn deploy(facts: &Facts<'_>, environment: &Environment<'_>, parts: Parts, output: &mut Output<'_>) -> Job {
    let name = environment.name();
    let mut job = at(environment, &format!("Deploy to {name}"), needed(environment));
    let recorded = facts
        .environments
        .iter()
        .any(|it| it.system.policy.promote.as_ref() == Some(&environment.system.environment));
    let registries = images::registries(environment);
    job.permissions = images::permissions(&registries, "write");
    if !recorded {
        job.permissions.remove("packages");
    }
    job.permissions.extend(parts.permissions);
    job.steps.push(action::checkout());
    if !images::registries(environment).is_empty() {
        job.steps.push(action::DOWNLOAD.step("Take the digests").with("name", build::IMAGES));
    }
    job.steps.extend(notify::started(environment));
    job.steps.extend(parts.sign_in);
    job.steps.extend(parts.fill);
    job.steps.extend(parts.before);
    job.steps.extend(parts.roll_out);
    job.steps.extend(smoke::steps(environment, output));
    job.steps.extend(parts.go_back);
    job.steps.extend(parts.after);
    if recorded {
        job.steps.extend(promote::record(environment, &registries));
    }
    job.steps.extend(notify::ended(environment));
    for step in &mut job.steps {
        for value in step.env.values_mut().filter(|it| it.as_str() == VERSION) {
            "${{ needs.version.outputs.version }}".clone_into(value);
        }
    }
    job
}

/// Stands for the version until it is known which job says it.
const VERSION: &str = "<version>";

fn needed(environment: &Environment<'_>) -> Millis {
    let jobs = [&environment.migration, &environment.seed].into_iter().flatten();
    let jobs: u64 = jobs.map(|it| time_for(it).0).sum();
    let smoke: u64 = environment.system.smoke.iter().map(|it| it.timeout.0).sum();
    let steps: u64 = environment.system.rollout.steps.iter().map(|it| it.pause.0).sum();
    let waits = if environment.is_on_aws() { steps + environment.system.rollout.bake.0 } else { 0 };
    Millis(jobs + smoke + waits + 2 * ROLLOUT.0 + AROUND.0)
}

/// All attempts of a job, and the waits in between.
fn time_for(job: &crate::facts::JobFact<'_>) -> Millis {
    let waits: u64 = (1..job.retry.attempts).map(|it| job.retry.wait_after(it).0.max(360_000)).sum();
    Millis(u64::from(job.retry.attempts) * (job.timeout.0 + 60_000) + waits)
}

fn migrates_after(environment: &Environment<'_>) -> bool {
    environment.system.migrations.as_ref().is_some_and(|it| it.when == When::AfterRollout)
}

fn protection(environment: &Environment<'_>, output: &mut Output<'_>) {
    let name = environment.name();
    if !environment.system.rollout.freeze.is_empty() {
        output.note(format!(
            "GitHub Actions: a workflow knows no freeze, so nobody holds `{name}` back at the times that `rollout.freeze` names"
        ));
    }
    let Some(protection) = &environment.system.policy.protection else { return };
    let mut wanted = vec![];
    if protection.reviewers > 0 {
        let from = if protection.from.is_empty() {
            String::new()
        } else {
            format!(" of {}", protection.from.join(", "))
        };
        wanted.push(format!("required reviewers{from}"));
    }
    if protection.wait_timer.0 > 0 {
        wanted.push(format!("a wait timer of {} min", minutes(protection.wait_timer)));
    }
    wanted.extend(protection.branches.iter().map(|it| format!("the branch `{it}`")));
    wanted.extend(protection.tags.iter().map(|it| format!("tags `{it}`")));
    if protection.prevent_self_review {
        wanted.push("no review of one's own".to_owned());
    }
    if !wanted.is_empty() {
        output.note(format!(
            "GitHub Actions: the environment `{name}` of the repository needs {}; a workflow cannot set them",
            wanted.join(", ")
        ));
    }
    if protection.reviewers > 1 {
        let who = if protection.enforced_by == Enforcer::Lockgate {
            "; Lockgate counts them where it releases"
        } else {
            ""
        };
        output.note(format!(
            "GitHub Actions: `{name}` asks for {} approvals, and GitHub is content with one{who}",
            protection.reviewers
        ));
    }
}
