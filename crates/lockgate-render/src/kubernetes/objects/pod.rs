//! Containers and pods under the restricted standard of pod security.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapEnvSource, Container, EmptyDirVolumeSource, EnvFromSource, LocalObjectReference,
    PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
    SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use lockgate_model::{Quantities, Resources, TargetKind, VolumeAccess};

use super::env::{self, Env};
use crate::facts::{Environment, ServiceFact};

const TMP: &str = "tmp";

/// The user of an image whose own is not known to be a number, and who may do nothing: `nobody`.
pub(super) const NOBODY: u32 = 65534;

/// A container of the service's image, with its variables, volumes and amounts.
pub(super) fn container(fact: &ServiceFact<'_>, name: &str, command: &[String], env: &Env) -> Container {
    let mut mounts: Vec<VolumeMount> =
        fact.service.volumes.iter().map(|it| mount(it.0, &it.1.path)).collect();
    if !mounts.iter().any(|it| it.mount_path == "/tmp") {
        mounts.push(mount(TMP, "/tmp"));
    }
    let image = fact.image.as_ref();
    let args: Vec<String> = command.iter().map(|it| env::literal(it)).collect();
    Container {
        name: name.to_owned(),
        image: image.map(crate::facts::ImageFact::reference),
        // As Compose and ECS have it: what the image calls its entry point stays.
        args: (!args.is_empty()).then_some(args),
        env: (!env.entries.is_empty()).then(|| env.entries.clone()),
        resources: resources(&fact.service.resources),
        security_context: Some(confined(image.is_some_and(crate::facts::ImageFact::is_of_preset))),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

pub(super) fn read_from(config: &str) -> Vec<EnvFromSource> {
    let source = ConfigMapEnvSource { name: config.to_owned(), ..ConfigMapEnvSource::default() };
    vec![EnvFromSource { config_map_ref: Some(source), ..EnvFromSource::default() }]
}

/// What the pods of a service's image share.
pub(super) fn pod(environment: &Environment<'_>, fact: &ServiceFact<'_>, container: Container) -> PodSpec {
    let account = container.name.clone();
    let user = fact.image.as_ref().and_then(|it| it.build).map(|it| u32::from(it.1.user));
    PodSpec {
        containers: vec![container],
        volumes: Some(volumes(fact)),
        service_account_name: Some(account),
        image_pull_secrets: pull_secrets(environment),
        ..base(user)
    }
}

/// No rights in the cluster, no root, and no variables made of other services' names: some images take
/// `KAFKA_PORT` or `REDIS_PORT` for their own. Zero is an image that needs root to begin with.
pub(super) fn base(user: Option<u32>) -> PodSpec {
    let number = user.filter(|it| *it != 0).map(i64::from);
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: (user != Some(0)).then_some(true),
            run_as_user: number,
            run_as_group: number,
            fs_group: number,
            fs_group_change_policy: number.map(|_| "OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        ..PodSpec::default()
    }
}

/// Images of presets write to `/tmp` and their volumes only; what others do is not known.
pub(super) fn confined(writes_nothing: bool) -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), ..Capabilities::default() }),
        read_only_root_filesystem: writes_nothing.then_some(true),
        ..SecurityContext::default()
    }
}

pub(super) fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

fn volumes(fact: &ServiceFact<'_>) -> Vec<Volume> {
    let mut volumes = vec![];
    for (name, volume) in &fact.service.volumes {
        let mut it = Volume { name: name.clone(), ..Volume::default() };
        match volume.access {
            VolumeAccess::Scratch => {
                let size_limit = volume.size.clone().map(Quantity);
                it.empty_dir = Some(EmptyDirVolumeSource { size_limit, ..EmptyDirVolumeSource::default() });
            }
            VolumeAccess::Single | VolumeAccess::Shared => {
                let claim_name = claim_name(fact, name);
                it.persistent_volume_claim =
                    Some(PersistentVolumeClaimVolumeSource { claim_name, ..Default::default() });
            }
        }
        volumes.push(it);
    }
    if fact.service.volumes.values().all(|it| it.path != "/tmp") {
        volumes.push(Volume {
            name: TMP.to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        });
    }
    volumes
}

pub(super) fn claim_name(fact: &ServiceFact<'_>, volume: &str) -> String {
    format!("{}-{volume}", fact.name)
}

pub(super) fn pull_secrets(environment: &Environment<'_>) -> Option<Vec<LocalObjectReference>> {
    match &environment.system.target {
        TargetKind::Kubernetes(it) => {
            it.pull_secret.as_ref().map(|name| vec![LocalObjectReference { name: name.clone() }])
        }
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => None,
    }
}

fn resources(resources: &Resources) -> Option<ResourceRequirements> {
    let amounts = |it: &Quantities| {
        let named = [("cpu", &it.cpu), ("memory", &it.memory)].into_iter();
        let there: std::collections::BTreeMap<String, Quantity> =
            named.filter_map(|(name, it)| Some((name.to_owned(), Quantity(it.clone()?)))).collect();
        (!there.is_empty()).then_some(there)
    };
    let (requests, limits) = (amounts(&resources.requests), amounts(&resources.limits));
    let says_something = requests.is_some() || limits.is_some();
    says_something.then(|| ResourceRequirements { requests, limits, ..ResourceRequirements::default() })
}
