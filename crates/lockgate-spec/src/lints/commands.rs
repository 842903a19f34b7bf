//! Commands, taken apart as far as that is certain: the programs that an argument vector starts, with their words.

use lockgate_model::{MigrationTool, SmokeKind};

use crate::layers::Value;
use crate::spec::Seen;

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

/// A command of the spec, as it is written and with its references replaced.
pub(super) struct Command<'a> {
    pub(super) argv: &'a Value,
    pub(super) words: &'a [String],
    /// The service whose variables it has.
    pub(super) service: Option<&'a str>,
}

/// The commands of services, and of what a release runs beside them.
pub(super) fn all<'a>(seen: &'a Seen<'_>) -> Vec<Command<'a>> {
    let system = &seen.system;
    let mut found = vec![];
    let mut add = |argv: Option<&'a Value>, words: &'a [String], service: Option<&'a str>| {
        // A word that cannot be replaced is an error already, and the others have moved.
        found.extend(argv.filter(|it| it.items().len() == words.len()).map(|argv| Command {
            argv,
            words,
            service,
        }));
    };
    for (name, service) in &system.services {
        let name = name.as_str();
        add(seen.tree.at(&["services", name, "command"]), &service.command, Some(name));
    }
    if let Some(MigrationTool::Command(words)) = system.migrations.as_ref().map(|it| &it.tool) {
        let service = seen.tree.at(&["migrations", "in"]).and_then(Value::text);
        add(seen.tree.at(&["migrations", "command"]), words, service);
    }
    if let Some(seeds) = &system.seeds {
        add(seen.tree.at(&["seeds", "command"]), &seeds.command, Some(seeds.service.as_str()));
    }
    for (name, job) in &system.cron {
        add(seen.tree.at(&["cron", name.as_str(), "command"]), &job.command, Some(job.service.as_str()));
    }
    let smoke = seen.tree.get("smoke").map_or(&[][..], Value::items);
    for (written, check) in smoke.iter().zip(&system.smoke).filter(|_| smoke.len() == system.smoke.len()) {
        if let SmokeKind::Run { command } = &check.kind {
            add(written.get("run"), command, Some(check.service.as_str()));
        }
    }
    found
}
