//! P3: is the share of bad requests above a limit (abort), or surely below it (certify)? One-sample Bernoulli.

use super::Count;

/// Multiples of the limit that capital bets on when it looks for a breach.
pub(crate) const ABORT_GRID: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];
/// Multiples of the limit that capital bets on when it certifies that the limit is kept.
pub(crate) const CERTIFY_GRID: [f64; 4] = [0.05, 0.2, 0.5, 0.75];
/// Alternatives stay below this share, where one good request would ruin the bet.
const SHARE_MAX: f64 = 0.9;
/// A limit of zero would make one bad request infinite evidence.
const LIMIT_MIN: f64 = 1e-6;

pub(crate) fn abort_increments(limit: f64, count: Count) -> impl Iterator<Item = f64> {
    let limit = limit.max(LIMIT_MIN);
    ABORT_GRID.into_iter().map(move |multiple| {
        let bet = (multiple * limit).min(SHARE_MAX);
        // A limit at or above the largest alternative cannot be breached noticeably.
        if bet <= limit { 0.0 } else { increment(limit, bet, count) }
    })
}

pub(crate) fn certify_increments(limit: f64, count: Count) -> impl Iterator<Item = f64> {
    let limit = limit.clamp(LIMIT_MIN, 1.0 - LIMIT_MIN);
    CERTIFY_GRID.into_iter().map(move |multiple| increment(limit, multiple * limit, count))
}

fn increment(limit: f64, bet: f64, count: Count) -> f64 {
    count.bad() * (bet / limit).ln() + count.good() * ((1.0 - bet) / (1.0 - limit)).ln()
}
