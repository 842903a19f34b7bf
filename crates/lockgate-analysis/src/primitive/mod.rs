//! The tests: each turns one tick's counts into log-likelihood ratios, one module each.

pub(crate) mod margin;
pub(crate) mod objective;
pub(crate) mod rank;
pub(crate) mod ratio;

#[cfg(test)]
mod tests;

/// Both arms' counts of one tick; `bad` is among `requests`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) canary: Count,
    pub(crate) baseline: Count,
}

impl Pair {
    /// Nothing can be compared while one arm has no requests.
    pub(crate) fn is_comparable(&self) -> bool {
        0 < self.canary.requests && 0 < self.baseline.requests
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) requests: u64,
    pub(crate) bad: u64,
}

impl Count {
    /// A router may count a failure before the request that failed; the share stays within 1.
    pub(crate) fn new(requests: u64, bad: u64) -> Count {
        Count { requests, bad: bad.min(requests) }
    }

    pub(crate) fn n(self) -> f64 {
        self.requests as f64
    }

    pub(crate) fn bad(self) -> f64 {
        self.bad as f64
    }

    pub(crate) fn good(self) -> f64 {
        (self.requests - self.bad) as f64
    }
}
