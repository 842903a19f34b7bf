//! Diagnostics for people and for programs.

mod fingerprint;
mod fit;
mod github;
mod human;
mod json;
mod place;
mod sarif;

pub use github::github;
pub use human::{Style, human};
pub use json::json;
pub use sarif::{Run, sarif};

/// A text that spans point into. Its place in the list is its [`SourceId`](lockgate_model::SourceId).
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// No text of the user's reaches a terminal or a log as a control sequence.
fn clean(text: &str) -> String {
    text.chars().map(|it| if it.is_control() && it != '\n' { ' ' } else { it }).collect()
}
