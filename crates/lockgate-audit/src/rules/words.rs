//! Commands and lists that do not do what the text around them says.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::extract::shell::Command;
use crate::markdown::{Document, List, Prose, Role};
use crate::place::Word;

/// A comment or a step's name promises what its command does not do.
pub(crate) fn command_does_not(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for command in &context.facts.commands {
        let Some(said) = &command.said else { continue };
        let Some((promise, deed, help)) = broken_promise(context, said, command) else { continue };
        report.push(
            Diagnostic::error(codes::COMMAND_DOES_NOT, format!("this command {deed}"))
                .label(command.head(), deed)
                .label(said.span, promise)
                .help(help),
        );
    }
    for (_, step) in context.facts.workflows.iter().flat_map(crate::extract::workflow::Workflow::steps) {
        let name = step.title().to_lowercase().replace(' ', "");
        let is_ecs = step.action() == Some("aws-actions/amazon-ecs-deploy-task-definition");
        if is_ecs && name.contains("apprunner") {
            let place = step.uses.as_ref().map_or(step.span, |it| it.span);
            report.push(
                Diagnostic::error(codes::COMMAND_DOES_NOT, "this step deploys to ECS, not to App Runner")
                    .label(place, "deploys an ECS task definition")
                    .label(step.place(), "says App Runner")
                    .help("deploy to the platform that serves, and name the step after it"),
            );
        }
    }
}

fn broken_promise(
    context: &Context<'_>,
    said: &Word,
    command: &Command,
) -> Option<(&'static str, &'static str, &'static str)> {
    let text = said.text.to_lowercase();
    let text = text.strip_prefix("solution:").unwrap_or(&text).trim();
    let line = command.line();
    if ["delete ", "remove ", "uninstall "].iter().any(|it| text.starts_with(it))
        && command.is(&["helm", "rollback"])
    {
        return Some((
            "says that something is deleted",
            "rolls a release back and deletes nothing",
            "say what the command does, or use the command that does what is said",
        ));
    }
    let switches = ["switch traffic", "shift traffic", "point to green", "cut over"];
    let in_step = |it: &&Command| it.block == command.block;
    let moves = |it: &Command| {
        ["modify-listener", "modify-rule", "route53", "weight", "patch", "apply", "swap", "update-service"]
            .iter()
            .any(|word| it.line().contains(word))
    };
    if switches.iter().any(|it| text.contains(it))
        && line.contains("elbv2 modify-target-group")
        && !context.facts.commands.iter().filter(in_step).any(moves)
    {
        return Some((
            "says that traffic moves",
            "changes a health check and moves no traffic",
            "change the listener's target groups or their weights: `aws elbv2 modify-listener`",
        ));
    }
    None
}

/// `migrations run before the services are updated`, and a procedure without them.
pub(crate) fn step_missing(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let Some(demand) = document.prose.iter().find(|it| demands_migration(it.text())) else { continue };
        for list in document.lists.iter().filter(|it| it.ordered && 2 < it.items.len()) {
            let texts: Vec<String> = document.items(list).map(|it| it.text().to_lowercase()).collect();
            let deploys = |it: &String| {
                let updates =
                    it.starts_with("update") || it.starts_with("deploy") || it.starts_with("roll out");
                updates && it.contains("service")
            };
            let Some(at) = texts.iter().position(deploys) else { continue };
            if texts.iter().any(|it| it.contains("migrat")) || is_told_by_lead(document, list) {
                continue;
            }
            let step = &document.prose[list.items[at]];
            report.push(
                Diagnostic::warning(
                    codes::STEP_MISSING,
                    "the steps of a release leave out the migrations that come before the update",
                )
                .label(step.span(), "updates, and no step before it migrates")
                .label(demand.span(), "says that migrations come first")
                .help("make the migration a step of its own, before the update"),
            );
        }
    }
}

fn demands_migration(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("migration") && (text.contains("before updating") || text.contains("before deploying"))
}

fn is_told_by_lead(document: &Document, list: &List) -> bool {
    document.lead(list).is_some_and(|it| it.text().to_lowercase().contains("migrat"))
}

/// `staging-e4f5g6h` where the tag is `staging-<sha>`.
pub(crate) fn not_a_commit(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let codes_of = || {
            let cells = document.tables.iter().flat_map(|it| &it.rows).flatten();
            document.prose.iter().flat_map(|it| &it.codes).chain(cells.flat_map(|it| &it.codes))
        };
        let pattern = |prefix: &str| {
            let marks = [format!("{prefix}-<sha>"), format!("{prefix}-<git-sha>")];
            codes_of().find(|it| marks.iter().any(|mark| it.text.ends_with(mark.as_str())))
        };
        for code in codes_of() {
            let tag = code.text.rsplit(':').next().unwrap_or("");
            let Some((prefix, id)) = tag.rsplit_once('-') else { continue };
            if !looks_like_commit(id) || id.bytes().all(|it| it.is_ascii_hexdigit()) {
                continue;
            }
            let Some(pattern) = pattern(prefix) else { continue };
            let wrong: String = id.chars().filter(|it| !it.is_ascii_hexdigit()).collect();
            report.push(
                Diagnostic::warning(codes::NOT_A_COMMIT, format!("`{id}` is not the id of a commit"))
                    .label(code.span, format!("commit ids have no `{wrong}`"))
                    .label(pattern.span, "the tag is made from a commit here")
                    .help("use the digits 0 to 9 and the letters a to f"),
            );
        }
    }
}

fn looks_like_commit(id: &str) -> bool {
    let is_length = matches!(id.len(), 7..=12 | 40);
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let letters = id.bytes().filter(u8::is_ascii_lowercase).count();
    is_length && digits + letters == id.len() && 2 <= digits && 2 <= letters
}

/// A ticked box for something that the next steps still have to do.
pub(crate) fn done_before(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    const PLACES: [&str; 3] = ["staging", "production", "prod"];
    for document in &context.facts.documents {
        let is_ticked = |it: &&Prose| matches!(it.role, Role::Item { ticked: Some(true), .. });
        for ticked in document.prose.iter().filter(is_ticked) {
            let text = ticked.text().to_lowercase();
            let done = PLACES.iter().find(|place| {
                ["tested in", "verified in", "deployed to", "validated in"]
                    .iter()
                    .any(|it| text.contains(&format!("{it} {place}")))
            });
            let Some(place) = done else { continue };
            let Some(next) = lies_ahead(document, place) else { continue };
            report.push(
                Diagnostic::warning(
                    codes::DONE_BEFORE,
                    format!("something in {place} is ticked that lies ahead"),
                )
                .label(ticked.span(), "ticked")
                .label(next, format!("{place} is still to come"))
                .help("tick boxes in the record of a release, not in the text that all releases share"),
            );
        }
    }
}

fn lies_ahead(document: &Document, place: &str) -> Option<Span> {
    let lists = document
        .lists
        .iter()
        .filter(|list| document.lead(list).is_some_and(|it| it.text().to_lowercase().contains("next steps")));
    let mut items = lists.flat_map(|it| document.items(it));
    let next = items.find(|it| {
        let text = it.text().to_lowercase();
        ["schedule", "plan", "prepare"].iter().any(|it| text.starts_with(it))
            && text.contains(&format!("{place} deployment"))
    });
    next.map(Prose::span)
}

/// `Overrides: replicas 3` over a base that has 3 replicas.
pub(crate) fn same_as_base(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for list in &document.lists {
            let is_override = |it: &Prose| it.text().trim().to_lowercase().starts_with("override");
            let Some(lead) = document.lead(list).filter(|it| is_override(it)) else { continue };
            for item in document.items(list) {
                let Some((key, value)) = item.text().split_once(':') else { continue };
                let (key, value) = (key.trim().to_lowercase(), value.split_whitespace().next().unwrap_or(""));
                let number = value.bytes().all(|it| it.is_ascii_digit()) && !value.is_empty();
                let Some(base) = number.then(|| base_value(context, document, lead, &key)).flatten() else {
                    continue;
                };
                if base.text != value {
                    continue;
                }
                report.push(
                    Diagnostic::warning(
                        codes::SAME_AS_BASE,
                        format!("the override of `{key}` changes nothing"),
                    )
                    .label(item.span(), "the override")
                    .label(base.span, "the base has the same value")
                    .help("leave the override out, or give the base its own value"),
                );
            }
        }
    }
}

/// A key of a YAML block in the same chapter, above the override.
fn base_value(context: &Context<'_>, document: &Document, lead: &Prose, key: &str) -> Option<Word> {
    let chapter = |section| document.path(section).into_iter().nth(2).map(Prose::span);
    let blocks = document.fences.iter().filter(|it| {
        chapter(it.section) == chapter(lead.section) && it.excerpt.span(0..1).start < lead.span().start
    });
    for block in blocks {
        let place = block.excerpt.span(0..1);
        let file = context.facts.files.iter().find(|it| it.excerpt.span(0..1) == place);
        let Some(file) = file else { continue };
        for node in &file.yaml {
            let tree = crate::tree::Tree::new(node, &file.excerpt);
            let mut maps = tree.items().chain([tree]);
            if let Some(value) = maps.find_map(|it| it.get(key)) {
                return value.word();
            }
        }
    }
    None
}
