//! What a system needs and does not release.

use serde::{Deserialize, Serialize};

use crate::is_default;

/// Something the system needs and does not release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `postgres`, `redis`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub version: Option<String>,
    /// Where it is; services that depend on it get it as a variable.
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub database: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub user: Option<String>,
    /// Connections without TLS are refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub port: Option<u16>,
    /// Instead of the usual image of its kind and version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub storage: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub topics: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub extensions: Vec<String>,
    /// Its metrics are read.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub monitored: bool,
    /// Somebody else runs it; else it is started with the system.
    #[serde(default, skip_serializing_if = "is_default")]
    pub external: Option<External>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_yes(it: &bool) -> bool {
    *it
}

/// Where a dependency is that the system does not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum External {
    Url(String),
    /// Name of the secret that holds the URL.
    Secret(String),
    /// Identifier of the database.
    Rds(String),
    /// Identifier of the cache.
    Elasticache(String),
    /// Name of the cluster.
    Atlas(String),
}
