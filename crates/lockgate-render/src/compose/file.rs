//! A Compose file, as far as it is written here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

#[derive(Default, Serialize)]
pub(super) struct ComposeFile {
    pub(super) name: String,
    pub(super) services: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) networks: BTreeMap<&'static str, Network>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) volumes: BTreeMap<String, Value>,
}

#[derive(Default, Serialize)]
pub(super) struct Network {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) internal: bool,
}

#[derive(Default, Serialize)]
pub(super) struct Container {
    pub(super) image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) build: Option<Build>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) command: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) volumes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tmpfs: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) depends_on: BTreeMap<String, DependsOn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) networks: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) profiles: Vec<&'static str>,
    pub(super) restart: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_signal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_grace_period: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) init: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cap_drop: Vec<&'static str>,
    pub(super) security_opt: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deploy: Option<Deploy>,
    pub(super) logging: Logging,
}

#[derive(Serialize)]
pub(super) struct Build {
    pub(super) context: String,
    pub(super) dockerfile: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) args: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct DependsOn {
    pub(super) condition: &'static str,
}

#[derive(Serialize)]
pub(super) struct Healthcheck {
    pub(super) test: Vec<String>,
    pub(super) interval: String,
    pub(super) timeout: String,
    pub(super) retries: u16,
    pub(super) start_period: String,
}

#[derive(Default, Serialize)]
pub(super) struct Deploy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replicas: Option<u16>,
    #[serde(skip_serializing_if = "Resources::says_nothing")]
    pub(super) resources: Resources,
}

#[derive(Default, Serialize)]
pub(super) struct Resources {
    #[serde(skip_serializing_if = "Amounts::says_nothing")]
    pub(super) limits: Amounts,
    #[serde(skip_serializing_if = "Amounts::says_nothing")]
    pub(super) reservations: Amounts,
}

#[derive(Default, Serialize)]
pub(super) struct Amounts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Logging {
    driver: &'static str,
    options: BTreeMap<&'static str, &'static str>,
}

impl Resources {
    pub(super) fn says_nothing(&self) -> bool {
        self.limits.says_nothing() && self.reservations.says_nothing()
    }
}

impl Amounts {
    fn says_nothing(&self) -> bool {
        self.cpus.is_none() && self.memory.is_none()
    }
}

/// Without rotation, one talkative container fills the disk of all.
impl Default for Logging {
    fn default() -> Logging {
        Logging { driver: "json-file", options: BTreeMap::from([("max-file", "3"), ("max-size", "10m")]) }
    }
}

/// Compose writes durations as Go does.
pub(super) fn duration(span: lockgate_model::Millis) -> String {
    match span.0 {
        millis if millis % 1_000 == 0 => format!("{}s", millis / 1_000),
        millis => format!("{millis}ms"),
    }
}
