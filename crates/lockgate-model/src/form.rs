//! What a slot or a job is run as on each kind of platform, and what stands beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ServiceName;

/// What is run. Frozen with the release, so that a rollback restores it whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A process of this machine.
    #[default]
    Process,
    Container(Box<Container>),
    Objects(Objects),
}

impl Form {
    /// The image that the service itself runs; other containers may stand beside its own.
    pub fn image(&self, service: &ServiceName) -> Option<&str> {
        match self {
            Form::Process => None,
            Form::Container(container) => Some(&container.image),
            Form::Objects(objects) => {
                let deployment = objects.0.iter().find(|it| it["kind"] == "Deployment")?;
                let containers = deployment.pointer("/spec/template/spec/containers")?.as_array()?;
                let own = containers.iter().find(|it| it["name"] == service.as_str());
                own?.get("image")?.as_str()
            }
        }
    }
}

/// One container. Command, environment, ports and health are those of the slot or job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// `repository@sha256:...`.
    pub image: String,
    /// Instead of the image's entrypoint; empty keeps it. The slot's command follows it. Of a job of the kind
    /// [`crate::JobKind::SqlxMigrate`], this is the whole command.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// `1000` or `1000:1000`; the image's own without one.
    pub user: Option<String>,
    /// Variables whose values are composed when it is launched, each with `$(NAME)` in place of a secret of the slot,
    /// job or dependency; see [`compose`]. They come after the environment, whose variables of the same name they replace.
    #[serde(default)]
    pub templates: BTreeMap<String, String>,
    /// Networks that it is on, by their names in [`DockerFixtures`].
    pub networks: Vec<String>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// The root file system can be written to.
    #[serde(default)]
    pub writable: bool,
    /// A small init process reaps children and forwards signals.
    #[serde(default)]
    pub init: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// In thousandths of a CPU.
    pub cpu_millis: Option<u64>,
    pub memory_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    pub path: String,
    pub from: MountFrom,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountFrom {
    /// Memory, gone with the container.
    Scratch,
    /// A named volume, kept across releases.
    Volume(String),
    /// A file with the value of a secret of the slot, in memory.
    Secret(String),
    /// A file with this text, which may be read by anybody who may look at the container.
    Text(String),
}

/// Kubernetes objects as they are rendered: of a slot its Deployment and what only that needs, of a job its Job.
/// Names, labels and annotations that say which release it is are the target's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Objects(pub Vec<serde_json::Value>);

/// What stands beside the slots and outlives releases: networks, volumes, dependencies, routes, policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fixtures {
    #[default]
    None,
    Docker(Box<DockerFixtures>),
    Objects(Objects),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerFixtures {
    /// Short names; `default` is the one that the router is on.
    pub networks: Vec<String>,
    /// Those of them that nothing leaves and nothing enters: no way to the world.
    #[serde(default)]
    pub internal: Vec<String>,
    /// Names of volumes that are kept whatever is released.
    pub volumes: Vec<String>,
    /// Services of the system, which containers reach by these names at the router.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// By name, which is how others reach it.
    pub dependencies: BTreeMap<String, DependencyContainer>,
}

/// A bundled dependency: started once, replaced only when its own description changes, its volumes never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyContainer {
    pub container: Container,
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Run inside it until it succeeds; empty when running is enough.
    #[serde(default)]
    pub ready: Vec<String>,
    /// Number on the machine itself, and in the container.
    #[serde(default)]
    pub publish: Option<(u16, u16)>,
    /// Port of a page for people, such as caught mails: of this machine alone, under the same number.
    #[serde(default)]
    pub page: Option<u16>,
    /// What is run to its end once the container is ready, such as creating users; harmless to repeat.
    #[serde(default)]
    pub setup: Vec<String>,
}

/// A secret's value by its name and by which value it is; the value itself is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretRef {
    pub name: String,
    /// A keyed digest: equal for equal values, and nothing can be learnt from it.
    pub version: String,
}

/// The value of one of [`Container::templates`]: `$(NAME)` is the secret's value, `$$` is one dollar, any other dollar
/// is itself. Fails with the name of a secret that has no value.
pub fn compose<'s>(template: &str, secret: impl Fn(&str) -> Option<&'s str>) -> Result<String, String> {
    let mut composed = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        composed.push_str(before);
        if let Some((name, tail)) = after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            composed.push_str(secret(name).ok_or_else(|| name.to_owned())?);
            rest = tail;
        } else {
            composed.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    composed.push_str(rest);
    Ok(composed)
}

/// Where instances tell their metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsAt {
    pub path: String,
    pub port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_composed_of_text_and_secrets() {
        let secret = |name: &str| (name == "PASSWORD").then_some("p$(x)");
        let composed = |template: &str| compose(template, secret);
        assert_eq!(
            composed("postgresql://app:$(PASSWORD)@db/app"),
            Ok("postgresql://app:p$(x)@db/app".to_owned())
        );
        assert_eq!(composed("$$(PASSWORD) costs $5 $"), Ok("$(PASSWORD) costs $5 $".to_owned()));
        assert_eq!(composed("$(OTHER)"), Err("OTHER".to_owned()));
        assert_eq!(composed("$(PASSWORD"), Ok("$(PASSWORD".to_owned()));
    }
}
