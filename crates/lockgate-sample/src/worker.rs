//! What takes no requests: a worker that does the jobs which the service leaves in Redis, and tasks that end.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::redis::Redis;

/// The list that jobs are left in.
pub(crate) const JOBS: &str = "jobs";
/// Between looks for a job when there was none.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where the workers of a version count what they have done.
pub(crate) fn done_by(version: &str) -> String {
    format!("jobs:done:{version}")
}

pub struct Worker {
    redis: Redis,
    version: String,
}

impl Worker {
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> io::Result<Worker> {
        let url = env("REDIS_URL").ok_or_else(|| io::Error::other("REDIS_URL is not set"))?;
        let version = env("SAMPLE_VERSION").or_else(|| env("LOCKGATE_VERSION"));
        Ok(Worker { redis: Redis::new(&url)?, version: version.unwrap_or_default() })
    }

    /// Does jobs until SIGTERM; the one that was begun is done.
    pub async fn run(&self) -> io::Result<()> {
        let mut term = signal(SignalKind::terminate())?;
        loop {
            let wait = match self.redis.pop(JOBS).await {
                Ok(Some(_)) => {
                    self.redis.incr(&done_by(&self.version)).await?;
                    Duration::ZERO
                }
                // It comes back, and the jobs are there then.
                Ok(None) | Err(_) => LOOK_EVERY,
            };
            tokio::select! {
                _ = term.recv() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One run of a task, by the name that runs are counted by; the first `fail_first` of all fail.
    pub async fn task(&self, name: &str, fail_first: u64) -> io::Result<String> {
        let number = self.redis.incr(&format!("tasks:{name}")).await?;
        if number <= fail_first {
            return Err(io::Error::other(format!("{name}: run {number} failed, as it was asked to")));
        }
        Ok(format!("{name}: run {number} of {} is done", self.version))
    }
}
