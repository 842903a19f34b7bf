//! `examples/nova` as it stands: eleven real services, PostgreSQL with sqlx's migrations, Redis, and traffic on all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lockgate_sample::load::{Load, LoadReport, Rate};
use lockgate_testbed::Said;
use serde_json::Value;

#[path = "common/nova_services.rs"]
mod nova_services;

use nova_services::SERVICES;

/// Longest that anything may be waited for; all of it comes far earlier.
const LIMIT: Duration = Duration::from_mins(1);
/// Over all services together: small machines carry it, and 5 % of it is evidence within seconds.
const REQUESTS_PER_SECOND: f64 = 250.0;
const SERVING: u8 = 1;
const NOT_SERVING: u8 = 2;

#[test]
fn eleven_services_are_released_as_one_without_a_lost_request() {
    let nova = Nova::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    nova.run(&["check"]).ended(0);
    nova.run(&["show", "--env", "local", "--explain", "services.feed-service.replicas"])
        .ended(0)
        .says("environments.local.defaults  1");
    nova.run(&["plan", "local", "--version", "v1"]).ended(0).says("1. migrate");

    nova.deploy("v1").ended(0);
    nova.schema_is_migrated_before_anything_starts();
    assert_eq!(nova.versions(), ["v1"]);
    let load = runtime.block_on(async { nova.load_on(&SERVICES.map(|it| it.1)).start().unwrap() });

    nova.deploy("v2").ended(0);
    assert_eq!(nova.versions(), ["v2"]);
    nova.one_gate_judged_all("v2");

    nova.put_fault_into_feed_service();
    nova.deploy("v3").ended(3).says("rolled back: feed-service: error rate");
    assert_eq!(nova.versions(), ["v2"]);
    nova.mend_feed_service();

    nova.change_content_service_alone("v2");
    let before = nova.pids();
    // One of eleven gets too little of the traffic on all for a short test.
    let more = runtime.block_on(async { nova.load_on(&[8081]).start().unwrap() });
    nova.deploy("v4").ended(0);
    let touched: Vec<String> =
        nova.pids().into_iter().filter(|it| !before.contains(it)).map(|it| it.0).collect();
    assert_eq!(touched, ["content-service"]);

    nova.run(&["rollback", "local"]).ended(0);
    assert_eq!(nova.versions(), ["v2"]);
    let after: Vec<String> =
        nova.pids().into_iter().filter(|it| !before.contains(it)).map(|it| it.0).collect();
    assert_eq!(after, ["content-service"]);

    assert_nothing_was_lost(&runtime.block_on(more.stop()));
    let report = runtime.block_on(load.stop());
    assert_nothing_was_lost(&report);
    assert!(0 < report.injected, "the fault was never met: {report:?}");
    for version in ["v1", "v2", "v3"] {
        assert!(0 < report.answered_by(version), "{version} never answered: {report:?}");
    }
    nova.readiness_asks_the_dependencies(&runtime);
    nova.run(&["node", "stop"]).ended(0);
    assert_eq!(nova.processes(), Vec::<u32>::new());
}

#[track_caller]
fn assert_nothing_was_lost(report: &LoadReport) {
    assert!(0 < report.requests);
    assert_eq!((report.lost(), report.http_5xx, report.http_4xx), (0, 0, 0), "{report:?}");
}

/// A copy of the example with ports and databases of its own.
struct Nova {
    dir: tempfile::TempDir,
    /// Where the services' ports begin; 8080 in the example.
    base: u16,
}

impl Nova {
    fn start() -> Nova {
        // PostgreSQL runs as a user of its own, which has to reach its folder.
        let open = std::fs::Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("nova-").permissions(open).tempdir().unwrap();
        let nova = Nova { dir, base: free_block() };
        copy(&example(), nova.path());
        nova.edit(|spec| {
            let mut spec = spec.replace(":54320/", &format!(":{}/", nova.postgres_port()));
            spec = spec.replace(":63790", &format!(":{}", nova.redis_port()));
            for (_, port) in SERVICES {
                spec = spec.replace(&format!("port: {port}"), &format!("port: {}", nova.port(port)));
            }
            let (head, rest) = spec.split_once("  local:\n").unwrap();
            let (local, others) = rest.split_once("  dev:\n").unwrap();
            let local = local.replace("pause: 20s", "pause: 2s").replace("bake: 10s", "bake: 1s");
            let analysis = "tick: 250ms, warmup: 500ms, min_time: 1s, min_requests: 50";
            let local = replaced(&local, "tick: 1s, warmup: 2s, min_time: 5s, min_requests: 100", analysis);
            let defaults = "replicas: 1\n      health: {interval: 250ms, timeout: 2s}";
            format!("{head}  local:\n{}  dev:\n{others}", replaced(&local, "replicas: 1", defaults))
        });
        nova.dependencies(&["up"]);
        nova
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The port that stands for one of the example's.
    fn port(&self, of_example: u16) -> u16 {
        self.base + (of_example - 8080)
    }

    fn postgres_port(&self) -> u16 {
        self.base + 12
    }

    fn redis_port(&self) -> u16 {
        self.base + 13
    }

    fn edit(&self, change: impl FnOnce(String) -> String) {
        let path = self.path().join("lockgate.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(text)).unwrap();
    }

    fn put_fault_into_feed_service(&self) {
        let port = format!("    port: {}\n", self.port(8082));
        let with_fault = format!("{port}    env: {{SAMPLE_ERROR_RATE: \"0.25\"}}\n");
        self.edit(|spec| replaced(&spec, &port, &with_fault));
    }

    fn mend_feed_service(&self) {
        self.edit(|spec| replaced(&spec, "    env: {SAMPLE_ERROR_RATE: \"0.25\"}\n", ""));
    }

    /// The label stays that of the version that runs, so only one service differs from it.
    fn change_content_service_alone(&self, running: &str) {
        let port = format!("{{port: {},", self.port(8081));
        let changed = format!("{{port: {}, env: {{SAMPLE_LATENCY_MS: \"1\"}},", self.port(8081));
        self.edit(|spec| replaced(&replaced(&spec, "${release.version}", running), &port, &changed));
    }

    fn dependencies(&self, args: &[&str]) {
        let mut command = Command::new(self.path().join("dependencies"));
        command.args(args).env("NOVA_DATA", self.path().join("data")).stdin(Stdio::null());
        command.env("NOVA_PG_PORT", self.postgres_port().to_string());
        command.env("NOVA_REDIS_PORT", self.redis_port().to_string());
        Said::of(&command.output().unwrap()).ended(0);
    }

    fn command(&self, args: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_lockgate"));
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_remove("LOCKGATE_STATE");
        command.env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    #[track_caller]
    fn deploy(&self, version: &str) -> Said {
        self.run(&["deploy", "local", "--version", version])
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(args).ended(0).stdout).unwrap()
    }

    fn load_on(&self, ports: &[u16]) -> Load {
        let targets = ports.iter().map(|it| format!("http://127.0.0.1:{}/work", self.port(*it)));
        let rate = Rate::PerSecond(REQUESTS_PER_SECOND);
        Load { targets: targets.collect(), connections: 16, rate, ..Load::on("") }
    }

    /// What all services answer now, by asking each a number of times.
    fn versions(&self) -> Vec<String> {
        let asked = SERVICES.iter().flat_map(|it| std::iter::repeat_n(it, 5));
        let mut versions: Vec<String> = asked
            .map(|(name, port)| {
                let (_, body) = get(self.port(*port), "/work").unwrap();
                assert_eq!(body["service"], *name);
                body["version"].as_str().unwrap().to_owned()
            })
            .collect();
        versions.sort();
        versions.dedup();
        versions
    }

    /// Each service with its instance's process.
    fn pids(&self) -> Vec<(String, u64)> {
        let status = self.json(&["node", "status", "--format", "json"]);
        let slots = status["slots"].as_array().unwrap().iter();
        let of_slot = |slot: &Value| {
            let service = slot["slot"].as_str().unwrap().split('@').next().unwrap().to_owned();
            (service, slot["instances"][0]["pid"].as_u64().unwrap())
        };
        slots.map(of_slot).collect()
    }

    /// Instances that are ready, over all services.
    fn ready(&self) -> u64 {
        let status = self.json(&["node", "status", "--format", "json"]);
        status["slots"].as_array().unwrap().iter().map(|it| it["ready"].as_u64().unwrap()).sum()
    }

    fn schema_is_migrated_before_anything_starts(&self) {
        let said = self.run(&["history", "local", "--release", "r1"]).ended(0);
        let at =
            |what: &str| said.stdout.find(what).unwrap_or_else(|| panic!("no `{what}`:\n{}", said.stdout));
        assert!(at("run migrate: applied") < at("1 instance of"), "{}", said.stdout);
    }

    fn one_gate_judged_all(&self, version: &str) {
        let history = self.json(&["history", "local", "--format", "json"]);
        let row = history.as_array().unwrap().iter().find(|it| it["version"] == version).unwrap().clone();
        let journal =
            self.run(&["history", "local", "--release", row["id"].as_str().unwrap()]).ended(0).stdout;
        // One verdict for each of the two steps and the bake, however many services there are.
        assert_eq!(journal.matches("  passed").count(), 3, "{journal}");
    }

    fn readiness_asks_the_dependencies(&self, runtime: &tokio::runtime::Runtime) {
        let grpc = || runtime.block_on(grpc_health(self.port(8082) + 1000));
        assert_eq!(grpc(), Some(SERVING));
        for dependency in ["redis", "postgres"] {
            self.dependencies(&["down", dependency]);
            until(&format!("nobody is ready without {dependency}"), || (self.ready() == 0).then_some(()));
            if let Some(status) = grpc() {
                assert_eq!(status, NOT_SERVING);
            }
            self.dependencies(&["up", dependency]);
            until(&format!("all are ready with {dependency}"), || (self.ready() == 11).then_some(()));
            until("gRPC health", || (grpc() == Some(SERVING)).then_some(()));
        }
    }

    /// Processes that belong to this copy: node, drivers, instances, jobs.
    fn processes(&self) -> Vec<u32> {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|&pid| pid != std::process::id() && self.owns(pid)).collect()
    }

    fn owns(&self, pid: u32) -> bool {
        let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        let ended =
            String::from_utf8_lossy(&read("stat")).rsplit_once(") ").is_none_or(|it| it.1.starts_with('Z'));
        let runs_lockgate = String::from_utf8_lossy(&read("comm")).trim() == "lockgate";
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        !ended && runs_lockgate && cwd.starts_with(self.path())
    }
}

/// Leaves nothing behind, whatever the test came to.
impl Drop for Nova {
    fn drop(&mut self) {
        drop(self.command(&["node", "stop", "--force"]).output());
        for pid in self.processes() {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
        if std::thread::panicking() {
            let script = self.path().join("dependencies");
            drop(Command::new(script).arg("down").env("NOVA_DATA", self.path().join("data")).output());
        } else {
            self.dependencies(&["down"]);
        }
    }
}

/// All but hidden files: those are the state of somebody's own run.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(to.join(&name)).unwrap();
            copy(&entry.path(), &to.join(&name));
        } else {
            std::fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nova")
}

/// `text` with one part replaced, which has to be in it.
#[track_caller]
fn replaced(text: &str, part: &str, by: &str) -> String {
    assert!(text.contains(part), "the example no longer has `{part}`");
    text.replace(part, by)
}

/// The first of 14 free ports whose neighbours 1000 above are free too.
/// Below both the system's own ports for connections and the node's for instances.
fn free_block() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let offset = u16::try_from(std::process::id() % 450).unwrap() * 20;
    let blocks = (0..450).map(|idx| 10_000 + (offset + idx * 20) % 9_000);
    let mut free = blocks.filter(|base| (0..14).all(|it| is_free(base + it) && is_free(base + it + 1_000)));
    free.next().expect("a machine has room for eleven services")
}

/// One request on a connection of its own.
fn get(port: u16, path: &str) -> Option<(u16, Value)> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(text.split_once("\r\n\r\n")?.1).unwrap_or_default()))
}

/// The status of `grpc.health.v1.Health/Check` over HTTP/2 without TLS; `None` when nobody could be asked.
async fn grpc_health(port: u16) -> Option<u8> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::post(format!("http://127.0.0.1:{port}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .unwrap();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    let ok = body.trailers().is_some_and(|it| it.get("grpc-status").is_some_and(|it| it == "0"));
    let message = body.to_bytes();
    // One flag, four bytes of length, the field's tag, its value.
    ok.then(|| *message.last().unwrap())
}

/// Looks again and again until something holds; a test that waits too long has failed.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited too long for: {what}");
        std::thread::yield_now();
    }
}
