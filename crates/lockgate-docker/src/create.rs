//! A container as it is asked for, and the engine's words for it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
    MountVolumeOptions, NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use lockgate_model::{Limits, Millis};

/// A container to make. Its environment may hold secrets, so it has no `Debug`.
pub struct NewContainer {
    pub name: String,
    pub image: String,
    /// Instead of the image's; empty keeps it.
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub user: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub networks: Vec<Attachment>,
    /// Names that lead to these addresses.
    pub hosts: BTreeMap<String, IpAddr>,
    pub mounts: Vec<MountAt>,
    /// Number on the machine, for itself only, and in the container.
    pub published: Vec<(u16, u16)>,
    pub limits: Limits,
    pub writable: bool,
    pub init: bool,
    pub privileges: Privileges,
    pub restart: Restart,
    /// `SIGTERM`, and the time that it has, for when the engine itself stops.
    pub stop: Option<(String, Millis)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub network: String,
    pub aliases: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountAt {
    pub path: String,
    pub kind: MountKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// Memory.
    Scratch,
    /// A volume by its full name.
    Volume { name: String, labels: BTreeMap<String, String> },
    /// A file of this machine, which the container may read.
    File(PathBuf),
}

/// None may be gained by either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    None,
    /// Those that the engine gives, for images that begin as root and then become somebody else.
    Usual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Never,
    UnlessStopped,
}

/// The log of a container takes at most this many files of this size on the engine's disk.
const LOG_FILES: &str = "3";
const LOG_FILE_SIZE: &str = "10m";
/// Anybody may write there and remove what is theirs; no programs and no devices.
const SCRATCH: &str = "rw,noexec,nosuid,nodev,mode=1777";

impl NewContainer {
    pub(crate) fn body(&self) -> ContainerCreateBody {
        let env = self.env.iter().map(|(name, value)| format!("{name}={value}"));
        let exposed: Vec<String> = self.published.iter().map(|it| format!("{}/tcp", it.1)).collect();
        let first = self.networks.first();
        let endpoints = first.map(|it| HashMap::from([(it.network.clone(), it.endpoint())]));
        ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: some(self.entrypoint.clone()),
            cmd: some(self.command.clone()),
            env: some(env.collect()),
            user: self.user.clone(),
            labels: Some(self.labels.clone().into_iter().collect()),
            exposed_ports: some(exposed),
            // Whoever runs it asks for its health; a check of the image's own would run beside that.
            healthcheck: Some(HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..HealthConfig::default()
            }),
            stop_signal: self.stop.as_ref().map(|it| it.0.clone()),
            stop_timeout: self.stop.as_ref().map(|it| whole_seconds(it.1)),
            host_config: Some(self.host_config()),
            networking_config: endpoints.map(|it| NetworkingConfig { endpoints_config: Some(it) }),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self) -> HostConfig {
        let hosts: Vec<String> = self.hosts.iter().map(|(name, ip)| format!("{name}:{ip}")).collect();
        let options = [("max-size", LOG_FILE_SIZE), ("max-file", LOG_FILES)];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let memory = self.limits.memory_bytes.and_then(|it| i64::try_from(it).ok());
        let bindings = self.published.iter().map(|(machine, inner)| {
            let binding =
                PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(machine.to_string()) };
            (format!("{inner}/tcp"), Some(vec![binding]))
        });
        let restart = match self.restart {
            Restart::Never => RestartPolicyNameEnum::NO,
            Restart::UnlessStopped => RestartPolicyNameEnum::UNLESS_STOPPED,
        };
        HostConfig {
            network_mode: self.networks.first().map(|it| it.network.clone()),
            extra_hosts: some(hosts),
            port_bindings: Some(bindings.collect()),
            mounts: some(self.mounts.iter().filter_map(MountAt::mount).collect()),
            tmpfs: Some(self.mounts.iter().filter_map(MountAt::tmpfs).collect()),
            nano_cpus: self.limits.cpu_millis.and_then(|it| i64::try_from(it.saturating_mul(1_000_000)).ok()),
            memory,
            // With the same number no swap comes on top.
            memory_swap: memory,
            readonly_rootfs: Some(!self.writable),
            cap_drop: (self.privileges == Privileges::None).then(|| vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            init: Some(self.init),
            restart_policy: Some(RestartPolicy { name: Some(restart), maximum_retry_count: None }),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(options.into_iter().collect()),
            }),
            ..HostConfig::default()
        }
    }
}

impl Attachment {
    pub(crate) fn endpoint(&self) -> EndpointSettings {
        EndpointSettings { aliases: some(self.aliases.clone()), ..EndpointSettings::default() }
    }
}

impl MountAt {
    fn mount(&self) -> Option<Mount> {
        let target = Some(self.path.clone());
        match &self.kind {
            MountKind::Scratch => None,
            MountKind::Volume { name, labels } => Some(Mount {
                target,
                source: Some(name.clone()),
                typ: Some(MountType::VOLUME),
                volume_options: Some(MountVolumeOptions {
                    labels: Some(labels.clone().into_iter().collect()),
                    ..MountVolumeOptions::default()
                }),
                ..Mount::default()
            }),
            MountKind::File(path) => Some(Mount {
                target,
                source: Some(path.display().to_string()),
                typ: Some(MountType::BIND),
                read_only: Some(true),
                ..Mount::default()
            }),
        }
    }

    fn tmpfs(&self) -> Option<(String, String)> {
        (self.kind == MountKind::Scratch).then(|| (self.path.clone(), SCRATCH.to_owned()))
    }
}

/// Nothing at all is said of what is empty, so that the image's own holds.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// The engine counts in seconds; a part of one is a whole one.
fn whole_seconds(span: Millis) -> i64 {
    i64::try_from(span.0.div_ceil(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> NewContainer {
        NewContainer {
            name: "shop-prod-web-r1-1".to_owned(),
            image: "web@sha256:00".to_owned(),
            entrypoint: vec![],
            command: vec![],
            env: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            user: Some("1000".to_owned()),
            labels: BTreeMap::new(),
            networks: vec![Attachment { network: "shop-prod-default".to_owned(), aliases: vec![] }],
            hosts: BTreeMap::from([("api".to_owned(), IpAddr::from([172, 18, 0, 1]))]),
            mounts: vec![
                MountAt { path: "/tmp".to_owned(), kind: MountKind::Scratch },
                MountAt {
                    path: "/data".to_owned(),
                    kind: MountKind::Volume { name: "shop-prod-data".to_owned(), labels: BTreeMap::new() },
                },
            ],
            published: vec![],
            limits: Limits { cpu_millis: Some(250), memory_bytes: Some(64 << 20) },
            writable: false,
            init: true,
            privileges: Privileges::None,
            restart: Restart::Never,
            stop: Some(("SIGTERM".to_owned(), Millis(1_500))),
        }
    }

    #[test]
    fn a_container_gets_as_little_as_it_can_do_with() {
        let body = container().body();
        let host = body.host_config.unwrap();
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges:true"]);
        assert_eq!((host.readonly_rootfs, host.privileged, host.init), (Some(true), None, Some(true)));
        assert_eq!((host.nano_cpus, host.memory), (Some(250_000_000), Some(64 << 20)));
        assert_eq!(host.extra_hosts.unwrap(), ["api:172.18.0.1"]);
        assert_eq!((host.mounts.unwrap().len(), host.tmpfs.unwrap().len()), (1, 1));
        assert_eq!((body.stop_timeout, body.user.as_deref()), (Some(2), Some("1000")));
        assert_eq!((body.entrypoint, body.cmd), (None, None));
    }
}
