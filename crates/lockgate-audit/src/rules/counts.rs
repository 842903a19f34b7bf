//! Lists that are said to have another length than they have.

use std::ops::Range;

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;

struct Claim<'a> {
    number: usize,
    /// `20+`.
    at_least: bool,
    noun: &'a str,
    place: Range<usize>,
}

pub(crate) fn differ(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for list in &document.lists {
            let Some(lead) = document.lead(list).filter(|it| it.text().trim_end().ends_with(':')) else {
                continue;
            };
            let Some(claim) = claim(lead.text()) else { continue };
            let items: Vec<&str> = document.items(list).map(crate::markdown::Prose::text).collect();
            let parts: usize = items.iter().map(|it| parts(it)).sum();
            let fits = |count: usize| {
                if claim.at_least { claim.number <= count } else { claim.number == count }
            };
            if items.is_empty() || fits(items.len()) || fits(parts) {
                continue;
            }
            // Grouped lists count by their parts, plain ones by their items.
            let grouped = items.iter().all(|it| label(it).is_some());
            let found = if grouped { parts } else { items.len() };
            let last = document.items(list).last().map_or(lead.span(), crate::markdown::Prose::span);
            let plus = if claim.at_least { "+" } else { "" };
            let message =
                format!("{}{plus} {} are claimed, and {found} are listed", claim.number, claim.noun);
            report.push(
                Diagnostic::warning(codes::COUNT_DIFFERS, message)
                    .label(lead.excerpt.span(claim.place), "claimed here")
                    .label(last, format!("the list ends here, after {found}"))
                    .help("correct the number, or add what is missing to the list"),
            );
        }
    }
}

/// `(20+ rules):`, `8 panels:`, `two jobs:` at the end of what introduces a list.
fn claim(lead: &str) -> Option<Claim<'_>> {
    const OPEN: [&str; 5] = ["e.g.", "such as", "including", "example", "at least"];
    /// Behind these, the number is about something else than the list.
    const NOT_BEFORE: &[&str] = &[
        "for", "of", "in", "across", "on", "every", "all", "from", "after", "within", "at", "over", "port",
        "version", "to", "by", "with", "than",
    ];
    const UNITS: &[&str] = &[
        "minutes",
        "seconds",
        "hours",
        "days",
        "weeks",
        "months",
        "years",
        "words",
        "attempts",
        "retries",
        "requests",
        "users",
        "times",
        "replicas",
        "instances",
        "pods",
        "nodes",
        "percent",
        "characters",
        "bytes",
        "lines",
    ];
    let lower = lead.to_lowercase();
    if OPEN.iter().any(|it| lower.contains(it)) {
        return None;
    }
    let mut at = 0;
    let mut words: Vec<(usize, &str)> = vec![];
    for word in lead.split([' ', '(', ')', ':', ',']) {
        if !word.is_empty() {
            words.push((at, word));
        }
        at += word.len() + 1;
    }
    // The noun ends what is said, or what is said in the last parentheses.
    let (last_at, noun) = *words.last()?;
    let tail = words.len().saturating_sub(4);
    for idx in (tail..words.len().saturating_sub(1)).rev() {
        let (start, word) = words[idx];
        let Some((number, at_least)) = number(word) else { continue };
        let before = idx.checked_sub(1).map_or("", |it| words[it].1).to_lowercase();
        let is_about_the_list = !NOT_BEFORE.contains(&before.as_str())
            && noun.ends_with('s')
            && noun.chars().all(char::is_alphabetic)
            && !UNITS.contains(&noun.to_lowercase().as_str());
        return is_about_the_list.then_some(Claim {
            number,
            at_least,
            noun,
            place: start..last_at + noun.len(),
        });
    }
    None
}

fn number(word: &str) -> Option<(usize, bool)> {
    const WORDS: [&str; 11] =
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if let Some(idx) = WORDS.iter().position(|it| *it == word.to_lowercase()) {
        return Some((idx + 2, false));
    }
    let (digits, at_least) = word.strip_suffix('+').map_or((word, false), |it| (it, true));
    digits.parse().ok().filter(|it| (2..=100).contains(it)).map(|it| (it, at_least))
}

/// What stands before the colon of `Redis: RedisDown, RedisHighMemory`.
fn label(item: &str) -> Option<&str> {
    let (label, rest) = item.split_once(':')?;
    let is_names = rest.split(',').all(|it| !it.trim().is_empty() && !it.trim().contains(' '));
    is_names.then_some(label)
}

fn parts(item: &str) -> usize {
    match label(item) {
        Some(_) => item.split(',').count(),
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_about_the_list_that_follows() {
        for (lead, number) in [
            ("Alert Rules (20+ rules):", Some(20)),
            ("Dashboard Panels (8 panels):", Some(8)),
            (".github/workflows/ci.yml contains two jobs:", Some(2)),
            ("Service Template Structure (Repeated for 11 Services):", None),
            ("Wait 5 minutes:", None),
            ("Start all 3 services:", None),
            ("Three things, such as 2 files:", None),
            ("Run the following commands:", None),
        ] {
            assert_eq!(claim(lead).map(|it| it.number), number, "{lead}");
        }
    }
}
