//! Journal entries in words: one line per fact, for logs and for people without a terminal.

use lockgate_engine::{Entry, Event, Outcome, PassedBy, Release, TaskKey};

use crate::commands::history::of_why;

/// `None` for what is not worth a line: starts, and looks that changed nothing.
pub fn tell(release: &Release, entry: &Entry) -> Option<String> {
    let text = match &entry.event {
        Event::Started => "started".to_owned(),
        Event::TaskStarted { .. }
        | Event::TaskFound { .. }
        | Event::Sampled { .. }
        | Event::BackoffOver { .. } => {
            return None;
        }
        Event::TaskFinished { key, outcome } => finished(release, *key, outcome),
        Event::TaskLost { key } => {
            format!("nobody saw how `{}` ended; `lockgate status` says what to do", what(release, *key))
        }
        Event::NoSignal { why } => format!("no counts: {why}"),
        Event::GatePassed { by: PassedBy::EarlyEvidence } => "passed early: the evidence suffices".to_owned(),
        Event::GatePassed { by: PassedBy::Time } => "passed: nothing speaks against it".to_owned(),
        Event::GatePassed { by: PassedBy::Operator { by } } => format!("passed: {by} promoted it"),
        Event::GatePassed { by: PassedBy::Policy } => {
            "passed: undecided, and `on_undecided` is `promote`".to_owned()
        }
        Event::GateHeld { why } => format!("held: {why}"),
        Event::TurnedBack { why } => format!("turned back: {}", of_why(why).replace('\n', "; ")),
        Event::Paused { by } => format!("paused by {by}"),
        Event::Resumed { by } => format!("resumed by {by}"),
    };
    Some(text)
}

fn finished(release: &Release, key: TaskKey, outcome: &Outcome) -> String {
    let what = what(release, key);
    match outcome {
        Outcome::Ok { note: Some(note) } => format!("{what}: {note}"),
        Outcome::Ok { note: None } => what,
        Outcome::Transient { why } | Outcome::Fatal { why } => {
            format!("{what} failed (attempt {}): {why}", key.attempt)
        }
    }
}

fn what(release: &Release, key: TaskKey) -> String {
    release.task(key).map_or_else(|| release.effect_key(key).to_string(), |it| it.action.to_string())
}
