//! A container that runs, or did: seeing it end, ending it, keeping what it printed.
//!
//! An engine that does not answer says nothing of its containers: they are taken to run until it says otherwise.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_docker::{Ended as HowEnded, Engine, EngineError};
use lockgate_model::StopSignal;

use super::describe::signal_name;
use super::{Patience, files};
use crate::Place;
use crate::logs;
use crate::process::Ended;

/// Lines that are kept of a container that is removed.
const KEPT_LINES: usize = 1_000;
/// After SIGKILL a container ends as soon as the kernel gets to it.
const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// An engine that is restarted answers again within this time, or is broken.
const ENGINE_BACK_WITHIN: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct RunningContainer {
    pub(crate) id: String,
    name: String,
    engine: Engine,
    place: Place,
    /// Where its last lines are kept when it is removed.
    log: PathBuf,
}

impl RunningContainer {
    pub(crate) fn new(
        engine: &Engine,
        place: &Place,
        id: String,
        name: String,
        log: PathBuf,
    ) -> RunningContainer {
        RunningContainer { id, name, engine: engine.clone(), place: place.clone(), log }
    }

    /// Waits for the end and says how it was. May be dropped and called again.
    pub(crate) async fn exited(&self) -> String {
        let (how, away) = until_ended(&self.engine, &self.id).await;
        let how = how.map_or_else(|| "was removed by somebody else".to_owned(), |it| describe(&it));
        match away {
            Away::Never => how,
            Away::Sometimes => format!("{how} while the Docker engine was away"),
        }
    }

    /// Signal, time to end, SIGKILL, then it is removed.
    pub(crate) async fn stop(&self, signal: StopSignal, grace: Duration) -> Ended {
        let stopping = async {
            self.signal(signal_name(signal)).await;
            let ended = match tokio::time::timeout(grace, self.exited()).await {
                Ok(_) => Ended::BySignal,
                Err(_) => Ended::Killed,
            };
            if ended == Ended::Killed {
                self.signal("SIGKILL").await;
                if tokio::time::timeout(KILLED_WITHIN, self.exited()).await.is_err() {
                    return Ended::Stays;
                }
            }
            self.bury().await;
            ended
        };
        tokio::time::timeout(grace + KILLED_WITHIN + ENGINE_BACK_WITHIN, stopping)
            .await
            .unwrap_or(Ended::Stays)
    }

    async fn signal(&self, signal: &str) {
        let mut patience = Patience::new();
        while let Err(error) = self.engine.signal(&self.id, signal).await {
            tracing::warn!(%error, container = %self.name, signal, "a container took no signal");
            if !error.is_unreachable() {
                return;
            }
            patience.wait().await;
        }
    }

    /// Removes what ended; its last lines stay. What cannot be removed now goes when its name is needed again, or
    /// when a node starts.
    pub(crate) async fn bury(&self) {
        if let Err(error) = self.keep_lines().await {
            tracing::debug!(%error, container = %self.name, "its last lines are lost");
        }
        if let Err(error) = self.engine.remove(&self.id).await {
            tracing::warn!(%error, container = %self.name, "a container that ended was not removed");
        }
        files::remove(&self.place, &self.name);
    }

    async fn keep_lines(&self) -> Result<(), EngineError> {
        let lines = self.engine.tail(&self.id, KEPT_LINES).await?;
        if let Err(error) = append(&self.log, &lines) {
            tracing::warn!(%error, log = %self.log.display(), "the last lines of a container were not kept");
        }
        logs::rotate(&self.log);
        Ok(())
    }

    /// The last lines that it printed; none when the engine does not say.
    pub(crate) async fn tail(&self, lines: usize) -> Vec<String> {
        self.engine.tail(&self.id, lines).await.unwrap_or_default()
    }
}

/// Whether the engine answered all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    Never,
    Sometimes,
}

/// Waits for the end of a container, however often the engine goes away; `None` when it was removed.
pub(crate) async fn until_ended(engine: &Engine, id: &str) -> (Option<HowEnded>, Away) {
    let mut patience = Patience::new();
    let mut away = Away::Never;
    loop {
        match engine.ended(id).await {
            Ok(how) => return (how, away),
            Err(error) => {
                if error.is_unreachable() {
                    away = Away::Sometimes;
                }
                tracing::warn!(%error, container = %id, "a container cannot be watched; it is taken to run");
                patience.wait().await;
            }
        }
    }
}

/// A file with these lines and nothing else.
pub(crate) fn write_lines(path: &Path, lines: &[String]) -> std::io::Result<()> {
    std::fs::write(path, lines.iter().flat_map(|it| [it.as_str(), "\n"]).collect::<String>())
}

fn append(log: &Path, lines: &[String]) -> std::io::Result<()> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    lines.iter().try_for_each(|it| writeln!(file, "{it}"))
}

fn describe(how: &HowEnded) -> String {
    let HowEnded { exit_code, out_of_memory } = how;
    if *out_of_memory {
        return format!("was ended for want of memory (status {exit_code})");
    }
    format!("exited with status {exit_code}")
}
