//! An OpenSSH server of the test's own, with keys made for it, and a client that knows both by its configuration.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::host::in_namespace;
use crate::registry::free_port;
use crate::{output, program, skipped};

const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Its process, its keys and what is kept on its side are gone when it is dropped.
pub struct Sshd {
    child: Child,
    folder: TempDir,
    at: Listens,
}

/// Where it listens, and in which network.
#[derive(Clone, Debug)]
struct Listens {
    namespace: Option<String>,
    address: Ipv4Addr,
    port: u16,
}

impl Sshd {
    /// `None` where there is none, which is said; `what` is left out then.
    pub fn start(what: &str) -> Option<Sshd> {
        Sshd::start_at(what, Listens { namespace: None, address: Ipv4Addr::LOCALHOST, port: free_port() })
    }

    /// In a network namespace, at an address that it has there.
    pub fn start_in(what: &str, namespace: &str, address: Ipv4Addr) -> Option<Sshd> {
        Sshd::start_at(what, Listens { namespace: Some(namespace.to_owned()), address, port: 22 })
    }

    fn start_at(what: &str, at: Listens) -> Option<Sshd> {
        for name in ["sshd", "ssh", "ssh-keygen", "setpriv"] {
            if program(name).is_none() {
                return skipped(what, &format!("{name} is not installed"));
            }
        }
        if String::from_utf8_lossy(&output(Command::new("id").arg("-u")).0).trim() != "0" {
            return skipped(what, "only root starts a server of ssh");
        }
        fs::create_dir_all("/run/sshd").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for key in ["host", "user", "stranger"] {
            keygen(&folder.path().join(key));
        }
        fs::copy(folder.path().join("user.pub"), folder.path().join("authorized")).unwrap();
        let child = launch(folder.path(), &at);
        let sshd = Sshd { child, folder, at };
        sshd.is_known_as(&fs::read_to_string(sshd.path("host.pub")).unwrap());
        sshd.writes_client("user");
        let begun = Instant::now();
        while !sshd.answers() {
            assert!(begun.elapsed() < STARTS_WITHIN, "sshd does not answer: {}", sshd.log());
            std::thread::yield_now();
        }
        Some(sshd)
    }

    /// Its `ssh`, which has the configuration of a user who may enter as `host`.
    pub fn client(&self) -> PathBuf {
        self.path("ssh")
    }

    /// What the client's configuration calls it.
    pub fn name(&self) -> String {
        let address = self.at.address.to_string().replace('.', "-");
        format!("host-{address}-{}", self.at.port)
    }

    /// Where programs keep their state on its side.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The client's lines for this host, for a configuration of several.
    pub fn config(&self) -> String {
        fs::read_to_string(self.path("config")).unwrap()
    }

    /// From here on the client knows the host by this public key; none is a host that it never saw.
    pub fn is_known_as(&self, key: &str) {
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        let place = match self.at.port {
            22 => self.at.address.to_string(),
            port => format!("[{}]:{port}", self.at.address),
        };
        let line = if key.is_empty() { String::new() } else { format!("{place} {}\n", key.join(" ")) };
        fs::write(self.path("known"), line).unwrap();
    }

    /// The public key of somebody else.
    pub fn strange_key(&self) -> String {
        fs::read_to_string(self.path("stranger.pub")).unwrap()
    }

    /// From here on the client shows this key: `user` may enter, `stranger` may not.
    pub fn writes_client(&self, key: &str) {
        let Listens { address, port, .. } = self.at;
        let (key, known) = (self.path(key).display().to_string(), self.path("known").display().to_string());
        let config = format!(
            "Host {name}\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {key}\n  \
             IdentitiesOnly yes\n  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n",
            name = self.name()
        );
        fs::write(self.path("config"), config).unwrap();
        let ssh = program("ssh").expect("it is looked for at the start");
        let config = self.path("config");
        fs::write(
            self.client(),
            format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", ssh.display(), config.display()),
        )
        .unwrap();
        fs::set_permissions(self.client(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Ends the server; connections that there are go on.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = launch(self.folder.path(), &self.at);
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < STARTS_WITHIN, "sshd does not answer again: {}", self.log());
            std::thread::yield_now();
        }
    }

    fn answers(&self) -> bool {
        let mut asked = Command::new(self.client());
        asked.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", &self.name(), "true"]);
        asked.stdin(Stdio::null()).output().unwrap().status.success()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _status = self.child.wait();
        }
    }
}

fn launch(folder: &Path, at: &Listens) -> Child {
    let path = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "Port {port}\nListenAddress {address}\nHostKey {host}\nAuthorizedKeysFile {authorized}\nPidFile none\n\
         UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPrintMotd no\nSetEnv XDG_STATE_HOME={state}\n",
        port = at.port,
        address = at.address,
        host = path("host"),
        authorized = path("authorized"),
        state = path("state"),
    );
    fs::write(path("sshd_config"), config).unwrap();
    let mut command = Command::new("setpriv");
    // A test that is killed takes the server with it.
    command.args(["--pdeathsig", "KILL"]);
    if let Some(namespace) = &at.namespace {
        command.args(in_namespace(namespace));
    }
    command.arg(program("sshd").expect("it is looked for at the start"));
    command.args(["-D", "-f", &path("sshd_config"), "-E", &path("log")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn keygen(key: &Path) {
    let mut command = Command::new("ssh-keygen");
    output(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key));
}
