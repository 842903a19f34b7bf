//! One-off jobs, each run at most once per key. A shim process runs the command and records its end, so that
//! the result survives the node; here they are started, waited for and looked at.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use lockgate_model::{EffectKey, JobKind, JobSpec};
use tokio::process::Command;

use crate::docker::Engines;
use crate::process::{base_env, resolve};
use crate::protocol::{Failure, FailureClass, JobAnswer, JobSighting, LogLine};
use crate::secrets::Revealed;
use crate::{FileStore, Place, Vault, logs, scan};

mod container;
mod record;
mod shim;

pub(crate) use container::Order;
use record::{JobDir, JobFile};
pub use shim::job_main;

/// Lines of a job's output that its report carries.
const TAIL_LINES: usize = 20;
/// Records of ended jobs that are kept; far more than the attempts of one release.
const RECORDS_MAX: usize = 200;

pub(crate) struct Jobs {
    place: Place,
    program: PathBuf,
    node_id: String,
    store: FileStore,
    vault: Vault,
    engines: Arc<Engines>,
    /// Held while a job is started or looked at, never while it runs.
    gate: Mutex<()>,
    /// The same for jobs that are containers.
    starting: tokio::sync::Mutex<()>,
    /// Held while the result of a container is put on disk.
    collecting: tokio::sync::Mutex<()>,
}

impl Jobs {
    pub(crate) fn new(
        place: Place,
        program: PathBuf,
        store: FileStore,
        vault: Vault,
        engines: Arc<Engines>,
    ) -> Jobs {
        let jobs = Jobs {
            node_id: place.node_id(),
            place,
            program,
            store,
            vault,
            engines,
            gate: Mutex::new(()),
            starting: tokio::sync::Mutex::new(()),
            collecting: tokio::sync::Mutex::new(()),
        };
        jobs.prune();
        jobs
    }

    /// Runs the job to its end, or waits for the run that is under way, or answers from the record.
    pub(crate) async fn run(&self, key: &EffectKey, job: &JobSpec) -> Result<JobAnswer, Failure> {
        let dir = JobDir::at(&self.place.job(key));
        match self.start(&dir, key, job)? {
            Started::Before(JobSighting::Done(answer)) => return Ok(answer),
            Started::Before(JobSighting::Running) => dir.wait_for_end().await,
            Started::Before(JobSighting::Unknown) => return Err(self.vanished(key, job)),
            // Only `start` may find this, and then it starts the job.
            Started::Before(JobSighting::NeverRan) => (),
            Started::Now(mut shim) => {
                let status = shim.wait().await;
                if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
                    tracing::warn!(%key, ?status, "a job's shim failed");
                }
            }
        }
        let sighting = self.sight(&dir);
        match sighting {
            Ok(JobSighting::Done(answer)) => {
                dir.remove_files();
                Ok(answer)
            }
            Ok(JobSighting::Running | JobSighting::Unknown) => Err(self.vanished(key, job)),
            Ok(JobSighting::NeverRan) => Err(self.never_began(&dir, job)),
            Err(error) => Err(broken_record(&dir, &error)),
        }
    }

    fn start(&self, dir: &JobDir, key: &EffectKey, job: &JobSpec) -> Result<Started, Failure> {
        let _gate = self.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sighting = dir.sight(TAIL_LINES).map_err(|it| broken_record(dir, &it))?;
        if sighting != JobSighting::NeverRan {
            return Ok(Started::Before(sighting));
        }
        let cwd = match &job.files {
            Some(digest) => {
                self.store
                    .checkout(digest, &dir.files())
                    .map_err(|it| Failure::fatal(lockgate_model::with_causes(&it)))?;
                dir.files()
            }
            None => self.place.home().to_owned(),
        };
        let file = self.job_file(key, job, cwd)?;
        dir.write_job(&file).map_err(|it| broken_record(dir, &it))?;
        self.spawn_shim(dir).map(Started::Now).map_err(|it| {
            Failure::fatal(format!("job {} cannot start: {}: {it}", job.name, self.program.display()))
        })
    }

    fn job_file(&self, key: &EffectKey, job: &JobSpec, cwd: PathBuf) -> Result<JobFile, Failure> {
        let mut env = base_env(&self.program);
        env.extend(job.env.clone());
        env.insert("LOCKGATE_NODE".to_owned(), self.node_id.clone());
        env.insert("LOCKGATE_JOB".to_owned(), job.name.to_string());
        env.insert("LOCKGATE_EFFECT".to_owned(), key.to_string());
        let (program, args) = match &job.kind {
            JobKind::Command(command) => {
                let program = resolve(command, &cwd, &env, &format!("job {}", job.name))?;
                (program, command[1..].to_vec())
            }
            JobKind::SqlxMigrate => {
                let args = ["node", "sqlx-migrate", "--source", "."].map(str::to_owned).to_vec();
                (self.program.clone(), args)
            }
        };
        // They are read again when the job begins: until then only their names are written down.
        Revealed::all(&self.vault, &job.secrets, &format!("job {}", job.name))?;
        let (secrets, state_dir) = (job.secrets.clone(), self.place.state_dir().to_owned());
        Ok(JobFile { program, args, env, secrets, state_dir, cwd, timeout: job.timeout })
    }

    fn spawn_shim(&self, dir: &JobDir) -> io::Result<tokio::process::Child> {
        let log = fs::OpenOptions::new().create(true).append(true).open(dir.shim_log())?;
        Command::new(&self.program)
            .args(["node", "job", "--dir"])
            .arg(dir.path())
            .env_clear()
            .envs(base_env(&self.program))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
    }

    /// What became of a job; one that has not begun does not begin any more by an older request.
    pub(crate) async fn look(&self, key: &EffectKey) -> Result<JobSighting, Failure> {
        let dir = JobDir::at(&self.place.job(key));
        if !dir.path().exists() {
            return Ok(JobSighting::NeverRan);
        }
        if dir.is_container() {
            return self.look_at_container(&dir).await;
        }
        let _gate = self.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        dir.sight_and_cancel(TAIL_LINES).map_err(|it| broken_record(&dir, &it))
    }

    fn sight(&self, dir: &JobDir) -> io::Result<JobSighting> {
        let _gate = self.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        dir.sight(TAIL_LINES)
    }

    pub(crate) fn running(&self) -> Vec<EffectKey> {
        let Ok(folders) = fs::read_dir(self.folder()) else { return vec![] };
        let dirs = folders.filter_map(Result::ok).map(|it| JobDir::at(&it.path()));
        let running = dirs.filter(|it| {
            if it.is_container() { it.is_open() } else { matches!(self.sight(it), Ok(JobSighting::Running)) }
        });
        running.filter_map(|it| it.key()).collect()
    }

    /// Goes on watching the containers that an earlier node started.
    pub(crate) fn open_containers(&self) -> Vec<JobDir> {
        let Ok(folders) = fs::read_dir(self.folder()) else { return vec![] };
        let dirs = folders.filter_map(Result::ok).map(|it| JobDir::at(&it.path()));
        dirs.filter(|it| it.is_container() && it.is_open()).collect()
    }

    pub(crate) fn logs(&self, key: &EffectKey, lines: usize) -> Vec<LogLine> {
        let text = logs::tail(&JobDir::at(&self.place.job(key)).output(), lines);
        text.into_iter().map(|text| LogLine { source: key.to_string(), text }).collect()
    }

    fn vanished(&self, key: &EffectKey, job: &JobSpec) -> Failure {
        let alive = scan::of_effect(&self.node_id, key);
        let state = if alive.is_empty() {
            "nothing of it runs any more".to_owned()
        } else {
            let pids: Vec<String> = alive.iter().map(ToString::to_string).collect();
            format!("what it started runs still: process {}", pids.join(", "))
        };
        let text = format!(
            "job {} was started and left no result (its shim was killed, or the machine restarted); {state}",
            job.name
        );
        Failure::new(FailureClass::Ambiguous, text)
            .hint("find out whether it took effect, then: lockgate resolve")
    }

    fn never_began(&self, dir: &JobDir, job: &JobSpec) -> Failure {
        if !dir.has_job() {
            let text = format!("refused: a newer request looked at job {} before it began", job.name);
            return Failure::new(FailureClass::Fenced, text);
        }
        let tail = logs::tail(&dir.shim_log(), TAIL_LINES).join("\n");
        Failure::transient(format!(
            "job {} did not begin: {} node job failed: {tail}",
            job.name,
            self.program.display()
        ))
    }

    fn folder(&self) -> PathBuf {
        self.place.state_dir().join("node").join("jobs")
    }

    /// Forgets the oldest ended jobs beyond the limit.
    fn prune(&self) {
        let Ok(folders) = fs::read_dir(self.folder()) else { return };
        let mut dirs: Vec<(std::time::SystemTime, JobDir)> = folders
            .filter_map(Result::ok)
            .filter_map(|it| Some((it.metadata().ok()?.modified().ok()?, JobDir::at(&it.path()))))
            .collect();
        dirs.sort_by_key(|it| std::cmp::Reverse(it.0));
        for (_, dir) in dirs.iter().skip(RECORDS_MAX) {
            if matches!(self.sight(dir), Ok(JobSighting::Done(_) | JobSighting::NeverRan))
                && let Err(error) = fs::remove_dir_all(dir.path())
            {
                tracing::warn!(%error, dir = %dir.path().display(), "an old job was not forgotten");
            }
        }
    }
}

enum Started {
    Now(tokio::process::Child),
    Before(JobSighting),
}

fn broken_record(dir: &JobDir, error: &io::Error) -> Failure {
    Failure::transient(format!("the record of the job in {} cannot be used: {error}", dir.path().display()))
}

/// Whether somebody holds the lock. Held locks are those of live processes only, whatever killed the others.
fn try_hold(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
