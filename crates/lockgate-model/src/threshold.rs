//! Comparisons of objectives and alerts, with any unit: `> 80% for 5m`, `> 3 in 5m`, `< 95% over 30d`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Millis, Percent};

/// `> 1% for 5m`, taken apart. Written and read as the spec writes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Threshold {
    pub comparison: Comparison,
    pub amount: Amount,
    pub period: Option<Period>,
}

impl Eq for Threshold {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Amount {
    Share(Percent),
    Duration(Millis),
    Count(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Share,
    Duration,
    Count,
}

/// Which time a comparison speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// It must last this long.
    For(Millis),
    /// What happened within this time is counted.
    In(Millis),
    /// The average of this time is looked at.
    Over(Millis),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThreshold {
    #[error("`{0}` compares with nothing")]
    NoComparison(String),
    #[error("`{0}` is no amount")]
    NoAmount(String),
    #[error("`{0}` is no time")]
    NoTime(String),
}

const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::More),
    ("=", Comparison::Equal),
];

impl Threshold {
    /// How long it must last, or the time that is looked at.
    pub fn span(self) -> Option<Millis> {
        self.period.map(Period::span)
    }
}

impl Comparison {
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Equal => "=",
            Comparison::AtLeast => ">=",
            Comparison::More => ">",
        }
    }
}

impl Comparison {
    /// Of numbers: one that is none compares with nothing.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Comparison::Less => value < limit,
            Comparison::AtMost => value <= limit,
            Comparison::Equal => value.total_cmp(&limit).is_eq(),
            Comparison::AtLeast => limit <= value,
            Comparison::More => limit < value,
        }
    }
}

impl Amount {
    pub fn unit(self) -> Unit {
        match self {
            Amount::Share(_) => Unit::Share,
            Amount::Duration(_) => Unit::Duration,
            Amount::Count(_) => Unit::Count,
        }
    }

    /// As metrics count: shares from 0 to 1, durations in seconds.
    pub fn value(self) -> f64 {
        match self {
            Amount::Share(share) => share.fraction(),
            Amount::Duration(span) => span.as_secs_f64(),
            Amount::Count(count) => count,
        }
    }
}

impl Period {
    pub fn span(self) -> Millis {
        match self {
            Period::For(span) | Period::In(span) | Period::Over(span) => span,
        }
    }
}

impl FromStr for Threshold {
    type Err = InvalidThreshold;

    fn from_str(text: &str) -> Result<Threshold, InvalidThreshold> {
        let text = text.trim();
        let Some((operator, comparison)) = COMPARISONS.into_iter().find(|it| text.starts_with(it.0)) else {
            return Err(InvalidThreshold::NoComparison(text.to_owned()));
        };
        let rest = text[operator.len()..].trim();
        let split = [" for ", " in ", " over "].into_iter().find_map(|it| Some((it, rest.split_once(it)?)));
        let Some((word, (number, time))) = split else {
            return Ok(Threshold { comparison, amount: rest.parse()?, period: None });
        };
        let time = time.trim();
        let span = time.parse::<Millis>().ok().filter(|it| *it != Millis::ZERO);
        let span = span.ok_or_else(|| InvalidThreshold::NoTime(time.to_owned()))?;
        let period = match word {
            " for " => Period::For(span),
            " in " => Period::In(span),
            _ => Period::Over(span),
        };
        Ok(Threshold { comparison, amount: number.trim().parse()?, period: Some(period) })
    }
}

impl FromStr for Amount {
    type Err = InvalidThreshold;

    fn from_str(text: &str) -> Result<Amount, InvalidThreshold> {
        let wrong = || InvalidThreshold::NoAmount(text.to_owned());
        if text.ends_with('%') {
            return text.parse().map(Amount::Share).map_err(|_| wrong());
        }
        let (number, scale) = match (text.strip_suffix('k'), text.strip_suffix('M')) {
            (Some(number), _) => (number, 1e3),
            (None, Some(number)) => (number, 1e6),
            (None, None) => (text, 1.0),
        };
        let plain = number.starts_with(|it: char| it.is_ascii_digit())
            && number.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        if let Some(number) = number.parse::<f64>().ok().filter(|_| plain) {
            return Ok(Amount::Count(number * scale));
        }
        text.parse().map(Amount::Duration).map_err(|_| wrong())
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.comparison.as_str(), self.amount)?;
        match self.period {
            None => Ok(()),
            Some(Period::For(span)) => write!(f, " for {span}"),
            Some(Period::In(span)) => write!(f, " in {span}"),
            Some(Period::Over(span)) => write!(f, " over {span}"),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Share(share) => share.fmt(f),
            Amount::Duration(span) => span.fmt(f),
            Amount::Count(count) => {
                let scaled = |scale: f64| *count != 0.0 && count % scale == 0.0;
                match () {
                    () if scaled(1e6) => write!(f, "{}M", count / 1e6),
                    () if scaled(1e3) => write!(f, "{}k", count / 1e3),
                    () => write!(f, "{count}"),
                }
            }
        }
    }
}

impl TryFrom<String> for Threshold {
    type Error = InvalidThreshold;

    fn try_from(text: String) -> Result<Threshold, InvalidThreshold> {
        text.parse()
    }
}

impl From<Threshold> for String {
    fn from(threshold: Threshold) -> String {
        threshold.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_have_an_amount_and_perhaps_a_time() {
        let read = |text: &str| text.parse::<Threshold>().ok();
        assert_eq!(
            read("> 80% for 5m"),
            Some(Threshold {
                comparison: Comparison::More,
                amount: Amount::Share(Percent(80_000)),
                period: Some(Period::For(Millis::mins(5)))
            })
        );
        assert_eq!(read("> 100k for 5m").map(|it| it.amount), Some(Amount::Count(100_000.0)));
        assert_eq!(read("> 3 in 5m").and_then(|it| it.period), Some(Period::In(Millis::mins(5))));
        assert_eq!(
            read("<= 1s").map(|it| (it.amount, it.period)),
            Some((Amount::Duration(Millis::secs(1)), None))
        );
        for text in ["", "80%", ">", "> x", "> 5 for", "> 5 for 0s", "> -1", "> 101%"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["> 80% for 5m", "< 1 for 1m", "> 100k for 5m", "> 3 in 5m", "< 95% over 30d", "= 0"] {
            assert_eq!(text.parse::<Threshold>().map(|it| it.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(">=1000ms for 60s".parse().map(|it: Threshold| it.to_string()), Ok(">= 1s for 1m".into()));
    }
}
