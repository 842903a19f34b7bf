//! A Docker engine of the test's own: its data, its socket and its processes are gone when the test ends.

pub mod bases;
mod container;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use container::Container;

use crate::cluster::REGISTRY;
use crate::host::in_namespace;
use crate::{Image, output, program, skipped};

/// An engine starts within seconds; a busy machine gets more.
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// The longest command is the first build of the Rust service: a minute of work on two cores.
const COMMAND_ENDS_WITHIN: &str = "600";
/// Networks that nobody else is likely to have; the engine passes over those that are in use.
const ADDRESSES: &str = "base=10.211.0.0/16,size=24";
const NO_RULES: [&str; 2] = ["--iptables=false", "--ip6tables=false"];
/// Why it does not start is among the last things that it logs.
const LOG_LINES: usize = 12;

pub struct Engine {
    daemon: Child,
    place: Place,
    folder: TempDir,
}

/// How it is started, each time.
struct Place {
    networks: Networks,
    /// Network namespace, if not that of the machine.
    namespace: Option<String>,
    flags: Vec<String>,
    /// Bytes that its data may take, which are in memory then.
    data_max: Option<u64>,
}

impl Place {
    fn usual(networks: Networks) -> Place {
        Place { networks, namespace: None, flags: vec![], data_max: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networks {
    /// Containers and builds share the network of the machine, so nothing of it is set up or taken down.
    Machine,
    /// Networks can be made, as on a machine that serves.
    Bridges,
    /// The same without rules of the firewall: engines of one machine do not take them away from each other.
    Bare,
}

#[derive(Clone, Copy)]
pub enum Builder {
    BuildKit,
    /// What Docker has had from the beginning.
    Classic,
}

impl Engine {
    /// `None` where no engine can run, which is said; `what` is left out then.
    /// It ends with the thread that starts it, so a test program that shares one starts it in `main`.
    pub fn start(what: &str, networks: Networks) -> Option<Engine> {
        Engine::start_at(what, Place::usual(networks))
    }

    /// The same in a network namespace.
    pub fn start_in(what: &str, networks: Networks, namespace: &str) -> Option<Engine> {
        let namespace = Some(namespace.to_owned());
        Engine::start_at(what, Place { namespace, ..Place::usual(networks) })
    }

    /// With flags of its own, and networks.
    pub fn start_with(what: &str, flags: &[&str]) -> Option<Engine> {
        let flags = flags.iter().map(|it| (*it).to_owned()).collect();
        Engine::start_at(what, Place { flags, ..Place::usual(Networks::Bare) })
    }

    /// With a disk of so many bytes, and networks.
    pub fn start_small(what: &str, bytes: u64) -> Option<Engine> {
        Engine::start_at(what, Place { data_max: Some(bytes), ..Place::usual(Networks::Bare) })
    }

    fn start_at(what: &str, place: Place) -> Option<Engine> {
        for name in ["dockerd", "docker", "setpriv", "timeout", "unshare"] {
            if program(name).is_none() {
                return skipped(what, &format!("{name} is not installed"));
            }
        }
        if String::from_utf8_lossy(&output(Command::new("id").arg("-u")).0).trim() != "0" {
            return skipped(what, "only root starts an engine");
        }
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine { daemon: launch(folder.path(), &place), place, folder };
        if engine.answers() {
            return Some(engine);
        }
        skipped(what, &format!("the engine does not start: {}", engine.last_words()))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `DOCKER_HOST` says of it.
    pub fn host(&self) -> String {
        host(self.folder.path())
    }

    /// Kills the engine alone, and leaves the containers to themselves.
    pub fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    /// Starts it again after `kill`.
    pub fn start_again(&mut self) {
        // The processes that these name are gone, and may be zombies or others by now.
        for pid in ["pid", "exec/containerd/containerd.pid"] {
            let _gone = std::fs::remove_file(self.folder.path().join(pid));
        }
        self.daemon = launch(self.folder.path(), &self.place);
        assert!(self.answers(), "the engine does not start again: {}", self.last_words());
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let skip = log.lines().count().saturating_sub(LOG_LINES);
        log.lines().skip(skip).collect::<Vec<_>>().join("\n")
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

    /// What it printed; the test fails if it does not succeed.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
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

    /// What it printed, `None` if it does not succeed.
    pub fn try_run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<String> {
        let done = self.command(args).output().unwrap();
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// What a container wrote, to its standard output and then to its error.
    pub fn logs(&self, container: &str) -> String {
        let logs = self.command(["logs", container]).output().unwrap();
        String::from_utf8_lossy(&logs.stdout).into_owned() + &String::from_utf8_lossy(&logs.stderr)
    }

    /// The images are there afterwards, as if they had been pulled.
    pub fn load(&self, images: &[(&Image, &str)]) {
        let archive = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        Image::save_all(images, archive.path());
        self.run(["load".as_ref(), "--quiet".as_ref(), "--input".as_ref(), archive.path().as_os_str()]);
    }

    /// What the builder said, step by step.
    pub fn build(
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
    pub fn container(&self, image: &str, env: &[&str], command: &[&str]) -> Container<'_> {
        let mut args = vec!["run", "--detach", "--network=host", "--read-only", "--tmpfs=/tmp"];
        args.extend(["--cap-drop=ALL", "--security-opt=no-new-privileges:true"]);
        for pair in env {
            args.extend(["--env", pair]);
        }
        args.push(image);
        args.extend(command);
        Container { engine: self, id: self.run(args) }
    }

    fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new("timeout");
        command.arg(COMMAND_ENDS_WITHIN).arg(program("docker").expect("it is looked for at the start"));
        self.is_asked_by(command.args(args));
        command
    }

    /// Docker's own client without an end, for what goes on until it is killed.
    fn client(&self) -> Command {
        let mut command = Command::new(program("docker").expect("it is looked for at the start"));
        self.is_asked_by(&mut command);
        command
    }

    fn is_asked_by(&self, command: &mut Command) {
        command.stdin(Stdio::null());
        command.env("DOCKER_HOST", self.host());
        command.env("DOCKER_CONFIG", self.folder.path().join("config"));
    }

    /// Bridges and rules of the firewall go with their networks, and stay behind otherwise.
    fn remove_networks(&self) {
        let listed = |args: &[&str]| {
            let done = self.command(args).output().ok();
            let said = done.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
            said.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let containers = listed(&["ps", "--all", "--quiet"]);
        let networks = listed(&["network", "ls", "--quiet", "--filter", "type=custom"]);
        for (remove, all) in [(["rm", "--force"].as_slice(), containers), (&["network", "rm"], networks)] {
            if !all.is_empty() {
                let _done = self.command(remove.iter().map(|it| (*it).to_owned()).chain(all)).output();
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.place.networks != Networks::Machine {
            self.remove_networks();
        }
        let id = self.daemon.id().to_string();
        if Command::new("kill").args(["-TERM", &id]).status().is_ok() {
            // It ends its containers and containerd before itself.
            let _status = self.daemon.wait();
        }
    }
}

fn launch(folder: &Path, place: &Place) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let at = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new("setpriv");
    // A test that is killed takes the engine with it.
    command.args(["--pdeathsig", "TERM"]);
    if let Some(namespace) = &place.namespace {
        command.args(in_namespace(namespace));
    }
    // What it mounts is seen by itself alone, and goes with it.
    command.args(["unshare", "--mount"]);
    if let Some(bytes) = place.data_max {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let script = "mount -t tmpfs -o size=$1 tmpfs \"$2\" && shift 2 && exec \"$@\"";
        command.args(["sh", "-c", script, "sh", &bytes.to_string()]).arg(data);
    }
    command.arg(program("dockerd").expect("it is looked for at the start")).args(&place.flags);
    command.args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")]);
    command.args(["--host", &host(folder), "--bridge=none"]);
    match place.networks {
        Networks::Machine => command.args(NO_RULES).arg("--ip-forward=false"),
        Networks::Bridges => command.args(["--default-address-pool", ADDRESSES]),
        Networks::Bare => command.args(NO_RULES).args(["--default-address-pool", ADDRESSES]),
    };
    if let Ok(registry) = std::env::var(REGISTRY) {
        command.args(["--insecure-registry", &registry]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn host(folder: &Path) -> String {
    format!("unix://{}", folder.join("socket").display())
}
