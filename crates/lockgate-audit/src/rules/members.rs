//! Groups of things that belong together, and places that leave one of them out.

use std::collections::BTreeSet;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::{Context, counted};
use crate::extract::shell::Command;
use crate::markdown::{Document, Prose};

/// `Infrastructure: PostgreSQL, Redis, Kafka`.
struct Group {
    label: String,
    members: Vec<(String, Span)>,
}

/// Somewhere that names most members of a group.
struct Place {
    text: String,
    span: Span,
    /// It is said to be about the group as a whole.
    is_whole: bool,
}

pub(crate) fn left_out(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for prose in &document.prose {
            let Some(group) = group(prose) else { continue };
            let places = places(context, document, prose, &group);
            for (name, span) in &group.members {
                let missing: Vec<&Place> =
                    places.iter().filter(|it| only_without(&group, name, &it.text)).collect();
                if missing.len() < 2 && missing.iter().all(|it| !it.is_whole) {
                    continue;
                }
                let message = format!(
                    "`{name}` belongs to `{}` and is left out in {}",
                    group.label,
                    counted(missing.len(), "place")
                );
                let mut diagnostic = Diagnostic::warning(codes::MEMBER_MISSING, message)
                    .label(*span, format!("one of {}", group.members.len()));
                for place in missing {
                    diagnostic = diagnostic.label(place.span, "all others, and not this one");
                }
                report.push(diagnostic.help(format!("add `{name}` there, or say why it is not needed")));
            }
        }
    }
}

fn group(prose: &Prose) -> Option<Group> {
    const LABELS: [&str; 6] =
        ["infrastructure", "dependencies", "databases", "backing services", "data stores", "datastores"];
    let (label, rest) = prose.text().split_once(':')?;
    if !LABELS.contains(&label.trim().to_lowercase().as_str()) {
        return None;
    }
    let mut members = vec![];
    for part in rest.split(',') {
        let name = part.trim().trim_end_matches('.');
        if name.is_empty() || name.contains(' ') {
            return None;
        }
        let range = crate::place::range_in(prose.text(), name);
        members.push((name.to_owned(), prose.excerpt.span(range)));
    }
    (4 <= members.len()).then(|| Group { label: label.trim().to_owned(), members })
}

/// Names as they are written in commands and in sentences.
fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "postgresql" => "postgres".to_owned(),
        "mongodb" => "mongo".to_owned(),
        _ => lower,
    }
}

/// Whether the text names every member but this one.
fn only_without(group: &Group, name: &str, text: &str) -> bool {
    let lower = text.to_lowercase();
    let named: BTreeSet<&str> =
        group.members.iter().map(|it| it.0.as_str()).filter(|it| lower.contains(&folded(it))).collect();
    named.len() + 1 == group.members.len() && !named.contains(name)
}

fn places(context: &Context<'_>, document: &Document, own: &Prose, group: &Group) -> Vec<Place> {
    let mut places = vec![];
    for list in &document.lists {
        let items: Vec<&Prose> = document.items(list).collect();
        let is_own = items.iter().any(|it| std::ptr::eq(*it, own));
        let (Some(first), false) = (items.first(), is_own) else { continue };
        let text = items.iter().map(|it| it.text()).collect::<Vec<_>>().join("\n");
        let span = document.lead(list).map_or(first.span(), Prose::span);
        places.push(Place { text, span, is_whole: false });
    }
    for table in &document.tables {
        let Some(first) = table.header.first() else { continue };
        let column = table.rows.iter().filter_map(|it| it.first());
        let text = column.map(crate::markdown::Cell::text).collect::<Vec<_>>().join("\n");
        places.push(Place { text, span: first.span(), is_whole: false });
    }
    for command in context.facts.commands_in(document.source) {
        let said = command.said.as_ref().map_or("", |it| it.text.as_str()).to_lowercase();
        let is_whole = said.contains(&group.label.to_lowercase());
        places.push(Place { text: command.line(), span: command.head(), is_whole });
    }
    places
}

/// `Restart services` above commands for some of the services that the document deploys together.
pub(crate) fn restarted_in_part(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let updated =
        |it: &Command| it.is(&["aws", "ecs", "update-service"]).then(|| it.value(&["--service"])).flatten();
    for document in &context.facts.documents {
        let all: Vec<(&Command, crate::place::Word)> =
            context.facts.commands_in(document.source).filter_map(|it| Some((it, updated(it)?))).collect();
        for (command, _) in &all {
            let Some(said) = command.said.as_ref().filter(|it| is_plural_restart(&it.text)) else { continue };
            let in_block = |it: &&(&Command, crate::place::Word)| it.0.block == command.block;
            let here: BTreeSet<&str> = all.iter().filter(in_block).map(|it| it.1.text.as_str()).collect();
            let Some((_, other)) = all.iter().find(|it| !here.contains(it.1.text.as_str())) else { continue };
            let message = format!("`{}` is not restarted with the other services", other.text);
            report.push(
                Diagnostic::warning(codes::MEMBER_MISSING, message)
                    .label(said.span, "says services")
                    .label(command.head(), "restarts one of them")
                    .label(other.span, "deployed together with it here")
                    .help(format!("restart `{}` as well: it goes on with the old configuration", other.text)),
            );
            break;
        }
    }
}

fn is_plural_restart(text: &str) -> bool {
    let lower = text.to_lowercase();
    (lower.contains("restart") || lower.contains("redeploy")) && lower.contains("services")
}
