//! Workflows as types: what GitHub reads, as far as it is written here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Which permission, and how much of it.
pub(super) type Permissions = BTreeMap<&'static str, &'static str>;

#[derive(Serialize)]
pub(super) struct Workflow {
    pub(super) name: String,
    pub(super) on: Value,
    /// None for all; each job asks for what it needs.
    pub(super) permissions: Permissions,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) concurrency: Option<Concurrency>,
    pub(super) defaults: Value,
    #[serde(serialize_with = "as_map")]
    pub(super) jobs: Vec<(String, Job)>,
}

/// Jobs keep their order: it is that of the release.
fn as_map<S: serde::Serializer>(jobs: &[(String, Job)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(jobs.iter().map(|(name, job)| (name, job)))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Concurrency {
    pub(super) group: String,
    /// `max` keeps everything that waits; the usual is that a third one throws the second away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) queue: Option<&'static str>,
    pub(super) cancel_in_progress: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Job {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) needs: Vec<String>,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<String>,
    /// A workflow of this repository instead of steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uses: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) with: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) secrets: BTreeMap<&'static str, String>,
    pub(super) permissions: Permissions,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runs_on: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) concurrency: Option<Concurrency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout_minutes: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) outputs: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strategy: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) services: BTreeMap<String, ServiceContainer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) steps: Vec<Step>,
}

#[derive(Serialize)]
pub(super) struct ServiceContainer {
    pub(super) image: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) env: BTreeMap<String, String>,
    pub(super) ports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Step {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'static str>,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uses: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) with: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout_minutes: Option<u64>,
    /// What follows does not hang on it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) continue_on_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<String>,
}

impl Workflow {
    pub(super) fn new(name: &str, on: Value) -> Workflow {
        Workflow {
            name: name.to_owned(),
            on,
            permissions: Permissions::new(),
            concurrency: None,
            // Bash named so ends at the first failure, also within a pipe.
            defaults: serde_json::json!({"run": {"shell": "bash"}}),
            jobs: vec![],
        }
    }

    pub(super) fn job(&mut self, id: &str, job: Job) {
        self.jobs.push((id.to_owned(), job));
    }
}

impl Job {
    pub(super) fn new(name: &str, minutes: u64) -> Job {
        Job {
            name: name.to_owned(),
            runs_on: Some("ubuntu-24.04"),
            timeout_minutes: Some(minutes),
            ..Job::default()
        }
    }

    /// A job that is another workflow of this repository, at the commit that runs.
    pub(super) fn calling(name: &str, file: &str, permissions: Permissions) -> Job {
        Job {
            name: name.to_owned(),
            uses: Some(format!("$/.github/workflows/{file}.yml")),
            permissions,
            ..Job::default()
        }
    }

    pub(super) fn needing<'n>(mut self, needs: impl IntoIterator<Item = &'n str>) -> Job {
        self.needs = needs.into_iter().map(str::to_owned).collect();
        self
    }

    pub(super) fn allowed<const N: usize>(mut self, permissions: [(&'static str, &'static str); N]) -> Job {
        self.permissions.extend(permissions);
        self
    }
}

impl Step {
    pub(super) fn run(name: &str, script: impl Into<String>) -> Step {
        Step { name: name.to_owned(), run: Some(script.into()), ..Step::default() }
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Step {
        self.with.insert(key, value.into());
        self
    }

    /// A value that scripts see as a variable: it is never pasted into them.
    pub(super) fn env(mut self, key: &str, value: impl Into<String>) -> Step {
        self.env.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn id(mut self, id: &'static str) -> Step {
        self.id = Some(id);
        self
    }

    pub(super) fn when(mut self, condition: impl Into<String>) -> Step {
        self.condition = Some(condition.into());
        self
    }

    pub(super) fn minutes(mut self, minutes: u64) -> Step {
        self.timeout_minutes = Some(minutes);
        self
    }
}

/// Time in whole minutes, as GitHub counts it.
pub(super) fn minutes(time: lockgate_model::Millis) -> u64 {
    time.0.div_ceil(60_000).max(1)
}
