//! The images of an environment: which are built, where they are kept, and who may write there.

use std::collections::BTreeMap;

use lockgate_model::{Build, EnvironmentName, ServiceName, TargetKind};

use super::workflow::{Permissions, Step};
use super::{action, text};
use crate::facts::{Environment, Facts, ImageFact, Part, Template};
use crate::output::Output;

/// An image that is built here, by its repository.
pub(super) type Built<'a> = BTreeMap<&'a str, (&'a ServiceName, &'a Build)>;

pub(super) fn built<'a>(environment: &'a Environment<'_>, output: &mut Output<'_>) -> Built<'a> {
    let mut all = Built::new();
    for image in images(environment) {
        let Some((owner, build)) = image.build else { continue };
        let before = all.insert(&image.repository, (owner, build));
        if let Some((other, _)) = before.filter(|it| it.0 != owner) {
            output.problem(
                format!("the images of `{other}` and `{owner}` have the same name: {}", image.repository),
                "say `image: NAME/${service.name}` in `build`, or let one of them run the other's image"
                    .to_owned(),
            );
        }
    }
    all
}

pub(super) fn images<'a>(environment: &'a Environment<'_>) -> impl Iterator<Item = &'a ImageFact<'a>> {
    environment.services.values().filter_map(|it| it.image.as_ref())
}

/// A registry, and how a job signs in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Registry {
    /// GitHub's own: the job's token is enough.
    Github,
    /// Amazon's, with a role that is taken on by OIDC.
    Aws { host: String, region: String, role: Option<String> },
    /// Another one, with a name and a password.
    Other { host: String },
}

impl Registry {
    fn of(environment: &Environment<'_>, repository: &str) -> Registry {
        let host = match repository.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => "docker.io",
        };
        if host == "ghcr.io" {
            return Registry::Github;
        }
        let region = host.split_once(".dkr.ecr.").and_then(|it| it.1.split_once(".amazonaws.com"));
        match region {
            Some((region, _)) => Registry::Aws {
                host: host.to_owned(),
                region: region.to_owned(),
                role: role(&environment.system.target).map(str::to_owned),
            },
            None => Registry::Other { host: host.to_owned() },
        }
    }
}

/// Of all images of an environment; most have one.
pub(super) fn registries(environment: &Environment<'_>) -> Vec<Registry> {
    let mut registries: Vec<Registry> = vec![];
    for image in images(environment).filter(|it| it.build.is_some()) {
        let registry = Registry::of(environment, &image.repository);
        if !registries.contains(&registry) {
            registries.push(registry);
        }
    }
    registries
}

/// What a job has to be allowed, to `read` or `write` images.
pub(super) fn permissions(registries: &[Registry], packages: &'static str) -> Permissions {
    let mut permissions = Permissions::from([("contents", "read")]);
    for registry in registries {
        match registry {
            Registry::Github => permissions.insert("packages", packages),
            Registry::Aws { .. } => permissions.insert("id-token", "write"),
            Registry::Other { .. } => None,
        };
    }
    permissions
}

pub(super) fn has_passwords(registries: &[Registry]) -> bool {
    registries.iter().any(|it| matches!(it, Registry::Other { .. }))
}

/// Passwords come by standard input: arguments are seen by every program of the machine.
pub(super) fn sign_in(registries: &[Registry]) -> Vec<Step> {
    let login = "docker login \"$REGISTRY\" --username \"$USERNAME\" --password-stdin";
    let mut steps = vec![];
    for registry in registries {
        match registry {
            Registry::Github => steps.push(
                Step::run("Sign in to ghcr.io", format!("printf '%s' \"$TOKEN\" | {login}"))
                    .env("REGISTRY", "ghcr.io")
                    .env("TOKEN", "${{ github.token }}")
                    .env("USERNAME", "${{ github.actor }}"),
            ),
            Registry::Aws { host, region, role } => {
                steps.push(aws_role(region, role.as_deref()));
                let script =
                    "aws ecr get-login-password | docker login \"$REGISTRY\" --username AWS --password-stdin";
                steps.push(Step::run("Sign in to Amazon ECR", script).env("REGISTRY", text::literal(host)));
            }
            Registry::Other { host } => steps.push(
                Step::run("Sign in to the registry", format!("printf '%s' \"$PASSWORD\" | {login}"))
                    .env("PASSWORD", text::secret("REGISTRY_PASSWORD"))
                    .env("REGISTRY", text::literal(host))
                    .env("USERNAME", "${{ vars.REGISTRY_USERNAME }}"),
            ),
        }
    }
    steps
}

/// A role for the length of the job; there is no key that could be stolen.
pub(super) fn aws_role(region: &str, role: Option<&str>) -> Step {
    action::AWS
        .step("Take on the AWS role")
        .with("aws-region", text::literal(region))
        .with("role-to-assume", role.map_or_else(|| "${{ vars.AWS_ROLE }}".to_owned(), text::literal))
}

pub(super) fn role(target: &TargetKind) -> Option<&str> {
    match target {
        TargetKind::Ecs(it) => it.role.as_deref(),
        TargetKind::EcsExpress(it) => it.role.as_deref(),
        TargetKind::AppRunner(it) => it.role.as_deref(),
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => None,
    }
}

/// Builds that make the same images in the same way: environments that share one workflow.
pub(super) struct Group<'a> {
    pub(super) file: String,
    pub(super) environment: &'a Environment<'a>,
    pub(super) members: Vec<&'a EnvironmentName>,
}

/// Environments that build, those with equal images together.
pub(super) fn groups<'a>(facts: &'a Facts<'_>, output: &mut Output<'_>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = vec![];
    for environment in super::released(facts).filter(|it| it.system.policy.promote.is_none()) {
        let mine = built(environment, output);
        if mine.is_empty() {
            continue;
        }
        let name = &environment.system.environment;
        let same = groups.iter_mut().find(|it| {
            built(it.environment, output) == mine && registries(it.environment) == registries(environment)
        });
        match same {
            Some(group) => group.members.push(name),
            None => groups.push(Group {
                file: if groups.is_empty() {
                    super::build::FILE.to_owned()
                } else {
                    format!("{}-{name}", super::build::FILE)
                },
                environment,
                members: vec![name],
            }),
        }
    }
    groups
}

/// Shell that says what a version is called here. Every commit has a name, so nothing is released under an old one.
pub(super) fn version_script(environment: &Environment<'_>, output: &mut Output<'_>) -> String {
    let policy = &environment.system.policy;
    let template =
        policy.version.as_deref().unwrap_or(if policy.tag.is_some() { "${git.tag}" } else { "${git.sha7}" });
    Template::parse(template).write(|part| match part {
        Part::Text(text) => text::word(text),
        Part::Other(name) if name == "git.sha" => "\"$GITHUB_SHA\"".to_owned(),
        Part::Other(name) if name == "git.sha7" => "\"${GITHUB_SHA::7}\"".to_owned(),
        // A tag of an image has no slash.
        Part::Other(name) if name == "git.tag" || name == "git.branch" => {
            "\"${GITHUB_REF_NAME//\\//-}\"".to_owned()
        }
        Part::Other(_) | Part::Secret(_) | Part::Version => {
            output.problem(
                format!(
                    "environment `{}`: a workflow does not know what `{template}` is",
                    environment.name()
                ),
                "name versions by `${git.tag}`, `${git.sha}`, `${git.sha7}` or `${git.branch}`".to_owned(),
            );
            String::new()
        }
    })
}
