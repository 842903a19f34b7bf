//! `cargo run -p xtask -- tidy`: the checks of the repository, for people; `generate`: the files that follow from the
//! code.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use xtask::Problem;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    match arguments[..] {
        ["tidy"] => tidy(root),
        ["generate"] => generate(root),
        ["generate", "--check"] => Ok(verdict(&xtask::stale(root)?, "up to date")),
        _ => Ok(usage()),
    }
}

#[expect(clippy::print_stdout, reason = "this is a program for the terminal")]
fn tidy(root: &Path) -> anyhow::Result<ExitCode> {
    let report = xtask::tidy(root)?;
    for note in &report.notes {
        println!("note: {note}");
    }
    Ok(verdict(&report.problems, "tidy"))
}

#[expect(clippy::print_stdout, reason = "this is a program for the terminal")]
fn generate(root: &Path) -> anyhow::Result<ExitCode> {
    for path in xtask::generate(root)? {
        println!("wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for the terminal")]
fn verdict(problems: &[Problem], good: &str) -> ExitCode {
    for problem in problems {
        println!("error: {problem}");
    }
    if problems.is_empty() {
        println!("{good}");
        return ExitCode::SUCCESS;
    }
    eprintln!("{} problems", problems.len());
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "this is a program for the terminal")]
fn usage() -> ExitCode {
    eprintln!("usage: cargo run -p xtask -- tidy | generate [--check]");
    ExitCode::from(2)
}
