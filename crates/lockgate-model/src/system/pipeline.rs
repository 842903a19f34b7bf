//! What happens to a change before and beside its release: checks, the release page, patches of what is
//! rendered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DependencyName, Millis, Percent};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ci {
    /// Versions of what the commands need: `node: "20"`.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// Branches whose pushes and pull requests are checked.
    #[serde(default)]
    pub branches: Vec<String>,
    /// Steps by name, in the order of the language.
    pub install: Option<CiStep>,
    pub format: Option<CiStep>,
    pub lint: Option<CiStep>,
    pub types: Option<CiStep>,
    pub unit: Option<CiStep>,
    pub integration: Option<CiStep>,
    pub coverage: Option<CiStep>,
    pub benchmark: Option<CiStep>,
    pub security: Option<CiStep>,
    pub e2e: Option<CiStep>,
    pub build: Option<CiStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiStep {
    /// One after the other.
    pub run: Vec<Vec<String>>,
    /// Dependencies that are started for it, in the versions of the spec.
    #[serde(default)]
    pub services: Vec<DependencyName>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Secrets that it is given.
    #[serde(default)]
    pub secrets: Vec<String>,
    pub timeout: Millis,
    /// Files or folders that are kept of it, and how long.
    #[serde(default)]
    pub keep: Vec<String>,
    pub keep_for: Option<Millis>,
    /// Coverage below this fails the step.
    pub at_least: Option<Percent>,
    /// Where the step writes its report.
    pub report: Option<String>,
    /// The result is written under the pull request.
    pub comment: bool,
    /// Service that the report is sent to.
    pub upload: Option<String>,
}

/// The page of a release where the code is hosted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasePage {
    /// Tags that make one; those that an environment releases unless said.
    pub tag: Option<String>,
    #[serde(default)]
    pub assets: Vec<Asset>,
    /// File with the notes.
    pub notes: Option<String>,
    #[serde(default)]
    pub draft: bool,
    #[serde(default)]
    pub prerelease: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub name: String,
    /// File, or folder that is packed.
    pub path: String,
    #[serde(rename = "type")]
    pub media_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub kind: String,
    pub name: String,
    /// Laid over the object as environments are laid over the root.
    pub set: serde_json::Value,
}
