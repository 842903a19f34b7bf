//! What targets run: each service's form, the jobs, and what stands beside them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use common::example_folder;
use lockgate_model::{
    Container, EnvironmentName, Fixtures, Form, MountFrom, SecretRef, ServiceName, System, Version,
    password_secret,
};
use lockgate_render::{
    Kind, Lock, Problem, Request, Selection, WorkloadRequest, Workloads, installed, render, workloads,
};
use lockgate_spec::{Facts, Spec};
use proptest::prelude::{ProptestConfig, prop_assert, proptest};

/// All that a release is made of beside its spec.
#[derive(Clone)]
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
        let facts = Facts { version: Some(version.clone()), ..Facts::default() };
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
        let known =
            |name: &str| SecretRef { name: name.to_owned(), version: format!("v1-{}", name.to_lowercase()) };
        for (name, service) in &world.system.services {
            let composed = service.env.iter().filter(|it| it.1.contains("${secrets.")).map(|it| it.0);
            let elsewhere = service.variables.keys().filter(|it| !service.env.contains_key(*it));
            let apart = composed.chain(service.secrets.keys()).chain(elsewhere);
            world.secrets.insert(name.clone(), apart.map(|it| (it.clone(), known(it))).collect());
        }
        for name in world.system.dependencies.keys().map(|it| password_secret(it.as_str())) {
            world.dependency_secrets.insert(name.clone(), known(&name));
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

#[test]
fn objects_of_the_examples() {
    for (name, environment) in
        [("nova", "staging"), ("supernova", "prod"), ("covenant-connect", "production")]
    {
        let world = World::of_example(name, environment);
        insta::assert_snapshot!(format!("objects_of_{name}_{environment}"), summary(&world.workloads()));
    }
}

/// Every service, job and fixture that differs.
fn changed(before: &Workloads, after: &Workloads) -> Vec<String> {
    let mut changed = vec![];
    let names = before.forms.keys().chain(after.forms.keys()).collect::<BTreeSet<_>>();
    changed.extend(
        names.into_iter().filter(|it| before.forms.get(*it) != after.forms.get(*it)).map(ToString::to_string),
    );
    let names = before.job_forms.keys().chain(after.job_forms.keys()).collect::<BTreeSet<_>>();
    let jobs = names.into_iter().filter(|it| before.job_forms.get(*it) != after.job_forms.get(*it));
    changed.extend(jobs.map(|it| format!("job {it}")));
    match (&before.fixtures, &after.fixtures) {
        (Fixtures::Objects(before), Fixtures::Objects(after)) => {
            let differs = |it: &&serde_json::Value| !before.0.contains(it);
            changed.extend(after.0.iter().filter(differs).map(named));
        }
        (before, after) if before != after => changed.push("fixtures".to_owned()),
        _ => {}
    }
    changed
}

/// Each of them renders three environments.
const CASES: u32 = 32;

const SHOP: &str = "
lockgate: v1
system: shop
services:
  api:
    image: ghcr.io/shop/api:1
    port: 8080
    env: {LEVEL: info, NAME: api}
    secrets: {API_KEY: {about: key}}
    depends_on: [postgres]
    volumes: {uploads: {path: /uploads, size: 1Gi}}
  web:
    image: ghcr.io/shop/web:1
    port: 3000
    env: {LEVEL: info}
    depends_on: [api]
    ingress: {hosts: [shop.example.org]}
dependencies:
  postgres: {type: postgres, database: shop}
migrations: {in: api, command: [./migrate]}
seeds: {in: api, command: [./seed], run: once}
cron: {tidy: {schedule: '0 3 * * *', command: [./tidy], in: api}}
smoke:
  - {get: /, service: web}
  - {run: [./check], in: api}
environments:
  machine: {target: docker, stores: {secrets: {file: .env}}}
  cluster: {target: {kubernetes: {namespace: shop, via: apply}}, stores: {secrets: {file: .env}}}
  own: {target: {kubernetes: {namespace: shop, via: apply}}, stores: {secrets: {kubernetes: shop-own}}}
";

fn shop(environment: &str) -> World {
    World::of_spec(SHOP, environment, "1.0.0")
}

#[test]
fn what_one_spec_is_on_each_platform() {
    for environment in ["machine", "cluster"] {
        insta::assert_snapshot!(format!("shop_{environment}"), summary(&shop(environment).workloads()));
    }
}

#[test]
fn a_version_alone_changes_nothing() {
    for environment in ["machine", "cluster", "own"] {
        let next = World::of_spec(SHOP, environment, "1.1.0").workloads();
        assert_eq!(shop(environment).workloads(), next, "{environment}");
    }
    for (name, environment) in [("nova", "dev"), ("nova", "staging"), ("supernova", "prod")] {
        let world = World::of_example(name, environment);
        let next = World { version: Version::new("9.9.9").unwrap(), ..World::of_example(name, environment) };
        assert_eq!(world.workloads(), next.workloads(), "{name} {environment}");
    }
}

#[test]
fn a_version_that_a_variable_mentions_changes_the_one_who_reads_it() {
    let spec = SHOP.replace("NAME: api", "NAME: 'api ${release.version}'");
    let [before, after] = ["1.0.0", "1.1.0"].map(|it| World::of_spec(&spec, "cluster", it).workloads());
    assert_eq!(
        changed(&before, &after),
        ["api", "job migrate", "job seed", "job smoke-1", "ConfigMap tidy-c4d8ea32", "CronJob tidy"]
    );
}

#[test]
fn another_image_changes_exactly_the_service_that_runs_it() {
    let web = ServiceName::new("web").unwrap();
    for environment in ["machine", "cluster", "own"] {
        let before = shop(environment);
        let mut after = shop(environment);
        after.images.insert(web.clone(), format!("ghcr.io/shop/web@{}", lockgate_model::Digest::of(b"new")));
        assert_eq!(changed(&before.workloads(), &after.workloads()), ["web"], "{environment}");
    }
}

#[test]
fn an_image_that_only_one_engine_has_is_named_by_its_id() {
    let web = ServiceName::new("web").unwrap();
    let mut own = shop("machine");
    let id = lockgate_model::Digest::of(b"made here").to_string();
    own.images.insert(web.clone(), id.clone());
    let workloads = own.workloads();
    let lockgate_model::Form::Container(container) = &workloads.forms[&web] else {
        panic!("{:?}", workloads.forms[&web]);
    };
    assert_eq!(container.image, id);
}

#[test]
fn another_value_of_a_secret_changes_exactly_who_reads_it() {
    let api = ServiceName::new("api").unwrap();
    let rotated = |environment: &str, names: &[&str]| {
        let (before, mut after) = (shop(environment), shop(environment));
        for refs in after.secrets.values_mut().chain([&mut after.dependency_secrets]) {
            for (_, it) in refs.iter_mut().filter(|it| names.contains(&it.0.as_str())) {
                "v2".clone_into(&mut it.version);
            }
        }
        changed(&before.workloads(), &after.workloads())
    };
    // A container is given its secrets beside its form.
    assert!(shop("machine").secrets[&api].contains_key("API_KEY"));
    assert_eq!(rotated("machine", &["API_KEY"]), <[&str; 0]>::default());
    assert_eq!(rotated("machine", &["POSTGRES_PASSWORD", "DATABASE_URL"]), ["fixtures"]);
    let of_api = "api, job migrate, job seed, job smoke-1";
    let of_cluster = rotated("cluster", &["API_KEY"]).join(", ");
    assert!(of_cluster.starts_with(&format!("{of_api}, Secret tidy-secrets-")), "{of_cluster}");
    assert!(of_cluster.ends_with(", CronJob tidy") && of_cluster.split(", ").count() == 6, "{of_cluster}");
    insta::assert_snapshot!(
        "rotated_password",
        rotated("cluster", &["POSTGRES_PASSWORD", "DATABASE_URL"]).join("\n")
    );
    assert_eq!(rotated("own", &["API_KEY"]), ["api", "CronJob tidy"]);
}

#[test]
fn where_lockgate_keeps_the_values_objects_say_which_secrets_they_want() {
    let workloads = shop("cluster").workloads();
    let Form::Objects(objects) = &workloads.forms[&ServiceName::new("api").unwrap()] else {
        panic!("objects")
    };
    let deployment = objects.0.iter().find(|it| it["kind"] == "Deployment").unwrap();
    let secret = objects.0.iter().find(|it| it["kind"] == "Secret").unwrap();
    insta::assert_snapshot!(format!(
        "{secret:#}\n{:#}\n{:#}",
        deployment["spec"]["template"]["spec"]["containers"][0]["env"],
        deployment["spec"]["template"]["metadata"]
    ));
    let of_cluster = format!("{:?}", shop("own").workloads());
    assert!(of_cluster.contains("shop-own") && !of_cluster.contains("secret-refs"));
}

#[test]
fn what_a_release_cannot_know_is_said_before_it_begins() {
    let mut world = World::of_spec(&SHOP.replace("NAME: api", "NAME: '${git.sha7}'"), "machine", "1.0.0");
    world.images.remove(&ServiceName::new("web").unwrap());
    world.secrets.clear();
    let problems = world.try_workloads().unwrap_err();
    let text: Vec<String> = problems.iter().map(|it| format!("{}\n  {}", it.message, it.help)).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn an_optional_secret_without_a_value_is_left_out() {
    let spec = SHOP
        .replace("API_KEY: {about: key}", "API_KEY: {required: false}")
        .replace("NAME: api", "NAME: 'x${secrets.API_KEY}'");
    for environment in ["machine", "cluster"] {
        let mut world = World::of_spec(&spec, environment, "1.0.0");
        for refs in world.secrets.values_mut() {
            refs.retain(|it, _| it == "DATABASE_URL");
        }
        let workloads = world.workloads();
        match &workloads.forms[&ServiceName::new("api").unwrap()] {
            Form::Container(container) => assert_eq!(container.templates["NAME"], "x"),
            Form::Objects(objects) => assert!(!format!("{objects:?}").contains("v1-api_key")),
            Form::Process => panic!("{environment} runs images"),
        }
    }
}

/// Whatever is said of one service, the forms of the others stay.
#[test]
fn one_service_changes_alone() {
    let web = ServiceName::new("web").unwrap();
    let worlds = ["machine", "cluster", "own"].map(shop).map(|it| (it.workloads(), it));
    proptest!(ProptestConfig::with_cases(CASES), |(value in "[ -~]{0,12}", level in "[a-z]{1,8}", replicas in 1..4_u16)| {
        for (before, world) in &worlds {
            let mut after = world.clone();
            let service = after.system.services.get_mut(&web).unwrap();
            service.env.insert("LEVEL".to_owned(), level.clone());
            service.command = vec!["serve".to_owned(), value.clone()];
            service.replicas = replicas;
            let changed = changed(before, &after.workloads());
            prop_assert!(changed.iter().all(|it| it == "web" || it == "PodDisruptionBudget web"), "{changed:?}");
        }
    });
}

#[test]
fn what_is_installed_is_what_the_manifests_have_but_for_jobs() {
    for (name, environment) in [("nova", "staging"), ("supernova", "prod")] {
        let World { system, version, lock, .. } = World::of_example(name, environment);
        let installed = installed(&system, &version, &lock).unwrap();
        let released: BTreeSet<&ServiceName> =
            installed.iter().filter_map(|it| it.service.as_ref()).collect();
        assert_eq!(released, system.services.keys().collect(), "{name}: each service has a Deployment");
        let selection = Selection { kinds: Some([Kind::Manifests].into()), ..Selection::default() };
        let rendered = render(&Request {
            systems: vec![system.clone()],
            lock,
            source: "lockgate.yaml".to_owned(),
            selection,
            images: BTreeMap::new(),
            version: Some(version),
        });
        let manifests = common::manifests::objects(rendered.unwrap().artifacts.iter().map(|it| &it.text));
        let wanted: BTreeSet<_> = manifests.into_keys().filter(|it| it.0 != "Job").collect();
        assert_eq!(
            installed.iter().map(|it| common::manifests::key(&it.object)).collect::<BTreeSet<_>>(),
            wanted
        );
    }
}
