//! The way back by hand: the images of an older version, found by its name, with the files of its own commit.

use serde_json::json;

use super::super::images::{self, Registry};
use super::super::workflow::{Job, Permissions, Step, Workflow};
use super::super::{action, build, text};
use super::{VERSION, at, needed, notify, parts, queue, smoke};
use crate::facts::{Environment, Facts};
use crate::output::Output;

pub(in super::super) const FILE: &str = "rollback";

/// Digests of the version, and the commit that its images name as their own.
const FIND: &str = r#"echo '{}' > images.json
while read -r repository; do
  docker buildx imagetools inspect "$repository:$VERSION" --format '{{json .}}' > image.json < /dev/null
  jq --arg repository "$repository" --slurpfile image image.json '.[$repository] = $image[0].manifest.digest' images.json > next.json
  mv next.json images.json
done <<< "$REPOSITORIES"
revision="$(jq --raw-output 'first(.. | objects | .["org.opencontainers.image.revision"]? // empty)' image.json)"
jq --exit-status 'all(.[]; . != null)' images.json
echo "revision=${revision:?the images do not say which commit they are of}" >> "$GITHUB_OUTPUT"
"#;

/// `None` where nothing is released from here.
pub(in super::super) fn workflow(facts: &Facts<'_>, output: &mut Output<'_>) -> Option<Workflow> {
    let environments: Vec<&Environment<'_>> = super::super::released(facts)
        .filter(|it| parts(it, output).is_some() && !images::registries(it).is_empty())
        .collect();
    let names: Vec<&str> = environments.iter().map(|it| it.name()).collect();
    if names.is_empty() {
        return None;
    }
    let on = json!({"workflow_dispatch": {"inputs": {
        "environment": {"description": "Where", "type": "choice", "options": names, "required": true},
        "version": {"description": "The version to go back to, as its images are called", "type": "string", "required": true},
    }}});
    let mut workflow = Workflow::new("Rollback", on);
    workflow.concurrency = Some(queue("rollback-${{ inputs.environment }}".to_owned()));
    for environment in environments {
        let id = text::id(environment.name());
        let find = format!("find-{id}");
        workflow.job(&find, find_job(environment, output));
        if let Some(job) = job(environment, &find, output) {
            workflow.job(&id, job);
        }
    }
    Some(workflow)
}

fn is_chosen(environment: &Environment<'_>) -> String {
    format!("inputs.environment == '{}'", environment.name())
}

fn find_job(environment: &Environment<'_>, output: &mut Output<'_>) -> Job {
    let registries = images::registries(environment);
    let mut job = Job::new(&format!("Images of {}", environment.name()), 10);
    job.condition = Some(is_chosen(environment));
    job.permissions = images::permissions(&registries, "read");
    job.permissions.remove("contents");
    job.outputs.insert("revision", "${{ steps.find.outputs.revision }}".to_owned());
    job.steps.extend(images::sign_in(&registries));
    let repositories: Vec<&str> = images::built(environment, output).into_keys().collect();
    job.steps.push(
        Step::run("Find the images", FIND)
            .id("find")
            .env("REPOSITORIES", text::literal(&repositories.join("\n")))
            .env("VERSION", "${{ inputs.version }}"),
    );
    job.steps.push(
        action::UPLOAD.step("Keep the digests").with("name", build::IMAGES).with("path", "images.json"),
    );
    job
}

/// As a release, without its jobs: a schema is not taken back.
fn job(environment: &Environment<'_>, find: &str, output: &mut Output<'_>) -> Option<Job> {
    let parts = parts(environment, output)?;
    let registries: Vec<Registry> = images::registries(environment);
    let mut job =
        at(environment, &format!("Roll {} back", environment.name()), needed(environment)).needing([find]);
    job.condition = Some(is_chosen(environment));
    job.permissions = images::permissions(&registries, "read");
    job.permissions.extend(parts.permissions.into_iter().collect::<Permissions>());
    let revision = format!("${{{{ needs.{find}.outputs.revision }}}}");
    job.steps.push(action::checkout().with("ref", revision));
    job.steps.push(action::DOWNLOAD.step("Take the digests").with("name", build::IMAGES));
    job.steps.extend(parts.sign_in);
    job.steps.extend(parts.fill);
    job.steps.extend(parts.roll_out);
    job.steps.extend(smoke::steps(environment, output));
    job.steps.extend(notify::rolled_back(environment));
    for step in &mut job.steps {
        for value in step.env.values_mut().filter(|it| it.as_str() == VERSION) {
            "${{ inputs.version }}".clone_into(value);
        }
    }
    Some(job)
}
