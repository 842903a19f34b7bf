//! The parts that the objects of an environment fall into, in the order in which they are applied.

use lockgate_model::{DependencyName, JobName, ServiceName};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The namespace, and what belongs to no one alone.
    Shared,
    Dependency(DependencyName),
    /// Before anything of the new release runs.
    Migration,
    Seed,
    Service(ServiceName),
    Cron(JobName),
    /// Once nothing of the old release runs.
    MigrationAfter,
    /// A smoke check that is a command. No file has it: a release runs it, and it needs to be let through.
    Check(JobName),
}

impl Part {
    /// Alphabetical order is the order in which they are applied.
    pub(crate) fn file_stem(&self) -> String {
        match self {
            Part::Shared => "00-namespace".to_owned(),
            Part::Dependency(name) => format!("10-{name}"),
            Part::Migration => "20-migrate".to_owned(),
            Part::Seed => "25-seed".to_owned(),
            Part::Service(name) => format!("30-{name}"),
            Part::Cron(name) => format!("40-{name}"),
            Part::MigrationAfter => "50-migrate".to_owned(),
            Part::Check(name) => format!("60-{name}"),
        }
    }

    /// The label `app.kubernetes.io/component`, by which `kubectl apply -l` takes one kind of part after the other.
    pub(crate) fn component(&self) -> &'static str {
        match self {
            Part::Shared => "environment",
            Part::Dependency(_) => "dependency",
            Part::Migration | Part::MigrationAfter => "migration",
            Part::Seed => "seed",
            Part::Service(_) => "service",
            Part::Cron(_) => "cron",
            Part::Check(_) => "check",
        }
    }

    /// Where the spec says it.
    pub(crate) fn origin(&self) -> String {
        match self {
            Part::Shared => "environments".to_owned(),
            Part::Dependency(name) => format!("dependencies.{name}"),
            Part::Migration | Part::MigrationAfter => "migrations".to_owned(),
            Part::Seed => "seeds".to_owned(),
            Part::Service(name) => format!("services.{name}"),
            Part::Cron(name) => format!("cron.{name}"),
            Part::Check(_) => "smoke".to_owned(),
        }
    }

    /// Name that its pods have as a label.
    pub(crate) fn name(&self) -> String {
        match self {
            Part::Shared => "environment".to_owned(),
            Part::Dependency(name) => name.to_string(),
            Part::Migration | Part::MigrationAfter => "migrate".to_owned(),
            Part::Seed => "seed".to_owned(),
            Part::Service(name) => name.to_string(),
            Part::Cron(name) | Part::Check(name) => name.to_string(),
        }
    }
}
