//! Secrets that are changed: who reads the new value, and whether it is one.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;
use lockgate_yaml::{Kind as NodeKind, read_foreign};

use super::{Context, counted};
use crate::extract::shell::Command;
use crate::place::Word;

fn writes(command: &Command) -> Option<Word> {
    let is_write =
        ["update-secret", "put-secret-value"].iter().any(|it| command.is(&["aws", "secretsmanager", it]));
    is_write.then(|| command.value(&["--secret-id"])).flatten()
}

/// A secret that is written, while the program gets the same value from somewhere else.
pub(crate) fn not_read(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let written: Vec<(&Command, Word)> =
        context.facts.commands.iter().filter_map(|it| Some((it, writes(it)?))).collect();
    let mut unread: Vec<(&Command, Word, Word)> = vec![];
    for (command, id) in written {
        let mentions: usize = context.sources.iter().map(|it| it.text.matches(&id.text).count()).sum();
        if 1 < mentions {
            continue;
        }
        let keys = keys(command);
        let origin =
            context.facts.files.iter().find(|it| it.excerpt.source == id.span.source).map(|it| it.origin);
        let near = |it: &&crate::fact::File| {
            it.excerpt.source == id.span.source
                || (origin == Some(it.origin) && it.name.starts_with(".github/"))
        };
        let elsewhere = context.facts.files.iter().filter(near).find_map(|file| {
            let text = &file.excerpt.text;
            let at = text.find("${{ secrets.")?;
            let mut names = text[at..].match_indices("secrets.").map(|it| at + it.0 + "secrets.".len());
            names.find_map(|start| {
                let name: String =
                    text[start..].chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
                let is_same = keys.iter().any(|it| it.eq_ignore_ascii_case(&name));
                is_same.then(|| file.excerpt.word(start..start + name.len()))
            })
        });
        let in_file = || {
            let same = |it: &&crate::fact::Fact| {
                it.span.source == id.span.source
                    && keys.iter().any(|key| key.eq_ignore_ascii_case(&it.subject))
            };
            let fact = context.facts.of(crate::fact::Attribute::Variable).find(same)?;
            Some(Word::new(fact.subject.clone(), fact.span))
        };
        if let Some(elsewhere) = elsewhere.or_else(in_file) {
            unread.push((command, id, elsewhere));
        }
    }
    for (command, id, elsewhere) in unread {
        let message = format!("nothing reads the secret `{}` that is changed here", id.text);
        report.push(
            Diagnostic::error(codes::SECRET_NOT_READ, message)
                .label(id.span, "changed in this store")
                .label(elsewhere.span, "read from another one")
                .label(command.head(), "so the program keeps the old value")
                .help("keep the secret in one store, change it there, and restart what reads it"),
        );
    }
}

/// The keys of the JSON that a command writes.
fn keys(command: &Command) -> Vec<String> {
    let Some(json) = command.value(&["--secret-string"]) else { return vec![] };
    let read = read_foreign(&json.text);
    read.documents.iter().flat_map(lockgate_yaml::Node::entries).map(|it| it.key.clone()).collect()
}

/// A scheduled rotation that writes the same words each time.
pub(crate) fn fixed_rotation(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in &context.facts.workflows {
        let Some(schedule) = workflow.triggers.iter().find(|it| it.event.text == "schedule") else {
            continue;
        };
        let mut places: Vec<Word> = vec![];
        for (_, step) in workflow.steps() {
            let Some(run) = &step.run else { continue };
            let commands = crate::extract::shell::commands(run, 0, None);
            let values = commands.iter().filter(|it| writes(it).is_some());
            places.extend(
                values.filter_map(|it| it.value(&["--secret-string"])).filter(|it| is_fixed(&it.text)),
            );
        }
        let [first, ..] = places.as_slice() else { continue };
        let message = format!("the rotation always writes the same {}", counted(places.len(), "value"));
        let mut diagnostic = Diagnostic::error(codes::FIXED_ROTATION, message)
            .label(first.span, "the same words each time, for everybody to read");
        for place in &places[1..] {
            diagnostic = diagnostic.label(place.span, "and here");
        }
        report.push(
            diagnostic
                .label(schedule.event.span, "runs again and again")
                .help("let the store rotate the secret, and change it in the database in the same step"),
        );
    }
}

/// JSON with a password that is written out.
fn is_fixed(json: &str) -> bool {
    let read = read_foreign(json);
    let mut entries = read.documents.iter().flat_map(lockgate_yaml::Node::entries);
    entries.any(|it| {
        let key = it.key.to_lowercase();
        let is_password = ["pass", "secret", "token", "key"].iter().any(|mark| key.contains(mark));
        matches!(&it.value.kind, NodeKind::Scalar(value) if is_password && !value.text.contains('$'))
    })
}
