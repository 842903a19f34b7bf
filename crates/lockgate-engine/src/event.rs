//! What goes into a release and what is journalled of it. The journal's form: names and fields stay.

use lockgate_analysis::Reason;
use lockgate_model::{Samples, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plan::TaskKey;

/// Something happened, or somebody wants something.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start,
    Tick,
    Abort {
        by: String,
        reason: String,
    },
    Pause {
        by: String,
    },
    Resume {
        by: String,
    },
    /// Pass the gate that the release is at.
    Promote {
        by: String,
    },
    /// The driver is about to ask a target for this.
    Starting(TaskKey),
    Finished(TaskKey, Outcome),
    /// Answer to [`Effect::Look`].
    Seen(TaskKey, Sighting),
    /// An operator says how an attempt ended.
    Resolve {
        key: TaskKey,
        succeeded: bool,
        by: String,
    },
    /// Answer to [`Effect::Sample`].
    Sampled(Result<Samples, String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ok {
        note: Option<String>,
    },
    /// Worth another attempt.
    Transient {
        why: String,
    },
    Fatal {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    Ended(Outcome),
    NeverRan,
    /// It runs still: asking again waits for it.
    Running,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    Started,
    TaskStarted {
        key: TaskKey,
    },
    TaskFinished {
        key: TaskKey,
        outcome: Outcome,
    },
    /// Nobody can tell how it ended.
    TaskLost {
        key: TaskKey,
    },
    /// It was found running; asking again waits for it.
    TaskFound {
        key: TaskKey,
    },
    BackoffOver {
        key: TaskKey,
    },
    Sampled {
        samples: Samples,
    },
    NoSignal {
        why: String,
    },
    GatePassed {
        by: PassedBy,
    },
    GateHeld {
        why: String,
    },
    TurnedBack {
        why: Why,
    },
    Paused {
        by: String,
    },
    Resumed {
        by: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedBy {
    /// Surely good enough, before the time was over.
    EarlyEvidence,
    /// The time is over and nothing speaks against it.
    Time,
    Operator {
        by: String,
    },
    /// `on_undecided: promote`.
    Policy,
}

/// Why a release turned back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    Aborted { by: String, reason: String },
    TaskFailed { what: String, why: String },
    Judged { reasons: Vec<Reason> },
    Undecided { why: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub seq: u64,
    pub at: Timestamp,
    pub event: Event,
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// `leftovers` is what the clean-up could not remove.
    Done {
        leftovers: Vec<String>,
    },
    RolledBack {
        why: Why,
    },
    /// An undo failed for good: the system is between versions.
    Stuck {
        what: String,
        why: String,
    },
    /// Taken back before anything was touched.
    Cancelled {
        why: Why,
    },
}

/// What should be under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Run(TaskKey),
    Look(TaskKey),
    Sample,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejected(pub String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} of the journal does not follow from those before it: {event:?}")]
pub struct IllegalTransition {
    pub seq: u64,
    pub event: Box<Event>,
}
