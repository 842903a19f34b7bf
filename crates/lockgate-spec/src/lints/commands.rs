//! Commands, taken apart as far as that is certain: the programs that an argument vector starts, with their words.

use crate::layers::Value;

const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];

/// The name of a program, without the folder that it is in.
pub(super) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The argument of `-c`, with its place, where the command is a shell that is given a script.
pub(super) fn script(argv: &Value) -> Option<(&str, &Value)> {
    let mut items = argv.items().iter();
    let shell = items.next()?.text()?;
    let takes_script = |it: &Value| it.text().is_some_and(|it| it.starts_with('-') && it.ends_with('c'));
    items.find(|it| takes_script(it)).filter(|_| SHELLS.contains(&program(shell)))?;
    let script = items.next()?;
    Some((script.text()?, script))
}

/// The words of each program that the command starts.
pub(super) fn programs(argv: &Value) -> Vec<Vec<&str>> {
    match script(argv) {
        Some((script, _)) => {
            let parts = script.split(['\n', ';', '|', '&']);
            parts.map(|it| it.split_whitespace().collect()).filter(|it: &Vec<&str>| !it.is_empty()).collect()
        }
        None => vec![argv.items().iter().filter_map(Value::text).collect()],
    }
}
