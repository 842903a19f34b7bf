//! The suite against a host that is reached by ssh, and what becomes of a release when the way there breaks. The host is
//! a server of ssh on this machine with a state folder of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};
use lockgate_model::{JobSpec, ReleaseId, Secret, SlotSpec, SmokeSpec, SmokeVia, Weights};
use lockgate_node::{Place, Vault};
use lockgate_targets::{Class, Docker, DockerConfig, HostAddress, Target, TargetError};
use lockgate_testbed::Sshd;
use rustix::process::Signal;

use crate::docker::DockerWorld;
use crate::suite::{self, Platform};
use crate::trial;
use crate::world::{SOON, eventually, fence, key, kill, scope, service};

/// What clients of the server that most tests share are told.
static SHARED: OnceLock<Server> = OnceLock::new();

#[derive(Clone)]
struct Server {
    client: PathBuf,
    name: String,
    state: PathBuf,
}

impl Server {
    fn of(sshd: &Sshd) -> Server {
        Server { client: sshd.client(), name: sshd.name(), state: sshd.state() }
    }
}

/// A server, if tests of this platform are asked for and can run.
pub(crate) fn server(arguments: &Arguments) -> Option<Sshd> {
    let asked = |it: &str| arguments.filter.as_deref().is_none_or(|filter| it.contains(filter));
    if arguments.list || !trials().iter().any(|it| asked(it.name())) {
        return None;
    }
    let sshd = Sshd::start("hosts that are reached by ssh")?;
    SHARED.get_or_init(|| Server::of(&sshd));
    Some(sshd)
}

pub(crate) fn trials() -> Vec<Trial> {
    let beyond = vec![
        trial("docker by ssh: a call goes on over a new connection when the old one is killed", cut),
        trial(
            "docker by ssh: a host that is away is told of with the time, and goes on when it is back",
            away,
        ),
        trial("docker by ssh: the node there is killed and started again", node_dies),
        trial("docker by ssh: values of secrets reach containers, and no command line", secrets),
        trial(
            "docker by ssh: a host that is unknown, refuses or changed its key is told of as ssh does",
            refused,
        ),
        trial("docker by ssh: a host without an engine says where it is looked for", no_engine),
    ];
    suite::of::<SshWorld>("docker by ssh").into_iter().chain(beyond).collect()
}

struct SshWorld {
    docker: DockerWorld,
    server: Server,
}

impl SshWorld {
    fn at(server: Server) -> SshWorld {
        let mut docker = DockerWorld::shared();
        let scope = scope();
        let node = format!("lockgate/{}-{}", scope.system, scope.environment);
        docker.world.state = Some(server.state.join(node));
        SshWorld { docker, server }
    }

    fn client_of(&self, socket: &str) -> Docker {
        let host: HostAddress = format!("ssh://{}{socket}", self.server.name).parse().unwrap();
        Docker::new(DockerConfig {
            state_dir: self.docker.world.path("own").into(),
            program: crate::this_program(),
            scope: scope(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            hosts: vec![host],
            ssh: self.server.client.clone(),
        })
    }

    async fn serving(&self, target: &Docker) {
        target.ensure_slot(&fence(1), &key(1), &self.slot(1), 1).await.unwrap();
        target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
        assert_eq!(self.request().await.as_deref(), Some("r1"));
    }
}

impl Platform for SshWorld {
    type Target = Docker;

    fn new() -> SshWorld {
        SshWorld::at(SHARED.get().expect("it is started before the tests").clone())
    }

    fn client(&self) -> Docker {
        self.client_of(self.docker.host.address.strip_prefix("unix://").unwrap())
    }

    fn slot(&self, release: u64) -> SlotSpec {
        self.docker.slot(release)
    }

    fn job(&self, words: &[&str]) -> JobSpec {
        self.docker.job(words)
    }

    fn path(&self, name: &str) -> String {
        Platform::path(&self.docker, name)
    }

    async fn marked(&self, path: &str) -> Option<String> {
        self.docker.marked(path).await
    }

    async fn mark(&self, path: &str) {
        self.docker.mark(path).await;
    }

    async fn request(&self) -> Option<String> {
        self.docker.request().await
    }

    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec {
        self.docker.smoke(via, path)
    }
}

/// The processes of ssh that this process holds connections with.
fn connections(server: &Server) -> Vec<u32> {
    let own = format!("/ssh-{}-", std::process::id());
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let of = |pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains(&own) && words.contains("ControlMaster=yes") && words.contains(&server.name)
    };
    pids.filter(of).collect()
}

async fn cut() {
    let world = SshWorld::new();
    let target = world.client();
    let (go, marks) = (Platform::path(&world, "go"), Platform::path(&world, "marks"));
    let job = world.job(&["wait-for", &go, &marks]);
    let killed = async {
        eventually("the job runs", async || world.marked(&marks).await.is_some()).await;
        let connections = connections(&world.server);
        assert!(!connections.is_empty());
        for it in connections {
            kill(it, Signal::KILL);
        }
        world.mark(&go).await;
    };
    let (fence, key) = (fence(1), key(1));
    let (report, ()) = tokio::join!(tokio::time::timeout(SOON, target.run_job(&fence, &key, &job)), killed);
    assert_eq!(report.unwrap().unwrap().exit_code, Some(0));
    assert_eq!(world.marked(&marks).await.as_deref(), Some("ran\n"), "once");
}

async fn away() {
    let Some(mut sshd) = Sshd::start("hosts that are reached by ssh") else { return };
    let world = SshWorld::at(Server::of(&sshd));
    let target = world.client();
    world.serving(&target).await;
    sshd.stop();
    for it in connections(&world.server) {
        kill(it, Signal::KILL);
    }
    assert_eq!(world.request().await.as_deref(), Some("r1"), "the node serves without anybody");
    let told = target.observe().await.unwrap_err();
    assert_eq!(told.class, Class::Transient);
    for part in [world.server.name.as_str(), "Connection refused", "away since", " UTC, for "] {
        assert!(told.message.contains(part), "{told}");
    }
    let (slot, fence, key) = (world.slot(1), fence(3), key(3));
    let scaled = target.ensure_slot(&fence, &key, &slot, 2);
    let (scaled, ()) = tokio::join!(tokio::time::timeout(SOON, scaled), async { sshd.start_again() });
    scaled.unwrap().unwrap();
    assert_eq!(target.observe().await.unwrap().services[&service()].slots[&ReleaseId(1)].ready, 2);
    drop(world);
}

async fn node_dies() {
    let world = SshWorld::new();
    let target = world.client();
    world.serving(&target).await;
    world.docker.world.kill_node().await;
    let seen = target.observe().await.unwrap();
    assert_eq!(seen.services[&service()].slots[&ReleaseId(1)].ready, 1, "adopted");
    assert_eq!(world.request().await.as_deref(), Some("r1"));
}

async fn secrets() {
    let world = SshWorld::new();
    let value = "correct-horse-battery";
    let own = Place::of(world.docker.world.path("own").as_ref()).unwrap();
    let token = Vault::open(&own).unwrap().keep("TOKEN", &Secret::new(value.to_owned())).unwrap();
    let slot = SlotSpec { secrets: BTreeMap::from([("TOKEN".to_owned(), token)]), ..world.slot(1) };
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let (_, env) = world.docker.world.get("/env").await.unwrap();
    assert!(env.contains(value), "{env}");
    for pid in connections(&world.server) {
        for file in ["cmdline", "environ"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&text).contains(value), "{file}");
        }
    }
    let table = Place::of(&world.docker.world.state()).unwrap().table();
    assert!(!std::fs::read_to_string(table).unwrap().contains(value));
}

async fn refused() {
    let Some(mut sshd) = Sshd::start("hosts that are reached by ssh") else { return };
    let world = SshWorld::at(Server::of(&sshd));
    let said = async || -> TargetError { world.client().observe().await.unwrap_err() };
    let fatal = |error: &TargetError, message: &str, hint: &str| {
        assert_eq!(error.class, Class::Fatal, "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{:?}", error.hint);
    };
    sshd.writes_client("stranger");
    fatal(&said().await, "Permission denied", "add the key to the agent");
    sshd.writes_client("user");
    sshd.is_known_as("");
    fatal(&said().await, "Host key verification failed", "to accept its key");
    sshd.is_known_as(&sshd.strange_key());
    fatal(&said().await, "Host key verification failed", "ssh-keygen -R");
    let nowhere =
        SshWorld { server: Server { name: "nowhere.invalid".to_owned(), ..Server::of(&sshd) }, ..world };
    let error = nowhere.client().observe().await.unwrap_err();
    fatal(&error, "Could not resolve hostname nowhere.invalid", "~/.ssh/config");
    sshd.stop();
}

async fn no_engine() {
    let world = SshWorld::new();
    let target = world.client_of("/run/nothing.sock");
    let error = target.ensure_slot(&fence(1), &key(1), &world.slot(1), 1).await.unwrap_err();
    assert!(error.message.contains(&world.server.name), "{error}");
    assert!(error.message.contains("/run/nothing.sock"), "{error}");
    assert!(error.hint.unwrap_or_default().contains(&world.server.name));
}
