//! Numbers as people read them.

use std::fmt::Write as _;

use lockgate_model::{Millis, SloObjective};

use crate::config::LiteralAlert;

/// `2.1 %`
pub(crate) fn share(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    let mut text = if percent < 0.095 { format!("{percent:.3}") } else { format!("{percent:.1}") };
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    text.push_str(" %");
    text
}

/// `1 min 30 s`
pub(crate) fn span(span: Millis) -> String {
    let mut rest = span.0 / 1_000;
    if rest == 0 {
        return format!("{} ms", span.0);
    }
    if rest < 10 && !span.0.is_multiple_of(1_000) {
        return format!("{:.1} s", span.as_secs_f64());
    }
    let mut text = String::new();
    for (unit, size) in [("h", 3_600), ("min", 60), ("s", 1)] {
        if size <= rest {
            let gap = if text.is_empty() { "" } else { " " };
            write!(text, "{gap}{} {unit}", rest / size).expect("a string takes every write");
            rest %= size;
        }
    }
    text
}

/// `error_rate > 1 %`
pub(crate) fn alert_text(alert: &LiteralAlert) -> String {
    let limit = match alert.limit {
        SloObjective::ErrorRate(limit) => share(limit.fraction()),
        SloObjective::Latency(limit) => span(limit),
        SloObjective::Count(limit) => limit.to_string(),
    };
    format!("{} > {limit}", alert.metric)
}
