//! Dependencies that are started with the system: a server with its data, what prepares it and what reads its metrics.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EmptyDirVolumeSource, ExecAction, PersistentVolumeClaim, PodSpec,
    PodTemplateSpec, Probe, SecurityContext, Service, ServicePort, ServiceSpec, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lockgate_model::{Dependency, DependencyName};

use super::deployment::account;
use super::part::Part;
use super::{Objects, env, meta, pod, volume};
use crate::facts::{Bundled, Exporter, shell};

const DATA: &str = "data";
/// Time to write out what is in memory.
const GRACE_SECONDS: i64 = 60;
/// A server that repairs its data after a crash takes long to answer.
const START_TRIES: i32 = 60;
/// The server may come up meanwhile: Kubernetes waits 10 s, 20 s, 40 s and so on.
const SETUP_TRIES: i32 = 8;
const SETUP_KEPT_SECONDS: i32 = 3_600;

pub(super) fn add(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    for (name, bundled) in &environment.bundled {
        let part = Part::Dependency((*name).clone());
        let dependency = &environment.system.dependencies[*name];
        account(objects, &part);
        objects.add(&part, &service(objects, &part, dependency, bundled));
        objects.add(&part, &server(objects, &part, dependency, bundled));
        if !bundled.setup.is_empty() {
            setup(objects, &part, name, bundled);
        }
    }
}

/// Port of its metrics, as others read them.
pub(super) fn metrics_port(dependency: &Dependency, bundled: &Bundled) -> Option<u16> {
    let own = bundled.metrics.map(|it| it.1);
    let exported = bundled.exporter.as_ref().map(|it| it.port);
    own.or(exported).filter(|_| dependency.monitored)
}

/// Without an address of its own: clients find the pod, also while it starts again.
fn service(
    objects: &Objects<'_, '_, '_>,
    part: &Part,
    dependency: &Dependency,
    bundled: &Bundled,
) -> Service {
    let numbered = |name: &str, number: u16| ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(number),
        target_port: Some(IntOrString::Int(i32::from(number))),
        ..ServicePort::default()
    };
    let mut ports = vec![numbered("main", bundled.port)];
    let metrics = metrics_port(dependency, bundled).filter(|it| *it != bundled.port);
    ports.extend(metrics.map(|it| numbered("metrics", it)));
    ports.extend(bundled.page.map(|it| numbered("page", it)));
    Service {
        metadata: meta::meta(objects.environment, part, &part.name()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some(meta::all(&part.name())),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn server(
    objects: &Objects<'_, '_, '_>,
    part: &Part,
    dependency: &Dependency,
    bundled: &Bundled,
) -> StatefulSet {
    let environment = objects.environment;
    let mut containers = vec![container(objects, part, dependency, bundled)];
    containers
        .extend(bundled.exporter.as_ref().filter(|_| dependency.monitored).map(|it| exporter(objects, it)));
    let spec = PodSpec {
        containers,
        service_account_name: Some(part.name()),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        ..pod::base(Some(bundled.user))
    };
    let claim = bundled.data.map(|_| PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(DATA.to_owned()), ..ObjectMeta::default() },
        spec: Some(volume::claim(
            "ReadWriteOnce",
            dependency.storage.as_deref(),
            dependency.class.as_deref(),
        )),
        ..PersistentVolumeClaim::default()
    });
    StatefulSet {
        metadata: meta::meta(environment, part, &part.name()),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(part.name()),
            selector: meta::selector(meta::all(&part.name())),
            template: PodTemplateSpec {
                metadata: Some(meta::of_pods(environment, part, &part.name())),
                spec: Some(spec),
            },
            volume_claim_templates: claim.map(|it| vec![it]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn container(
    objects: &Objects<'_, '_, '_>,
    part: &Part,
    dependency: &Dependency,
    bundled: &Bundled,
) -> Container {
    let numbered = |name: &str, number: u16| ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        ..ContainerPort::default()
    };
    let mut ports = vec![numbered("main", bundled.port)];
    let own = bundled.metrics.filter(|it| it.1 != bundled.port && dependency.monitored);
    ports.extend(own.map(|it| numbered("metrics", it.1)));
    ports.extend(bundled.page.map(|it| numbered("page", it)));
    let check = (!bundled.check.is_empty()).then(|| probe(&bundled.check));
    Container {
        name: part.name(),
        args: args(&bundled.args),
        ports: Some(ports),
        // An overloaded server that is restarted has more to do, so only its start is waited for.
        startup_probe: check.clone().map(|it| Probe { failure_threshold: Some(START_TRIES), ..it }),
        readiness_probe: check,
        volume_mounts: bundled.data.map(|it| vec![data(it)]),
        ..like_server(objects, bundled)
    }
}

/// Below the volume's root: a fresh file system has `lost+found` there, which some servers take for broken data.
fn data(path: &str) -> VolumeMount {
    VolumeMount { sub_path: Some(DATA.to_owned()), ..pod::mount(DATA, path) }
}

/// The image with its settings, as the server and what prepares it run.
fn like_server(objects: &Objects<'_, '_, '_>, bundled: &Bundled) -> Container {
    let env = env::of_settings(objects.environment, &bundled.env);
    Container {
        image: Some(objects.facts.lock.image(&bundled.image)),
        env: (!env.is_empty()).then_some(env),
        security_context: Some(security(bundled)),
        ..Container::default()
    }
}

/// An image that begins as root drops its rights by itself, and needs some of them for that.
fn security(bundled: &Bundled) -> SecurityContext {
    if bundled.user == 0 {
        return SecurityContext { allow_privilege_escalation: Some(false), ..SecurityContext::default() };
    }
    pod::confined(false)
}

fn probe(check: &[String]) -> Probe {
    let command = Some(check.iter().map(|it| env::literal(it)).collect());
    Probe {
        exec: Some(ExecAction { command }),
        period_seconds: Some(5),
        timeout_seconds: Some(5),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}

fn args(args: &[String]) -> Option<Vec<String>> {
    (!args.is_empty()).then(|| args.iter().map(|it| env::literal(it)).collect())
}

fn exporter(objects: &Objects<'_, '_, '_>, exporter: &Exporter) -> Container {
    let env = env::of_settings(objects.environment, &exporter.env);
    let nobody = i64::from(pod::NOBODY);
    Container {
        name: "exporter".to_owned(),
        image: Some(objects.facts.lock.image(exporter.image)),
        args: args(&exporter.args),
        env: (!env.is_empty()).then_some(env),
        ports: Some(vec![ContainerPort {
            name: Some("metrics".to_owned()),
            container_port: i32::from(exporter.port),
            ..ContainerPort::default()
        }]),
        security_context: Some(SecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(nobody),
            run_as_group: Some(nobody),
            ..pod::confined(true)
        }),
        ..Container::default()
    }
}

/// Topics, extensions: made once the server answers, and left as they are when they are there. The job is another
/// one when they change, since a job cannot be changed.
fn setup(objects: &mut Objects<'_, '_, '_>, part: &Part, name: &DependencyName, bundled: &Bundled) {
    let environment = objects.environment;
    let script: Vec<String> = bundled.setup.iter().map(|it| shell::line(it)).collect();
    let script = script.join("\n");
    let pods = setup_name(name);
    let spec = PodSpec {
        containers: vec![Container {
            name: "setup".to_owned(),
            command: Some(vec!["sh".to_owned(), "-ec".to_owned(), env::literal(&script)]),
            volume_mounts: Some(vec![pod::mount("tmp", "/tmp")]),
            ..like_server(objects, bundled)
        }],
        volumes: Some(vec![Volume {
            name: "tmp".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        }]),
        restart_policy: Some("Never".to_owned()),
        service_account_name: Some(part.name()),
        ..pod::base(Some(bundled.user))
    };
    let job = Job {
        metadata: meta::meta(environment, part, &pods),
        spec: Some(JobSpec {
            backoff_limit: Some(SETUP_TRIES),
            ttl_seconds_after_finished: Some(SETUP_KEPT_SECONDS),
            template: PodTemplateSpec {
                metadata: Some(meta::of_pods(environment, part, &pods)),
                spec: Some(spec),
            },
            ..JobSpec::default()
        }),
        ..Job::default()
    };
    objects.add_by_content(part, &job);
}

pub(super) fn setup_name(dependency: &DependencyName) -> String {
    format!("{dependency}-setup")
}
