//! `cargo run -p xtask -- tidy`: the checks of the repository, for people.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for the terminal")]
fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["tidy"] {
        eprintln!("usage: cargo run -p xtask -- tidy");
        return Ok(ExitCode::from(2));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    let report = xtask::tidy(root)?;
    for note in &report.notes {
        println!("note: {note}");
    }
    for problem in &report.problems {
        println!("error: {problem}");
    }
    if report.problems.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} problems", report.problems.len());
    Ok(ExitCode::FAILURE)
}
