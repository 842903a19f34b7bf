//! Points in time and spans of time, in milliseconds. Nothing here reads a clock.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    #[must_use]
    pub fn plus(self, span: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// Time since `earlier`; zero when `earlier` is in the future.
    pub fn since(self, earlier: Timestamp) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span of time in milliseconds. Written as the spec writes it: `250ms`, `30s`, `15m`, `2h`, `7d`, `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    pub const ZERO: Millis = Millis(0);

    pub const fn secs(secs: u64) -> Millis {
        Millis(secs * 1_000)
    }

    pub const fn mins(mins: u64) -> Millis {
        Millis(mins * 60_000)
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut rest = self.0;
        let mut text = String::new();
        for (unit, size) in UNITS.iter().filter(|it| !matches!(it.0, "y" | "w")) {
            if *size <= rest {
                write!(text, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        f.pad(&text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: {reason}")]
pub struct InvalidDuration {
    pub text: String,
    pub reason: &'static str,
}

impl FromStr for Millis {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Millis, InvalidDuration> {
        let invalid = |reason| InvalidDuration { text: text.to_owned(), reason };
        let mut rest = text;
        let mut total = 0_u64;
        let mut last_size = u64::MAX;
        if rest.is_empty() {
            return Err(invalid("it is empty"));
        }
        while !rest.is_empty() {
            let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
            if digits == 0 {
                return Err(invalid("write a number and a unit, as in `30s` or `15m`"));
            }
            let number: u64 = rest[..digits].parse().map_err(|_| invalid("the number is too large"))?;
            rest = &rest[digits..];
            let letters = rest.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(rest.len());
            let size = UNITS
                .iter()
                .find(|it| it.0 == &rest[..letters])
                .map(|it| it.1)
                .ok_or_else(|| invalid("a unit is missing or unknown: use ms, s, m, h, d, w or y"))?;
            if last_size <= size {
                return Err(invalid("units go from large to small, each once"));
            }
            last_size = size;
            rest = &rest[letters..];
            total = number
                .checked_mul(size)
                .and_then(|it| total.checked_add(it))
                .ok_or_else(|| invalid("it is too long"))?;
        }
        Ok(Millis(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_the_same() {
        for (text, ms) in
            [("250ms", 250), ("30s", 30_000), ("15m", 900_000), ("2h", 7_200_000), ("1m30s", 90_000)]
        {
            assert_eq!(text.parse::<Millis>().unwrap().0, ms);
            assert_eq!(Millis(ms).to_string(), text);
        }
        assert_eq!("1y".parse::<Millis>().unwrap(), Millis(31_536_000_000));
        assert_eq!(Millis(0).to_string(), "0s");
    }

    #[test]
    fn bad_durations_are_refused() {
        for bad in
            ["", "5", "-1s", "1h1", "∞", "1s1m", "1m1m", "1.5s", "99999999999999999999s", "9999999999999y"]
        {
            assert!(bad.parse::<Millis>().is_err(), "{bad}");
        }
    }
}
