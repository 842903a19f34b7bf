//! Why a target did not do what it was asked.

use std::fmt;

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody answers where it was sent, and may again: the same request, under the same key, is worth asking for as
    /// long as somebody waits.
    Away,
    /// Worth another attempt.
    Transient,
    /// The same request fails again: a bad command, a version that does not become ready.
    Fatal,
    /// A newer fence was seen: another driver has taken over.
    Fenced,
    /// Whether it was done is not known.
    Ambiguous,
}

/// `Display` is what happened, to which thing; `hint` is what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    pub class: Class,
    pub message: String,
    pub hint: Option<String>,
}

impl TargetError {
    pub fn new(class: Class, message: impl Into<String>) -> TargetError {
        TargetError { class, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> TargetError {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TargetError {}
