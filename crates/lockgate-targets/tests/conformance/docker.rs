//! The suite against containers of an engine of the test's own, and what holds of the `docker` target beyond it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use libtest_mimic::{Arguments, Trial};
use lockgate_model::{
    Container, DependencyContainer, DockerFixtures, Fixtures, Form, Health, JobKind, JobSpec, Keep, Limits,
    Millis, Mount, MountFrom, Port, PortName, Protocol, ReleaseId, Secret, SecretRef, SlotSpec, SmokeSpec,
    SmokeVia, Weights,
};
use lockgate_node::{Place, Vault, start_node};
use lockgate_targets::{Class, Docker, DockerConfig, HostAddress, Target};
use lockgate_testbed::{Engine, Image, Networks, Registry};

use crate::suite::{self, Platform};
use crate::trial;
use crate::world::{self, World, eventually, fence, job, key, scope, service, web};

const IMAGE: &str = "conformance:1";
/// Where the service listens in its containers.
const INNER_PORT: u16 = 8080;
const UPTIME: Health = Health::Uptime { ready_after: Millis(100) };

/// The engine that most tests share.
static SHARED: OnceLock<Host> = OnceLock::new();
static WORLDS: AtomicU32 = AtomicU32::new(1);

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) address: String,
    folder: PathBuf,
}

impl Host {
    fn of(engine: &Engine) -> Host {
        Host { address: engine.host(), folder: engine.folder().to_owned() }
    }

    fn docker(&self, args: &[&str]) -> String {
        let mut command = std::process::Command::new("docker");
        let done = command.args(["-H", &self.address]).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        assert!(done.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        said
    }
}

/// An engine that has the image, if tests of this platform are asked for and can run.
pub(crate) fn engine(arguments: &Arguments) -> Option<Engine> {
    let asked = |it: &str| arguments.filter.as_deref().is_none_or(|filter| it.contains(filter));
    let mut all = trials().into_iter().chain(crate::ssh::trials());
    if arguments.list || !all.any(|it| asked(it.name())) {
        return None;
    }
    let engine = started(Networks::Bridges)?;
    SHARED.get_or_init(|| Host::of(&engine));
    Some(engine)
}

fn started(networks: Networks) -> Option<Engine> {
    let engine = Engine::start("containers", networks)?;
    engine.load(&[(&Image::of_program(&crate::this_program()), IMAGE)]);
    Some(engine)
}

/// Those of the suite among them.
pub(crate) fn trials() -> Vec<Trial> {
    let beyond = vec![
        trial("docker: containers outlive a killed node, and the next one serves with the same ones", adopts),
        trial("docker: a container that somebody removes is started anew and counted", removed_by_stranger),
        trial("docker: a name that is in use by somebody else is named", name_in_use),
        trial("docker: a left-over of ours under the name is replaced", left_over),
        trial("docker: an image that is nowhere is named", no_image),
        trial("docker: a crashed container is started again, and its last lines are told", crashes),
        trial("docker: services reach each other at the router by name", by_name),
        trial("docker: secrets are in the environment and in files, and nowhere else", secrets),
        trial("docker: a dependency is started once, and replaced when its description changes", dependency),
        trial("docker: an environment is on the engine that it names, and stays there", engines),
        trial(
            "docker: environments that want the same port of the machine are told of each other",
            ports_meet,
        ),
        trial("docker: what no release needs is pruned, and what came from elsewhere stays", pruned),
        trial(
            "docker: with live-restore the engine is killed and started again, and nothing notices",
            live_restore,
        ),
        trial("docker: a disk that is full is told of by the image, and the old version serves", disk_full),
        trial("docker: an engine that is killed costs no request while it is away", engine_dies),
    ];
    suite::of::<DockerWorld>("docker").into_iter().chain(beyond).collect()
}

pub(crate) struct DockerWorld {
    pub(crate) world: World,
    pub(crate) host: Host,
}

impl DockerWorld {
    fn at(host: Host) -> DockerWorld {
        world::set_system(&format!("shop{}", WORLDS.fetch_add(1, Ordering::Relaxed)));
        let mut world = World::new();
        world.port = port();
        std::fs::write(world.path("docker-host"), &host.address).unwrap();
        DockerWorld { world, host }
    }

    pub(crate) fn shared() -> DockerWorld {
        DockerWorld::at(SHARED.get().expect("it is started before the tests").clone())
    }

    fn full_name(name: &str) -> String {
        format!("{}-{}-{name}", scope().system, scope().environment)
    }

    fn inspect(&self, name: &str, template: &str) -> String {
        self.host.docker(&["inspect", "--format", template, &DockerWorld::full_name(name)])
    }

    fn id(&self, name: &str) -> String {
        self.inspect(name, "{{.Id}}")
    }

    fn marks(&self, path: &str) -> PathBuf {
        let folder =
            self.host.folder.join("data/volumes").join(DockerWorld::full_name("marks")).join("_data");
        folder.join(path.strip_prefix("/tmp/").unwrap())
    }

    fn client_of(&self, socket: Option<String>) -> Docker {
        Docker::new(DockerConfig {
            state_dir: self.world.state(),
            program: crate::this_program(),
            scope: scope(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            hosts: vec![HostAddress::Here { socket }],
            ssh: "ssh".into(),
        })
    }

    async fn serving(&self, instances: u16) {
        let target = self.client();
        target.ensure_slot(&fence(1), &key(1), &self.slot(1), instances).await.unwrap();
        target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
        assert_eq!(self.world.get("/").await, Some((200, "r1".to_owned())));
    }
}

/// Below the range of outgoing connections, of which containers and their engine make many.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(15_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

impl Drop for DockerWorld {
    fn drop(&mut self) {
        world::set_system(world::SYSTEM);
    }
}

pub(crate) fn container() -> Container {
    Container {
        image: IMAGE.to_owned(),
        entrypoint: vec![],
        user: None,
        templates: BTreeMap::new(),
        networks: vec![],
        limits: Limits::default(),
        mounts: vec![Mount { path: "/tmp".to_owned(), from: MountFrom::Volume("marks".to_owned()) }],
        writable: false,
        init: true,
    }
}

impl Platform for DockerWorld {
    type Target = Docker;

    fn new() -> DockerWorld {
        DockerWorld::shared()
    }

    fn client(&self) -> Docker {
        self.client_of(None)
    }

    fn slot(&self, release: u64) -> SlotSpec {
        let mut slot = self.world.slot(release);
        let port = Port { publish: Some(self.world.port), ..Port::new(INNER_PORT, Protocol::Http) };
        slot.ports = BTreeMap::from([(PortName::new("http").unwrap(), port)]);
        slot.command = vec!["as-service".to_owned()];
        slot.env.insert("HOST".to_owned(), "0.0.0.0".to_owned());
        slot.form = Form::Container(Box::new(container()));
        slot
    }

    fn job(&self, words: &[&str]) -> JobSpec {
        let command = std::iter::once("as-job").chain(words.iter().copied()).map(str::to_owned).collect();
        JobSpec {
            kind: JobKind::Command(command),
            form: Form::Container(Box::new(container())),
            ..job(words)
        }
    }

    fn path(&self, name: &str) -> String {
        format!("/tmp/{name}")
    }

    async fn marked(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.marks(path)).ok()
    }

    async fn mark(&self, path: &str) {
        std::fs::write(self.marks(path), "").unwrap();
    }

    async fn request(&self) -> Option<String> {
        self.world.get("/").await.filter(|it| it.0 == 200).map(|it| it.1)
    }

    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec {
        SmokeSpec { port: INNER_PORT, ..Platform::smoke(&self.world, via, path) }
    }
}

async fn adopts() {
    let docker = DockerWorld::shared();
    docker.serving(2).await;
    let ids = [docker.id("web-r1-1"), docker.id("web-r1-2")];
    docker.world.kill_node().await;
    start_node(&docker.world.state(), &crate::this_program()).await.unwrap();
    assert_eq!(docker.request().await.as_deref(), Some("r1"), "served from the first moment");
    docker.client().ensure_slot(&fence(3), &key(1), &docker.slot(1), 2).await.unwrap();
    assert_eq!([docker.id("web-r1-1"), docker.id("web-r1-2")], ids, "nothing was started twice");
}

async fn removed_by_stranger() {
    let docker = DockerWorld::shared();
    docker.serving(1).await;
    let before = docker.id("web-r1-1");
    docker.host.docker(&["rm", "--force", &before]);
    eventually("another container serves", async || docker.request().await.as_deref() == Some("r1")).await;
    assert_ne!(docker.id("web-r1-1"), before);
    let samples = docker.client().samples(&[service()]).await.unwrap();
    let counts = &samples.slots[&web(1)];
    assert_eq!(counts.crashes, 1);
    let said = counts.last_crash.as_deref().unwrap_or_default();
    assert!(said.contains("removed by somebody else") || said.contains("exited with status 137"), "{said}");
}

async fn name_in_use() {
    let docker = DockerWorld::shared();
    let name = DockerWorld::full_name("web-r1-1");
    docker.host.docker(&["create", "--name", &name, IMAGE]);
    let refused = docker.client().ensure_slot(&fence(1), &key(1), &docker.slot(1), 1).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    let said = format!("the name {name} is in use by a container that this node did not make");
    assert!(refused.message.contains(&said), "{refused}");
    assert!(refused.hint.unwrap().contains(&format!("docker rm {name}")));
}

async fn left_over() {
    let docker = DockerWorld::shared();
    docker.serving(1).await;
    let before = docker.id("web-r1-1");
    docker.world.kill_node().await;
    docker.host.docker(&["stop", "--time", "0", &before]);
    start_node(&docker.world.state(), &crate::this_program()).await.unwrap();
    docker.client().ensure_slot(&fence(3), &key(1), &docker.slot(1), 1).await.unwrap();
    assert_ne!(docker.id("web-r1-1"), before);
    assert_eq!(docker.request().await.as_deref(), Some("r1"));
}

async fn no_image() {
    let docker = DockerWorld::shared();
    let mut slot = docker.slot(1);
    let image = format!("sha256:{}", "0".repeat(64));
    slot.form = Form::Container(Box::new(Container { image: image.clone(), ..container() }));
    let refused = docker.client().ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    assert!(refused.message.contains(&image), "{refused}");
    assert_eq!(docker.client().observe().await.unwrap().services.len(), 0);
}

async fn crashes() {
    let docker = DockerWorld::shared();
    docker.serving(1).await;
    let before = docker.id("web-r1-1");
    drop(docker.world.get("/crash").await);
    eventually("another container serves", async || docker.request().await.as_deref() == Some("r1")).await;
    assert_ne!(docker.id("web-r1-1"), before);
    let samples = docker.client().samples(&[service()]).await.unwrap();
    let said = samples.slots[&web(1)].last_crash.clone().unwrap();
    assert!(said.contains("exited with status 3") && said.contains("told to crash"), "{said}");
    let logs = docker.client().logs(&web(1), 10).await.unwrap();
    let lines: Vec<&str> = logs.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(lines, ["service begins", "told to crash", "service begins"], "of both containers");
}

async fn by_name() {
    let docker = DockerWorld::shared();
    docker.serving(1).await;
    let (status, text) = docker.world.get(&format!("/fetch/web:{INNER_PORT}/of/r1")).await.unwrap();
    assert_eq!((status, text.as_str()), (200, "r1"), "through the router, to itself");
}

async fn secrets() {
    let docker = DockerWorld::shared();
    let value = "correct-horse-battery";
    let place = Place::of(&docker.world.state()).unwrap();
    let token = Vault::open(&place).unwrap().keep("TOKEN", &Secret::new(value.to_owned())).unwrap();
    let mut slot = docker.slot(1);
    slot.secrets = BTreeMap::from([("TOKEN".to_owned(), token)]);
    let mut form = container();
    form.templates.insert("URL".to_owned(), "http://user:$(TOKEN)@db".to_owned());
    form.mounts.push(Mount { path: "/secret".to_owned(), from: MountFrom::Secret("TOKEN".to_owned()) });
    slot.form = Form::Container(Box::new(form));
    let target = docker.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let (_, text) = docker.world.get("/env").await.unwrap();
    let env: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    assert_eq!((env["TOKEN"].as_str(), env["URL"].as_str()), (value, "http://user:correct-horse-battery@db"));
    assert_eq!(docker.world.get("/read/secret").await, Some((200, value.to_owned())));
    let places =
        ["{{json .Config.Labels}}", "{{json .Config.Cmd}}", "{{json .Args}}", "{{json .HostConfig}}"];
    for place in places {
        let shown = docker.inspect("web-r1-1", place);
        assert!(!shown.contains(value), "{place}: {shown}");
    }
    let table = std::fs::read_to_string(place.table()).unwrap();
    assert!(table.contains("TOKEN") && !table.contains(value));
}

async fn dependency() {
    let docker = DockerWorld::shared();
    let program = crate::this_program();
    let inside = format!("/{}", program.file_name().unwrap().to_str().unwrap());
    let ready = [inside.as_str(), "as-job", "count", "/tmp/ready"].map(str::to_owned).to_vec();
    let mut database = DependencyContainer {
        container: container(),
        command: vec!["as-service".to_owned()],
        env: BTreeMap::from([
            ("PORT".to_owned(), "5432".to_owned()),
            ("HOST".to_owned(), "0.0.0.0".to_owned()),
        ]),
        secrets: BTreeMap::<String, SecretRef>::new(),
        ready,
        publish: None,
        page: None,
        setup: [inside.as_str(), "as-job", "count", "/tmp/setup"].map(str::to_owned).to_vec(),
    };
    let fixtures = |it: &DependencyContainer| {
        let dependencies = BTreeMap::from([("db".to_owned(), it.clone())]);
        let volumes = vec!["marks".to_owned()];
        Fixtures::Docker(Box::new(DockerFixtures { volumes, dependencies, ..DockerFixtures::default() }))
    };
    let target = docker.client();
    target.prepare(&fence(1), &key(1), &fixtures(&database)).await.unwrap();
    let first = docker.id("db");
    assert_eq!(docker.marked("/tmp/setup").await.as_deref(), Some("ran\n"));
    target.prepare(&fence(2), &key(2), &fixtures(&database)).await.unwrap();
    assert_eq!(docker.id("db"), first, "nothing changed");
    docker.serving(1).await;
    let (status, _) = docker.world.get("/fetch/db:5432/healthz").await.unwrap();
    assert_eq!(status, 200, "services reach it by its name");
    database.env.insert("MODE".to_owned(), "other".to_owned());
    target.prepare(&fence(3), &key(3), &fixtures(&database)).await.unwrap();
    assert_ne!(docker.id("db"), first);
    assert!(docker.marked("/tmp/ready").await.unwrap().len() >= "ran\n".len() * 3, "with the same volume");
    docker.host.docker(&["rm", "--force", &DockerWorld::full_name("db")]);
}

async fn engines() {
    let Some(engine) = started(Networks::Bare) else { return };
    let here = DockerWorld::shared();
    here.serving(1).await;
    let there = Host::of(&engine);
    let (first, first_web) = (scope(), DockerWorld::full_name("web-r1-1"));
    world::set_system(&format!("{}-b", first.system));
    let target = here.client_of(Some(there.address.clone()));
    let slot = SlotSpec { ports: BTreeMap::new(), health: UPTIME, ..here.slot(1) };
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    let running = |host: &Host| host.docker(&["ps", "--format", "{{.Names}}"]);
    assert_eq!(running(&there), DockerWorld::full_name("web-r1-1"), "of the same node");
    assert!(running(&here.host).contains(&first_web));
    let moved = here.client_of(None).ensure_slot(&fence(2), &key(2), &slot, 1).await.unwrap_err();
    assert_eq!(moved.class, Class::Fatal);
    assert!(moved.message.contains("would be left behind"), "{moved}");
    here.world.kill_node().await;
    let before = there.docker(&["ps", "--quiet"]);
    target.ensure_slot(&fence(3), &key(3), &slot, 1).await.unwrap();
    assert_eq!(there.docker(&["ps", "--quiet"]), before, "adopted");
    target.remove_slot(&fence(4), &key(4), &web(1)).await.unwrap();
    assert_eq!(running(&there), "");
    world::set_system(first.system.as_str());
    assert_eq!(here.request().await.as_deref(), Some("r1"));
}

async fn ports_meet() {
    let here = DockerWorld::shared();
    here.serving(1).await;
    let first = scope();
    world::set_system(&format!("{}-b", first.system));
    let refused = here.client().ensure_slot(&fence(1), &key(1), &here.slot(1), 1).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    let hint = refused.hint.unwrap();
    assert!(hint.contains(&format!("service web of {first} has port {}", here.world.port)), "{hint}");
    // The same number inside is no matter: each environment has a network of its own.
    let number = port();
    let mut slot = here.slot(1);
    slot.ports.values_mut().for_each(|it| it.publish = Some(number));
    here.client().ensure_slot(&fence(2), &key(1), &slot, 1).await.unwrap();
    here.client().remove_slot(&fence(3), &key(1), &web(1)).await.unwrap();
    world::set_system(first.system.as_str());
    assert_eq!(here.request().await.as_deref(), Some("r1"));
}

/// The image of a tag in a registry.
fn with_image(slot: SlotSpec, image: &str) -> SlotSpec {
    SlotSpec { form: Form::Container(Box::new(Container { image: image.to_owned(), ..container() })), ..slot }
}

async fn pruned() {
    let Some(registry) = Registry::start("containers") else { return };
    let docker = DockerWorld::shared();
    let program = Image::of_program(&crate::this_program());
    let images = ["a", "b", "c"].map(|it| program.push(&registry.address, &format!("shop/web:{it}")));
    let target = docker.client();
    let all = |release| Weights::all_to(ReleaseId(release));
    for (release, image) in (1..).zip(&images) {
        let slot = with_image(docker.slot(release), image);
        target.ensure_slot(&fence(release * 10), &key(1), &slot, 1).await.unwrap();
        target.set_weights(&fence(release * 10 + 1), &key(2), &service(), &all(release)).await.unwrap();
    }
    target.run_job(&fence(40), &key(3), &docker.job(&["count", "/tmp/ran"])).await.unwrap();
    for release in [1, 2] {
        target.remove_slot(&fence(40 + release), &key(4), &web(release)).await.unwrap();
    }
    let has = |image: &str| {
        let listed = docker.host.docker(&["images", "--digests", "--format", "{{.Repository}}@{{.Digest}}"]);
        listed.lines().any(|it| it == image)
    };
    let keep = |images: &[String]| Keep {
        slots: vec![with_image(docker.slot(3), &images[0])],
        images: images.to_vec(),
        ..Keep::default()
    };
    let last_two = [images[2].clone(), images[1].clone()];
    target.prune(&fence(50), &key(5), &keep(&last_two)).await.unwrap();
    assert_eq!(images.each_ref().map(|it| has(it)), [false, true, true], "one can go back to the second");
    target.prune(&fence(51), &key(6), &keep(&last_two[..1])).await.unwrap();
    assert_eq!(images.each_ref().map(|it| has(it)), [false, false, true]);
    let prefix = DockerWorld::full_name("");
    let names = docker.host.docker(&["ps", "--all", "--format", "{{.Names}}"]);
    let left: Vec<&str> = names.lines().filter(|it| it.starts_with(&prefix)).collect();
    assert_eq!(left, [DockerWorld::full_name("web-r3-1")], "the job's container is gone, its record is kept");
    assert!(docker.host.docker(&["images", "--quiet", IMAGE]).len() > 1, "it was here before");
    assert_eq!(docker.request().await.as_deref(), Some("r3"));
    target.remove_slot(&fence(60), &key(7), &web(3)).await.unwrap();
    docker.host.docker(&["rmi", &images[2]]);
}

async fn live_restore() {
    let Some(mut engine) = Engine::start_with("containers", &["--live-restore"]) else { return };
    engine.load(&[(&Image::of_program(&crate::this_program()), IMAGE)]);
    let docker = DockerWorld::at(Host::of(&engine));
    docker.serving(2).await;
    let ids = || [docker.id("web-r1-1"), docker.id("web-r1-2")];
    let before = ids();
    engine.kill();
    assert_eq!(docker.request().await.as_deref(), Some("r1"));
    engine.start_again();
    docker.client().ensure_slot(&fence(3), &key(3), &docker.slot(1), 2).await.unwrap();
    assert_eq!(docker.request().await.as_deref(), Some("r1"));
    assert_eq!(ids(), before, "the same containers");
    let running = docker.host.docker(&["ps", "--quiet", "--no-trunc"]);
    assert_eq!(running.lines().count(), 2);
    let samples = docker.client().samples(&[service()]).await.unwrap();
    assert_eq!(samples.slots[&web(1)].crashes, 0);
    docker.client().remove_slot(&fence(4), &key(4), &web(1)).await.unwrap();
    drop(docker);
    drop(engine);
}

async fn disk_full() {
    let Some(registry) = Registry::start("containers") else { return };
    let program = Image::of_program(&crate::this_program());
    let Some(engine) = Engine::start_small("containers", program.size() * 5 / 2) else { return };
    let docker = DockerWorld::at(Host::of(&engine));
    let target = docker.client();
    let first = with_image(docker.slot(1), &program.push(&registry.address, "shop/web:a"));
    target.ensure_slot(&fence(1), &key(1), &first, 1).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let large = Image::of_program(&crate::this_program()).with_noise(program.size());
    let second = large.push(&registry.address, "shop/web:b");
    let error =
        target.ensure_slot(&fence(3), &key(3), &with_image(docker.slot(2), &second), 1).await.unwrap_err();
    assert_eq!(error.class, Class::Transient, "there may be room later: {error}");
    assert!(error.message.contains("no space is left") && error.message.contains(&second), "{error}");
    assert!(error.hint.unwrap().contains("docker system prune"));
    assert_eq!(docker.request().await.as_deref(), Some("r1"));
    target.remove_slot(&fence(4), &key(4), &web(1)).await.unwrap();
}

/// Of an engine of its own: the others must not notice.
async fn engine_dies() {
    let Some(mut engine) = started(Networks::Bare) else { return };
    let docker = DockerWorld::at(Host::of(&engine));
    docker.serving(2).await;
    let crashes = async || docker.client().samples(&[service()]).await.unwrap().slots[&web(1)].crashes;
    engine.kill();
    assert_eq!((docker.request().await.as_deref(), crashes().await), (Some("r1"), 0), "no engine, no crash");
    docker.world.kill_node().await;
    start_node(&docker.world.state(), &crate::this_program()).await.unwrap();
    assert_eq!(docker.request().await.as_deref(), Some("r1"), "also by a node that never saw the engine");
    // Without `live-restore` an engine that starts ends what runs.
    engine.start_again();
    eventually("both were started anew", async || {
        let seen = docker.client().observe().await.unwrap();
        2 <= crashes().await && seen.services[&service()].slots[&ReleaseId(1)].ready == 2
    })
    .await;
    assert_eq!(docker.request().await.as_deref(), Some("r1"));
    docker.client().remove_slot(&fence(4), &key(4), &web(1)).await.unwrap();
    let left = docker.host.docker(&["ps", "--all", "--quiet"]);
    assert_eq!(left, "", "nothing of it stays");
    drop(docker);
    drop(engine);
}
