//! A machine with Docker: its Compose file, with each image by its digest.

use lockgate_model::DockerTarget;
use serde_json::json;

use super::super::workflow::{Permissions, Step};
use super::super::{images, text};
use super::{BEGUN_AND_FAILED, Parts, ROLLOUT, VERSION, migrates_after, time_for};
use crate::facts::{Environment, JobFact, shell};
use crate::output::Output;

/// One file more for Compose, which says nothing but the images.
const FILL: &str = r#"jq --argjson repositories "$REPOSITORIES" \
  '. as $digests | {services: ($repositories | map_values({image: "\(.)@\($digests[.])"}))}' images.json > release.json
if grep --line-number '@null' release.json; then
  echo "::error::the digest of an image is not known"
  exit 1
fi
"#;

/// The machine is known by its key before anything is said to it.
const SIGN_IN: &str = r#"umask 077
mkdir -p ~/.ssh
printf '%s\n' "$KNOWN_HOSTS" > ~/.ssh/known_hosts
printf '%s\n' "$KEY" > ~/.ssh/id_ed25519
printf '%s\n' "$ENV_FILE" > release.env
echo "DOCKER_HOST=$HOST" >> "$GITHUB_ENV"
"#;

pub(super) fn parts(environment: &Environment<'_>, target: &DockerTarget, output: &mut Output<'_>) -> Parts {
    let name = environment.name();
    if target.hosts.is_empty() {
        output.note(format!(
            "GitHub Actions: no machine is named for `{name}`; say `target: {{docker: {{hosts: [ssh://deploy@host]}}}}`, or set the variable DOCKER_HOST of the environment `{name}` of the repository"
        ));
    }
    if 1 < target.hosts.len() {
        output.note(format!(
            "GitHub Actions: deploy-{name}.yml releases to the first machine of `{name}` only"
        ));
    }
    output.note(format!(
        "GitHub Actions: the environment `{name}` of the repository needs the secrets DOCKER_SSH_KEY and ENV_FILE, and the variable DOCKER_KNOWN_HOSTS"
    ));
    let host =
        target.hosts.first().map_or_else(|| "${{ vars.DOCKER_HOST }}".to_owned(), |it| text::literal(it));
    let sign_in = Step::run("Sign in to the machine", SIGN_IN)
        .env("ENV_FILE", text::secret("ENV_FILE"))
        .env("HOST", host)
        .env("KEY", text::secret("DOCKER_SSH_KEY"))
        .env("KNOWN_HOSTS", "${{ vars.DOCKER_KNOWN_HOSTS }}");
    let mut prepare = images::sign_in(&images::registries(environment));
    prepare.push(sign_in);
    let fill =
        Step::run("Fill in the release", FILL).env("REPOSITORIES", text::literal(&repositories(environment)));
    let migrate = environment.migration.as_ref().map(|it| job(environment, "Migrate", "migrate", it));
    let seed = environment.seed.as_ref().map(|it| job(environment, "Seed", "seed", it));
    let (before, after) = if migrates_after(environment) { (None, migrate) } else { (migrate, None) };
    let up = format!(
        "{} up --detach --no-build --wait --wait-timeout \"$LIMIT\" {}",
        compose(environment),
        services(environment)
    );
    Parts {
        sign_in: prepare,
        fill: vec![fill, remember_step(environment)],
        before: before.into_iter().chain(seed).collect(),
        roll_out: vec![
            Step::run("Roll out", up)
                .id("rollout")
                .env("LIMIT", (ROLLOUT.0 / 1_000).to_string())
                .env("RELEASE_VERSION", VERSION),
        ],
        after: after.into_iter().collect(),
        go_back: vec![go_back(environment)],
        permissions: Permissions::new(),
    }
}

/// Images that run now, so that they can be put back.
fn remember_step(environment: &Environment<'_>) -> Step {
    let script = r#"docker ps --filter "label=com.docker.compose.project=$PROJECT" \
  --format '{{.Label "com.docker.compose.service"}} {{.Image}}' |
  jq --raw-input --null-input '{services: ([inputs | split(" ") | {(.[0]): {image: .[1]}}] | add // {})}' > before.json
"#;
    Step::run("Remember what runs", script).env("PROJECT", environment.system.name.as_str())
}

fn go_back(environment: &Environment<'_>) -> Step {
    let back = format!(
        "{} up --detach --no-build --wait --wait-timeout \"$LIMIT\" {}",
        compose(environment).replace("release.json", "before.json"),
        services(environment)
    );
    Step::run("Roll back", back)
        .env("LIMIT", (ROLLOUT.0 / 1_000).to_string())
        .env("RELEASE_VERSION", "before")
        .when(BEGUN_AND_FAILED)
}

fn compose(environment: &Environment<'_>) -> String {
    let file = text::word(&format!("deploy/compose/{}/compose.yaml", environment.name()));
    format!("docker compose --env-file release.env --file {file} --file release.json")
}

fn services(environment: &Environment<'_>) -> String {
    environment.services.keys().map(|it| shell::word(it.as_str())).collect::<Vec<_>>().join(" ")
}

/// Which repository each container of the Compose file comes from.
fn repositories(environment: &Environment<'_>) -> String {
    let mut repositories = serde_json::Map::new();
    let mut add = |name: &str, fact: &crate::facts::ServiceFact<'_>| {
        if let Some(image) = fact.image.as_ref().filter(|it| it.build.is_some()) {
            repositories.insert(name.to_owned(), json!(image.repository));
        }
    };
    for fact in environment.services.values() {
        add(fact.name.as_str(), fact);
    }
    for (name, job) in [("migrate", &environment.migration), ("seed", &environment.seed)] {
        if let Some(fact) = job.as_ref().and_then(|it| environment.services.get(it.service)) {
            add(name, fact);
        }
    }
    serde_json::Value::Object(repositories).to_string()
}

fn job(environment: &Environment<'_>, name: &str, job: &str, fact: &JobFact<'_>) -> Step {
    let run = format!("timeout \"$LIMIT\" {} run --rm --no-TTY {job}", compose(environment));
    Step::run(name, run).env("LIMIT", (time_for(fact).0 / 1_000).to_string()).env("RELEASE_VERSION", VERSION)
}
