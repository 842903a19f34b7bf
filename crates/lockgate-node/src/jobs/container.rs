//! Jobs that are containers. While it is there, the container is the record of what became of the job; when it has
//! ended, its result and its output are put into the job's folder, and it is removed.
//!
//! **Invariant:** the mark of the beginning is on disk before the container is started. So marked, no result and no
//! container means that somebody removed it and nobody can say how it ended.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lockgate_docker::{ContainerState, Ended, Engine, EngineError, NewContainer, Phase, Privileges, Restart};
use lockgate_model::{Container, EffectKey, JobKind, JobSpec, Millis, Scope};

use super::record::{ContainerFile, JobDir, JobResult};
use super::{Jobs, TAIL_LINES, broken_record};
use crate::docker::{describe, failure, files, naming, until_ended, write_lines};
use crate::protocol::{Failure, FailureClass, JobAnswer, JobSighting};
use crate::secrets::Revealed;

/// Between SIGTERM and SIGKILL, for a job that ran out of time; as for processes.
const GRACE: Duration = Duration::from_secs(5);
/// Lines of its output that outlive the container.
const KEPT_LINES: usize = 1_000;
/// What the engine reports of a process that SIGKILL ended.
const KILLED: i64 = 137;

/// A job to be run as a container.
pub(crate) struct Order<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) key: &'a EffectKey,
    pub(crate) job: &'a JobSpec,
    pub(crate) form: &'a Container,
    pub(crate) engine: Option<String>,
    pub(crate) hosts: BTreeMap<String, IpAddr>,
}

impl Jobs {
    /// Runs the job to its end, or waits for the run that is under way, or answers from the record. `again` asks
    /// once more whether the request is still the newest.
    pub(crate) async fn run_container(
        &self,
        order: Order<'_>,
        again: impl AsyncFnOnce() -> Result<(), Failure>,
    ) -> Result<JobAnswer, Failure> {
        let dir = JobDir::at(&self.place.job(order.key));
        let starting = self.starting.lock().await;
        again().await?;
        let sighting = match self.sight_container(&dir).await? {
            JobSighting::NeverRan => self.start_container(&dir, &order).await?,
            known => known,
        };
        drop(starting);
        let sighting = match sighting {
            JobSighting::Running => self.follow(&dir).await?,
            known => known,
        };
        match sighting {
            JobSighting::Done(answer) => Ok(answer),
            JobSighting::Running | JobSighting::NeverRan | JobSighting::Unknown => {
                let text = format!(
                    "job {} was started and left no result: its container was removed by somebody else",
                    order.job.name
                );
                Err(Failure::new(FailureClass::Ambiguous, text)
                    .hint("find out whether it took effect, then: lockgate resolve"))
            }
        }
    }

    /// What became of it, if that can be said without starting it; `None` when it never ran.
    pub(crate) async fn known_container(&self, key: &EffectKey) -> Result<Option<JobSighting>, Failure> {
        let dir = JobDir::at(&self.place.job(key));
        let sighting = self.sight_container(&dir).await?;
        Ok((sighting != JobSighting::NeverRan).then_some(sighting))
    }

    /// One that was made and never started is taken away: nobody asks for it under this key again.
    pub(super) async fn look_at_container(&self, dir: &JobDir) -> Result<JobSighting, Failure> {
        let _starting = self.starting.lock().await;
        let sighting = self.sight_container(dir).await?;
        let broken = |it| broken_record(dir, &it);
        if sighting == JobSighting::NeverRan
            && let Some(file) = dir.read_container().map_err(broken)?
            && self.own_container(dir, &file).await?.is_some()
        {
            // Before the container: without one, the mark would say that somebody has removed it.
            dir.unmark_begun().map_err(broken)?;
            self.forget_container(&file).await;
        }
        Ok(sighting)
    }

    async fn sight_container(&self, dir: &JobDir) -> Result<JobSighting, Failure> {
        let broken = |it| broken_record(dir, &it);
        if let Some(answer) = dir.answer(TAIL_LINES).map_err(broken)? {
            return Ok(JobSighting::Done(answer));
        }
        let Some(file) = dir.read_container().map_err(broken)? else { return Ok(JobSighting::NeverRan) };
        match self.own_container(dir, &file).await?.map(|it| it.phase) {
            Some(Phase::Running) => Ok(JobSighting::Running),
            Some(Phase::Ended(how)) => self.collect(dir, &file, &how).await.map(JobSighting::Done),
            None if dir.has_begun() => Ok(JobSighting::Unknown),
            Some(Phase::Created) | None => Ok(JobSighting::NeverRan),
        }
    }

    /// Whoever else has the name is not the job.
    async fn own_container(
        &self,
        dir: &JobDir,
        file: &ContainerFile,
    ) -> Result<Option<ContainerState>, Failure> {
        let found = self.engine(file).container(&file.name).await.map_err(|it| failure(&it))?;
        let key = dir.key().map(|it| it.to_string());
        Ok(found.filter(|it| {
            it.labels.get(naming::NODE) == Some(&self.node_id) && it.labels.get(naming::JOB) == key.as_ref()
        }))
    }

    async fn start_container(&self, dir: &JobDir, order: &Order<'_>) -> Result<JobSighting, Failure> {
        let broken = |it| broken_record(dir, &it);
        let container = self.describe(order)?;
        let (name, timeout, engine) = (container.name.clone(), order.job.timeout, order.engine.clone());
        let file = ContainerFile { name, timeout, engine };
        dir.write_container(&file).map_err(broken)?;
        let docker = self.engines.at(file.engine.as_deref());
        let id = docker.create(&container).await?;
        dir.mark_begun().map_err(broken)?;
        match docker.engine.start(&id).await {
            Ok(()) => Ok(JobSighting::Running),
            Err(error @ EngineError::CannotStart { .. }) => {
                let result = JobResult { exit_code: None, note: Some(error.to_string()) };
                dir.write_result(&result).map_err(broken)?;
                self.forget_container(&file).await;
                self.sight_container(dir).await
            }
            // Whether it runs is found out by the next look.
            Err(error) => Err(failure(&error)),
        }
    }

    fn describe(&self, order: &Order<'_>) -> Result<NewContainer, Failure> {
        let Order { scope, key, job, form, hosts, engine: _ } = order;
        let (name, whose) = (naming::job(scope, key), format!("job {}", job.name));
        let secrets = Revealed::all(&self.vault, &job.secrets, &whose)?;
        let files = files::write(&self.place, &name, form, &secrets, &whose)?;
        let mut env = job.env.clone();
        env.insert("LOCKGATE_JOB".to_owned(), job.name.to_string());
        env.insert("LOCKGATE_EFFECT".to_owned(), key.to_string());
        let mut labels = naming::scope_labels(scope);
        labels.extend(naming::labels([(naming::NODE, self.node_id.clone()), (naming::JOB, key.to_string())]));
        let command: &[String] = match &job.kind {
            JobKind::Command(command) => command,
            // Its form has the whole command.
            JobKind::SqlxMigrate => &[],
        };
        let about = describe::About {
            scope,
            whose: &whose,
            name,
            labels,
            command,
            env,
            secrets: &secrets,
            hosts: hosts.clone(),
            aliases: vec![],
            published: vec![],
            privileges: Privileges::None,
            restart: Restart::Never,
            stop: None,
        };
        describe::container(about, form, &files)
    }

    /// Waits for the end, which comes with the timeout at the latest.
    pub(crate) async fn follow(&self, dir: &JobDir) -> Result<JobSighting, Failure> {
        let broken = |it| broken_record(dir, &it);
        let Some(file) = dir.read_container().map_err(broken)? else {
            return self.sight_container(dir).await;
        };
        let engine = &self.engine(&file);
        let left = file.timeout.to_std().saturating_sub(dir.begun_for());
        if tokio::time::timeout(left, until_ended(engine, &file.name)).await.is_err() {
            dir.mark_timed_out().map_err(broken)?;
            engine.signal(&file.name, "SIGTERM").await.map_err(|it| failure(&it))?;
            if tokio::time::timeout(GRACE, until_ended(engine, &file.name)).await.is_err() {
                engine.signal(&file.name, "SIGKILL").await.map_err(|it| failure(&it))?;
                until_ended(engine, &file.name).await;
            }
        }
        self.sight_container(dir).await
    }

    /// Puts the result and the output on disk, then the container is not needed any more.
    async fn collect(&self, dir: &JobDir, file: &ContainerFile, how: &Ended) -> Result<JobAnswer, Failure> {
        let broken = |it| broken_record(dir, &it);
        let _collecting = self.collecting.lock().await;
        if let Some(answer) = dir.answer(TAIL_LINES).map_err(broken)? {
            return Ok(answer);
        }
        let lines = self.engine(file).tail(&file.name, KEPT_LINES).await.map_err(|it| failure(&it))?;
        write_lines(&dir.output(), &lines).map_err(broken)?;
        let timeout = dir.has_timed_out().then_some(file.timeout);
        dir.write_result(&result(how, timeout)).map_err(broken)?;
        self.forget_container(file).await;
        let answer = dir.answer(TAIL_LINES).map_err(broken)?;
        answer.ok_or_else(|| Failure::transient("the result of a job went as soon as it was written"))
    }

    fn engine(&self, file: &ContainerFile) -> Engine {
        self.engines.at(file.engine.as_deref()).engine
    }

    async fn forget_container(&self, file: &ContainerFile) {
        let name = &file.name;
        if let Err(error) = self.engine(file).remove(name).await {
            tracing::warn!(%error, container = %name, "the container of an ended job stays until the next pruning");
        }
        files::remove(&self.place, name);
    }
}

fn result(how: &Ended, timeout: Option<Millis>) -> JobResult {
    let note = match (timeout, how) {
        (Some(timeout), _) => format!("ended by its timeout of {timeout}"),
        (None, Ended { out_of_memory: true, .. }) => "ended for want of memory".to_owned(),
        (None, Ended { exit_code: KILLED, .. }) => "ended by signal 9".to_owned(),
        (None, Ended { exit_code, .. }) => {
            return JobResult { exit_code: i32::try_from(*exit_code).ok(), note: None };
        }
    };
    JobResult { exit_code: None, note: Some(note) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_did_not_end_by_itself_has_no_exit_code() {
        let ended = |exit_code, out_of_memory| Ended { exit_code, out_of_memory };
        let of = |how: Ended, timeout| result(&how, timeout).exit_code;
        assert_eq!(of(ended(3, false), None), Some(3));
        assert_eq!(of(ended(137, false), None), None);
        assert_eq!(of(ended(1, true), None), None);
        assert_eq!(of(ended(0, false), Some(Millis(300))), None);
    }
}
