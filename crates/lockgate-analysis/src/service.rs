//! One service's part in the judgement: its counters, its tests and its literal rules.

use lockgate_model::{Millis, ReleaseId, ServiceName, SlotCounts, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{AbsoluteSlo, Bad, JudgeConfig, LiteralAlert, Traffic};
use crate::instances::Instances;
use crate::literal::Streak;
use crate::merge::ln_average;
use crate::mixture::{Mixture, Onset};
use crate::primitive::margin::Margin;
use crate::primitive::{Count, Pair, objective, ratio};
use crate::tally::{Arm, Origin, Tally};
use crate::trip::Condition;
use crate::verdict::{Reason, Share};

/// Shares of a service's capital: errors against the old version, errors against a limit, latency.
const WEIGHT_RATIO: f64 = 0.4;
const WEIGHT_ERRORS: f64 = 0.2;
const WEIGHT_LATENCY: f64 = 0.4;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceState {
    pub(crate) traffic: Traffic,
    pub(crate) canary: Option<Arm>,
    pub(crate) baseline: Option<Arm>,
    pub(crate) condition: Condition,
    pub(crate) first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    pub(crate) missing_since: Option<Timestamp>,
    /// Requests of the canary and of the old version in this step.
    pub(crate) step_requests: (u64, u64),
    ratio: Mixture,
    pub(crate) instances: Instances,
    pub(crate) margin: Margin,
    pub(crate) slos: Vec<SloState>,
    pub(crate) literals: Vec<LiteralState>,
}

/// One limit on one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SloState {
    abort: Mixture,
    certify: Mixture,
    baseline: Mixture,
    /// The old version broke the limit too, at some time: from then on it proves nothing against the canary.
    pub(crate) excused: bool,
    pub(crate) unmeasured: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiteralState {
    pub(crate) canary: Streak,
    baseline: Streak,
}

/// One look at one service.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) now: Timestamp,
    pub(crate) config: &'a JudgeConfig,
    pub(crate) name: &'a ServiceName,
    pub(crate) canary: (ReleaseId, &'a SlotCounts),
    pub(crate) baseline: Option<(ReleaseId, &'a SlotCounts)>,
    /// The requests are those of the look before.
    pub(crate) is_repeated: bool,
}

/// One test's capital against the canary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) rule: TermRule,
    /// Share of the service's capital; the terms of a service sum to 1.
    pub(crate) weight: f64,
    pub(crate) ln_e: f64,
    pub(crate) excused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TermRule {
    Ratio,
    Slo(AbsoluteSlo),
}

impl ServiceState {
    pub(crate) fn new(config: &JudgeConfig, traffic: Traffic) -> ServiceState {
        ServiceState {
            traffic,
            canary: None,
            baseline: None,
            condition: Condition::default(),
            first_seen: None,
            last_seen: None,
            missing_since: None,
            step_requests: (0, 0),
            ratio: Mixture::default(),
            instances: Instances::default(),
            margin: Margin::default(),
            slos: vec![SloState::default(); config.slos.len()],
            literals: vec![LiteralState::default(); config.literals.len()],
        }
    }

    /// Takes one reading of both slots; answers the hard trips.
    pub(crate) fn observe(&mut self, look: Look<'_>) -> Vec<Reason> {
        let now = look.now;
        self.missing_since = None;
        let (canary, baseline) = self.advance(look);
        // What is learned of the old version in this tick is used from the next one on.
        let dispersion = self.instances.dispersion();
        let apart = self.instances.advance(look.canary.1, look.baseline.map(|it| it.1));
        if look.is_repeated {
            // A look without news is no tick: a rule that has held so far neither goes on nor ends.
            return self.condition.observe(now, look.name, look.canary.1, &canary);
        }
        let started = self.last_seen.replace(now).unwrap_or(now);
        let first_seen = *self.first_seen.get_or_insert(now);
        self.step_requests.0 += canary.requests;
        self.step_requests.1 += baseline.requests;
        let trips = self.condition.observe(now, look.name, look.canary.1, &canary);
        if first_seen.plus(look.config.analysis.warmup) <= started {
            self.judge_literals(look.config, started, &canary, &baseline);
            if self.traffic == Traffic::Requests {
                self.compare(look.config, dispersion, &canary, &baseline);
                self.instances.compare(look.config, &apart);
            }
        }
        trips
    }

    pub(crate) fn miss(&mut self, now: Timestamp) {
        self.missing_since.get_or_insert(now);
    }

    /// The data plane was restarted: all counters count from zero again.
    pub(crate) fn restart_counters(&mut self) {
        self.canary.iter_mut().chain(&mut self.baseline).for_each(Arm::restart);
    }

    pub(crate) fn canary_requests(&self) -> u64 {
        self.canary.as_ref().map_or(0, |it| it.compared.requests)
    }

    /// No request in either version during this step.
    pub(crate) fn is_idle(&self) -> bool {
        self.step_requests == (0, 0)
    }

    pub(crate) fn share(&self, bad: Bad) -> Share {
        share_of(self.canary.as_ref(), bad)
    }

    pub(crate) fn baseline_share(&self, bad: Bad) -> Share {
        share_of(self.baseline.as_ref(), bad)
    }

    pub(crate) fn after(&self, now: Timestamp) -> Millis {
        self.first_seen.map_or(Millis::ZERO, |it| now.since(it))
    }

    fn advance(&mut self, look: Look<'_>) -> (Tally, Tally) {
        let (release, counts) = look.canary;
        let canary = arm_of(&mut self.canary, release).advance(Origin::Zero, counts);
        let Some((release, counts)) = look.baseline else { return (canary, Tally::default()) };
        let arm = arm_of(&mut self.baseline, release);
        if arm.is_new() {
            self.margin.remember(Count::new(counts.requests, counts.errors));
        }
        (canary, arm.advance(Origin::FirstReading, counts))
    }

    fn judge_literals(&mut self, config: &JudgeConfig, started: Timestamp, canary: &Tally, baseline: &Tally) {
        for (state, alert) in self.literals.iter_mut().zip(&config.literals) {
            state.canary.observe(alert, started, canary, self.condition.crashes);
            state.baseline.observe(alert, started, baseline, 0);
        }
    }

    fn compare(&mut self, config: &JudgeConfig, dispersion: f64, canary: &Tally, baseline: &Tally) {
        self.canary.iter_mut().for_each(|it| it.compared.add(canary));
        self.baseline.iter_mut().for_each(|it| it.compared.add(baseline));
        let errors = |tally: &Tally| Count::new(tally.requests, tally.errors);
        let pair = Pair { canary: errors(canary), baseline: errors(baseline) };
        if pair.is_comparable() {
            self.ratio.step(config.onset(), ratio::increments(config.analysis.tolerance, dispersion, pair));
            self.margin.step(config.edge(), pair);
        }
        for (state, slo) in self.slos.iter_mut().zip(&config.slos) {
            state.step(config, *slo, canary, baseline);
        }
    }

    /// Capital against the canary, test by test. Empty when nothing is judged by statistics.
    pub(crate) fn terms(&self, config: &JudgeConfig) -> Vec<Term> {
        if self.traffic == Traffic::None {
            return Vec::new();
        }
        let mut terms = Vec::new();
        if config.error_ratio {
            let by_counts = self.ratio.ln_e(config.onset());
            let ln_e = match self.instances.ln_rank(config) {
                Some(by_rank) => ln_average([(0.5, by_counts), (0.5, by_rank)].into_iter()),
                None => by_counts,
            };
            terms.push(Term { rule: TermRule::Ratio, weight: WEIGHT_RATIO, ln_e, excused: false });
        }
        for (state, slo) in self.slos.iter().zip(&config.slos) {
            let alike = config.slos.iter().filter(|it| it.bad.is_like(slo.bad)).count();
            let weight = weight_of(slo.bad) / alike as f64;
            let ln_e = state.abort.ln_e(config.onset());
            terms.push(Term { rule: TermRule::Slo(*slo), weight, ln_e, excused: state.excused });
        }
        let sum: f64 = terms.iter().map(|it| it.weight).sum();
        for term in &mut terms {
            term.weight /= sum;
        }
        terms
    }

    /// Capital for the canary: the weakest of all certificates decides.
    pub(crate) fn ln_certificate(&self) -> f64 {
        self.slos.iter().map(|it| it.certify.ln_e(Onset::Start)).fold(self.margin.ln_e(), f64::min)
    }

    /// Literal rules that hold now, and whether the old version is beyond the same limit.
    pub(crate) fn literal_hits(
        &self,
        config: &JudgeConfig,
        now: Timestamp,
    ) -> Vec<(LiteralAlert, Millis, bool)> {
        let hits = self.literals.iter().zip(&config.literals).filter(|it| it.0.canary.is_over(it.1, now));
        hits.map(|(state, alert)| {
            let same = |it: &(&SloState, &AbsoluteSlo)| it.0.excused && it.1.metric == alert.metric;
            let excused =
                state.baseline.since.is_some() || self.slos.iter().zip(&config.slos).any(|it| same(&it));
            (*alert, state.canary.lasted(now).unwrap_or_default(), excused)
        })
        .collect()
    }
}

impl SloState {
    fn step(&mut self, config: &JudgeConfig, slo: AbsoluteSlo, canary: &Tally, baseline: &Tally) {
        let limit = slo.allowed.fraction();
        let count = canary.count(slo.bad);
        if 0 < canary.requests {
            self.unmeasured = count.is_none();
        }
        if let Some(count) = count.filter(|it| 0 < it.requests) {
            self.abort.step(config.onset(), objective::abort_increments(limit, count));
            self.certify.step(Onset::Start, objective::certify_increments(limit, count));
        }
        if let Some(count) = baseline.count(slo.bad).filter(|it| 0 < it.requests) {
            self.baseline.step(config.onset(), objective::abort_increments(limit, count));
            self.excused |= config.ln_abort() <= self.baseline.ln_e(config.onset());
        }
    }
}

fn weight_of(bad: Bad) -> f64 {
    match bad {
        Bad::Error => WEIGHT_ERRORS,
        Bad::SlowerThan(_) => WEIGHT_LATENCY,
    }
}

fn share_of(arm: Option<&Arm>, bad: Bad) -> Share {
    let count = arm.and_then(|it| it.compared.count(bad)).unwrap_or_default();
    Share { bad: count.bad, of: count.requests }
}

/// The arm of this release, begun anew when it is another one than before.
fn arm_of(arm: &mut Option<Arm>, release: ReleaseId) -> &mut Arm {
    if arm.as_ref().is_none_or(|it| it.release != release) {
        *arm = Some(Arm::new(release));
    }
    arm.as_mut().expect("it was set above")
}
