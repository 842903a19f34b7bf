//! What the Dockerfile of one service is made of: the facts of all environments that run its image.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{
    Build, MigrationTool, Preset, Protocol, Service, ServiceName, StopSignal, SystemName, TargetKind,
};

use super::base::{self, Bases};
use super::instruction::{Check, is_one_line, is_plain_path};
use crate::artifact::Kind;
use crate::facts::{Environment, Facts, JobFact, Template, build, health, path};
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

/// What usual libraries call while they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// Interfaces of gRPC are compiled.
    Protobuf,
    /// The client of Kafka is a library in C.
    Cmake,
}

/// The image of one service in one environment.
struct Site<'f, 'a> {
    environment: &'f Environment<'a>,
    build: &'a Build,
    preset: Preset,
}

/// Every Dockerfile that a preset writes; what stands in the way of one is a problem.
pub(super) fn recipes<'a>(facts: &Facts<'a>, output: &mut Output<'_>) -> Vec<Recipe<'a>> {
    let sites = sites(facts);
    sites.into_iter().filter_map(|(owner, sites)| recipe(owner, &sites, output)).collect()
}

pub(super) fn all_bases(facts: &Facts<'_>) -> Vec<(Preset, Bases, bool)> {
    let sites =
        sites(facts).into_iter().flat_map(|(owner, sites)| sites.into_iter().map(move |it| (owner, it)));
    sites.map(|(owner, it)| (it.preset, it.bases(), sqlx(owner, &it).is_some())).collect()
}

fn sites<'f, 'a>(facts: &'f Facts<'a>) -> BTreeMap<&'a ServiceName, Vec<Site<'f, 'a>>> {
    let mut sites: BTreeMap<_, Vec<Site<'_, '_>>> = BTreeMap::new();
    for environment in facts.wanting(Kind::Dockerfile) {
        for (name, fact) in &environment.services {
            let Some((owner, built)) = fact.image.as_ref().and_then(|it| it.build) else { continue };
            let (Some(preset), None) = (built.preset, build::own(built)) else { continue };
            if *name == owner {
                sites.entry(owner).or_default().push(Site { environment, build: built, preset });
            }
        }
    }
    for sites in sites.values_mut() {
        // A platform's environment says what the image is for; one on Docker is often a developer's machine.
        sites.sort_by_key(|it| matches!(it.environment.system.target, TargetKind::Docker(_)));
    }
    sites
}

impl<'a> Site<'_, 'a> {
    fn bases(&self) -> Bases {
        base::bases(self.environment, self.preset, self.build)
    }

    /// Services that run this image.
    fn users(&self, owner: &ServiceName) -> impl Iterator<Item = &'a Service> {
        let facts = self.environment.services.values();
        let of =
            facts.filter(move |it| it.image.as_ref().and_then(|it| it.build).is_some_and(|it| it.0 == owner));
        of.map(|it| it.service)
    }

    fn runs(&self, job: Option<&JobFact<'a>>, owner: &ServiceName) -> bool {
        job.is_some_and(|it| self.is_image_of(it.service, owner))
    }

    fn is_image_of(&self, service: &ServiceName, owner: &ServiceName) -> bool {
        let image = self.environment.services.get(service).and_then(|it| it.image.as_ref());
        image.and_then(|it| it.build).is_some_and(|it| it.0 == owner)
    }
}

fn recipe<'a>(owner: &'a ServiceName, sites: &[Site<'_, 'a>], output: &mut Output<'_>) -> Option<Recipe<'a>> {
    let first = sites.first()?;
    let bases = first.bases();
    if !agree(owner, sites, output) || !is_possible(owner, first, &bases, output) {
        return None;
    }
    let fact = first.environment.services.get(owner)?;
    let service = fact.service;
    let users = || sites.iter().flat_map(|it| it.users(owner));
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
        sqlx: sites.iter().find_map(|it| sqlx(owner, it)),
        prisma: sites.iter().any(|it| prisma(owner, it)),
        missing: sites.iter().find_map(|it| missing(owner, it)),
        has_jobs: sites.iter().any(|it| has_jobs(owner, it)),
        tools: sites.iter().flat_map(|it| tools(owner, it)).collect(),
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

fn is_possible(owner: &ServiceName, site: &Site<'_, '_>, bases: &Bases, output: &mut Output<'_>) -> bool {
    let runtime = &bases.runtime;
    if base::is_bare(runtime) {
        output.problem(
            format!("the base image `{runtime}` of `{owner}` has no shell, and the preset installs into it"),
            "begin from a Debian or Alpine image, or name a Dockerfile of your own with `dockerfile`"
                .to_owned(),
        );
        return false;
    }
    let migrations = sqlx(owner, site);
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

fn sqlx(owner: &ServiceName, site: &Site<'_, '_>) -> Option<String> {
    let migrations = site.environment.system.migrations.as_ref()?;
    if migrations.tool != MigrationTool::Sqlx || !site.runs(site.environment.migration.as_ref(), owner) {
        return None;
    }
    let source = migrations.files.as_deref().unwrap_or("migrations");
    Some(path::relative(&site.build.context, source))
}

fn prisma(owner: &ServiceName, site: &Site<'_, '_>) -> bool {
    let job = site.environment.migration.as_ref();
    let program = |it: &String| it.rsplit('/').next() == Some("prisma");
    site.runs(job, owner) && job.is_some_and(|it| it.command.iter().any(program))
}

fn missing(owner: &ServiceName, site: &Site<'_, '_>) -> Option<&'static str> {
    let job = site.environment.migration.as_ref().filter(|it| site.runs(Some(it), owner))?;
    let program = job.command.first()?;
    ["diesel", "flyway", "goose", "liquibase"].into_iter().find(|it| it == program)
}

fn has_jobs(owner: &ServiceName, site: &Site<'_, '_>) -> bool {
    let Environment { system, migration, seed, .. } = site.environment;
    site.runs(migration.as_ref(), owner)
        || site.runs(seed.as_ref(), owner)
        || system.cron.values().any(|it| site.is_image_of(&it.service, owner))
}

fn tools(owner: &ServiceName, site: &Site<'_, '_>) -> BTreeSet<Tool> {
    let dependencies = &site.environment.system.dependencies;
    let is_kafka =
        |it: &String| dependencies.iter().any(|(name, of)| name.as_str() == it && of.kind == "kafka");
    let mut tools = BTreeSet::new();
    for service in site.users(owner) {
        if service.ports.values().any(|it| it.protocol == Protocol::Grpc) {
            tools.insert(Tool::Protobuf);
        }
        if service.depends_on.keys().any(is_kafka) {
            tools.insert(Tool::Cmake);
        }
    }
    tools
}

/// With a service or a secret beside it, a step runs in the pipeline only.
fn builds_by<'a>(environment: &Environment<'a>) -> Option<&'a [Vec<String>]> {
    let step = environment.system.ci.build.as_ref()?;
    let is_npm = |it: &Vec<String>| matches!(it.first().map(String::as_str), Some("npm" | "npx" | "node"));
    let alone = step.services.is_empty() && step.secrets.is_empty() && step.env.is_empty();
    (alone && !step.run.is_empty() && step.run.iter().all(is_npm)).then_some(step.run.as_slice())
}
