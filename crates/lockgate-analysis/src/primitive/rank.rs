//! P5: do the canary's instances fail more than the old version's, instance by instance? Errors of one request are
//! often those of the next; however they come in clusters, instances of equal versions are exchangeable.

use super::Count;

/// Shares of the capital that are bet on each tick.
pub(crate) const GRID: [f64; 3] = [0.2, 0.5, 0.9];
/// Beyond, leaving some errors out by chance moves a rate too little to be worth its computing.
const THINNED_MAX: f64 = 500.0;

/// Log-likelihood ratios of one tick, one for each share. A score is 0 on average while instances are exchangeable,
/// so that no bet on it gains.
pub(crate) fn increments(score: f64) -> impl Iterator<Item = f64> {
    GRID.into_iter().map(move |share| (share * score).ln_1p())
}

/// 1 when every instance of the canary failed more than every one of the old version, -1 when less. `None` while
/// one of them had no request anywhere.
pub(crate) fn score(canary: &[Count], baseline: &[Count]) -> Option<f64> {
    let used = |counts: &[Count]| counts.iter().copied().filter(|it| 0 < it.requests).collect::<Vec<_>>();
    let (canary, baseline) = (used(canary), used(baseline));
    let pairs = canary.iter().flat_map(|new| baseline.iter().map(move |old| wins(*new, *old)));
    let count = canary.len() * baseline.len();
    (0 < count).then(|| 2.0 * pairs.sum::<f64>() / count as f64 - 1.0)
}

/// The probability that `a` has more errors than `b`, ties counted half, when the one with more requests is left
/// with as many as the other.
fn wins(a: Count, b: Count) -> f64 {
    if a.requests < b.requests {
        return 1.0 - wins(b, a);
    }
    let kept = b.n() / a.n();
    let mean = a.bad() * kept;
    if a.requests == b.requests || THINNED_MAX < mean {
        return match mean.total_cmp(&b.bad()) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        };
    }
    // Of a's errors each is kept with the same probability: a binomial distribution, term by term.
    let (mut term, mut below) = ((a.bad() * (-kept).ln_1p()).exp(), 0.0);
    for errors in 0..b.bad.min(a.bad) {
        below += term;
        term *= (a.bad - errors) as f64 / (errors + 1) as f64 * kept / (1.0 - kept);
    }
    if a.bad < b.bad { 0.0 } else { (1.0 - below - 0.5 * term).clamp(0.0, 1.0) }
}
