//! `cargo run -p xtask -- tidy`: the checks of the repository, for people; `generate`: the files that follow from the
//! code; `render SPEC OUT`: what `lockgate render` writes.

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
        ["render", spec, out] => render(Path::new(spec), Path::new(out)),
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

/// The tree of one spec, without building the whole program.
#[expect(clippy::print_stdout, reason = "this is a program for the terminal")]
fn render(spec: &Path, out: &Path) -> anyhow::Result<ExitCode> {
    let rendered = xtask::rendered(spec)?;
    for artifact in &rendered.artifacts {
        let place = out.join(&artifact.path);
        std::fs::create_dir_all(place.parent().context("an artifact lies in a folder")?)?;
        std::fs::write(&place, &artifact.text).with_context(|| artifact.path.clone())?;
    }
    for note in &rendered.notes {
        println!("note: {note}");
    }
    println!("wrote {} files to {}", rendered.artifacts.len(), out.display());
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
    eprintln!("usage: cargo run -p xtask -- tidy | generate [--check] | render SPEC OUT");
    ExitCode::from(2)
}
