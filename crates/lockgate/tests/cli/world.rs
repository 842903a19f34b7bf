//! A folder with a spec, and the real `lockgate` program in it: real processes, real sockets.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lockgate_sample::load::{Load, LoadHandle, LoadReport, Rate};
use lockgate_testbed::Said;

use crate::knobs::Knobs;
pub use crate::processes::kill;
use crate::processes::{self, cmdline};

/// Longest that anything in these tests may take; all of them end far earlier.
const LIMIT: Duration = Duration::from_secs(90);

/// Between looks, so that waiting leaves the processor to what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub struct World {
    dir: tempfile::TempDir,
    /// Port of the service `web`, and of `api`.
    pub web: u16,
    pub api: u16,
    /// Variables of every command.
    variables: Vec<(&'static str, String)>,
}

impl World {
    /// Two small services behind one spec. Steps are short: a test's traffic is heavy enough for them.
    pub fn new() -> World {
        let world = World {
            dir: tempfile::tempdir().unwrap(),
            web: free_port(),
            api: free_port(),
            variables: vec![],
        };
        world.write(&Knobs::default());
        world
    }

    pub fn with_variable(mut self, name: &'static str, value: &str) -> World {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join(".lockgate")
    }

    pub fn write(&self, knobs: &Knobs) {
        self.write_text(&knobs.spec(self.web, self.api));
    }

    pub fn write_text(&self, text: &str) {
        std::fs::write(self.path().join("lockgate.yaml"), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("LOCKGATE_STATE").env("TZ", "UTC").env("USER", "tester");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    /// Starts a command and does not wait for it.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn deploy(&self, version: &str) -> Said {
        self.run(&["deploy", "local", "--version", version])
    }

    /// Load on both services over keep-alive connections.
    pub fn traffic(&self, per_second: f64) -> Traffic {
        Traffic::on(&[self.web, self.api], per_second)
    }

    /// Process ids of the instances of a service, in order.
    pub fn instances(&self, service: &str) -> Vec<u64> {
        let status = self.run(&["node", "status", "--format", "json"]).json();
        let of_service =
            |slot: &serde_json::Value| slot["slot"].as_str().unwrap().split('@').next() == Some(service);
        let slots = status["slots"].as_array().unwrap().iter().filter(|it| of_service(it));
        let mut pids: Vec<u64> = slots
            .flat_map(|it| it["instances"].as_array().unwrap())
            .filter_map(|it| it["pid"].as_u64())
            .collect();
        pids.sort_unstable();
        pids
    }

    /// Process id of the driver that works on this world, if one does.
    pub fn driver_pid(&self) -> Option<u32> {
        let of_drivers = |pid: &u32| cmdline(*pid).contains(" drive shop local ");
        self.processes().into_iter().find(of_drivers)
    }

    /// Process id of the node, found without asking it.
    pub fn node_process(&self) -> Option<u32> {
        self.processes().into_iter().find(|pid| cmdline(*pid).contains(" node run"))
    }

    /// Process ids of all instances, found without asking the node.
    pub fn instance_pids(&self) -> Vec<u32> {
        self.processes().into_iter().filter(|pid| cmdline(*pid).trim_end().ends_with(" sample")).collect()
    }

    pub fn driver_log(&self) -> String {
        std::fs::read_to_string(self.state().join("driver.log")).unwrap_or_default()
    }

    /// Releases, newest first, as `history` tells them.
    pub fn history(&self) -> Vec<serde_json::Value> {
        let said = self.run(&["history", "--limit", "1000", "--format", "json"]).ended(0);
        said.json().as_array().unwrap().clone()
    }

    /// Waits until the release that runs is at the gate of its first step.
    #[track_caller]
    pub fn until_gated(&self) {
        until("a gate", || {
            let said = self.run(&["status", "local", "--format", "json"]);
            if said.code != Some(0) {
                return None;
            }
            let status = said.json();
            let services = status["status"]["services"].as_object()?.clone();
            let shifted = status["slots"].as_array()?.iter().any(|it| {
                let weight = it["weight"].as_u64().unwrap_or(0);
                0 < weight && weight < 10_000
            });
            (!services.is_empty() && shifted).then_some(())
        });
    }

    /// Stops the node and shows that nothing is left of this world.
    #[track_caller]
    pub fn close(self) {
        self.run(&["node", "stop"]).ended(0);
        let dir = self.path().to_owned();
        until(&format!("the end of every process in {}", dir.display()), || {
            self.processes().is_empty().then_some(())
        });
    }

    /// Processes that belong to this world: node, drivers, instances and jobs.
    pub fn processes(&self) -> Vec<u32> {
        processes::of_folder(self.path())
    }

    /// What `web` answers now, by asking it a number of times.
    pub fn versions_served(&self) -> Vec<String> {
        let mut versions: Vec<String> = (0..20).map(|_| self.version_served()).collect();
        versions.sort();
        versions.dedup();
        versions
    }

    fn version_served(&self) -> String {
        let body = get(self.web, "/").unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        json["version"].as_str().unwrap_or("nobody").to_owned()
    }
}

/// Leaves nothing behind, whatever the test came to.
impl Drop for World {
    fn drop(&mut self) {
        drop(self.command(&["node", "stop", "--force"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
        for pid in self.processes() {
            kill(pid);
        }
    }
}

/// Requests that come all the while, on a runtime of their own.
pub struct Traffic {
    runtime: tokio::runtime::Runtime,
    load: LoadHandle,
}

impl Traffic {
    pub fn on(ports: &[u16], per_second: f64) -> Traffic {
        Traffic::to(ports.iter().map(|it| format!("http://127.0.0.1:{it}/work")).collect(), per_second)
    }

    /// On these addresses in turn.
    pub fn to(targets: Vec<String>, per_second: f64) -> Traffic {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let load = Load { targets, connections: 12, rate: Rate::PerSecond(per_second), ..Load::on("") };
        let load = runtime.block_on(async { load.start() }).unwrap();
        Traffic { runtime, load }
    }

    pub fn so_far(&self) -> LoadReport {
        self.load.snapshot()
    }

    /// Ends the traffic and gives its account.
    pub fn stop(self) -> LoadReport {
        self.runtime.block_on(self.load.stop())
    }

    /// Ends the traffic, none of which may have been lost.
    #[track_caller]
    pub fn stop_without_loss(self) -> LoadReport {
        let report = self.stop();
        assert_eq!(report.lost(), 0, "{report:?}");
        assert!(0 < report.requests, "{report:?}");
        report
    }
}

/// A port that nobody listens on. It is below those that the system gives to connections by itself,
/// so that none of the many connections of these tests takes it away.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 101;
        let port = u16::try_from(20_000 + number % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One request on a connection of its own; the body, if there was one.
pub fn get(port: u16, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.split_once("\r\n\r\n")?.1.to_owned())
}

/// Looks again and again until something holds; a test that waits too long has failed.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited too long for: {what}");
        // Slow on purpose: a breath between two looks, so that the looking does not take the cores it waits for.
        std::thread::sleep(LOOK_EVERY);
    }
}
