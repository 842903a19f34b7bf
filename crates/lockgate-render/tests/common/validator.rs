//! Programs of others that read what was rendered: where they are, how they are run, and what they were given.
//!
//! `scripts/validators` installs them. Where one is missing, a test says so and ends; in continuous integration it fails.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone)]
pub struct Validator {
    name: String,
    program: PathBuf,
    /// Of the environment; what they say does not matter.
    variables: Vec<String>,
}

/// What a validator said.
pub struct Output {
    pub command: String,
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A validator by its name in the folder of `scripts/validators`, or on the path.
pub fn validator(name: &str) -> Option<Validator> {
    let program = places(name).find(|it| it.is_file());
    if program.is_none() {
        let hint = format!("{name} is not installed, run scripts/validators");
        assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "{hint}");
        say(&format!("skipped: {hint}"));
    }
    Some(Validator { name: name.to_owned(), program: program?, variables: vec![] })
}

/// A program that no registry of packages has: it is asked where somebody installed it.
pub fn extra(name: &str) -> Option<Validator> {
    let program = places(name).find(|it| it.is_file());
    if program.is_none() {
        say(&format!("skipped: {name} is not installed, and no registry of packages has it"));
    }
    Some(Validator { name: name.to_owned(), program: program?, variables: vec![] })
}

/// Says what a validator read. One that read nothing proves nothing.
pub fn report(name: &str, files: usize) {
    assert!(files > 0, "{name} was given no file");
    say(&format!("validated: {name} read {files} files"));
}

impl Validator {
    /// The same with these variables in its environment.
    pub fn with_variables(&self, names: impl IntoIterator<Item = impl Into<String>>) -> Validator {
        Validator { variables: names.into_iter().map(Into::into).collect(), ..self.clone() }
    }

    /// Where it is, for programs that run it themselves.
    pub fn program(&self) -> &str {
        self.program.to_str().expect("paths of validators are text")
    }

    /// Runs it in a folder and waits for its end.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>, folder: &Path) -> Output {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(folder);
        // Colours are noise in a captured text, and actionlint asks shellcheck when it finds it.
        command.env("NO_COLOR", "1").env("PATH", path_with_validators());
        command.envs(self.variables.iter().map(|it| (it, "x")));
        let shown = format!("{} {}", self.name, arguments(&command));
        let output = command.output().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Output {
            command: shown,
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Output {
    /// What it printed when it is content; the test fails with everything it said otherwise.
    pub fn passed(self) -> String {
        assert!(self.code == Some(0), "{self}");
        self.stdout
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or("a signal".to_owned(), |it| it.to_string());
        writeln!(f, "{} ended with {code}\n{}{}", self.command, self.stdout, self.stderr)
    }
}

/// The folder that `scripts/validators` fills.
fn folder() -> PathBuf {
    std::env::var_os("LOCKGATE_VALIDATORS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/lockgate-validators"),
        PathBuf::from,
    )
}

fn places(name: &str) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(&path_with_validators()).map(|it| it.join(name)).collect::<Vec<_>>().into_iter()
}

fn path_with_validators() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder().join("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(all).expect("no folder of a path has a colon")
}

fn arguments(command: &Command) -> String {
    command.get_args().map(|it| it.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Past the test runner, which keeps for itself what a passing test prints.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("a test can write to its standard error");
}
