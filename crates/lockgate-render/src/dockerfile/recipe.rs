//! What the Dockerfile of one service is made of: the facts of all environments that run its image.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{Build, Preset, ServiceName, StopSignal, SystemName};

use super::base::{self, Bases};
use super::instruction::{Check, is_one_line, is_plain_path};
use super::site::{Site, Tool, sites};
use crate::facts::{Environment, Facts, Template, health};
use crate::output::Output;

pub(super) struct Recipe<'a> {
    pub(super) system: &'a SystemName,
    pub(super) owner: &'a ServiceName,
    pub(super) preset: Preset,
    pub(super) context: &'a str,
    /// Folder within the context; `None` where the service is all there is.
    pub(super) package: Option<&'a str>,
    pub(super) user: u16,
    pub(super) bases: Bases,
    /// With the value that all environments agree on.
    pub(super) args: BTreeMap<&'a str, Option<&'a str>>,
    pub(super) port: Option<u16>,
    pub(super) ports: Vec<u16>,
    pub(super) check: Option<Check>,
    pub(super) stop: StopSignal,
    /// `None` where the preset's convention holds.
    pub(super) command: Option<Vec<String>>,
    /// Folder of the migrations that it runs with `sqlx`, within the context.
    pub(super) sqlx: Option<String>,
    /// It runs the migrations of Prisma.
    pub(super) prisma: bool,
    /// The program that its migrations run, where no preset installs it.
    pub(super) missing: Option<&'static str>,
    /// A migration, seed or cron job runs in its image.
    pub(super) has_jobs: bool,
    pub(super) tools: BTreeSet<Tool>,
    /// Folders that instances write to.
    pub(super) volumes: BTreeSet<&'a str>,
    /// How the pipeline builds the repository, where an image can do the same.
    pub(super) builds_by: Option<&'a [Vec<String>]>,
}

/// Every Dockerfile that a preset writes; what stands in the way of one is a problem.
pub(super) fn recipes<'a>(facts: &Facts<'a>, output: &mut Output<'_>) -> Vec<Recipe<'a>> {
    let sites = sites(facts);
    sites.into_values().filter_map(|it| recipe(&it, output)).collect()
}

/// With whether the tools of migrations are built as well.
pub(super) fn all_bases(facts: &Facts<'_>) -> Vec<(Preset, Bases, bool)> {
    let sites = sites(facts).into_values().flatten();
    sites.map(|it| (it.preset, it.bases(), it.sqlx().is_some())).collect()
}

fn recipe<'a>(sites: &[Site<'_, 'a>], output: &mut Output<'_>) -> Option<Recipe<'a>> {
    let first = sites.first()?;
    let owner = first.owner;
    let bases = first.bases();
    if !agree(owner, sites, output) || !sites.iter().all(|it| is_possible(it, &bases, output)) {
        return None;
    }
    let fact = first.environment.services.get(owner)?;
    let service = fact.service;
    let users = || sites.iter().flat_map(Site::users);
    let volumes = users().flat_map(|it| it.volumes.values()).map(|it| it.path.as_str());
    let port = service.main_port().map(|it| it.1.number);
    Some(Recipe {
        system: &first.environment.system.name,
        owner,
        preset: first.preset,
        context: &first.build.context,
        package: first.build.package.as_deref().map(|it| it.trim_end_matches('/')),
        user: first.build.user,
        args: args(sites),
        port,
        ports: service.ports.values().map(|it| it.number).collect::<BTreeSet<_>>().into_iter().collect(),
        check: check(first.environment, owner),
        stop: service.stop.signal,
        command: Some(service.command.clone()).filter(|it| is_known(it)),
        sqlx: sites.iter().find_map(Site::sqlx),
        prisma: sites.iter().any(Site::prisma),
        missing: sites.iter().find_map(Site::missing),
        has_jobs: sites.iter().any(Site::has_jobs),
        tools: sites.iter().flat_map(Site::tools).collect(),
        volumes: volumes.filter(|it| it.starts_with('/') && is_plain_path(it)).collect(),
        builds_by: builds_by(first.environment),
        bases,
    })
}

/// An image is built once and serves every environment, so they must want the same one.
fn agree(owner: &ServiceName, sites: &[Site<'_, '_>], output: &mut Output<'_>) -> bool {
    let said = |it: &Site<'_, '_>| {
        let Build { context, package, user, .. } = it.build;
        [
            ("preset", format!("{:?}", it.preset).to_lowercase()),
            ("context", context.clone()),
            ("package", package.clone().unwrap_or_default()),
            ("user", user.to_string()),
            ("base", it.bases().runtime),
            ("toolchain", it.bases().build),
        ]
    };
    let mut agreed = true;
    for pair in sites.windows(2) {
        for ((what, one), (_, other)) in said(&pair[0]).into_iter().zip(said(&pair[1])) {
            if one == other {
                continue;
            }
            agreed = false;
            let environments = pair.iter().map(|it| it.environment.name()).collect::<Vec<_>>();
            output.problem(
                format!(
                    "the Dockerfile of `{owner}` has two values for its {what}: `{one}` in `{}` and `{other}` in `{}`",
                    environments[0], environments[1]
                ),
                "one image serves every environment: say it once, outside of `environments`".to_owned(),
            );
        }
    }
    agreed
}

fn is_possible(site: &Site<'_, '_>, bases: &Bases, output: &mut Output<'_>) -> bool {
    let owner = site.owner;
    let runtime = &bases.runtime;
    if base::is_bare(runtime) {
        output.problem(
            format!("the base image `{runtime}` of `{owner}` has no shell, and the preset installs into it"),
            "begin from a Debian or Alpine image, or name a Dockerfile of your own with `dockerfile`"
                .to_owned(),
        );
        return false;
    }
    let migrations = site.sqlx();
    let paths = site.build.package.iter().map(String::as_str).chain(migrations.as_deref());
    for path in paths {
        if !is_plain_path(path) || path.starts_with("..") {
            output.problem(
                format!("the Dockerfile of `{owner}` cannot copy `{path}`"),
                "keep it inside of `build.context`, under a name of letters, digits and `-_./@+`".to_owned(),
            );
            return false;
        }
    }
    let installs =
        site.environment.system.ci.install.iter().flat_map(|it| &it.run).filter_map(|it| it.first());
    let other = installs.map(String::as_str).find(|it| matches!(*it, "pnpm" | "yarn" | "bun"));
    if let (Preset::Node | Preset::Nextjs | Preset::Nestjs, Some(other)) = (site.preset, other) {
        output.problem(
            format!("the image of `{owner}` is installed by npm, and the pipeline by {other}"),
            "install with `npm ci` in `ci.install`, or name a Dockerfile of your own with `dockerfile`"
                .to_owned(),
        );
        return false;
    }
    true
}

/// A default is what all environments say; what they do not agree on is given by whoever builds.
fn args<'a>(sites: &[Site<'_, 'a>]) -> BTreeMap<&'a str, Option<&'a str>> {
    let mut args: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (idx, site) in sites.iter().enumerate() {
        for (name, value) in &site.build.args {
            let plain = Template::parse(value).plain().is_some() && is_one_line(value);
            let value = plain.then_some(value.as_str());
            let before = args.get(name.as_str()).copied();
            let is_new = idx == 0 || before == Some(value);
            args.insert(name, value.filter(|_| is_new));
        }
        for (name, value) in &mut args {
            if !site.build.args.contains_key(*name) {
                *value = None;
            }
        }
    }
    args
}

fn check(environment: &Environment<'_>, owner: &ServiceName) -> Option<Check> {
    let fact = environment.services.get(owner)?;
    let command = health::command(environment, fact)?;
    let timing = health::timing(fact.service)?;
    Some(Check {
        command,
        interval: timing.interval,
        timeout: timing.timeout,
        start: timing.start,
        retries: timing.retries,
    })
}

/// Nothing in it waits for the release to be known.
fn is_known(command: &[String]) -> bool {
    !command.is_empty() && command.iter().all(|it| Template::parse(it).plain().is_some())
}

/// With a service or a secret beside it, a step runs in the pipeline only.
fn builds_by<'a>(environment: &Environment<'a>) -> Option<&'a [Vec<String>]> {
    let step = environment.system.ci.build.as_ref()?;
    let is_npm = |it: &Vec<String>| matches!(it.first().map(String::as_str), Some("npm" | "npx" | "node"));
    let alone = step.services.is_empty() && step.secrets.is_empty() && step.env.is_empty();
    (alone && !step.run.is_empty() && step.run.iter().all(is_npm)).then_some(step.run.as_slice())
}
