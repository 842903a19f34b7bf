//! Helm releases: values, hooks, and who else changes them.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;
use crate::extract::shell::Command;
use crate::markdown::{Document, Prose};
use crate::place::Word;

fn is_upgrade(command: &Command) -> bool {
    command.is(&["helm", "upgrade"]) || command.is(&["helm", "install"])
}

/// `--set secret=$(openssl rand -hex 32)`: another one with each upgrade.
pub(crate) fn secret_each_time(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    const MAKERS: [&str; 5] = ["openssl rand", "uuidgen", "/dev/urandom", "pwgen", "$RANDOM"];
    for command in context.facts.commands.iter().filter(|it| it.is(&["helm", "upgrade"])) {
        for value in command.values("--set").into_iter().chain(command.values("--set-string")) {
            let Some((name, made)) = value.text.split_once('=') else { continue };
            if !made.contains("$(") || !MAKERS.iter().any(|it| made.contains(it)) {
                continue;
            }
            let message = format!("each upgrade gives `{name}` another value");
            report.push(
                Diagnostic::error(codes::SECRET_EACH_TIME, message)
                    .label(value.span, "made anew whenever this runs")
                    .help("make it once, keep it in a secret store, and let the chart refer to it"),
            );
        }
    }
}

/// `helm upgrade --set` of a release that Helmfile owns.
pub(crate) fn not_kept(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let commands: Vec<&Command> = context.facts.commands_in(document.source).collect();
        let owner = commands
            .iter()
            .find(|it| it.program() == "helmfile" && it.positional().iter().any(|it| it.text == "apply"));
        let Some(owner) = owner else { continue };
        let changes = commands
            .iter()
            .find(|it| it.is(&["helm", "upgrade"]) && it.has("--set") && it.has("--reuse-values"));
        let Some(change) = changes else { continue };
        report.push(
            Diagnostic::warning(codes::NOT_KEPT, "the next release takes this change back")
                .label(change.head(), "changes the release by hand")
                .label(owner.span(), "applies what the files say, whatever runs")
                .help("change the values in the repository and release them as always"),
        );
    }
}

/// Values that were set on the command line, and an upgrade that sets others only.
pub(crate) fn values_lost(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let commands: Vec<&Command> =
            context.facts.commands_in(document.source).filter(|it| is_upgrade(it)).collect();
        let names = |it: &Command| -> Vec<String> {
            let set = it.values("--set");
            set.iter().filter_map(|it| Some(it.text.split_once('=')?.0.to_owned())).collect()
        };
        let Some(full) = commands.iter().find(|it| 2 < names(it).len()) else { continue };
        let required = required_values(document);
        let keeps =
            |it: &Command| ["--reuse-values", "--reset-then-reuse-values"].iter().any(|flag| it.has(flag));
        for part in &commands {
            let set = names(part);
            if set.is_empty() || full.head() == part.head() || keeps(part) {
                continue;
            }
            let covers = |name: &String| {
                set.iter()
                    .any(|it| it == name || it.strip_suffix(".*").is_some_and(|it| name.starts_with(it)))
            };
            let lost: Vec<String> = names(full).into_iter().filter(|it| !covers(it)).collect();
            let Some(first) = lost.iter().find(|it| required.contains(it)).or(lost.first()) else { continue };
            let message = format!("this upgrade loses {} values, `{first}` among them", lost.len());
            // A command that names no release is a sketch of one.
            let make = if part.positional().len() < 4 { Diagnostic::warning } else { Diagnostic::error };
            report.push(
                make(codes::VALUES_LOST, message)
                    .label(part.span(), "with `--set`, Helm starts from the chart's own values")
                    .label(full.head(), "set here when it was installed")
                    .help(
                        "keep all values in a file and pass it each time, or add `--reset-then-reuse-values`",
                    ),
            );
        }
    }
}

/// Names in backticks under a heading about required values.
fn required_values(document: &Document) -> Vec<String> {
    let is_required = |it: &Prose| {
        it.section.is_some_and(|it| document.prose[it].text().to_lowercase().contains("required values"))
    };
    let prose = document.prose.iter().filter(|it| is_required(it));
    prose.flat_map(|it| &it.codes).map(|it| it.text.clone()).collect()
}

/// A hook that runs after the pods were replaced, and a text that has it before.
pub(crate) fn migrated_too_late(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let Some(hook) = post_hook(context, document) else { continue };
        let Some(order) = document.lists.iter().filter(|it| it.ordered).find_map(|list| {
            let texts: Vec<(String, &Prose)> =
                document.items(list).map(|it| (it.text().to_lowercase(), it)).collect();
            let migrates = texts.iter().position(|it| it.0.contains("migration") && it.0.contains("run"))?;
            let rolls = |it: &(String, &Prose)| it.0.contains("pod") && it.0.contains("roll");
            texts[migrates..].iter().find(|it| rolls(it)).map(|it| it.1)
        }) else {
            continue;
        };
        let mut diagnostic = Diagnostic::error(
            codes::MIGRATED_TOO_LATE,
            "the migration runs after the pods are replaced, not before",
        )
        .label(hook.span, "runs when the new version is already in place")
        .label(order.span(), "says that pods roll afterwards");
        let blocked = document.prose.iter().find(|it| {
            let text = it.text().to_lowercase();
            text.contains("failed") && text.contains("deployment is blocked")
        });
        if let Some(blocked) = blocked {
            diagnostic = diagnostic.label(blocked.span(), "nothing is left to be blocked");
        }
        report.push(
            diagnostic
                .help("use `pre-install` and `pre-upgrade`, with a migration that both versions can use"),
        );
    }
}

/// `when: [post-upgrade]` of migrations.
fn post_hook(context: &Context<'_>, document: &Document) -> Option<Word> {
    let files = context.facts.files.iter().filter(|it| it.excerpt.source == document.source);
    for file in files {
        for node in &file.yaml {
            let tree = crate::tree::Tree::new(node, &file.excerpt);
            let when = tree.at(&["migrations", "when"]).map(crate::tree::Tree::words).unwrap_or_default();
            let has = |name: &str| when.iter().any(|it| it.text == name);
            if has("post-upgrade") && !has("pre-upgrade") {
                return when.into_iter().find(|it| it.text == "post-upgrade");
            }
        }
    }
    None
}
