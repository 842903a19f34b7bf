//! Secrets in commands: what is on a command line is read by every process of the machine, and what a command makes
//! is gone with it.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use crate::layers::Value;
use crate::lints::commands::{self, Command};
use crate::lints::variables;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for command in commands::all(seen) {
        report.extend(on_command_line(seen, &command));
        report.extend(made_by(&command));
    }
    for variable in variables::all(seen) {
        if let Some(maker) = substituted(variable.text).find(|it| makes(it.inner)) {
            let message = format!("`{}` holds the text of a command, and nothing runs it", variable.name);
            report.push(
                Diagnostic::warning(codes::MADE_EACH_TIME, message)
                    .label(variable.value.place(), format!("`{}` stays as it is", shown(maker.inner)))
                    .help(declare(variable.name)),
            );
        }
    }
}

fn declare(name: &str) -> String {
    format!("let Lockgate make it once and keep it: `secrets: {{{name}: {{generate: hex32}}}}`")
}

fn on_command_line(seen: &Seen<'_>, command: &Command<'_>) -> Option<Diagnostic> {
    let mut items = command.argv.items().iter().zip(command.words);
    let direct = items.find_map(|(written, text)| {
        let name = text.split_once("${secrets.")?.1.split('}').next()?;
        Some((written, name.to_owned(), written.text().is_some_and(|it| it.contains("${secrets."))))
    });
    let (written, name, is_written) = direct.or_else(|| {
        let (_, script) = commands::script(command.argv)?;
        let text = &command.words[command.argv.items().iter().position(|it| it.place() == script.place())?];
        Some((script, handed_on(seen, command, text)?, true))
    })?;
    let message =
        format!("the secret `{name}` is on a command line, which every process of the machine can read");
    let label = if is_written { "put in here" } else { "its password is in this address" };
    Some(
        Diagnostic::warning(codes::ON_COMMAND_LINE, message)
            .label(written.place(), label)
            .help("let the program read it from a variable; lists of processes and logs of pipelines show command lines"),
    )
}

/// Commands of the shell itself, which start no process.
const BUILTINS: [&str; 14] = [
    ":", "[", "[[", "declare", "echo", "export", "local", "printf", "read", "readonly", "set", "test",
    "unset", "eval",
];
/// Words of the shell before a program.
const BEFORE: [&str; 9] = ["!", "do", "else", "exec", "if", "then", "time", "until", "while"];

/// The secret of the service that a script hands to a program as an argument.
fn handed_on(seen: &Seen<'_>, command: &Command<'_>, script: &str) -> Option<String> {
    let secrets = seen.tree.at(&["services", command.service?, "secrets"])?;
    for part in script.split(['\n', ';', '|', '&']) {
        let mut words = part.split_whitespace().skip_while(|it| BEFORE.contains(it) || is_assignment(it));
        if words.next().is_none_or(|it| BUILTINS.contains(&it)) {
            continue;
        }
        let named = |word: &str| secrets.entries().map(|it| it.0).find(|it| mentions(word, it)).cloned();
        let mut before = "";
        for word in words {
            if let Some(name) = named(word).filter(|_| before != "<<<" && !word.starts_with("<<<")) {
                return Some(name);
            }
            before = word;
        }
    }
    None
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|it| it.0);
    name.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_'))
}

/// Does the word have the variable in it: `$NAME` or `${NAME}`?
fn mentions(word: &str, name: &str) -> bool {
    let ends = |it: &str| !it.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
    let plain = word.match_indices(&format!("${name}")).any(|(at, found)| ends(&word[at + found.len()..]));
    plain || word.contains(&format!("${{{name}}}"))
}

/// A command within a text: `$(...)` or between backticks.
struct Substituted<'a> {
    before: &'a str,
    inner: &'a str,
}

fn substituted(text: &str) -> impl Iterator<Item = Substituted<'_>> {
    let modern = text.match_indices("$(").filter_map(|(at, found)| {
        let inner = text[at + found.len()..].split(')').next()?;
        Some(Substituted { before: &text[..at], inner })
    });
    let mut ticks = text.match_indices('`').map(|it| it.0);
    let pair = ticks.next().zip(ticks.next());
    let old = pair.map(|(from, to)| Substituted { before: &text[..from], inner: &text[from + 1..to] });
    modern.chain(old)
}

/// Programs and functions that make something that nobody can guess.
const MAKERS: [&str; 9] = [
    "/dev/urandom",
    "openssl genpkey",
    "openssl genrsa",
    "openssl rand",
    "pwgen",
    "randomBytes",
    "token_hex",
    "token_urlsafe",
    "uuidgen",
];

fn makes(command: &str) -> bool {
    MAKERS.iter().any(|it| command.contains(it))
}

/// Is what stands before a value the name of something secret: `SESSION_SECRET=` or `--token `?
fn names_secret(before: &str) -> Option<&str> {
    let name =
        before.trim_end_matches(['=', ' ', '"', '\'']).rsplit([' ', '"', '\'', ';', '&', '\n']).next()?;
    let upper = name.to_ascii_uppercase();
    ["SECRET", "PASSWORD", "TOKEN", "KEY", "SALT"].iter().any(|it| upper.contains(it)).then_some(name)
}

/// A command that makes a secret which is not kept.
fn made_by(command: &Command<'_>) -> Option<Diagnostic> {
    let of = |written: &Value| {
        let text = written.text()?;
        let made = substituted(text).filter(|it| makes(it.inner)).find_map(|it| names_secret(it.before))?;
        Some((written.place(), made.trim_start_matches('-').to_owned()))
    };
    let (place, name) = command.argv.items().iter().find_map(of)?;
    let message = format!("`{}` is made anew each time this runs", shown(&name));
    Some(
        Diagnostic::warning(codes::MADE_EACH_TIME, message)
            .label(place, "each instance and each start has another one")
            .help(declare(&name.to_ascii_uppercase().replace('-', "_"))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_shell_are_found_as_words() {
        assert!(mentions("--password=$DB_PASSWORD", "DB_PASSWORD"));
        assert!(mentions("\"${DB_PASSWORD}\"", "DB_PASSWORD"));
        assert!(!mentions("$DB_PASSWORD_FILE", "DB_PASSWORD"));
        assert!(!mentions("DB_PASSWORD", "DB_PASSWORD"));
    }

    #[test]
    fn what_a_value_is_for_stands_before_it() {
        assert_eq!(names_secret("export SESSION_SECRET=\""), Some("SESSION_SECRET"));
        assert_eq!(names_secret("./web --jwt-key "), Some("--jwt-key"));
        assert_eq!(names_secret("NODE_ID="), None);
        assert_eq!(names_secret(""), None);
    }
}
