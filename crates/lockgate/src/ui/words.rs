//! Times, rates and shares as people read them.

use lockgate_model::{Millis, Timestamp};

/// `14:02:11` in the time zone of the machine.
pub fn clock(at: Timestamp) -> String {
    local(at).map_or_else(|| at.0.to_string(), |it| it.strftime("%H:%M:%S").to_string())
}

/// `2026-11-21 14:02:11` in the time zone of the machine.
pub fn date(at: Timestamp) -> String {
    local(at).map_or_else(|| at.0.to_string(), |it| it.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn local(at: Timestamp) -> Option<jiff::Zoned> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::system()))
}

pub fn now() -> Timestamp {
    let ms = jiff::Timestamp::now().as_millisecond();
    Timestamp(u64::try_from(ms).unwrap_or(0))
}

/// A span to the precision that one reads it with: `0.8s`, `42s`, `3m20s`, `2h5m`.
pub fn span(span: Millis) -> String {
    match span.0 {
        0..10_000 => format!("{:.1}s", span.as_secs_f64()),
        10_000..3_600_000 => Millis(span.0 / 1_000 * 1_000).to_string(),
        _ => Millis(span.0 / 60_000 * 60_000).to_string(),
    }
}

/// A share as a percentage: `0%`, `0.03%`, `2.1%`, `12%`.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        0.0 => "0%".to_owned(),
        it if it < 1.0 => format!("{it:.2}%"),
        it if it < 10.0 => format!("{it:.1}%"),
        it => format!("{it:.0}%"),
    }
}

/// Lines of at most `columns`, broken between words; those after the first are indented by two more.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut lines = vec![];
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && columns <= line.chars().count() + word.chars().count() {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent + 2)));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(
            wrap("rolled back: feed-service failed", 20),
            ["rolled back:", "  feed-service", "  failed"]
        );
        assert_eq!(wrap("  lockgate resume", 80), ["  lockgate resume"]);
        assert_eq!(wrap("done", 80), ["done"]);
    }

    #[test]
    fn spans_are_as_precise_as_one_reads_them() {
        let read = [800, 42_900, 200_000, 7_500_000].map(|it| span(Millis(it)));
        assert_eq!(read, ["0.8s", "42s", "3m20s", "2h5m"]);
    }

    #[test]
    fn shares_are_short() {
        assert_eq!(share(0, 10), "0%");
        assert_eq!(share(3, 10_000), "0.03%");
        assert_eq!(share(21, 1_000), "2.1%");
        assert_eq!(share(1, 0), "–");
    }
}
