//! What happens to a change before and beside its release: checks, the release page, patches of what is
//! rendered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DependencyName, Millis, Percent, is_default};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ci {
    /// Versions of what the commands need: `node: "20"`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tools: BTreeMap<String, String>,
    /// Branches whose pushes and pull requests are checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub branches: Vec<String>,
    /// Steps by name, in the order of the language.
    #[serde(default, skip_serializing_if = "is_default")]
    pub install: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub lint: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub types: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub integration: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub coverage: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub security: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub e2e: Option<CiStep>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub build: Option<CiStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiStep {
    /// One after the other.
    pub run: Vec<Vec<String>>,
    /// Dependencies that are started for it, in the versions of the spec.
    #[serde(default, skip_serializing_if = "is_default")]
    pub services: Vec<DependencyName>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub env: BTreeMap<String, String>,
    /// Secrets that it is given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secrets: Vec<String>,
    pub timeout: Millis,
    /// Files or folders that are kept of it, and how long.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_for: Option<Millis>,
    /// Coverage below this fails the step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at_least: Option<Percent>,
    /// Where the step writes its report.
    #[serde(default, skip_serializing_if = "is_default")]
    pub report: Option<String>,
}

/// The page of a release where the code is hosted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasePage {
    #[serde(default, skip_serializing_if = "is_default")]
    pub assets: Vec<Asset>,
    /// File with the notes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub draft: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub prerelease: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub name: String,
    /// File, or folder that is packed.
    pub path: String,
    #[serde(rename = "type", default, skip_serializing_if = "is_default")]
    pub media_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub kind: String,
    pub name: String,
    /// Laid over the object as environments are laid over the root.
    pub set: serde_json::Value,
}
