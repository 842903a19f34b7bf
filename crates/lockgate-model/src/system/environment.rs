//! What an environment demands of a release, and where it keeps what a release needs.

use serde::{Deserialize, Serialize};

use crate::{EnvironmentName, Millis};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A push to this branch is released here.
    pub branch: Option<String>,
    /// A tag of this pattern is released here.
    pub tag: Option<String>,
    /// What a version is called here: `staging-${git.sha7}`.
    pub version: Option<String>,
    /// Images come from there, by digest; nothing is built.
    pub promote: Option<EnvironmentName>,
    /// Where users reach it.
    pub host: Option<String>,
    pub protection: Option<Protection>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Approvals that a release needs.
    pub reviewers: u16,
    /// Who may approve: `team/sre`, or a name.
    #[serde(default)]
    pub from: Vec<String>,
    pub wait_timer: Millis,
    #[serde(default)]
    pub branches: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub prevent_self_review: bool,
    pub enforced_by: Enforcer,
}

/// Who holds the release back until it is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcer {
    Lockgate,
    Github,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stores {
    pub secrets: Option<Store>,
    /// Of plain variables; without one they are written into what is deployed.
    pub config: Option<Store>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// Secret whose JSON keys are the variables.
    AwsSecretsManager(String),
    /// Path above one parameter for each variable.
    AwsParameterStore(String),
    /// Name of a Secret or a `ConfigMap`.
    Kubernetes(String),
    /// Name of an External Secrets store.
    ExternalSecrets(String),
    /// File beside the spec, which is never committed.
    File(String),
    /// Environment of GitHub Actions.
    Github(String),
}
