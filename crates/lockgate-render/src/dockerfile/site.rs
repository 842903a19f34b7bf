//! One image in one environment: who runs it, and what its jobs and libraries need.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{Build, MigrationTool, Preset, Protocol, Service, ServiceName, TargetKind};

use super::base::{self, Bases};
use crate::artifact::Kind;
use crate::facts::{Environment, Facts, JobFact, build, path};

/// The image of one service in one environment.
pub(super) struct Site<'f, 'a> {
    pub(super) owner: &'a ServiceName,
    pub(super) environment: &'f Environment<'a>,
    pub(super) build: &'a Build,
    pub(super) preset: Preset,
}

/// What usual libraries call while they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// Interfaces of gRPC are compiled.
    Protobuf,
    /// The client of Kafka is a library in C.
    Cmake,
}

/// All that a preset builds, by the service that it is built for.
pub(super) fn sites<'f, 'a>(facts: &'f Facts<'a>) -> BTreeMap<&'a ServiceName, Vec<Site<'f, 'a>>> {
    let mut sites: BTreeMap<_, Vec<Site<'_, '_>>> = BTreeMap::new();
    for environment in facts.wanting(Kind::Dockerfile) {
        for (name, fact) in &environment.services {
            let Some((owner, built)) = fact.image.as_ref().and_then(|it| it.build) else { continue };
            let (Some(preset), None) = (built.preset, build::own(built)) else { continue };
            if *name == owner {
                sites.entry(owner).or_default().push(Site { owner, environment, build: built, preset });
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
    pub(super) fn bases(&self) -> Bases {
        base::bases(self.environment, self.preset, self.build)
    }

    /// Services that run this image.
    pub(super) fn users(&self) -> impl Iterator<Item = &'a Service> + use<'_, 'a> {
        let facts = self.environment.services.iter();
        facts.filter(|it| self.is_image_of(it.0)).map(|it| it.1.service)
    }

    fn runs(&self, job: Option<&JobFact<'a>>) -> bool {
        job.is_some_and(|it| self.is_image_of(it.service))
    }

    fn is_image_of(&self, service: &ServiceName) -> bool {
        let image = self.environment.services.get(service).and_then(|it| it.image.as_ref());
        image.and_then(|it| it.build).is_some_and(|it| it.0 == self.owner)
    }

    /// Folder of the migrations that it runs with `sqlx`, within the context.
    pub(super) fn sqlx(&self) -> Option<String> {
        let migrations = self.environment.system.migrations.as_ref()?;
        if migrations.tool != MigrationTool::Sqlx || !self.runs(self.environment.migration.as_ref()) {
            return None;
        }
        let source = migrations.files.as_deref().unwrap_or("migrations");
        Some(path::relative(&self.build.context, source))
    }

    /// It runs the migrations of Prisma.
    pub(super) fn prisma(&self) -> bool {
        let job = self.environment.migration.as_ref();
        let program = |it: &String| it.rsplit('/').next() == Some("prisma");
        self.runs(job) && job.is_some_and(|it| it.command.iter().any(program))
    }

    /// The program that its migrations run, where no preset installs it.
    pub(super) fn missing(&self) -> Option<&'static str> {
        let job = self.environment.migration.as_ref().filter(|it| self.runs(Some(it)))?;
        let program = job.command.first()?;
        ["diesel", "flyway", "goose", "liquibase"].into_iter().find(|it| it == program)
    }

    /// A migration, seed or cron job runs in it.
    pub(super) fn has_jobs(&self) -> bool {
        let Environment { system, migration, seed, .. } = self.environment;
        self.runs(migration.as_ref())
            || self.runs(seed.as_ref())
            || system.cron.values().any(|it| self.is_image_of(&it.service))
    }

    pub(super) fn tools(&self) -> BTreeSet<Tool> {
        let dependencies = &self.environment.system.dependencies;
        let is_kafka =
            |it: &String| dependencies.iter().any(|(name, of)| name.as_str() == it && of.kind == "kafka");
        let mut tools = BTreeSet::new();
        for service in self.users() {
            if service.ports.values().any(|it| it.protocol == Protocol::Grpc) {
                tools.insert(Tool::Protobuf);
            }
            if service.depends_on.keys().any(is_kafka) {
                tools.insert(Tool::Cmake);
            }
        }
        tools
    }
}
