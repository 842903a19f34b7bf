//! Freezes that do not mean anything, or never end.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use crate::layers::Value;
use crate::leaf::clock::{self, Moment};
use crate::spec::Seen;

/// Minutes.
const WEEK: u32 = 7 * 24 * 60;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let mut weekly: BTreeMap<&str, Vec<Window>> = BTreeMap::new();
    for value in seen.tree.at(&["rollout", "freeze"]).map_or(&[][..], Value::items) {
        let (Some(from), Some(to)) = (value.get("from"), value.get("to")) else { continue };
        let (Some(begin), Some(end)) = (from.read(clock::moment), to.read(clock::moment)) else { continue };
        match (begin, end) {
            (Moment::Weekly(begin), Moment::Weekly(end)) if begin != end => {
                let zone = value.get("timezone").and_then(Value::text).unwrap_or("UTC");
                weekly.entry(zone).or_default().push(Window { begin, end, place: value.place() });
            }
            (Moment::Once(..), Moment::Once(..)) if begin < end || is_whole_day(begin, end, to) => {}
            (Moment::Weekly(_) | Moment::Once(..), _) => report.push(broken(begin, end, from, to)),
        }
    }
    report.extend(weekly.into_values().find_map(always));
}

/// A date without a time may be meant to its end.
fn is_whole_day(begin: Moment, end: Moment, to: &Value) -> bool {
    begin == end && to.text().is_some_and(|it| !it.contains(':'))
}

fn broken(begin: Moment, end: Moment, from: &Value, to: &Value) -> Diagnostic {
    let what = |it: Moment| match it {
        Moment::Weekly(_) => "every week",
        Moment::Once(..) => "once",
    };
    let (message, help) = if what(begin) != what(end) {
        let message = format!("a freeze begins {} and ends {}", what(begin), what(end));
        (message, "write both as days of the week, or both as dates")
    } else if begin == end {
        ("a freeze ends when it begins".to_owned(), "give it an end of its own")
    } else {
        ("a freeze ends before it begins".to_owned(), "exchange the two, or mend the year")
    };
    Diagnostic::error(codes::BAD_FREEZE, message)
        .label(to.place(), "the end")
        .label(from.place(), "the beginning")
        .help(help)
}

struct Window {
    begin: u32,
    end: u32,
    place: Span,
}

/// Do weekly windows leave no minute of the week?
fn always(windows: Vec<Window>) -> Option<Diagnostic> {
    // A window over the end of the week is two within it.
    let mut parts: Vec<(u32, u32)> = vec![];
    for it in &windows {
        if it.begin < it.end {
            parts.push((it.begin, it.end));
        } else {
            parts.extend([(it.begin, WEEK), (0, it.end)]);
        }
    }
    parts.sort_unstable();
    let covered = parts.iter().fold(0, |until, part| if part.0 <= until { until.max(part.1) } else { until });
    if covered < WEEK {
        return None;
    }
    let mut diagnostic = Diagnostic::warning(codes::ALWAYS_FROZEN, "the freezes leave no time of the week");
    for it in windows {
        diagnostic = diagnostic.label(it.place, "frozen every week");
    }
    Some(diagnostic.help("nothing can ever be released here; leave a gap between them"))
}
