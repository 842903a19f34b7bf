//! What is deployed: images, and how they are built.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ServiceName;

/// Where a service's image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Image {
    Built(Box<Build>),
    /// Somebody else's, by its reference.
    Named(String),
    /// One image, two services.
    SameAs(ServiceName),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    pub preset: Option<Preset>,
    /// The user's own, instead of a preset.
    pub dockerfile: Option<String>,
    pub context: String,
    /// Image that the runtime stage of a preset begins from.
    pub base: Option<String>,
    /// Number of the user that a preset's image runs as.
    pub user: u16,
    /// Stage of the Dockerfile to stop at.
    pub stage: Option<String>,
    /// Folder of the workspace that the service is in.
    pub package: Option<String>,
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Repository that the image is pushed to, without tag.
    pub image: Option<String>,
    pub scan: Option<Scan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    Rust,
    Node,
    Nextjs,
    Nestjs,
    Python,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Findings from this level on stop the release.
    pub fail_on: ScanLevel,
    /// Form in which findings are uploaded where the code is hosted.
    pub report: Option<String>,
    /// Findings that were looked at and do not count, such as `CVE-2026-1234`.
    #[serde(default)]
    pub ignore: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanLevel {
    Low,
    Medium,
    High,
    Critical,
}
