//! One connection to a host: a single `ssh` that all else goes through, Lockgate's own program on the other side,
//! and the node's socket brought over here.
//!
//! The connection is the standard input of the `ssh` that holds it: it ends with this process, however that ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockgate_model::Scope;
use lockgate_node::{CallError, NodeClient};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::folder::Folder;
use super::program::Program;
use super::words;
use crate::docker::SshAddress;
use crate::{Class, TargetError};

/// For the first answer: connecting, jumps between, keys on hardware.
const UP_WITHIN: Duration = Duration::from_secs(45);
/// A host that does not answer to a connection is away.
const CONNECT_WITHIN_S: u8 = 10;
/// A connection that is silent for three times this long is over.
const ALIVE_EVERY_S: u8 = 5;
/// A program goes to the host once in this time, or the way there is too slow to release over.
const COPIED_WITHIN: Duration = Duration::from_mins(10);
/// As for a node of this machine, and the way.
const NODE_UP_WITHIN: Duration = Duration::from_secs(30);
/// Of what ssh says; the rest is not shown.
const SAID_LEN_MAX: u64 = 64 * 1024;
/// Before each fact, for shells greet.
const MARK: &str = "lockgate:";

pub(super) struct Link {
    address: SshAddress,
    client: PathBuf,
    master: Child,
    /// The host's side ends when this is closed.
    _held: ChildStdin,
    said: Arc<Mutex<String>>,
    folder: Folder,
    program: String,
    state_dir: String,
    forwarded: bool,
}

/// What the host says of itself.
struct Facts {
    os: String,
    machine: String,
    /// Where programs keep their state there.
    state: String,
    has_program: bool,
}

impl Link {
    /// Connects, and puts the program in place.
    pub(super) async fn open(
        address: &SshAddress,
        client: &Path,
        scope: &Scope,
        program: &Program,
    ) -> Result<Link, TargetError> {
        let digest = program.digest().await?;
        let folder =
            Folder::new().map_err(|it| TargetError::new(Class::Fatal, lockgate_model::with_causes(&it)))?;
        let mut master = spawn(&mut master(client, address, &folder))?;
        let said = collect(&mut master);
        let mut held = master.stdin.take().expect("it is piped");
        let stdout = master.stdout.take().expect("it is piped");
        let asked = survey(&digest);
        let facts = async {
            held.write_all(asked.as_bytes()).await.ok()?;
            facts(stdout).await
        };
        let Ok(facts) = tokio::time::timeout(UP_WITHIN, facts).await else {
            let text = format!("{address} does not answer within {} s", UP_WITHIN.as_secs());
            return Err(TargetError::new(Class::Transient, text));
        };
        let Some(facts) = facts else { return Err(ended(address, master, &said).await) };
        fits(address, &facts)?;
        let bin = format!("{}/lockgate/bin/{digest}", facts.state);
        let link = Link {
            address: address.clone(),
            client: client.to_owned(),
            master,
            _held: held,
            said,
            folder,
            program: format!("{bin}/lockgate"),
            state_dir: format!("{}/lockgate/{}-{}", facts.state, scope.system, scope.environment),
            forwarded: false,
        };
        if !facts.has_program {
            link.copy(program.path(), &bin, &digest).await?;
        }
        Ok(link)
    }

    /// Whether the connection stands, as far as this side knows.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.master.try_wait(), Ok(None))
    }

    /// The node, if it answers.
    pub(super) async fn node(&self) -> Option<NodeClient> {
        let client = NodeClient::at(self.folder.node());
        let answers = self.forwarded && matches!(client.status().await, Ok(_) | Err(CallError::Failed(_)));
        answers.then_some(client)
    }

    /// The node, started if there is none.
    pub(super) async fn start_node(&mut self) -> Result<NodeClient, TargetError> {
        let script = format!("{} node up --state {}", quoted(&self.program), quoted(&self.state_dir));
        let mut command = self.through(&script);
        let up = self.run(command.stdin(Stdio::null()), NODE_UP_WITHIN).await;
        let up = up.map_err(|said| self.wrong(Class::Transient, "the node does not start there", &said))?;
        if !self.forwarded {
            let socket = up.lines().last().unwrap_or_default();
            self.forward(socket.trim()).await?;
            self.forwarded = true;
        }
        let client = NodeClient::at(self.folder.node());
        match client.status().await {
            Ok(_) | Err(CallError::Failed(_)) => Ok(client),
            Err(CallError::Protocol(error)) => {
                let lock = format!("{}/node/lock", self.state_dir);
                let hint = format!(
                    "ssh {} 'kill $(cat {lock})'    ends the older node; its containers go on, and the next command starts a new one",
                    self.address.destination()
                );
                Err(TargetError::new(Class::Fatal, format!("{}: {error}", self.address)).hint(hint))
            }
            Err(CallError::Lost { .. }) if self.lives() => {
                let text = format!(
                    "{}: the node runs, and its socket is not reached through ssh: the server there forwards no sockets",
                    self.address
                );
                let hint = "set `AllowStreamLocalForwarding yes` in its sshd_config";
                Err(TargetError::new(Class::Fatal, text).hint(hint))
            }
            Err(CallError::Lost { .. }) => Err(self.lost()),
        }
    }

    /// Why it ended.
    pub(super) fn lost(&self) -> TargetError {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if words::last(&said).is_empty() {
            let text = format!("the connection to {} was lost", self.address);
            return TargetError::new(Class::Transient, text);
        }
        words::refused(&self.address, &said)
    }

    /// Under its digest, whole or not at all.
    async fn copy(&self, program: &Path, bin: &str, digest: &str) -> Result<(), TargetError> {
        tracing::info!(host = %self.address, %bin, "copying this program to the host");
        let script = format!(
            "set -e; umask 077; mkdir -p {bin}; cd {bin}; trap 'rm -f new.$$' EXIT; cat > new.$$; \
             echo \"{digest}  new.$$\" | sha256sum -c - >&2; chmod 700 new.$$; mv new.$$ lockgate",
            bin = quoted(bin)
        );
        let file = std::fs::File::open(program).map_err(|it| {
            TargetError::new(
                Class::Fatal,
                format!("this program cannot be read in {}: {it}", program.display()),
            )
        })?;
        let mut command = self.through(&format!("sh -c {}", quoted(&script)));
        let copied = self.run(command.stdin(file), COPIED_WITHIN).await;
        copied.map(drop).map_err(|said| {
            let what = format!("Lockgate's program was not put in {bin}");
            let error = self.wrong(Class::Transient, &what, &said);
            if said.contains("No space left") {
                return error.hint(format!("make room on {}, then go on", self.address));
            }
            error
        })
    }

    /// Brings the node's socket over here.
    async fn forward(&self, socket: &str) -> Result<(), TargetError> {
        let mut command = ssh(&self.client, &self.address, &self.folder);
        let both = format!("{}:{socket}", self.folder.node().display());
        command.args(["-O", "forward", "-L", &both]).arg(self.address.destination());
        let done = self.run(command.stdin(Stdio::null()), UP_WITHIN).await;
        done.map(drop).map_err(|said| self.wrong(Class::Transient, "the node's socket is not reached", &said))
    }

    /// A command of the host, over this connection or not at all.
    fn through(&self, script: &str) -> Command {
        let mut command = ssh(&self.client, &self.address, &self.folder);
        // Without the connection `ssh` would make one of its own.
        command.args(["-o", "ProxyCommand=false"]).arg(self.address.destination()).arg(script);
        command
    }

    /// What it printed, or what it complained of.
    async fn run(&self, command: &mut Command, within: Duration) -> Result<String, String> {
        let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        match tokio::time::timeout(within, running).await {
            Ok(Ok(done)) if done.status.success() => Ok(text(&done.stdout)),
            Ok(Ok(done)) => Err(text(&done.stderr)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", within.as_secs())),
        }
    }

    fn wrong(&self, class: Class, what: &str, said: &str) -> TargetError {
        let said = said.trim().trim_start_matches("error: ");
        TargetError::new(class, format!("{}: {what}: {said}", self.address))
    }
}

/// `ssh` with what all of its uses have in common. The rest is the user's own configuration.
fn ssh(client: &Path, address: &SshAddress, folder: &Folder) -> Command {
    let mut command = Command::new(client);
    command.args(["-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "RemoteCommand=none"]);
    command.arg("-o").arg(format!("ControlPath={}", folder.control().display()));
    if let Some(port) = address.port {
        command.args(["-p", &port.to_string()]);
    }
    // Ctrl-C at the terminal is for the command, not for the connection.
    command.process_group(0).kill_on_drop(true);
    command
}

/// The one that holds the connection, for as long as a shell there reads from here.
fn master(client: &Path, address: &SshAddress, folder: &Folder) -> Command {
    let mut command = ssh(client, address, folder);
    let options = [
        "ControlMaster=yes".to_owned(),
        "ControlPersist=no".to_owned(),
        format!("ConnectTimeout={CONNECT_WITHIN_S}"),
        format!("ServerAliveInterval={ALIVE_EVERY_S}"),
        "ServerAliveCountMax=3".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "ForwardAgent=no".to_owned(),
        "ForwardX11=no".to_owned(),
    ];
    for option in options {
        command.arg("-o").arg(option);
    }
    command.arg(address.destination()).arg("sh");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn spawn(command: &mut Command) -> Result<Child, TargetError> {
    command.spawn().map_err(|it| {
        let text = format!("ssh does not start: {it}");
        TargetError::new(Class::Fatal, text).hint("install OpenSSH's client: apt-get install openssh-client")
    })
}

/// Keeps what it says, for the moment when it ends.
fn collect(master: &mut Child) -> Arc<Mutex<String>> {
    let said = Arc::new(Mutex::new(String::new()));
    let stderr = master.stderr.take().expect("it is piped");
    let kept = Arc::clone(&said);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stderr.take(SAID_LEN_MAX)).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_str(&line);
            kept.push('\n');
        }
    });
    said
}

/// The connection ended before the host said anything.
async fn ended(address: &SshAddress, mut master: Child, said: &Mutex<String>) -> TargetError {
    drop(tokio::time::timeout(UP_WITHIN, master.wait()).await);
    // Its last words are read by a task of their own, which ends with the pipe.
    tokio::task::yield_now().await;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    words::refused(address, &said)
}

fn survey(digest: &str) -> String {
    format!(
        "state=\"${{XDG_STATE_HOME:-$HOME/.local/state}}\"
echo \"{MARK}os $(uname -s)\"; echo \"{MARK}machine $(uname -m)\"; echo \"{MARK}state $state\"
if [ -x \"$state/lockgate/bin/{digest}/lockgate\" ]; then echo \"{MARK}program there\"; else echo \"{MARK}program missing\"; fi
"
    )
}

async fn facts(stdout: ChildStdout) -> Option<Facts> {
    let mut lines = BufReader::new(stdout).lines();
    let mut next = async |name: &str| loop {
        let line = lines.next_line().await.ok()??;
        if let Some(value) = line.strip_prefix(MARK).and_then(|it| it.strip_prefix(name)) {
            return Some(value.trim().to_owned());
        }
    };
    let (os, machine, state) = (next("os").await?, next("machine").await?, next("state").await?);
    let has_program = next("program").await? == "there";
    Some(Facts { os, machine, state, has_program })
}

/// Lockgate copies itself, so the host has to be able to run it.
fn fits(address: &SshAddress, facts: &Facts) -> Result<(), TargetError> {
    let machine = if facts.machine == "arm64" { "aarch64" } else { facts.machine.as_str() };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    if facts.os.eq_ignore_ascii_case(os) && machine == arch {
        return Ok(());
    }
    let text = format!(
        "{address} is a machine of {} on {}, and this program is for {os} on {arch}; Lockgate copies itself to its hosts",
        facts.os, facts.machine
    );
    Err(TargetError::new(Class::Fatal, text).hint(
        "release from a machine of the host's kind, such as the host itself or a runner of your pipeline",
    ))
}

/// One word for any shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
