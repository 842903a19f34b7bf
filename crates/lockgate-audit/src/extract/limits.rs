//! Limits on metrics: `Error rate > 1 % for 5 min`, in lists, sentences and tables.

use std::ops::Range;

use crate::fact::{Attribute, Fact, Limit, Severity, Side, Value};
use crate::markdown::{Document, List, Prose, Table};
use crate::quantity::{self, Unit};

/// A limit in a text, and where the text before it ends and the limit itself stands.
pub(crate) struct Found {
    pub(crate) before: Range<usize>,
    pub(crate) place: Range<usize>,
    pub(crate) limit: Limit,
}

const WORDS: [(&str, Side); 6] = [
    ("above ", Side::Above),
    ("over ", Side::Above),
    ("exceeds ", Side::Above),
    ("more than ", Side::Above),
    ("below ", Side::Below),
    ("less than ", Side::Below),
];

/// The first limit of a text.
pub(crate) fn find(text: &str) -> Option<Found> {
    for (at, it) in text.char_indices() {
        let rest = &text[at..];
        let (side, len) = match it {
            '>' | '≥' if !text[..at].ends_with(['-', '=', '>']) => (Side::Above, it.len_utf8()),
            '<' | '≤' => (Side::Below, it.len_utf8()),
            _ if text[..at].ends_with(' ') || at == 0 => {
                let lower = rest.get(..12.min(rest.len())).unwrap_or(rest);
                match WORDS.iter().find(|it| lower.starts_with(it.0)) {
                    Some((word, side)) => (*side, word.len()),
                    None => continue,
                }
            }
            _ => continue,
        };
        let number = rest[len..].trim_start_matches(['=', ' ']);
        let start = at + (rest.len() - number.len());
        let Some((quantity, used)) = quantity::leading(number) else { continue };
        let after = &text[start + used..];
        let held = held(after);
        let end = start + used + held.map_or(0, |it| it.1);
        let limit = Limit { side, quantity, held_s: held.map(|it| it.0), severity: severity(text) };
        return Some(Found { before: 0..at, place: at..end, limit });
    }
    None
}

/// `for 5 minutes` and `in 5 minutes` behind a limit: seconds, and the bytes they take.
fn held(after: &str) -> Option<(f64, usize)> {
    let mark = [" for ", " in "].into_iter().find(|it| after.starts_with(it))?;
    let (quantity, used) = quantity::leading(&after[mark.len()..])?;
    (quantity.unit == Unit::Seconds).then_some((quantity.value, mark.len() + used))
}

fn severity(text: &str) -> Option<Severity> {
    let lower = text.to_lowercase();
    let is = |word: &str| lower.split(|it: char| !it.is_alphanumeric()).any(|it| it == word);
    match (is("warning") || is("warnings") || is("warn"), is("critical")) {
        (true, false) => Some(Severity::Warning),
        (false, true) => Some(Severity::Critical),
        (true, true) | (false, false) => None,
    }
}

/// What a heading, a lead or a column says about the limits below it.
fn purpose(text: &str) -> Option<Attribute> {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|it| lower.contains(it));
    if has(&["rollback", "roll back", "abort"]) {
        Some(Attribute::Rollback)
    } else if has(&["alert", "warning", "critical", "threshold", "page "]) {
        Some(Attribute::Alert)
    } else if has(&["target", "objective", "slo", "goal"]) {
        Some(Attribute::Target)
    } else {
        None
    }
}

/// A metric's words in order, so that `P95 latency` and `Latency (P95)` are one.
pub(crate) fn metric(text: &str) -> String {
    const NOISE: &[&str] = &["the", "a", "an", "of", "is", "if", "when", "high", "too", "service", "graph"];
    let lower = text.to_lowercase();
    let without = match (lower.find('('), lower.rfind(')')) {
        // `Latency (P95)` says which latency; `Error rate (Sentry)` says where it is seen.
        (Some(open), Some(close))
            if open < close && !lower[open..close].contains(|it: char| it.is_ascii_digit()) =>
        {
            format!("{} {}", &lower[..open], &lower[close + 1..])
        }
        _ => lower,
    };
    let words = without.split(|it: char| !it.is_ascii_alphanumeric());
    let mut words: Vec<&str> = words.filter(|it| !it.is_empty() && !NOISE.contains(it)).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// Environments that headings and leads name: what is said about one does not hold for another.
fn scope(document: &Document, section: Option<usize>, lead: &str) -> Vec<String> {
    const PLACES: &[&str] = &[
        "dev",
        "development",
        "staging",
        "stage",
        "prod",
        "production",
        "test",
        "canary",
        "local",
        "example",
    ];
    let path = document.path(section);
    let texts = path.iter().map(|it| it.text()).chain([lead]);
    let lower: Vec<String> = texts.map(str::to_lowercase).collect();
    let words = lower.iter().flat_map(|it| it.split(|it: char| !it.is_alphanumeric()));
    words.filter(|it| PLACES.contains(it)).map(str::to_owned).collect()
}

pub(crate) fn facts(document: &Document) -> Vec<Fact> {
    let mut found = vec![];
    for list in &document.lists {
        of_list(document, list, &mut found);
    }
    for table in &document.tables {
        of_table(document, table, &mut found);
    }
    found
}

fn of_list(document: &Document, list: &List, found: &mut Vec<Fact>) {
    let Some(lead) = document.lead(list) else { return };
    let heading = lead.section.map(|it| document.prose[it].text());
    for item in document.items(list) {
        let Some(mut it) = find(item.text()) else { continue };
        it.limit.severity = it.limit.severity.or_else(|| severity(lead.text()));
        let before = item.text()[it.before.clone()].trim_end_matches([':', ' ', '(']);
        // `Alert if > 1 %` below an item that names the metric.
        let own = purpose(before).filter(|_| before.split_whitespace().count() <= 3);
        let (subject, attribute) = match own {
            Some(attribute) => (metric(lead.text()), Some(attribute)),
            None => (metric(before), purpose(lead.text()).or_else(|| heading.and_then(purpose))),
        };
        let Some(attribute) = attribute else { continue };
        push(document, item, &it, subject, attribute, lead.text(), found);
    }
}

fn push(
    document: &Document,
    item: &Prose,
    it: &Found,
    subject: String,
    attribute: Attribute,
    lead: &str,
    found: &mut Vec<Fact>,
) {
    if subject.is_empty() || 6 < subject.split(' ').count() {
        return;
    }
    let span = item.excerpt.span(it.place.clone());
    let scope = scope(document, item.section, lead);
    found.push(Fact { subject, attribute, value: Value::Limit(it.limit.clone()), span, scope });
}

fn of_table(document: &Document, table: &Table, found: &mut Vec<Fact>) {
    const NAMES: [&str; 6] = ["metric", "indicator", "sli", "signal", "measure", "check"];
    const OWNERS: [&str; 4] = ["component", "service", "dependency", "system"];
    let header: Vec<String> = table.header.iter().map(|it| it.text().to_lowercase()).collect();
    let column = |names: &[&str]| header.iter().position(|it| names.contains(&it.as_str()));
    let Some(name) = column(&NAMES) else { return };
    let owner = column(&OWNERS);
    for row in &table.rows {
        let text = |idx: usize| row.get(idx).map_or("", |it| it.text());
        let subject = metric(&format!("{} {}", owner.map_or("", text), text(name)));
        for (idx, cell) in row.iter().enumerate() {
            let Some(attribute) = header.get(idx).and_then(|it| purpose(it)) else { continue };
            let Some(mut it) = find(&cell.excerpt.text) else { continue };
            // `P95 > 1s` in the cell says more about the metric.
            let more = metric(&cell.excerpt.text[it.before.clone()]);
            let subject = metric(&format!("{subject} {more}"));
            it.limit.severity = it.limit.severity.or_else(|| severity(&header[idx]));
            if subject.is_empty() {
                continue;
            }
            let span = cell.excerpt.span(it.place);
            let scope = scope(document, table.section, "");
            found.push(Fact { subject, attribute, value: Value::Limit(it.limit), span, scope });
        }
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        let document = crate::markdown::read(SourceId(0), text);
        let shown = |it: &Fact| match &it.value {
            Value::Limit(limit) => format!("{} {:?} {}", it.subject, it.attribute, limit.quantity),
            Value::Number(_) | Value::Text(_) => String::new(),
        };
        facts(&document).iter().map(shown).collect()
    }

    #[test]
    fn limits_are_read_from_lists_sublists_and_tables() {
        assert_eq!(
            read("Alert thresholds:\n- Error rate: > 5% for 5 minutes → WARNING\n"),
            ["error rate Alert 5 %"]
        );
        assert_eq!(
            read("1. **Error Rate (Sentry)**\n   - Target: <0.1%\n   - Alert if >1%\n"),
            ["error rate Target 0.1 %", "error rate Alert 1 %"]
        );
        assert_eq!(
            read("| Metric | Target | Alert |\n|-|-|-|\n| P95 Latency | < 300ms | > 500ms |\n"),
            ["latency p95 Target 300 ms", "latency p95 Alert 500 ms"]
        );
    }

    #[test]
    fn arrows_and_placeholders_are_no_limits() {
        for text in ["Steps:\n- a -> 5 b\n", "Alerts:\n- tag `dev-<sha>`\n", "Alerts:\n- `=> 3`\n"] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }
}
