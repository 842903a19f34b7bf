//! The page of a release: notes from the change log, and files that people download.

use lockgate_model::{Asset, ReleasePage};
use serde_json::json;

use super::workflow::{Concurrency, Job, Step, Workflow};
use super::{action, quality, text, tools};
use crate::facts::{Environment, Facts};

pub(super) const FILE: &str = "release";

/// The section of the change log that is headed by the version, with or without its `v`.
const NOTES: &str = r#"awk -v version="${VERSION#v}" '
  /^## / {
    inside = 0
    for (i = 2; i <= NF; i++) {
      word = $i
      gsub(/[^0-9A-Za-z.+-]/, "", word)
      sub(/^v/, "", word)
      if (word == version) inside = 1
    }
    next
  }
  inside { print }
' "$CHANGELOG" > notes.md
[ -s notes.md ] || { echo "::error::$CHANGELOG has no section for $VERSION"; exit 1; }
"#;

/// `None` where the spec asks for no page.
pub(super) fn workflow(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    has_quality: bool,
) -> Option<Workflow> {
    let system = environment.system;
    let page = &system.release;
    if page.tag.is_none() && page.notes.is_none() && page.assets.is_empty() {
        return None;
    }
    let usual = facts.environments.iter().find_map(|it| it.system.policy.tag.clone());
    let tag = page.tag.clone().or(usual)?;
    let mut workflow = Workflow::new("Release", json!({"push": {"tags": [tag]}}));
    workflow.concurrency = Some(Concurrency {
        group: "release-${{ github.ref }}".to_owned(),
        queue: None,
        cancel_in_progress: false,
    });
    let mut needs = vec![];
    if has_quality {
        workflow.job("quality", Job::calling("Quality", quality::FILE, quality::permissions(&system.ci)));
        needs.push("quality");
    }
    if !page.assets.is_empty() {
        workflow.job("assets", assets(environment, page).needing(needs.clone()));
        needs.push("assets");
    }
    workflow.job("page", page_job(page).needing(needs));
    Some(workflow)
}

/// Built by a job that may write nothing.
fn assets(environment: &Environment<'_>, page: &ReleasePage) -> Job {
    let ci = &environment.system.ci;
    let mut job = Job::new("Assets", 30).allowed([("contents", "read")]);
    let build = ci.build.as_ref();
    job.steps = tools::prepared(ci, build.map_or(&[], |it| &it.run));
    job.steps.extend(build.map(|it| tools::run("Build", it)));
    for asset in &page.assets {
        job.steps.push(pack(asset));
    }
    job.steps.push(
        action::UPLOAD
            .step("Keep them")
            .with("name", "assets")
            .with("path", "assets")
            .with("if-no-files-found", "error"),
    );
    job
}

/// A folder becomes an archive; a file is taken as it is.
fn pack(asset: &Asset) -> Step {
    let script = "mkdir -p assets\nif [ -d \"$FROM\" ]; then\n  tar --create --gzip --file \"assets/$NAME\" --directory \"$FROM\" .\nelse\n  cp \"$FROM\" \"assets/$NAME\"\nfi\n";
    let name = crate::facts::Template::parse(&asset.name).write(|part| match part {
        crate::facts::Part::Text(text) => text::literal(text),
        crate::facts::Part::Version => "${{ github.ref_name }}".to_owned(),
        crate::facts::Part::Other(name) | crate::facts::Part::Secret(name) => {
            text::literal(&format!("${{{name}}}"))
        }
    });
    let mut step = Step::run("Pack an asset", script).env("FROM", text::literal(&asset.path));
    step.env.insert("NAME".to_owned(), name);
    step
}

fn page_job(page: &ReleasePage) -> Job {
    let mut job = Job::new("Page", 10).allowed([("contents", "write")]);
    let mut command = "gh release create \"$VERSION\" --verify-tag --title \"$VERSION\"".to_owned();
    job.steps.push(action::checkout());
    match &page.notes {
        Some(file) => {
            job.steps.push(
                Step::run("Take the notes from the change log", NOTES)
                    .env("CHANGELOG", text::literal(file))
                    .env("VERSION", "${{ github.ref_name }}"),
            );
            command += " --notes-file notes.md";
        }
        None => command += " --generate-notes",
    }
    if page.draft {
        command += " --draft";
    }
    if page.prerelease {
        command += " --prerelease";
    }
    if !page.assets.is_empty() {
        job.steps
            .push(action::DOWNLOAD.step("Take the assets").with("name", "assets").with("path", "assets"));
        command += " assets/*";
    }
    job.steps.push(
        Step::run("Write the page", command)
            .env("GH_TOKEN", "${{ github.token }}")
            .env("VERSION", "${{ github.ref_name }}"),
    );
    job
}
