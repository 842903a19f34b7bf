//! Checks of the repository itself: what no compiler sees and a reader relies on.

mod files;
mod generated;
mod graph;
mod metadata;
mod pages;
mod rendered;
mod table;

use std::path::Path;

use anyhow::Context as _;

pub use generated::{generate, stale};
pub use rendered::rendered;

/// A rule that is broken, with the place and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub place: String,
    pub what: String,
}

impl Problem {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem { place: place.into(), what: what.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub problems: Vec<Problem>,
    /// Worth a look, and no failure.
    pub notes: Vec<Problem>,
}

/// Looks at the tracked files of the repository at `root`.
pub fn tidy(root: &Path) -> anyhow::Result<Report> {
    let files = files::tracked(root)?;
    let mut report = Report::default();
    for file in &files {
        files::check(file, &mut report);
    }
    pages::check(&files, &mut report.problems);

    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    match table::parse(&architecture) {
        Ok(rules) => graph::check(&rules, &metadata::read(root)?, &mut report.problems),
        Err(problems) => report.problems.extend(problems),
    }
    report.problems.sort();
    report.notes.sort();
    Ok(report)
}
