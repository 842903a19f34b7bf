//! Values of the spec within workflows: nothing in them is taken for an expression of GitHub's.

use crate::facts::shell;

/// A value of `env` or `with`. GitHub has no escape for `${{`; an expression that is this text is one.
pub(super) fn literal(text: &str) -> String {
    text.replace("${{", "${{ '${{' }}")
}

/// A command as a line of a script. Scripts hold no expressions at all, so the shell puts the two halves together.
pub(super) fn command(argv: &[String]) -> String {
    argv.iter().map(|it| word(it)).collect::<Vec<_>>().join(" ")
}

pub(super) fn word(text: &str) -> String {
    shell::word(text).replace("${{", "$''{{")
}

/// Commands, one on each line.
pub(super) fn script(commands: &[Vec<String>]) -> String {
    let lines: Vec<String> = commands.iter().map(|it| command(it)).collect();
    if lines.len() == 1 { lines.concat() } else { lines.join("\n") + "\n" }
}

/// A secret of the environment that the job runs in.
pub(super) fn secret(name: &str) -> String {
    format!("${{{{ secrets.{name} }}}}")
}

/// A name that GitHub takes for jobs and files.
pub(super) fn id(text: &str) -> String {
    text.chars().map(|it| if it.is_ascii_alphanumeric() || it == '_' { it } else { '-' }).collect()
}
