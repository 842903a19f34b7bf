//! One-off jobs of a release: the image that runs them and the command.

use std::collections::BTreeMap;

use lockgate_model::{Image, JobName, MigrationTool, Millis, Preset, Retry, ServiceName, SmokeKind, System};

pub(crate) struct JobFact<'a> {
    /// The service whose image, variables and secrets it runs with.
    pub(crate) service: &'a ServiceName,
    pub(crate) command: Vec<String>,
    pub(crate) timeout: Millis,
    pub(crate) retry: Retry,
    pub(crate) keep_for: Millis,
}

pub(super) fn migration(system: &System) -> Option<JobFact<'_>> {
    let migrations = system.migrations.as_ref()?;
    let command = match &migrations.tool {
        MigrationTool::Command(command) => command.clone(),
        MigrationTool::Sqlx => sqlx(migrations.files.as_deref()),
    };
    let named = migrations.service.as_ref().and_then(|it| system.services.get_key_value(it));
    let (service, _) = named.or_else(|| reader_of_database(system))?;
    Some(JobFact {
        service,
        command,
        timeout: migrations.timeout,
        retry: migrations.retry,
        keep_for: migrations.keep_for,
    })
}

/// The presets put the program and the folder there, see the Dockerfile of a Rust service.
fn sqlx(source: Option<&str>) -> Vec<String> {
    let source = source.unwrap_or("migrations");
    ["sqlx", "migrate", "run", "--source", source].map(str::to_owned).to_vec()
}

/// Where nobody is named, the first service that is built here and reads the database that is migrated.
fn reader_of_database(system: &System) -> Option<(&ServiceName, &lockgate_model::Service)> {
    let wanted = system.migrations.as_ref()?.env.get("DATABASE_URL")?;
    let built = |it: &lockgate_model::Service| matches!(&it.image, Some(Image::Built(build)) if build.preset == Some(Preset::Rust) || build.dockerfile.is_some());
    let mut readers = system.services.iter().filter(|it| it.1.env.get("DATABASE_URL") == Some(wanted));
    readers.clone().find(|it| built(it.1)).or_else(|| readers.next())
}

pub(super) fn seed(system: &System) -> Option<JobFact<'_>> {
    let seeds = system.seeds.as_ref()?;
    let (service, _) = system.services.get_key_value(&seeds.service)?;
    Some(JobFact {
        service,
        command: seeds.command.clone(),
        timeout: seeds.timeout,
        retry: seeds.retry,
        keep_for: seeds.keep_for,
    })
}

/// How long what ran a check is kept.
const CHECK_KEPT: Millis = Millis::mins(60);

/// Smoke checks that are commands, each with the name that its place gives it.
pub(crate) fn checks(system: &System) -> BTreeMap<JobName, JobFact<'_>> {
    let checks = system.smoke.iter().enumerate().filter_map(|(idx, check)| {
        let SmokeKind::Run { command } = &check.kind else { return None };
        let fact = JobFact {
            service: system.services.get_key_value(&check.service)?.0,
            command: command.clone(),
            timeout: check.timeout,
            retry: Retry::ONCE,
            keep_for: CHECK_KEPT,
        };
        Some((JobName::new(format!("smoke-{idx}")).expect("letters, a dash and digits"), fact))
    });
    checks.collect()
}
