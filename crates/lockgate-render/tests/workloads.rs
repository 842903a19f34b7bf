//! What targets run: each service's form, the jobs, and what stands beside them.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use common::example_folder;
use lockgate_model::{
    Container, EnvironmentName, Fixtures, Form, MountFrom, SecretRef, ServiceName, System, Version,
};
use lockgate_render::{Lock, Problem, WorkloadRequest, Workloads, secret_needs, workloads};
use lockgate_spec::{Facts, Spec};

/// All that a release is made of beside its spec.
struct World {
    system: System,
    version: Version,
    images: BTreeMap<ServiceName, String>,
    lock: Lock,
    secrets: BTreeMap<ServiceName, BTreeMap<String, SecretRef>>,
    dependency_secrets: BTreeMap<String, SecretRef>,
}

impl World {
    fn of_example(name: &str, environment: &str) -> World {
        let folder = example_folder(name);
        let text = std::fs::read_to_string(folder.join("lockgate.yaml")).unwrap();
        let lock = std::fs::read_to_string(folder.join("lockgate.lock")).unwrap();
        World { lock: Lock::parse(&lock).unwrap(), ..World::of_spec(&text, environment, "1.4.0") }
    }

    fn of_spec(text: &str, environment: &str, version: &str) -> World {
        let (spec, _) = Spec::parse("lockgate.yaml", text);
        let version = Version::new(version).unwrap();
        let facts = Facts { version: Some(version.clone()) };
        let (system, diagnostics) = spec.resolve(&EnvironmentName::new(environment).unwrap(), &facts);
        let system = system.unwrap_or_else(|| panic!("{environment}: {diagnostics:#?}"));
        let images = system.services.keys().map(|it| {
            let digest = lockgate_model::Digest::of(it.as_str().as_bytes());
            (it.clone(), format!("registry.example/{}/{it}@{digest}", system.name))
        });
        let mut world = World {
            images: images.collect(),
            version,
            lock: Lock::default(),
            secrets: BTreeMap::new(),
            dependency_secrets: BTreeMap::new(),
            system,
        };
        for (name, need) in secret_needs(&world.system) {
            let known = SecretRef { name: name.clone(), version: format!("v1-{}", name.to_lowercase()) };
            for service in need.services {
                world.secrets.entry(service).or_default().insert(name.clone(), known.clone());
            }
            if !need.dependencies.is_empty() {
                world.dependency_secrets.insert(name, known);
            }
        }
        world
    }

    fn try_workloads(&self) -> Result<Workloads, Vec<Problem>> {
        workloads(&WorkloadRequest {
            system: &self.system,
            version: &self.version,
            images: &self.images,
            lock: &self.lock,
            secrets: &self.secrets,
            dependency_secrets: &self.dependency_secrets,
        })
    }

    fn workloads(&self) -> Workloads {
        self.try_workloads().unwrap_or_else(|problems| panic!("{problems:#?}"))
    }
}

/// What a person wants to know of them.
fn summary(workloads: &Workloads) -> String {
    let mut text = String::new();
    let services = workloads.forms.iter().map(|it| (it.0.to_string(), it.1));
    let jobs = workloads.job_forms.iter().map(|it| (format!("job {}", it.0), it.1));
    for (name, form) in services.chain(jobs) {
        writeln!(text, "{name}").unwrap();
        match form {
            Form::Process => writeln!(text, "  a process").unwrap(),
            Form::Container(container) => text.push_str(&of_container(container)),
            Form::Objects(objects) => {
                for object in &objects.0 {
                    writeln!(text, "  {}", named(object)).unwrap();
                }
            }
        }
    }
    writeln!(text, "beside them").unwrap();
    match &workloads.fixtures {
        Fixtures::None => writeln!(text, "  nothing").unwrap(),
        Fixtures::Objects(objects) => {
            for object in &objects.0 {
                writeln!(text, "  {}", named(object)).unwrap();
            }
        }
        Fixtures::Docker(fixtures) => {
            writeln!(
                text,
                "  networks: {} (internal: {})",
                fixtures.networks.join(" "),
                fixtures.internal.join(" ")
            )
            .unwrap();
            writeln!(text, "  volumes: {}", fixtures.volumes.join(" ")).unwrap();
            for (name, it) in &fixtures.dependencies {
                writeln!(text, "  {name}").unwrap();
                text.push_str(&of_container(&it.container).replace("  ", "    "));
                for (what, words) in [("command", &it.command), ("ready", &it.ready), ("setup", &it.setup)] {
                    if !words.is_empty() {
                        writeln!(text, "    {what}: {words:?}").unwrap();
                    }
                }
                writeln!(text, "    env: {:?}", it.env).unwrap();
                writeln!(text, "    secrets: {:?}", it.secrets.keys().collect::<Vec<_>>()).unwrap();
                writeln!(text, "    publish: {:?}, page: {:?}", it.publish, it.page).unwrap();
            }
        }
    }
    text
}

fn named(object: &serde_json::Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or("?");
    format!("{} {}", text("/kind"), text("/metadata/name"))
}

fn of_container(container: &Container) -> String {
    let mut text = String::new();
    let (image, digest) = container.image.split_once('@').unwrap_or((&container.image, ""));
    writeln!(text, "  image: {image}@{}", &digest[..digest.len().min(15)]).unwrap();
    if !container.entrypoint.is_empty() {
        writeln!(text, "  entrypoint: {:?}", container.entrypoint).unwrap();
    }
    let mounts = container.mounts.iter().map(|it| match &it.from {
        MountFrom::Scratch => it.path.clone(),
        MountFrom::Volume(name) => format!("{name}:{}", it.path),
        MountFrom::Secret(name) => format!("secret {name}:{}", it.path),
        MountFrom::Text(_) => format!("text:{}", it.path),
    });
    writeln!(
        text,
        "  networks: {}; mounts: {}",
        container.networks.join(" "),
        mounts.collect::<Vec<_>>().join(" ")
    )
    .unwrap();
    writeln!(
        text,
        "  cpu: {:?}, memory: {:?}, writable: {}, init: {}",
        container.limits.cpu_millis, container.limits.memory_bytes, container.writable, container.init
    )
    .unwrap();
    for (name, template) in &container.templates {
        writeln!(text, "  {name} = {template}").unwrap();
    }
    text
}

#[test]
fn containers_of_the_examples() {
    for (name, environment) in [("nova", "dev"), ("kanvaro", "local"), ("covenant-connect", "local")] {
        let world = World::of_example(name, environment);
        insta::assert_snapshot!(format!("containers_of_{name}_{environment}"), summary(&world.workloads()));
    }
}
