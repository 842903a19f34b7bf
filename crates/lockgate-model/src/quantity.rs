//! Shares of traffic and percentages.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ReleaseId;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a percentage: {reason}")]
pub struct InvalidQuantity {
    pub text: String,
    pub reason: &'static str,
}

/// A percentage, kept exactly: hundredths of a percent of a percent would be noise. Unit: 1/1000 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub u32);

impl Percent {
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 100_000.0
    }
}

impl FromStr for Percent {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Percent, InvalidQuantity> {
        let invalid = |reason| InvalidQuantity { text: text.to_owned(), reason };
        let number =
            text.strip_suffix('%').ok_or_else(|| invalid("write it with `%`, as in `5%`"))?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let all_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) || number.ends_with('.') {
            return Err(invalid("write a plain number, as in `5%` or `0.5%`"));
        }
        if 3 < decimals.len() {
            return Err(invalid("at most three decimals are kept"));
        }
        let whole: u32 = whole.parse().map_err(|_| invalid("the number is too large"))?;
        let thousandths: u32 =
            format!("{decimals:0<3}").parse().map_err(|_| invalid("the decimals do not read"))?;
        let total = whole.checked_mul(1_000).and_then(|it| it.checked_add(thousandths));
        match total {
            Some(total) if total <= 100_000 => Ok(Percent(total)),
            _ => Err(invalid("it is more than 100%")),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal(self.0, 1_000))
    }
}

/// `number / one` with no trailing zeros, and a percent sign.
fn decimal(number: u32, one: u32) -> String {
    let mut text = format!("{}.{:0width$}", number / one, number % one, width = one.ilog10() as usize);
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    text.push('%');
    text
}

/// A share of traffic in basis points: 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(u16);

impl Weight {
    pub const NONE: Weight = Weight(0);
    pub const ALL: Weight = Weight(10_000);

    pub fn from_basis_points(points: u16) -> Option<Weight> {
        (points <= 10_000).then_some(Weight(points))
    }

    pub fn basis_points(self) -> u16 {
        self.0
    }

    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// What is left for the others.
    #[must_use]
    pub fn rest(self) -> Weight {
        Weight(10_000 - self.0)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal(u32::from(self.0), 100))
    }
}

impl FromStr for Weight {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Weight, InvalidQuantity> {
        let percent: Percent = text.parse()?;
        if !percent.0.is_multiple_of(10) {
            let reason = "traffic is split in steps of 0.01%";
            return Err(InvalidQuantity { text: text.to_owned(), reason });
        }
        Ok(Weight(u16::try_from(percent.0 / 10).expect("at most 10,000")))
    }
}

/// How one service's traffic is split over its slots. **Invariant:** the weights sum to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<ReleaseId, Weight>", into = "BTreeMap<ReleaseId, Weight>")]
pub struct Weights(BTreeMap<ReleaseId, Weight>);

impl Weights {
    pub fn all_to(release: ReleaseId) -> Weights {
        Weights(BTreeMap::from([(release, Weight::ALL)]))
    }

    /// `weight` to `canary`, the rest to `stable`.
    pub fn split(stable: ReleaseId, canary: ReleaseId, weight: Weight) -> Weights {
        assert!(stable != canary, "a slot cannot be split with itself");
        Weights(BTreeMap::from([(stable, weight.rest()), (canary, weight)]))
    }

    pub fn of(&self, release: ReleaseId) -> Weight {
        self.0.get(&release).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (ReleaseId, Weight)> + '_ {
        self.0.iter().map(|(&release, &weight)| (release, weight))
    }
}

impl TryFrom<BTreeMap<ReleaseId, Weight>> for Weights {
    type Error = &'static str;

    fn try_from(map: BTreeMap<ReleaseId, Weight>) -> Result<Weights, &'static str> {
        let sum: u32 = map.values().map(|it| u32::from(it.0)).sum();
        if sum == 10_000 { Ok(Weights(map)) } else { Err("the weights of a service must sum to 100 %") }
    }
}

impl From<Weights> for BTreeMap<ReleaseId, Weight> {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

/// A whole number with thousands apart: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if 0 < idx && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn weights_read_and_print_the_same() {
        for (text, points) in [("5%", 500), ("0.5%", 50), ("12.25%", 1225), ("100%", 10_000), ("0%", 0)] {
            let weight: Weight = text.parse().unwrap();
            assert_eq!((weight.basis_points(), weight.to_string().as_str()), (points, text));
        }
        for bad in ["5", "101%", "-5%", "5.%", ".5%", "1e2%", "0.001%", "%", "5,5%"] {
            assert!(bad.parse::<Weight>().is_err(), "{bad}");
        }
    }

    #[test]
    fn weights_must_sum_to_all() {
        let split = Weights::split(ReleaseId(1), ReleaseId(2), Weight(500));
        assert_eq!((split.of(ReleaseId(1)), split.of(ReleaseId(2))), (Weight(9_500), Weight(500)));
        let short = BTreeMap::from([(ReleaseId(1), Weight(9_999))]);
        assert!(Weights::try_from(short).is_err());
    }
}
