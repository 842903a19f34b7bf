//! Where an environment runs.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// Processes of this machine behind the embedded proxy.
    Local(LocalTarget),
    Docker(DockerTarget),
    Kubernetes(KubernetesTarget),
    Ecs(EcsTarget),
    EcsExpress(EcsExpressTarget),
    #[serde(rename = "apprunner")]
    AppRunner(AppRunnerTarget),
}

impl TargetKind {
    /// As the spec writes it.
    pub fn as_str(&self) -> &'static str {
        match self {
            TargetKind::Local(_) => "local",
            TargetKind::Docker(_) => "docker",
            TargetKind::Kubernetes(_) => "kubernetes",
            TargetKind::Ecs(_) => "ecs",
            TargetKind::EcsExpress(_) => "ecs-express",
            TargetKind::AppRunner(_) => "apprunner",
        }
    }

    /// Does it run images, where `local` runs programs?
    pub fn runs_images(&self) -> bool {
        !matches!(self, TargetKind::Local(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTarget {
    /// Address that the services' ports are opened on.
    pub bind: IpAddr,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerTarget {
    /// `unix:///var/run/docker.sock`, or `ssh://deploy@host`; empty is this machine.
    #[serde(default)]
    pub hosts: Vec<String>,
    pub registry: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesTarget {
    /// Of the kubeconfig; the current one unless said otherwise.
    pub context: Option<String>,
    pub namespace: String,
    pub via: Via,
    pub traffic: Traffic,
    /// Secret that holds the kubeconfig, where a pipeline needs one.
    pub kubeconfig: Option<String>,
    pub registry: Option<String>,
    /// Name of the pull secret in the namespace.
    pub pull_secret: Option<String>,
}

/// How the objects reach the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    Apply,
    Kustomize,
    Helm,
    Helmfile,
}

/// What splits the traffic between the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    /// What the cluster has, found by looking.
    Auto,
    GatewayApi,
    IngressNginx,
    /// No router: the share follows from the numbers of replicas.
    Replicas,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsTarget {
    pub region: String,
    pub cluster: String,
    /// Name of each ECS service, with `${service.name}`.
    pub service: String,
    pub load_balancer: Option<String>,
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Role that a pipeline takes on, by OIDC.
    pub role: Option<String>,
    pub registry: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsExpressTarget {
    pub region: String,
    /// Name of each ECS service, with `${service.name}`.
    pub service: Option<String>,
    pub cluster: Option<String>,
    pub role: Option<String>,
    pub registry: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRunnerTarget {
    pub region: String,
    pub service: Option<String>,
    pub role: Option<String>,
    pub registry: Option<String>,
}
