//! A state folder of its own for each test, with helpers to ask for slots and to look at what is there.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use lockgate_model::{
    EffectKey, EnvironmentName, Fence, Form, Health, JobKind, JobName, JobSpec, LATENCY_BOUNDS_MS, Millis,
    Port, PortName, Protocol, ReleaseId, Scope, ServiceName, SlotRef, SlotSpec, Stop, StopSignal, SystemName,
    Version,
};
use lockgate_node::{KeepInstances, NodeClient, NodeStatus, start_node};
use lockgate_targets::Local;
use rustix::process::{Pid, Signal};

/// Nothing here takes longer on a busy machine unless it is broken.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct World {
    dir: tempfile::TempDir,
    /// Of the node, where it is not in the folder.
    pub(crate) state: Option<PathBuf>,
    /// Where the service listens.
    pub(crate) port: u16,
}

impl World {
    pub(crate) fn new() -> World {
        World { dir: tempfile::tempdir().unwrap(), state: None, port: free_port() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| self.dir.path().join("state"))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn client(&self) -> Local {
        Local::new(self.state(), crate::this_program(), scope(), IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    pub(crate) async fn node(&self) -> NodeClient {
        NodeClient::connect(&self.state()).await.unwrap()
    }

    pub(crate) async fn status(&self) -> NodeStatus {
        self.node().await.status().await.unwrap()
    }

    pub(crate) async fn kill_node(&self) {
        let pid = self.status().await.pid;
        kill(pid, Signal::KILL);
        eventually("the node is dead", async || NodeClient::connect(&self.state()).await.is_err()).await;
    }

    /// Process numbers of the slot's instances.
    pub(crate) async fn pids(&self, release: u64) -> Vec<u32> {
        let status = self.status().await;
        let slots = status.slots.iter().filter(|it| it.slot == web(release));
        slots.flat_map(|it| it.instances.iter().filter_map(|it| it.pid)).collect()
    }

    pub(crate) fn slot(&self, release: u64) -> SlotSpec {
        let http = Port::new(self.port, Protocol::Http);
        SlotSpec {
            slot: web(release),
            version: Version::new(format!("v{release}")).unwrap(),
            command: vec![crate::this_program().to_str().unwrap().to_owned(), "as-service".to_owned()],
            env: BTreeMap::new(),
            files: None,
            ports: BTreeMap::from([(PortName::new("http").unwrap(), http)]),
            health: Health::Http {
                path: "/healthz".to_owned(),
                port: PortName::new("http").unwrap(),
                interval: Millis(50),
                timeout: Millis(1_000),
                healthy_after: 1,
                unhealthy_after: 3,
                ready_within: Millis::secs(20),
            },
            stop: Stop { signal: StopSignal::Term, drain: Millis::secs(2), grace: Millis::secs(5) },
            latency_bounds_ms: LATENCY_BOUNDS_MS.to_vec(),
            secrets: BTreeMap::new(),
            form: Form::Process,
            metrics: None,
        }
    }

    pub(crate) fn slot_in_mode(&self, release: u64, mode: &str) -> SlotSpec {
        let mut slot = self.slot(release);
        slot.env.insert("MODE".to_owned(), mode.to_owned());
        slot
    }

    /// What the service answers to a user.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        get(self.port, path).await.ok()
    }

    /// Processes that carry this node's mark.
    pub(crate) fn marked(&self) -> usize {
        let mark = format!("LOCKGATE_NODE={}", lockgate_node::Place::of(&self.state()).unwrap().node_id());
        let folders = std::fs::read_dir("/proc").unwrap();
        let environs = folders.filter_map(|it| std::fs::read(it.ok()?.path().join("environ")).ok());
        environs.filter(|it| it.split(|&byte| byte == 0).any(|it| it == mark.as_bytes())).count()
    }
}

impl Drop for World {
    /// Ends the node and what it runs, also when the test failed; on a thread, for the test has a runtime.
    fn drop(&mut self) {
        let state = self.state();
        let stopping = std::thread::spawn(move || {
            crate::runtime().block_on(async {
                // One that was killed is started again, to end what it had started.
                if let Ok(node) = start_node(&state, &crate::this_program()).await {
                    drop(node.stop(KeepInstances::No).await);
                }
            });
        });
        drop(stopping.join());
    }
}

pub(crate) async fn get(
    port: u16,
    path: &str,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    get_from(&format!("127.0.0.1:{port}"), path).await
}

pub(crate) async fn get_from(
    host: &str,
    path: &str,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(host).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "test").body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Waits for the event itself; a test that never sees it says what it waited for.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, looking).await.is_ok(), "never seen: {what}");
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Whether a process is there and not merely waiting to be collected.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|it| !it.1.starts_with('Z'))
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The system of tests that have nothing to share with each other.
pub(crate) const SYSTEM: &str = "shop";

thread_local! {
    static NAMED: std::cell::RefCell<String> = SYSTEM.to_owned().into();
}

/// Names the system of the test on this thread, where tests share what is named by it.
pub(crate) fn set_system(name: &str) {
    NAMED.with_borrow_mut(|it| name.clone_into(it));
}

pub(crate) fn scope() -> Scope {
    Scope {
        system: SystemName::new(NAMED.with_borrow(String::clone)).unwrap(),
        environment: EnvironmentName::new("production").unwrap(),
    }
}

pub(crate) fn service() -> ServiceName {
    ServiceName::new("web").unwrap()
}

pub(crate) fn web(release: u64) -> SlotRef {
    SlotRef { service: service(), release: ReleaseId(release) }
}

pub(crate) fn fence(seq: u64) -> Fence {
    Fence { scope: scope(), epoch: 1, seq }
}

pub(crate) fn key(task: u16) -> EffectKey {
    EffectKey::new(ReleaseId(1), 0, task, false, 1)
}

pub(crate) fn job(words: &[&str]) -> JobSpec {
    let mut command = vec![crate::this_program().to_str().unwrap().to_owned(), "as-job".to_owned()];
    command.extend(words.iter().map(|it| (*it).to_owned()));
    JobSpec {
        name: JobName::new("migrate").unwrap(),
        kind: JobKind::Command(command),
        env: BTreeMap::new(),
        files: None,
        timeout: Millis::secs(20),
        secrets: BTreeMap::new(),
        form: Form::Process,
    }
}
