//! Numbers with units as people write them, in one unit each: `5 min` is 300 s, `1 %` is 0.01, `100k` is 100000.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Seconds,
    /// Of one: 1 % is 0.01.
    Ratio,
    Bytes,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

const UNITS: &[(&str, f64, Unit)] = &[
    ("milliseconds", 0.001, Unit::Seconds),
    ("millisecond", 0.001, Unit::Seconds),
    ("seconds", 1.0, Unit::Seconds),
    ("second", 1.0, Unit::Seconds),
    ("secs", 1.0, Unit::Seconds),
    ("sec", 1.0, Unit::Seconds),
    ("minutes", 60.0, Unit::Seconds),
    ("minute", 60.0, Unit::Seconds),
    ("mins", 60.0, Unit::Seconds),
    ("min", 60.0, Unit::Seconds),
    ("hours", 3_600.0, Unit::Seconds),
    ("hour", 3_600.0, Unit::Seconds),
    ("days", 86_400.0, Unit::Seconds),
    ("day", 86_400.0, Unit::Seconds),
    ("percent", 0.01, Unit::Ratio),
    ("ms", 0.001, Unit::Seconds),
    ("GiB", 1_073_741_824.0, Unit::Bytes),
    ("MiB", 1_048_576.0, Unit::Bytes),
    ("Gi", 1_073_741_824.0, Unit::Bytes),
    ("Mi", 1_048_576.0, Unit::Bytes),
    ("GB", 1e9, Unit::Bytes),
    ("MB", 1e6, Unit::Bytes),
    ("%", 0.01, Unit::Ratio),
    ("s", 1.0, Unit::Seconds),
    ("m", 60.0, Unit::Seconds),
    ("h", 3_600.0, Unit::Seconds),
    ("d", 86_400.0, Unit::Seconds),
    ("k", 1e3, Unit::Count),
    ("K", 1e3, Unit::Count),
    ("M", 1e6, Unit::Count),
];

/// The quantity at the start of the text, and how many bytes it takes.
pub(crate) fn leading(text: &str) -> Option<(Quantity, usize)> {
    let digits = text.bytes().take_while(|it| it.is_ascii_digit() || matches!(it, b'.' | b',')).count();
    let number = text[..digits].trim_end_matches(['.', ',']);
    let value: f64 = number.replace(',', "").parse().ok()?;
    let after = &text[number.len()..];
    let spaces = after.len() - after.trim_start_matches(' ').len();
    let rest = &after[spaces.min(1)..];
    let ends = |unit: &str| {
        let next = rest[unit.len()..].chars().next();
        unit == "%" || next.is_none_or(|it| !it.is_alphanumeric())
    };
    let unit = UNITS.iter().find(|it| rest.starts_with(it.0) && ends(it.0));
    Some(match unit {
        Some((name, factor, unit)) => {
            let used = number.len() + spaces.min(1) + name.len();
            (Quantity { value: value * factor, unit: *unit }, used)
        }
        None => (Quantity { value, unit: Unit::Count }, number.len()),
    })
}

impl Quantity {
    /// Whether both say the same, to the precision of what people write.
    pub(crate) fn is(self, other: Quantity) -> bool {
        self.unit == other.unit && (self.value - other.value).abs() <= 1e-9 * self.value.abs().max(1e-9)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match self.unit {
            Unit::Seconds if value < 1.0 => write!(f, "{} ms", round(value * 1_000.0)),
            Unit::Seconds if 60.0 <= value && value % 60.0 == 0.0 => write!(f, "{} min", round(value / 60.0)),
            Unit::Seconds => write!(f, "{} s", round(value)),
            Unit::Ratio => write!(f, "{} %", round(value * 100.0)),
            Unit::Bytes => write!(f, "{} bytes", round(value)),
            Unit::Count => write!(f, "{}", round(value)),
        }
    }
}

/// Without the noise of binary fractions.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_one_unit_each() {
        for (text, shown, used) in [
            ("5 minutes", "5 min", 9),
            ("500ms for", "500 ms", 5),
            ("1%", "1 %", 2),
            ("0.5 % of", "0.5 %", 5),
            ("1s.", "1 s", 2),
            ("100k messages", "100000", 4),
            ("3 in 5 minutes", "3", 1),
            ("1,000 samples", "1000", 5),
            ("60s", "1 min", 3),
            ("3m3", "3", 1),
        ] {
            let (quantity, len) = leading(text).unwrap();
            assert_eq!((quantity.to_string().as_str(), len), (shown, used), "{text}");
        }
        assert_eq!(leading("about 5"), None);
        assert!(leading("60s").unwrap().0.is(leading("1 min").unwrap().0));
    }
}
