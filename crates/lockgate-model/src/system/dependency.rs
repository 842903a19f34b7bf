//! What a system needs and does not release.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// Something the system needs and does not release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `postgres`, `redis`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub version: Option<String>,
    /// Where it is; services that depend on it get it as a variable.
    pub url: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    /// Clients sign in with a password, where that is a choice.
    #[serde(default)]
    pub auth: bool,
    /// Connections without TLS are refused.
    #[serde(default)]
    pub tls: bool,
    pub port: Option<u16>,
    /// Instead of the usual image of its kind and version.
    pub image: Option<String>,
    /// Number on the machine itself.
    pub publish: Option<u16>,
    pub storage: Option<String>,
    /// Class of its volume, or of the machine that a managed one runs on.
    pub class: Option<String>,
    pub backup: Option<Backup>,
    #[serde(default)]
    pub topics: Vec<String>,
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Its metrics are read.
    #[serde(default = "yes")]
    pub monitored: bool,
    /// Somebody else runs it; else it is started with the system.
    pub external: Option<External>,
}

fn yes() -> bool {
    true
}

/// The secret that a dependency's password is, where the system starts it.
pub fn password_secret(dependency: &str) -> String {
    format!("{}_PASSWORD", dependency.to_ascii_uppercase().replace('-', "_"))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub schedule: String,
    pub keep: Millis,
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
