//! Log-capital, and the sums that mixtures need.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A natural logarithm of capital. Written as text, so that every reader restores it to the last bit.
#[derive(Clone, Copy, Debug, Default, PartialOrd)]
pub(crate) struct Nats(pub(crate) f64);

impl PartialEq for Nats {
    fn eq(&self, other: &Nats) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Nats {}

impl fmt::Display for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Nats {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nats {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Nats, D::Error> {
        String::deserialize(deserializer)?.parse().map(Nats).map_err(serde::de::Error::custom)
    }
}

/// `ln(sum of exp)`, without overflow.
pub(crate) fn ln_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + terms.map(|it| (it - max).exp()).sum::<f64>().ln()
}
