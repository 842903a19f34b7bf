//! Exit codes: part of the command line's contract, documented in `docs/reference/cli.md`.

use std::process::ExitCode;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked is done.
    Done = 0,
    /// It failed, and the message says why.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The release was undone; the old version serves.
    RolledBack = 3,
    /// It waits for somebody, or goes on in the background.
    Waiting = 4,
    /// Something that was needed could not be reached.
    Unreachable = 5,
    /// What runs is not as it should be.
    Drift = 10,
    /// An undo failed: the system is between versions.
    Stuck = 12,
    /// Nobody saw how an attempt ended; an operator must say.
    NeedsOperator = 13,
    /// A bug of Lockgate.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
