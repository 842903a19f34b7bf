//! A Docker engine of the test's own: its data, its socket and its processes are gone when the test ends.
//!
//! Containers and builds share the network of the machine, so nothing of it has to be set up or taken down.

pub(crate) mod bases;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// An engine starts within seconds; a busy machine gets more.
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// The longest command is the first build of the Rust service: a minute of work on two cores.
const COMMAND_ENDS_WITHIN: &str = "600";
const HEALTHY_WITHIN: Duration = Duration::from_secs(90);

pub(crate) struct Engine {
    daemon: Child,
    folder: TempDir,
}

/// A container that runs; removed when it is dropped.
pub(crate) struct Container<'e> {
    engine: &'e Engine,
    pub(crate) id: String,
}

#[derive(Clone, Copy)]
pub(crate) enum Builder {
    BuildKit,
    /// What Docker has had from the beginning.
    Classic,
}

impl Engine {
    /// `None` where no engine can run, which is said; in continuous integration the test fails instead.
    pub(crate) fn start() -> Option<Engine> {
        for name in ["dockerd", "docker", "debootstrap", "npm", "setpriv", "timeout", "unshare"] {
            if program(name).is_none() {
                return skipped(&format!("{name} is not installed"));
            }
        }
        if String::from_utf8_lossy(&output(Command::new("id").arg("-u")).0).trim() != "0" {
            return skipped("only root starts an engine");
        }
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new("setpriv");
        // A test that is killed takes the engine with it.
        command.args(["--pdeathsig", "TERM"]);
        // What it mounts is seen by itself alone, and goes with it.
        command.args(["unshare", "--mount"]).arg(program("dockerd")?);
        command.args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")]);
        command.args(["--host", &format!("unix://{}", at("socket"))]);
        command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let engine = Engine { daemon: command.spawn().unwrap(), folder };
        if engine.answers() {
            return Some(engine);
        }
        let log = std::fs::read_to_string(engine.folder.path().join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        skipped(&format!("the engine does not start: {last:#?}"))
    }

    fn answers(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < STARTS_WITHIN {
            let ping = self.command(["version"]).output().unwrap();
            if ping.status.success() {
                return true;
            }
            // Nobody is told when a socket begins to answer.
            std::thread::yield_now();
        }
        false
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it printed; the test fails if it does not succeed.
    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let mut command = self.command(args);
        let shown = format!("{:?}", command.get_args().skip(2).collect::<Vec<_>>());
        let (stdout, stderr) = output(&mut command);
        assert!(
            !stdout.is_empty() || stderr.is_empty(),
            "docker {shown}: {}",
            String::from_utf8_lossy(&stderr)
        );
        String::from_utf8(stdout).unwrap().trim().to_owned()
    }

    /// What the builder said, step by step.
    pub(crate) fn build(
        &self,
        builder: Builder,
        tag: &str,
        dockerfile: &Path,
        context: &Path,
        args: &[&str],
    ) -> String {
        let mut command = self.command(["build", "--network=host", "--tag", tag]);
        match builder {
            Builder::BuildKit => command.env("DOCKER_BUILDKIT", "1").arg("--progress=plain"),
            Builder::Classic => command.env("DOCKER_BUILDKIT", "0"),
        };
        for arg in args {
            command.args(["--build-arg", arg]);
        }
        command.arg("--file").arg(dockerfile).arg(context);
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{tag} is not built:\n{said}");
        said.into_owned()
    }

    /// With as little as Compose leaves it: a root that cannot be written to, and no privilege.
    pub(crate) fn container(&self, image: &str, env: &[&str]) -> Container<'_> {
        let mut args = vec!["run", "--detach", "--network=host", "--read-only", "--tmpfs=/tmp"];
        args.extend(["--cap-drop=ALL", "--security-opt=no-new-privileges:true"]);
        for pair in env {
            args.extend(["--env", pair]);
        }
        args.push(image);
        Container { engine: self, id: self.run(args) }
    }

    fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new("timeout");
        command.arg(COMMAND_ENDS_WITHIN).arg(program("docker").expect("it is looked for at the start"));
        self.is_asked_by(command.args(args));
        command
    }

    fn is_asked_by(&self, command: &mut Command) {
        command.stdin(Stdio::null());
        command.env("DOCKER_HOST", format!("unix://{}", self.folder.path().join("socket").display()));
        command.env("DOCKER_CONFIG", self.folder.path().join("config"));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let id = self.daemon.id().to_string();
        if Command::new("kill").args(["-TERM", &id]).status().is_ok() {
            // It ends its containers and containerd before itself.
            let _status = self.daemon.wait();
        }
    }
}

impl Container<'_> {
    pub(crate) fn inspect(&self, template: &str) -> String {
        self.engine.run(["inspect", "--format", template, &self.id])
    }

    pub(crate) fn exec(&self, argv: &[&str]) -> String {
        self.engine.run(["exec", &self.id].iter().chain(argv))
    }

    /// Waits until the health check of its image says so.
    pub(crate) fn becomes_healthy(&self) {
        let mut events = Command::new(program("docker").expect("it is looked for at the start"));
        self.engine.is_asked_by(&mut events);
        events.args(["events", "--format", "{{.Status}}", "--since", "0"]);
        events.args(["--filter", &format!("container={}", self.id), "--filter", "event=health_status"]);
        let mut events = events.args(["--filter", "event=die"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(events.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let first = receiver.recv_timeout(HEALTHY_WITHIN);
        events.kill().unwrap();
        events.wait().unwrap();
        drop(receiver);
        reader.join().unwrap();
        let said = || self.inspect("{{json .State}}") + &self.logs();
        assert_eq!(first.as_deref(), Ok("health_status: healthy"), "{}", said());
    }

    fn logs(&self) -> String {
        let logs = self.engine.command(["logs", &self.id]).output().unwrap();
        String::from_utf8_lossy(&logs.stdout).into_owned() + &String::from_utf8_lossy(&logs.stderr)
    }

    /// Asks it to stop, with the signal of its image; killing it is a failure.
    pub(crate) fn stops(&self) {
        self.engine.run(["stop", "--time", "20", &self.id]);
        assert_ne!(self.inspect("{{.State.ExitCode}}"), "137", "it had to be killed: {}", self.logs());
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.engine.run(["rm", "--force", &self.id]);
    }
}

/// Debian's own before what else may be on the path: an engine and its client belong together.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin"].into_iter().map(PathBuf::from);
    usual.chain(std::env::split_paths(&path)).map(|it| it.join(name)).find(|it| it.is_file())
}

fn output(command: &mut Command) -> (Vec<u8>, Vec<u8>) {
    let done = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{stderr}", done.status);
    (done.stdout, done.stderr)
}

fn skipped<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "{why}");
    // Past the test runner, which keeps for itself what a passing test prints.
    let said = writeln!(std::io::stderr(), "skipped: no image is built, {why}");
    said.expect("a test can write to its standard error");
    None
}
