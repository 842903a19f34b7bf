//! The process between the node and a job's command: it outlives the node and writes down how the job ended.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use lockgate_model::Millis;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::record::{JobDir, JobFile, JobResult};
use crate::process::signal_group;
use crate::secrets::Revealed;
use crate::{Place, Vault};

/// Between SIGTERM and SIGKILL, for a job that ran out of time.
const GRACE: Millis = Millis::secs(5);

/// What `lockgate node job --dir DIR` does. Its own exit code says only whether the record could be kept.
pub fn job_main(dir: &Path) -> ExitCode {
    match carry_out(&JobDir::at(dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, dir = %dir.display(), "the job's record could not be kept");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(dir: &JobDir) -> io::Result<()> {
    let lock = File::options().create(true).append(true).open(dir.lock())?;
    lock.lock()?;
    // Another shim may have held the lock before, or the order may have been taken back.
    let Some(job) = dir.read_job()? else { return Ok(()) };
    if dir.has_begun() {
        return Ok(());
    }
    dir.mark_begun()?;
    let result = match secrets(&job).and_then(|it| spawn(dir, &job, &it)) {
        Ok(child) => wait(child, job.timeout)?,
        Err(error) => {
            let note = format!("cannot start {}: {error}", job.program.display());
            JobResult { exit_code: None, note: Some(note) }
        }
    };
    dir.write_result(&result)
}

fn secrets(job: &JobFile) -> io::Result<Revealed> {
    if job.secrets.is_empty() {
        return Ok(Revealed::default());
    }
    let vault = Place::of(&job.state_dir).and_then(|it| Vault::open(&it)).map_err(io::Error::other)?;
    Revealed::all(&vault, &job.secrets, "the job").map_err(io::Error::other)
}

fn spawn(dir: &JobDir, job: &JobFile, secrets: &Revealed) -> io::Result<Child> {
    let output = File::options().create(true).append(true).open(dir.output())?;
    Command::new(&job.program)
        .args(&job.args)
        .env_clear()
        .envs(&job.env)
        .envs(secrets.iter())
        .current_dir(&job.cwd)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
}

fn wait(mut child: Child, timeout: Millis) -> io::Result<JobResult> {
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let number = Pid::from_raw(pid).ok_or_else(|| io::Error::other("a child without a number"))?;
    let pidfd = rustix::process::pidfd_open(number, PidfdFlags::empty())?;
    let in_time = ends_within(&pidfd, timeout)?;
    if !in_time {
        signal_group(pid, Signal::TERM);
        ends_within(&pidfd, GRACE)?;
    }
    // What the command left in its group ends with it.
    signal_group(pid, Signal::KILL);
    let status = child.wait()?;
    Ok(if in_time { ended(status) } else { timed_out(timeout) })
}

fn ends_within(pidfd: &OwnedFd, within: Millis) -> io::Result<bool> {
    let span = Timespec::try_from(within.to_std()).map_err(io::Error::other)?;
    let deadline = std::time::Instant::now() + within.to_std();
    let mut left = span;
    loop {
        let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(&left)) {
            Ok(count) => return Ok(0 < count),
            Err(rustix::io::Errno::INTR) => {
                let rest = deadline.saturating_duration_since(std::time::Instant::now());
                left = Timespec::try_from(rest).map_err(io::Error::other)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn ended(status: ExitStatus) -> JobResult {
    let note = status.signal().map(|it| format!("ended by signal {it}"));
    JobResult { exit_code: status.code(), note }
}

fn timed_out(timeout: Millis) -> JobResult {
    JobResult { exit_code: None, note: Some(format!("ended by its timeout of {timeout}")) }
}
