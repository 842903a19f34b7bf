//! Attempts, the waits between them, and the time they are given.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::fact::{Attribute, Limit, Side, Value};
use crate::markdown::Document;
use crate::quantity::{self, Quantity, Unit};
use crate::tree::Tree;

/// Exponential backoff as a configuration states it.
struct Backoff {
    /// The outermost key: what is tried again.
    subject: String,
    attempts: u64,
    initial_s: f64,
    max_s: f64,
    span: Span,
    deadline: Option<(u64, Span)>,
}

impl Backoff {
    /// All waits between the attempts when each doubles the one before.
    fn waits_s(&self) -> f64 {
        // More attempts than anybody configures; bounds the loop.
        const ATTEMPTS_MAX: u64 = 1_000;
        let mut wait = self.initial_s;
        let mut sum = 0.0;
        for _ in 1..self.attempts.min(ATTEMPTS_MAX) {
            sum += wait.min(self.max_s);
            wait *= 2.0;
        }
        sum
    }
}

fn backoffs(context: &Context<'_>) -> Vec<Backoff> {
    let mut found = vec![];
    for file in &context.facts.files {
        for node in &file.yaml {
            for (key, tree) in Tree::new(node, &file.excerpt).entries() {
                search(&key.text, tree, None, &mut found);
            }
        }
    }
    found
}

fn search(subject: &str, tree: Tree<'_>, deadline: Option<(u64, Span)>, found: &mut Vec<Backoff>) {
    let own = tree.get("activeDeadlineSeconds");
    let deadline = own.and_then(|it| Some((it.text()?.parse().ok()?, it.span()))).or(deadline);
    let number = |names: &[&str]| names.iter().find_map(|it| tree.get(it));
    let seconds = |names: &[&str]| number(names).and_then(|it| it.text()?.parse::<f64>().ok());
    let attempts = number(&["maxAttempts", "max_attempts", "attempts"]);
    if let Some(attempts) = attempts
        && let Some(count) = attempts.text().and_then(|it| it.parse().ok())
        && let Some(initial_s) = seconds(&["initialSeconds", "initial_seconds", "initialDelaySeconds"])
    {
        let max_s = seconds(&["maxSeconds", "max_seconds", "maxDelaySeconds"]).unwrap_or(f64::INFINITY);
        let (subject, span) = (subject.to_owned(), attempts.span());
        found.push(Backoff { subject, attempts: count, initial_s, max_s, span, deadline });
    }
    tree.entries().for_each(|it| search(subject, it.1, deadline, found));
}

pub(crate) fn do_not_fit(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for backoff in backoffs(context) {
        let waits = Quantity { value: backoff.waits_s(), unit: Unit::Seconds };
        let attempts = format!("{} attempts wait {} s in all", backoff.attempts, waits.value);
        let message = |limit: &str| {
            format!("the waits between {} attempts of `{}` {limit}", backoff.attempts, backoff.subject)
        };
        if let Some((deadline, place)) = backoff.deadline.filter(|it| it.0 as f64 <= waits.value) {
            report.push(
                Diagnostic::error(codes::RETRIES_DO_NOT_FIT, message("are longer than the deadline"))
                    .label(backoff.span, attempts.clone())
                    .label(place, format!("everything is stopped after {deadline} s"))
                    .help("make fewer attempts, wait less, or set a later deadline"),
            );
        }
        for (limit, span) in targets(context, &backoff).into_iter().take(1) {
            if limit.quantity.value <= waits.value {
                report.push(
                    Diagnostic::error(
                        codes::RETRIES_DO_NOT_FIT,
                        message("are longer than the target allows"),
                    )
                    .label(backoff.span, attempts.clone())
                    .label(span, format!("done within {} s, with all runs", limit.quantity.value))
                    .help("make fewer attempts, wait less, or aim at what the attempts allow"),
                );
            }
        }
    }
}

/// Targets for how long the thing takes that is tried again.
fn targets<'a>(context: &'a Context<'_>, backoff: &Backoff) -> Vec<(&'a Limit, Span)> {
    let stem = backoff.subject.to_lowercase();
    let stem = stem.trim_end_matches('s');
    let facts = context.facts.of(Attribute::Target).filter(|it| it.span.source == backoff.span.source);
    let about = facts.filter(|it| {
        let mut words = it.subject.split(' ');
        words.clone().any(|it| it.trim_end_matches('s') == stem)
            && words.any(|it| matches!(it, "duration" | "time" | "runtime"))
    });
    about
        .filter_map(|it| match &it.value {
            Value::Limit(limit) if limit.side == Side::Below && limit.quantity.unit == Unit::Seconds => {
                Some((limit, it.span))
            }
            Value::Limit(_) | Value::Number(_) | Value::Text(_) => None,
        })
        .collect()
}

pub(crate) fn waits_and_attempts(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for prose in &document.prose {
            let Some((waits, place)) = chain(prose.text()) else { continue };
            let Some((attempts, said)) = attempts(document, prose.section) else { continue };
            if waits < attempts {
                continue;
            }
            let between = attempts.saturating_sub(1);
            let message = format!("{waits} waits are listed for {attempts} attempts");
            report.push(
                Diagnostic::warning(codes::WAITS_AND_ATTEMPTS, message)
                    .label(prose.excerpt.span(place), format!("{waits} waits"))
                    .label(said, format!("{attempts} attempts have {between} waits between them"))
                    .help("list one wait less, or make one attempt more"),
            );
        }
    }
}

/// How many durations follow each other by arrows, each at least as long as the one before.
fn chain(text: &str) -> Option<(u64, std::ops::Range<usize>)> {
    let arrow = if text.contains('→') { "→" } else { "->" };
    let first = text.find(arrow)?;
    let start = text[..first].trim_end().rfind(' ').map_or(0, |it| it + 1);
    let mut last = 0.0;
    let mut count = 0;
    let mut end = start;
    for part in text[start..].split(arrow) {
        let Some((quantity, used)) = quantity::leading(part.trim_start()) else { break };
        if quantity.unit != Unit::Seconds || quantity.value < last {
            break;
        }
        last = quantity.value;
        count += 1;
        let at = crate::place::range_in(text, part.trim_start()).start;
        end = at + used;
    }
    (3 <= count).then_some((count, start..end))
}

/// `after 6 attempts`, in the same section.
fn attempts(document: &Document, section: Option<usize>) -> Option<(u64, Span)> {
    for prose in document.prose.iter().filter(|it| it.section == section) {
        for (at, _) in prose.text().match_indices(" attempts") {
            let before = &prose.text()[..at];
            let start = before.rfind(' ').map_or(0, |it| it + 1);
            if let Ok(number) = before[start..].parse() {
                return Some((number, prose.excerpt.span(start..at + " attempts".len())));
            }
        }
    }
    None
}
