//! Many tests as one: the weighted average of capital, and who is to blame.

use crate::nats::ln_sum_exp;

/// `ln` of the average of `exp(ln_e)` by weights that sum to 1 and were fixed beforehand. Valid under any
/// dependence between the tests.
pub(crate) fn ln_average(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    ln_sum_exp(terms.map(|(weight, ln_e)| weight.ln() + ln_e))
}

/// e-BH: positions of the tests that are rejected at false discovery rate `alpha`, strongest first.
pub(crate) fn e_bh(ln_e: &[f64], alpha: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ln_e.len()).collect();
    order.sort_by(|&a, &b| ln_e[b].total_cmp(&ln_e[a]).then(a.cmp(&b)));
    let limit = |rank: usize| (ln_e.len() as f64 / (rank as f64 * alpha)).ln();
    let rejected = (1..=order.len()).rev().find(|&rank| limit(rank) <= ln_e[order[rank - 1]]);
    order.truncate(rejected.unwrap_or(0));
    order
}
