//! P1: is the canary's error rate more than `tolerance` times the old version's? Conditional binomial:
//! given that a request failed, how likely was it the canary's? The common rate cancels, however it moves.

use super::Pair;

/// Ratios that capital bets on.
pub(crate) const GRID: [f64; 9] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0];
/// A bet this close to the null wins nothing in any bounded time.
const DISTANCE_MIN: f64 = 1.05;

/// Log-likelihood ratios of one comparable tick, one for each ratio of the grid that lies beyond `tolerance`.
/// Where errors come `dispersion` at once, they say as much as one of them.
pub(crate) fn increments(tolerance: f64, dispersion: f64, pair: Pair) -> impl Iterator<Item = f64> {
    assert!(pair.is_comparable(), "a ratio needs requests in both arms");
    let weight = pair.canary.n() / (pair.canary.n() + pair.baseline.n());
    let odds = move |ratio: f64| weight * ratio / (1.0 - weight + weight * ratio);
    let null = odds(tolerance);
    let grid = GRID.into_iter().filter(move |&it| DISTANCE_MIN * tolerance < it);
    grid.map(move |ratio| {
        let bet = odds(ratio);
        let independent =
            pair.canary.bad() * (bet / null).ln() + pair.baseline.bad() * ((1.0 - bet) / (1.0 - null)).ln();
        independent / dispersion
    })
}
