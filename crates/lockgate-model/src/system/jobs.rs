//! What a release runs beside its services: migrations, seeds and smoke checks; and what runs by the clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Millis, ServiceName};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrations {
    pub tool: MigrationTool,
    /// The service that it belongs to, where one is named: its image runs it.
    #[serde(rename = "in", default)]
    pub service: Option<ServiceName>,
    /// Folder or file, relative to the spec's folder, that the migration is run from.
    pub files: Option<String>,
    /// The new release's environment.
    pub env: BTreeMap<String, String>,
    pub timeout: Millis,
    pub retry: Retry,
    /// Whether the previous version works with the migrated schema.
    pub compatible: bool,
    #[serde(default)]
    pub when: When,
    /// How long what ran it is kept.
    #[serde(default = "an_hour")]
    pub keep_for: Millis,
}

fn an_hour() -> Millis {
    Millis::mins(60)
}

impl Migrations {
    /// A command that is tried once.
    pub fn command(command: Vec<String>) -> Migrations {
        Migrations {
            tool: MigrationTool::Command(command),
            service: None,
            files: None,
            env: BTreeMap::new(),
            timeout: Millis::mins(10),
            retry: Retry::ONCE,
            compatible: true,
            when: When::BeforeRollout,
            keep_for: an_hour(),
        }
    }
}

/// When the schema changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// A migration that fails stops the release.
    #[default]
    BeforeRollout,
    /// To take away what only the old version needed.
    AfterRollout,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationTool {
    Sqlx,
    Command(Vec<String>),
}

/// Attempts and the waits between them: `initial`, then `factor` times the last, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub attempts: u16,
    pub initial: Millis,
    pub max: Millis,
    pub factor: u16,
}

impl Retry {
    pub const ONCE: Retry = Retry { attempts: 1, initial: Millis(0), max: Millis(0), factor: 1 };

    /// Wait after the attempt of this number, counted from 1.
    pub fn wait_after(&self, attempt: u16) -> Millis {
        let growth = u64::from(self.factor).saturating_pow(u32::from(attempt.saturating_sub(1)));
        Millis(self.initial.0.saturating_mul(growth).min(self.max.0))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeCheck {
    pub service: ServiceName,
    pub kind: SmokeKind,
    pub timeout: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeKind {
    Get {
        path: String,
        status: u16,
        #[serde(default)]
        expect: SmokeExpect,
    },
    /// Run with the new release's environment, from the service's files.
    Run { command: Vec<String> },
    /// A mail is sent through the system's own settings, with STARTTLS, as users would get it.
    Mail { from: String, to: String },
}

impl SmokeKind {
    pub fn get(path: &str, status: u16) -> SmokeKind {
        SmokeKind::Get { path: path.to_owned(), status, expect: SmokeExpect::default() }
    }
}

/// What is asked and answered beyond path and status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeExpect {
    /// By JSON path; `*` is any value.
    #[serde(default)]
    pub json: BTreeMap<String, String>,
    pub contains: Option<String>,
    /// Sent with the request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Secret that holds the token.
    pub bearer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    pub command: Vec<String>,
    #[serde(rename = "in")]
    pub service: ServiceName,
    pub run: SeedsRun,
    pub timeout: Millis,
    pub retry: Retry,
    #[serde(default = "an_hour")]
    pub keep_for: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedsRun {
    /// With the first release of an environment.
    Once,
    /// With every release.
    Always,
}

/// A command by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronJob {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    pub schedule: String,
    pub timezone: String,
    pub command: Vec<String>,
    #[serde(rename = "in")]
    pub service: ServiceName,
    pub timeout: Millis,
    pub concurrency: Concurrency,
}

/// What happens when a run is due and the last one has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concurrency {
    Allow,
    Forbid,
    Replace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        let retry = Retry { attempts: 6, initial: Millis::secs(2), max: Millis::secs(60), factor: 2 };
        let waits: Vec<u64> = (1..=7).map(|it| retry.wait_after(it).0 / 1_000).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(Retry { factor: u16::MAX, ..retry }.wait_after(u16::MAX), Millis::secs(60));
    }
}
