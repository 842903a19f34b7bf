//! Processes of this machine: who they are for all time, starting them, seeing them end, ending them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

use crate::protocol::Failure;
use crate::table::ProcessId;

/// Variables that instances and jobs take over from the node; all else comes from the spec.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "USER"];
/// After SIGKILL a process ends as soon as the kernel gets to it; one in an uninterruptible wait may take long.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

impl ProcessId {
    /// The process that has this number now, unless it is dead and only not yet collected.
    pub(crate) fn of(pid: i32) -> Option<ProcessId> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so fields are counted from its end.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let dead = matches!(*fields.first()?, "Z" | "X" | "x");
        let start = fields.get(19)?.parse().ok()?;
        (!dead).then(|| ProcessId { pid, start, boot: boot_id() })
    }

    pub(crate) fn lives(&self) -> bool {
        ProcessId::of(self.pid).as_ref() == Some(self)
    }
}

/// A live instance or job: a child of ours, or one that an earlier node started.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    child: Option<Child>,
    pidfd: AsyncFd<OwnedFd>,
}

impl Process {
    /// Starts a program in a process group of its own, with nothing of ours but what `env` says.
    pub(crate) fn spawn(start: &Start<'_>) -> io::Result<Process> {
        if let Some(folder) = start.log.parent() {
            fs::create_dir_all(folder)?;
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(start.log)?;
        let child = Command::new(start.program)
            .args(start.args)
            .env_clear()
            .envs(start.env)
            .current_dir(start.cwd)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let raw = child.id().and_then(|it| i32::try_from(it).ok());
        let raw = raw.expect("a child that was not waited for has its number");
        let pidfd = open_pidfd(raw)?;
        // A child that ended already keeps its number until it is waited for, but its state is `Z`.
        let id = ProcessId::of(raw).unwrap_or(ProcessId { pid: raw, start: 0, boot: boot_id() });
        Ok(Process { id, child: Some(child), pidfd })
    }

    /// Takes up a process that an earlier node started; `None` when it is not there any more.
    pub(crate) fn adopt(id: &ProcessId) -> Option<Process> {
        let pidfd = open_pidfd(id.pid).ok()?;
        // Looked at after the descriptor is held: from here on the number cannot change hands unseen.
        id.lives().then(|| Process { id: id.clone(), child: None, pidfd })
    }

    /// Waits for the end and says how it was. May be dropped and called again.
    pub(crate) async fn exited(&mut self) -> String {
        if let Some(child) = &mut self.child {
            return match child.wait().await {
                Ok(status) => describe(status),
                Err(error) => format!("ended in a way that was not seen ({error})"),
            };
        }
        match self.pidfd.readable().await {
            Ok(_) => "ended; its exit status went to the node that had started it".to_owned(),
            Err(error) => format!("cannot be watched ({error})"),
        }
    }

    /// Signal, time to end, SIGKILL; the whole group each time. Says whether it had to be killed.
    pub(crate) async fn stop(&mut self, signal: Signal, grace: Duration) -> Ended {
        signal_group(self.id.pid, signal);
        let ended = match tokio::time::timeout(grace, self.exited()).await {
            Ok(_) => Ended::BySignal,
            Err(_) => Ended::Killed,
        };
        signal_group(self.id.pid, Signal::KILL);
        if matches!(ended, Ended::Killed) && tokio::time::timeout(KILLED_WITHIN, self.exited()).await.is_err()
        {
            return Ended::Stays;
        }
        ended
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    BySignal,
    Killed,
    /// Even SIGKILL did not end it: it hangs in the kernel.
    Stays,
}

pub(crate) struct Start<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: &'a [String],
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) cwd: &'a Path,
    pub(crate) log: &'a Path,
}

#[expect(
    deprecated,
    reason = "its successor is unsafe; for an `OwnedFd`, which stays open while it is watched, this one is sound"
)]
fn open_pidfd(pid: i32) -> io::Result<AsyncFd<OwnedFd>> {
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let fd = rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?;
    AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)
}

pub(crate) fn signal_group(pid: i32, signal: Signal) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    match rustix::process::kill_process_group(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => (),
        Err(error) => tracing::warn!(%error, pid = pid.as_raw_nonzero(), "a process group took no signal"),
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The environment that is common to all instances and jobs, with the node's own program at the end of `PATH`.
pub(crate) fn base_env(program: &Path) -> BTreeMap<String, String> {
    let inherited = INHERITED.into_iter();
    let mut env: BTreeMap<String, String> =
        inherited.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
    let path = env.get("PATH").cloned().unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let path = match program.parent().and_then(Path::to_str) {
        // A folder with a colon in its name cannot be on a search path.
        Some(folder) if !folder.contains(':') => format!("{path}:{folder}"),
        _ => path,
    };
    env.insert("PATH".to_owned(), path);
    env
}

/// The file that a command's first word names: in `cwd` when it holds a `/`, else on the search path.
pub(crate) fn resolve(
    command: &[String],
    cwd: &Path,
    env: &BTreeMap<String, String>,
    whose: &str,
) -> Result<PathBuf, Failure> {
    let Some(word) = command.first().filter(|it| !it.is_empty()) else {
        return Err(Failure::fatal(format!("{whose} has an empty command")));
    };
    if word.contains('/') {
        let path = cwd.join(word);
        return match executable(&path) {
            Executable::Yes => Ok(path),
            Executable::No => {
                Err(Failure::fatal(format!("{whose} cannot start: {} is not executable", path.display()))
                    .hint(format!("chmod +x {}", path.display())))
            }
            Executable::Missing => {
                Err(Failure::fatal(format!("{whose} cannot start: there is no {}", path.display()))
                    .hint(format!("see whether the files of {whose} hold `{word}`")))
            }
        };
    }
    let path = env.get("PATH").cloned().unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|it| it.join(word)).find(|it| executable(it) == Executable::Yes);
    found.ok_or_else(|| {
        Failure::fatal(format!(
            "{whose} cannot start: there is no program `{word}` on the search path ({path})"
        ))
        .hint(format!("write ./{word} for a program that is among the files"))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Executable {
    Yes,
    No,
    Missing,
}

fn executable(path: &Path) -> Executable {
    if !path.exists() {
        return Executable::Missing;
    }
    let allowed = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if allowed && path.is_file() { Executable::Yes } else { Executable::No }
}
