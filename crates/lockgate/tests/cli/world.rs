//! A folder with a spec, and the real `lockgate` program in it: real processes, real sockets.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lockgate_sample::load::{Load, Rate};

/// Longest that anything in these tests may take; all of them end far earlier.
const LIMIT: Duration = Duration::from_secs(90);

pub struct World {
    dir: tempfile::TempDir,
    /// Port of the service `web`, and of `api`.
    pub web: u16,
    pub api: u16,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    fn of(output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Said {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Everything it said, on both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Said {
        assert!(self.all().contains(text), "it does not say `{text}`:\n{}", self.all());
        self
    }
}

impl World {
    /// Two small services behind one spec. Steps are short: a test's traffic is heavy enough for them.
    pub fn new() -> World {
        let world = World { dir: tempfile::tempdir().unwrap(), web: free_port(), api: free_port() };
        world.write(&Knobs::default());
        world
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
        command.env_remove("LOCKGATE_STATE").env("TZ", "UTC");
        command
    }

    #[track_caller]
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

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.web)
    }

    /// Load on both services, at a rate that gives each step plenty of requests.
    pub fn load(&self, per_second: f64) -> Load {
        let targets = vec![self.url("/work"), format!("http://127.0.0.1:{}/work", self.api)];
        Load { targets, connections: 16, rate: Rate::PerSecond(per_second), ..Load::on("") }
    }

    /// Process id of the node, once there is one.
    pub fn node_pid(&self) -> Option<u32> {
        let said = self.run(&["node", "status", "--format", "json"]);
        let status: serde_json::Value = serde_json::from_str(&said.stdout).ok()?;
        u32::try_from(status["pid"].as_u64()?).ok()
    }

    /// Processes that belong to this world: node, drivers, instances and jobs.
    pub fn processes(&self) -> Vec<u32> {
        let state = self.state();
        let marks = [state.to_str().unwrap().to_owned(), self.path().to_str().unwrap().to_owned()];
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|&pid| pid != std::process::id() && belongs(pid, &marks)).collect()
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
        drop(self.command(&["node", "stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
        for pid in self.processes() {
            kill(pid);
        }
    }
}

fn belongs(pid: u32, marks: &[String]) -> bool {
    let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let cmdline = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let zombie = String::from_utf8_lossy(&read("stat")).rsplit_once(") ").is_some_and(|it| it.1.starts_with('Z'));
    !zombie && marks.iter().any(|it| cmdline.contains(it) || cwd.starts_with(it))
}

/// `kill -9`.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    drop(rustix::process::kill_process(pid, rustix::process::Signal::KILL));
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
        std::thread::yield_now();
    }
}

/// What differs between the versions of the tests.
#[derive(Clone, Debug)]
pub struct Knobs {
    pub env: Vec<(&'static str, &'static str)>,
    pub strategy: &'static str,
    pub extra: String,
    pub pause: &'static str,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs { env: vec![], strategy: "canary", extra: String::new(), pause: "4s" }
    }
}

impl Knobs {
    pub fn with(key: &'static str, value: &'static str) -> Knobs {
        Knobs { env: vec![(key, value)], ..Knobs::default() }
    }

    fn spec(&self, web: u16, api: u16) -> String {
        let Knobs { env, strategy, extra, pause } = self;
        let env: Vec<String> = env.iter().map(|(key, value)| format!("{key}: \"{value}\"")).collect();
        let env = env.join(", ");
        let steps = match *strategy {
            "canary" => format!("steps: [{{weight: 20%, pause: {pause}}}, {{weight: 50%, pause: {pause}}}, {{weight: 100%}}]"),
            _ => "bake: 0s".to_owned(),
        };
        let program = env!("CARGO_BIN_EXE_lockgate");
        format!(
            "lockgate: v1
system: shop
defaults:
  command: [\"{program}\", sample]
  replicas: 2
  health: {{path: /health, interval: 100ms, timeout: 1s, ready_within: 5s}}
  stop: {{drain: 5s, grace: 2s}}
services:
  web: {{port: {web}, env: {{LABEL: \"${{release.version}}\", {env}}}}}
  api: {{port: {api}, env: {{LABEL: \"${{release.version}}\"}}}}
smoke:
  - {{get: /health, service: web}}
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 3% for 30s\"}}
rollout:
  strategy: {strategy}
  {steps}
  analysis: {{tick: 250ms, warmup: 250ms, min_time: 1s, min_requests: 50}}
environments:
  local: {{target: local}}
{extra}
"
        )
    }
}
