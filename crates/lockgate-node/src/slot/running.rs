//! An instance that runs, whatever it runs as.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lockgate_model::{SlotRef, StopSignal};
use rustix::process::Signal;

use crate::docker::RunningContainer;
use crate::process::{Ended, Process, signal_group};
use crate::{logs, scan};

pub(crate) enum Running {
    Process { process: Process, log: PathBuf },
    Container(RunningContainer),
}

impl Running {
    /// Waits for the end and says how it was. May be dropped and called again.
    pub(super) async fn exited(&mut self) -> String {
        match self {
            Running::Process { process, .. } => process.exited().await,
            Running::Container(container) => container.exited().await,
        }
    }

    /// Signal, time to end, SIGKILL.
    pub(super) async fn stop(&mut self, signal: StopSignal, grace: Duration) -> Ended {
        match self {
            Running::Process { process, .. } => process.stop(signal_of(signal), grace).await,
            Running::Container(container) => container.stop(signal, grace).await,
        }
    }

    /// Ends what is left of one that ended by itself.
    pub(super) async fn bury(&mut self) {
        match self {
            Running::Process { process, .. } => signal_group(process.id.pid, Signal::KILL),
            Running::Container(container) => container.bury().await,
        }
    }

    /// Ends children that took a session of their own; those of a container end with it.
    pub(super) fn sweep(&self, node_id: &str, slot: &SlotRef, number: u32) {
        match self {
            Running::Process { .. } => scan::sweep(node_id, slot, number),
            Running::Container(_) => (),
        }
    }

    pub(super) async fn last_lines(&self, lines: usize) -> Vec<String> {
        match self {
            Running::Process { log, .. } => logs::tail(log, lines),
            Running::Container(container) => container.tail(lines).await,
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Running::Process { process, .. } => u32::try_from(process.id.pid).ok(),
            Running::Container(_) => None,
        }
    }

    pub(super) fn container(&self) -> Option<&str> {
        match self {
            Running::Process { .. } => None,
            Running::Container(container) => Some(&container.id),
        }
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Running::Process { process, .. } => write!(f, "process {}", process.id.pid),
            Running::Container(container) => write!(f, "container {}", container.id),
        }
    }
}

fn signal_of(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Quit => Signal::QUIT,
    }
}
