//! Specs out of files of other tools: what they say, said in the language of Lockgate, and a report that names every
//! field of theirs with what became of it.
//!
//! **Invariant:** no I/O and no clock; no input makes it panic; no field is left out of the report; no value of a
//! secret stands in a spec or in a report.

mod compose;
mod dotenv;
mod report;
mod secret;
mod template;
mod value;

use std::collections::BTreeMap;

use lockgate_model::Diagnostic;

pub use dotenv::Dotenv;
pub use report::{Counts, Fate, Field, Report, Wanted};

/// A file, and what is known beside it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What the file is called, as others beside it name it.
    pub name: &'a str,
    pub text: &'a str,
    /// What stands in `.env` beside it.
    pub variables: &'a BTreeMap<String, String>,
    /// What the system is called when the file does not say.
    pub system: &'a str,
}

/// What a file became.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The text of a spec; `lockgate fmt` puts it in the usual looks.
    pub spec: String,
    pub report: Report,
}

/// A Compose file as a spec. The errors are those of a file that cannot be imported at all.
pub fn compose(input: &Input<'_>) -> Result<Imported, Vec<Diagnostic>> {
    compose::import(input)
}
