//! One rendered file, and what it is.

use std::fmt;
use std::str::FromStr;

use lockgate_model::EnvironmentName;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the spec's folder, with `/`.
    pub path: String,
    pub kind: Kind,
    /// The environment that it belongs to; `None` where all share it.
    pub environment: Option<EnvironmentName>,
    pub text: String,
    /// The parts of the spec that it was made of: `services.web`, `slo`.
    pub origin: Vec<String>,
}

/// What `--only` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Dockerfile,
    Compose,
    /// Plain manifests.
    Manifests,
    Kustomize,
    Helm,
    Helmfile,
    Ecs,
    EcsExpress,
    #[serde(rename = "apprunner")]
    AppRunner,
    Github,
    Prometheus,
    Alertmanager,
    Grafana,
    #[serde(rename = "cloudwatch")]
    CloudWatch,
    Dotenv,
    Docs,
    /// What an account may do that releases; on request only.
    Rbac,
}

impl Kind {
    pub const ALL: [Kind; 17] = [
        Kind::Dockerfile,
        Kind::Compose,
        Kind::Manifests,
        Kind::Kustomize,
        Kind::Helm,
        Kind::Helmfile,
        Kind::Ecs,
        Kind::EcsExpress,
        Kind::AppRunner,
        Kind::Github,
        Kind::Prometheus,
        Kind::Alertmanager,
        Kind::Grafana,
        Kind::CloudWatch,
        Kind::Dotenv,
        Kind::Docs,
        Kind::Rbac,
    ];

    /// Is it written only when it is asked for by name? Then it also stays until it is asked for again.
    pub fn is_on_request(self) -> bool {
        self == Kind::Rbac
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Dockerfile => "dockerfile",
            Kind::Compose => "compose",
            Kind::Manifests => "manifests",
            Kind::Kustomize => "kustomize",
            Kind::Helm => "helm",
            Kind::Helmfile => "helmfile",
            Kind::Ecs => "ecs",
            Kind::EcsExpress => "ecs-express",
            Kind::AppRunner => "apprunner",
            Kind::Github => "github",
            Kind::Prometheus => "prometheus",
            Kind::Alertmanager => "alertmanager",
            Kind::Grafana => "grafana",
            Kind::CloudWatch => "cloudwatch",
            Kind::Dotenv => "dotenv",
            Kind::Docs => "docs",
            Kind::Rbac => "rbac",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of artifact")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|it| it.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
