//! Instances of a service that are counted apart: whether errors come in clusters, whether the canary's rank worse,
//! and which one stands out.

use std::collections::BTreeMap;

use lockgate_model::{InstanceCounts, SlotCounts};
use serde::{Deserialize, Serialize};

use crate::config::JudgeConfig;
use crate::mixture::Mixture;
use crate::primitive::{Count, rank};
use crate::tally::Origin;

/// Fewer instances of the old version than this have too few ranks to tell.
const RANKED_MIN: usize = 5;
/// Errors that are expected by chance before the spread of those seen says much.
const SPREAD_PRIOR: f64 = 5.0;
/// Sums are kept in millionths, so that state that is read again is the same to the last bit.
const MILLIONTHS: f64 = 1e6;
/// An instance stands out when chance gives it so many of the errors once in a hundred cases, over all instances.
const OUTLIER_ALPHA: f64 = 0.01;
const OUTLIER_ERRORS_MIN: u64 = 3;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instances {
    canary: Apart,
    baseline: Apart,
    spread: Spread,
    rank: Mixture,
    /// Settled at the first tick that is compared, before any error of it counts.
    is_ranked: Option<bool>,
}

/// One version's instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Apart {
    /// Empty before the first reading.
    last: Option<BTreeMap<String, InstanceCounts>>,
    /// Of instances that are there still.
    compared: BTreeMap<String, InstanceCounts>,
}

/// Squares of what instances had more or less than their share of the errors, and what chance alone gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spread {
    seen: u64,
    by_chance: u64,
}

/// What the instances of both versions did in one tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct TickApart {
    canary: BTreeMap<String, Count>,
    baseline: BTreeMap<String, Count>,
}

/// An instance that has far more of the canary's errors than its share of the requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlier {
    pub instance: String,
    /// Of the new version.
    pub instances: u16,
    pub errors: u64,
    pub of_errors: u64,
    pub requests: u64,
    pub of_requests: u64,
}

impl Instances {
    /// Takes one reading of both slots. What the old version's instances show is learned from, warm-up or not.
    pub(crate) fn advance(&mut self, canary: &SlotCounts, baseline: Option<&SlotCounts>) -> TickApart {
        let tick = TickApart {
            canary: self.canary.advance(Origin::Zero, canary),
            baseline: baseline.map(|it| self.baseline.advance(Origin::FirstReading, it)).unwrap_or_default(),
        };
        self.spread.add(&tick.baseline);
        tick
    }

    /// Compares one tick that [`Instances::advance`] gave.
    pub(crate) fn compare(&mut self, config: &JudgeConfig, tick: &TickApart) {
        self.canary.compare(&tick.canary);
        let counts = |it: &BTreeMap<String, Count>| it.values().copied().collect::<Vec<_>>();
        let (canary, baseline) = (counts(&tick.canary), counts(&tick.baseline));
        let is_ranked = *self.is_ranked.get_or_insert(!canary.is_empty() && RANKED_MIN <= baseline.len());
        if let Some(score) = rank::score(&canary, &baseline).filter(|_| is_ranked) {
            self.rank.step(config.onset(), rank::increments(score));
        }
    }

    /// How many errors come at once, at least 1: evidence that counts them as independent is that much weaker.
    pub(crate) fn dispersion(&self) -> f64 {
        self.spread.ratio()
    }

    /// `None` where there are too few instances.
    pub(crate) fn ln_rank(&self, config: &JudgeConfig) -> Option<f64> {
        (self.is_ranked == Some(true)).then(|| self.rank.ln_e(config.onset()))
    }

    pub(crate) fn outlier(&self) -> Option<Outlier> {
        let compared = &self.canary.compared;
        let requests: u64 = compared.values().map(|it| it.requests).sum();
        let errors: u64 = compared.values().map(|it| it.errors).sum();
        let (instance, worst) = compared.iter().max_by_key(|it| it.1.errors)?;
        let share = worst.requests as f64 / requests.max(1) as f64;
        let chance = at_least(worst.errors, errors, share) * compared.len() as f64;
        let is_out = 2 <= compared.len() && OUTLIER_ERRORS_MIN <= worst.errors && chance <= OUTLIER_ALPHA;
        is_out.then(|| Outlier {
            instance: instance.clone(),
            instances: u16::try_from(compared.len()).unwrap_or(u16::MAX),
            errors: worst.errors,
            of_errors: errors,
            requests: worst.requests,
            of_requests: requests,
        })
    }
}

impl Apart {
    fn advance(&mut self, origin: Origin, counts: &SlotCounts) -> BTreeMap<String, Count> {
        let is_first = self.last.is_none();
        let last = self.last.take().unwrap_or_default();
        let news = |(name, now): (&String, &InstanceCounts)| {
            let then = last.get(name).copied().unwrap_or_default();
            // Counters only grow, so a smaller one was started again.
            let then = if now.requests < then.requests || now.errors < then.errors {
                InstanceCounts::default()
            } else {
                then
            };
            let is_reference = is_first && origin == Origin::FirstReading;
            let tick = Count::new(now.requests - then.requests, now.errors - then.errors);
            (name.clone(), if is_reference { Count::default() } else { tick })
        };
        let tick = counts.instances.iter().map(news).collect();
        self.last = Some(counts.instances.clone());
        tick
    }

    fn compare(&mut self, tick: &BTreeMap<String, Count>) {
        self.compared.retain(|name, _| tick.contains_key(name));
        for (name, count) in tick {
            let sum = self.compared.entry(name.clone()).or_default();
            sum.requests += count.requests;
            sum.errors += count.bad;
        }
    }
}

impl Spread {
    fn add(&mut self, tick: &BTreeMap<String, Count>) {
        let requests: u64 = tick.values().map(|it| it.requests).sum();
        let errors: u64 = tick.values().map(|it| it.bad).sum();
        if requests == 0 || errors == 0 || tick.len() < 2 {
            return;
        }
        for count in tick.values() {
            let share = count.n() / requests as f64;
            let excess = count.bad() - share * errors as f64;
            self.seen += millionths(excess * excess);
            self.by_chance += millionths(errors as f64 * share * (1.0 - share));
        }
    }

    fn ratio(self) -> f64 {
        let (seen, by_chance) = (self.seen as f64 / MILLIONTHS, self.by_chance as f64 / MILLIONTHS);
        ((seen + SPREAD_PRIOR) / (by_chance + SPREAD_PRIOR)).max(1.0)
    }
}

fn millionths(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    let count = (value * MILLIONTHS).round() as u64;
    count
}

/// An upper bound of the probability that at least `some` of `all` errors fall to an instance with this share of the
/// requests (Chernoff).
fn at_least(some: u64, all: u64, share: f64) -> f64 {
    let seen = some as f64 / all.max(1) as f64;
    if seen <= share {
        return 1.0;
    }
    let rest = if seen < 1.0 { (1.0 - seen) * ((1.0 - seen) / (1.0 - share)).ln() } else { 0.0 };
    (-(all as f64) * (seen * (seen / share).ln() + rest)).exp()
}
