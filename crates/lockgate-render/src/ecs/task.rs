//! Task definitions: one container, with its image, variables, checks and limits.

use lockgate_model::{Health, Image, Protocol, StopSignal, VolumeAccess};
use serde_json::{Value, json};

use super::{execution_role_name, task_role_name};
use crate::aws::{Call, Cloud, Document, Home, Placed, Size, fargate, homes, only_aws_knows, tags};
use crate::facts::{ServiceFact, health};
use crate::output::Output;

/// Fargate waits no longer for a container to end.
const STOP_MAX_SECS: u64 = 120;
/// Room in memory for temporary files, as nothing else can be written.
const SCRATCH_MIB: u32 = 64;

pub(super) struct Wanted<'w> {
    pub(super) family: &'w str,
    /// As patches name it.
    pub(super) name: &'w str,
    /// In the folder of the environment.
    pub(super) path: String,
    /// Instead of the service's own.
    pub(super) command: Option<&'w [String]>,
}

/// In a service's folder, or a job's.
pub(super) fn path(folder: &str) -> String {
    format!("{folder}/task-definition.json")
}

/// `None` where no image or no size is there; a problem says so.
pub(super) fn definition(
    cloud: &Cloud<'_>,
    fact: &ServiceFact<'_>,
    wanted: &Wanted<'_>,
    output: &mut Output<'_>,
) -> Option<Document> {
    let system = cloud.environment.system;
    let environment = cloud.environment.name();
    let size = size(cloud, fact, output)?;
    let image = image(cloud, fact, output)?;
    let container = container(cloud, fact, wanted, &image);
    if matches!(fact.service.stop.signal, StopSignal::Int | StopSignal::Quit) {
        output.note(format!(
            "environment `{environment}`: ECS ends `{}` with the signal that its image names in `STOPSIGNAL`",
            fact.name
        ));
    }
    let name = cloud.name_of(fact.name.as_str());
    let mut body = json!({
        "family": wanted.family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": size.cpu.to_string(),
        "memory": size.memory.to_string(),
        "runtimePlatform": {"cpuArchitecture": architecture(fact), "operatingSystemFamily": "LINUX"},
        "executionRoleArn": cloud.role_arn(&execution_role_name(&name)),
        "taskRoleArn": cloud.role_arn(&task_role_name(&name)),
        "containerDefinitions": [container],
        "tags": tags(system, "key", "value"),
    });
    let volumes = volumes(fact);
    if !volumes.is_empty() {
        body["volumes"] = json!(volumes);
    }
    Some(Document {
        path: format!("{}/{}", cloud.folder(), wanted.path),
        call: Call::TaskDefinition,
        name: wanted.name.to_owned(),
        body,
        origin: vec![format!("services.{}", fact.name)],
    })
}

/// The smallest of Fargate's sizes that is large enough; `None` where there is none, and a problem says so.
pub(crate) fn size(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Option<Size> {
    let Some(size) = fargate(&fact.service.resources) else {
        output.problem(
            format!("`{}` asks for more CPU or memory than a task of Fargate has", fact.name),
            "at most 16 CPUs and 120 GiB can be had".to_owned(),
        );
        return None;
    };
    if let Some(asked) = &size.asked {
        output.note(format!(
            "environment `{}`: `{}` asks for {asked}; the next size that Fargate has is {} and {}",
            cloud.environment.name(),
            fact.name,
            size.cpu,
            size.memory
        ));
    }
    Some(size)
}

/// `None` where there is none, and a problem says so.
pub(crate) fn image(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, output: &mut Output<'_>) -> Option<String> {
    if fact.image.is_none() {
        output.problem(
            format!("`{}` has no image in environment `{}`", fact.name, cloud.environment.name()),
            "say `build` or `image` of the service".to_owned(),
        );
    }
    Some(fact.image.as_ref()?.reference())
}

fn container(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, wanted: &Wanted<'_>, image: &str) -> Value {
    let service = fact.service;
    let homes = homes(cloud, fact);
    let is_job = wanted.command.is_some();
    let mut container = json!({
        "name": fact.name,
        "image": image,
        "essential": true,
        "environment": environment(&homes),
        "secrets": secrets(cloud, &homes),
        "stopTimeout": stop_timeout(fact),
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": cloud.environment.log_group(),
                "awslogs-region": cloud.region,
                "awslogs-stream-prefix": wanted.name,
            },
        },
    });
    let command = wanted.command.unwrap_or(&service.command);
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    let ports: Vec<Value> = service
        .ports
        .iter()
        .map(|(name, port)| {
            let protocol = match port.protocol {
                Protocol::Http => "http",
                Protocol::Grpc => "grpc",
            };
            json!({"name": name, "containerPort": port.number, "protocol": "tcp", "appProtocol": protocol})
        })
        .collect();
    if !ports.is_empty() && !is_job {
        container["portMappings"] = json!(ports);
    }
    if let Some(check) = health_check(cloud, fact).filter(|_| !is_job) {
        container["healthCheck"] = check;
    }
    // Images of others may need to write and to change their user; what is built here needs neither.
    let mut linux = json!({"initProcessEnabled": true});
    if let Some((_, build)) = fact.image.as_ref().and_then(|it| it.build) {
        container["readonlyRootFilesystem"] = json!(true);
        linux["capabilities"] = json!({"drop": ["ALL"]});
        linux["tmpfs"] =
            json!([{"containerPath": "/tmp", "size": SCRATCH_MIB, "mountOptions": ["nodev", "nosuid"]}]);
        if build.dockerfile.is_none() {
            container["user"] = json!(build.user.to_string());
        }
    }
    container["linuxParameters"] = linux;
    let mounts: Vec<Value> = service
        .volumes
        .iter()
        .map(|(name, it)| json!({"sourceVolume": name, "containerPath": it.path, "readOnly": false}))
        .collect();
    if !mounts.is_empty() {
        container["mountPoints"] = json!(mounts);
    }
    container
}

pub(crate) fn environment(homes: &[Placed<'_>]) -> Vec<Value> {
    let here = homes.iter().filter_map(|it| match &it.home {
        Home::Here(value) => Some(json!({"name": it.variable.name, "value": value})),
        Home::Parameter { .. } | Home::Secret { .. } | Home::Nowhere => None,
    });
    here.collect()
}

pub(crate) fn secrets(cloud: &Cloud<'_>, homes: &[Placed<'_>]) -> Vec<Value> {
    let kept = homes.iter().filter_map(|it| {
        let from = it.home.value_from(cloud)?;
        Some(json!({"name": it.variable.name, "valueFrom": from}))
    });
    kept.collect()
}

fn stop_timeout(fact: &ServiceFact<'_>) -> u64 {
    fact.service.stop.grace.0.div_ceil(1_000).clamp(2, STOP_MAX_SECS)
}

/// Within the bounds of ECS: each 5 to 300 seconds, 2 to 60 for an answer, 1 to 10 failures.
fn health_check(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<Value> {
    let command = health::command(cloud.environment, fact)?;
    let probes = &fact.service.probes;
    let probe = probes.ready.as_ref().or(probes.live.as_ref());
    let (interval, timeout, failures, start) = match (probe, &fact.service.health) {
        (Some(it), health) => (it.interval, it.timeout, it.unhealthy_after, ready_within(health)),
        (None, health @ Health::Http { interval, timeout, unhealthy_after, .. }) => {
            (*interval, *timeout, *unhealthy_after, ready_within(health))
        }
        (None, Health::Uptime { .. }) => return None,
    };
    let argv: Vec<String> = std::iter::once("CMD".to_owned()).chain(command).collect();
    Some(json!({
        "command": argv,
        "interval": interval.0.div_ceil(1_000).clamp(5, 300),
        "timeout": timeout.0.div_ceil(1_000).clamp(2, 60),
        "retries": failures.clamp(1, 10),
        "startPeriod": start.min(300),
    }))
}

/// In seconds.
pub(super) fn ready_within(health: &Health) -> u64 {
    match health {
        Health::Http { ready_within, .. } => ready_within.0.div_ceil(1_000),
        Health::Uptime { ready_after } => ready_after.0.div_ceil(1_000),
    }
}

pub(crate) fn architecture(fact: &ServiceFact<'_>) -> &'static str {
    let build = match (&fact.service.image, fact.image.as_ref().and_then(|it| it.build)) {
        (Some(Image::Built(build)), _) => Some(build.as_ref()),
        (_, Some((_, build))) => Some(build),
        _ => None,
    };
    let platforms = build.map_or(&[][..], |it| &it.platforms);
    let only_arm = !platforms.is_empty() && platforms.iter().all(|it| it.starts_with("linux/arm64"));
    if only_arm { "ARM64" } else { "X86_64" }
}

fn volumes(fact: &ServiceFact<'_>) -> Vec<Value> {
    let volume = |(name, it): (&String, &lockgate_model::Volume)| match it.access {
        // Goes with the task.
        VolumeAccess::Scratch => json!({"name": name}),
        VolumeAccess::Single | VolumeAccess::Shared => json!({
            "name": name,
            "efsVolumeConfiguration": {
                "fileSystemId": only_aws_knows(&format!("file-system {name}")),
                "transitEncryption": "ENABLED",
            },
        }),
    };
    fact.service.volumes.iter().map(volume).collect()
}
