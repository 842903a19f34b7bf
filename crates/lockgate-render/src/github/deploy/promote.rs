//! Images go on to the next environment by their digest: found by the mark that the environment before has set.

use lockgate_model::EnvironmentName;

use super::super::images::{self, Registry};
use super::super::workflow::{Job, Step};
use super::super::{action, build, text};
use crate::facts::{Environment, Facts};
use crate::output::Output;

/// A tag that only a deploy which ended well has set; without it there is nothing to promote.
const LOOK_UP: &str = r#"echo '{}' > images.json
while read -r source target; do
  digest="$(docker buildx imagetools inspect "$source:passed-$FROM-$GITHUB_SHA" --format '{{json .Manifest}}' < /dev/null | jq --raw-output .digest)" || {
    echo "::error::$source of this commit has not passed $FROM"
    exit 1
  }
  docker buildx imagetools create --tag "$target:$VERSION" "$source@$digest" < /dev/null
  jq --arg repository "$target" --arg digest "$digest" '.[$repository] = $digest' images.json > next.json
  mv next.json images.json
done <<< "$REPOSITORIES"
cat images.json
"#;

const RECORD: &str = r#"jq --raw-output 'to_entries[] | "\(.key) \(.value)"' images.json | while read -r repository digest; do
  docker buildx imagetools create --tag "$repository:passed-$ENVIRONMENT-$GITHUB_SHA" "$repository@$digest" < /dev/null
done
"#;

pub(super) fn job(
    facts: &Facts<'_>,
    environment: &Environment<'_>,
    from: &EnvironmentName,
    output: &mut Output<'_>,
) -> Job {
    let mut registries = images::registries(environment);
    let mut pairs = vec![];
    if let Some(source) = facts.environments.iter().find(|it| it.system.environment == *from) {
        registries.extend(images::registries(source));
        registries.dedup();
        for (target, (owner, _)) in images::built(environment, output) {
            let theirs = images::built(source, output).into_iter().find(|it| it.1.0 == owner).map(|it| it.0);
            pairs.push(format!("{} {target}", theirs.unwrap_or(target)));
        }
    }
    let mut job = Job::new(&format!("Images from {from}"), 15);
    job.permissions = images::permissions(&registries, "write");
    job.permissions.remove("contents");
    job.steps.extend(images::sign_in(&registries));
    job.steps.push(
        Step::run("Give the images their new name", LOOK_UP)
            .env("FROM", from.as_str())
            .env("REPOSITORIES", text::literal(&pairs.join("\n")))
            .env("VERSION", "${{ needs.version.outputs.version }}"),
    );
    job.steps.push(
        action::UPLOAD.step("Keep the digests").with("name", build::IMAGES).with("path", "images.json"),
    );
    job
}

/// What others promote from here is marked once it runs and answers.
pub(super) fn record(environment: &Environment<'_>, registries: &[Registry]) -> Vec<Step> {
    let mut steps = images::sign_in(registries);
    steps.push(Step::run("Mark the images as passed", RECORD).env("ENVIRONMENT", environment.name()));
    steps
}
