//! Diagnostics as the result of a command, in the form that was asked for.

use std::path::{Path, PathBuf};

use lockgate_diagnostics::render::{self, Run, Source};
use lockgate_model::Diagnostic;

use crate::args::FormatName;
use crate::out::Out;

/// Writes what a command found. Forms for other programs go to standard output, what people read to standard error.
pub fn write(out: Out, format: FormatName, command: &str, sources: &[Source], diagnostics: &[Diagnostic]) {
    match format {
        FormatName::Human => show(out, sources, diagnostics),
        FormatName::Json => out.data(&render::json(sources, diagnostics)),
        FormatName::Sarif => {
            let run = Run { version: env!("CARGO_PKG_VERSION"), command };
            out.data(&render::sarif(&from_the_root(sources), diagnostics, run));
        }
        FormatName::Github => {
            let commands = render::github(&from_the_root(sources), diagnostics);
            if !commands.is_empty() {
                out.data(&commands);
            }
            // The log of a job shows annotations without their places.
            show(out, sources, diagnostics);
        }
    }
}

/// Shows diagnostics on standard error.
pub fn show(out: Out, sources: &[Source], diagnostics: &[Diagnostic]) {
    if !diagnostics.is_empty() {
        out.warn(&render::human(sources, diagnostics, crate::ui::diagnostic_style()));
    }
}

/// Code scanning and annotations name files from the root of the repository, wherever the command runs.
fn from_the_root(sources: &[Source]) -> Vec<Source> {
    let root = root();
    let named = sources.iter().map(|it| {
        let path = absolute(Path::new(&it.name));
        let name = path.strip_prefix(&root).map_or_else(|_| it.name.clone(), |it| it.display().to_string());
        Source { name, text: it.text.clone() }
    });
    named.collect()
}

/// The nearest folder with a repository in it, or the current one.
fn root() -> PathBuf {
    let here = absolute(Path::new("."));
    let root = here.ancestors().find(|it| it.join(".git").exists());
    root.unwrap_or(&here).to_owned()
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
