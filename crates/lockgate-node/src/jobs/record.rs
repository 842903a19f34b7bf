//! A job's folder: the order, the marks of its beginning and end, and its output.
//!
//! **Invariant:** whoever runs the command holds the lock from before the mark of the beginning until after the
//! result is on disk. So lock free, begun and no result means that nobody can say how it ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_model::{EffectKey, Millis, SecretRef};
use serde::{Deserialize, Serialize};

use super::try_hold;
use crate::protocol::{JobAnswer, JobSighting};
use crate::{logs, private_file};

/// What the shim is to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobFile {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// Read from the vault of this state folder when the command is started.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, SecretRef>,
    pub(super) state_dir: PathBuf,
    pub(super) cwd: PathBuf,
    pub(super) timeout: Millis,
}

/// The container that a job is run as.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContainerFile {
    pub(super) name: String,
    pub(super) timeout: Millis,
    /// Where its engine is, if not in the usual place.
    #[serde(default)]
    pub(super) engine: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobResult {
    pub(super) exit_code: Option<i32>,
    /// How it ended, when the exit code does not say it.
    pub(super) note: Option<String>,
}

pub(crate) struct JobDir {
    dir: PathBuf,
}

impl JobDir {
    pub(super) fn at(dir: &Path) -> JobDir {
        JobDir { dir: dir.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    pub(super) fn key(&self) -> Option<EffectKey> {
        let name = self.dir.file_name()?.to_str()?;
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    pub(super) fn files(&self) -> PathBuf {
        self.dir.join("files")
    }

    pub(super) fn output(&self) -> PathBuf {
        self.dir.join("output.log")
    }

    pub(super) fn shim_log(&self) -> PathBuf {
        self.dir.join("shim.log")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    fn job(&self) -> PathBuf {
        self.dir.join("job.json")
    }

    fn began(&self) -> PathBuf {
        self.dir.join("began")
    }

    fn result(&self) -> PathBuf {
        self.dir.join("result.json")
    }

    pub(super) fn has_job(&self) -> bool {
        self.job().exists()
    }

    pub(super) fn has_begun(&self) -> bool {
        self.began().exists()
    }

    pub(super) fn write_job(&self, job: &JobFile) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        private_file::replace(&self.job(), &serde_json::to_vec(job)?)
    }

    /// `None` when the order was taken back.
    pub(super) fn read_job(&self) -> io::Result<Option<JobFile>> {
        match fs::read(self.job()) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn mark_begun(&self) -> io::Result<()> {
        private_file::replace(&self.began(), b"")
    }

    pub(super) fn unmark_begun(&self) -> io::Result<()> {
        match fs::remove_file(self.began()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The order goes with the result on disk: its environment may hold secrets.
    pub(super) fn write_result(&self, result: &JobResult) -> io::Result<()> {
        private_file::replace(&self.result(), &serde_json::to_vec(result)?)?;
        match fs::remove_file(self.job()) {
            // A container's order holds no secret, and stays.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn container(&self) -> PathBuf {
        self.dir.join("container.json")
    }

    pub(super) fn is_container(&self) -> bool {
        self.container().exists()
    }

    /// Begun, and without a result.
    pub(super) fn is_open(&self) -> bool {
        self.has_begun() && !self.result().exists()
    }

    pub(super) fn write_container(&self, file: &ContainerFile) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        private_file::replace(&self.container(), &serde_json::to_vec(file)?)
    }

    pub(super) fn read_container(&self) -> io::Result<Option<ContainerFile>> {
        match fs::read(self.container()) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Time since the mark of the beginning, by the machine's clock.
    pub(super) fn begun_for(&self) -> Duration {
        let begun = fs::metadata(self.began()).and_then(|it| it.modified());
        begun.ok().and_then(|it| it.elapsed().ok()).unwrap_or_default()
    }

    fn timed_out(&self) -> PathBuf {
        self.dir.join("timed-out")
    }

    pub(super) fn mark_timed_out(&self) -> io::Result<()> {
        private_file::replace(&self.timed_out(), b"")
    }

    pub(super) fn has_timed_out(&self) -> bool {
        self.timed_out().exists()
    }

    pub(super) fn sight(&self, tail_lines: usize) -> io::Result<JobSighting> {
        self.sighting(tail_lines, Order::Stands)
    }

    pub(super) fn sight_and_cancel(&self, tail_lines: usize) -> io::Result<JobSighting> {
        self.sighting(tail_lines, Order::TakenBack)
    }

    fn sighting(&self, tail_lines: usize, order: Order) -> io::Result<JobSighting> {
        if !self.dir.exists() {
            return Ok(JobSighting::NeverRan);
        }
        let Some(_held) = try_hold(&self.lock())? else { return Ok(JobSighting::Running) };
        if let Some(answer) = self.answer(tail_lines)? {
            return Ok(JobSighting::Done(answer));
        }
        if self.has_begun() {
            return Ok(JobSighting::Unknown);
        }
        if order == Order::TakenBack && self.has_job() {
            fs::remove_file(self.job())?;
        }
        Ok(JobSighting::NeverRan)
    }

    pub(super) fn answer(&self, tail_lines: usize) -> io::Result<Option<JobAnswer>> {
        let bytes = match fs::read(self.result()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let result: JobResult = serde_json::from_slice(&bytes)?;
        let mut tail = logs::tail(&self.output(), tail_lines);
        tail.extend(result.note);
        Ok(Some(JobAnswer { exit_code: result.exit_code, tail }))
    }

    /// Waits until nobody holds the lock. On a thread of its own, which a stopping node need not wait for.
    pub(super) async fn wait_for_end(&self) {
        let (tell, told) = tokio::sync::oneshot::channel();
        let lock = self.lock();
        std::thread::spawn(move || {
            let ended = File::open(&lock).and_then(|it| it.lock_shared());
            // Whoever asked may have gone.
            drop(tell.send(ended));
        });
        if let Ok(Err(error)) = told.await {
            tracing::warn!(%error, dir = %self.dir.display(), "a job could not be waited for");
        }
    }

    pub(super) fn remove_files(&self) {
        if let Err(error) = fs::remove_dir_all(self.files())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, dir = %self.dir.display(), "a job's files were not removed");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Stands,
    TakenBack,
}
