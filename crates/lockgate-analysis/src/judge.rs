//! The judge of one release: all services together, over all steps.

use std::collections::BTreeMap;

use lockgate_model::{Millis, ReleaseId, Samples, ServiceName, SlotRef, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{Bad, JudgeConfig, Traffic};
use crate::gate::GateState;
use crate::merge::{e_bh, ln_average};
use crate::service::{Look, ServiceState, Term, TermRule};
use crate::verdict::{Lack, PassWhy, Reason, Verdict};

/// Capital against one test's canary above which nothing is promoted early.
const SUSPICIOUS: f64 = 3.0;
/// Capital against one service above which a step does not pass at its end. Laxer than for all together, since
/// among many healthy services one is often unlucky.
const SUSPICIOUS_SERVICE: f64 = 10.0;
/// Looks that may be missed before the counts are stale.
const STALE_TICKS: u64 = 3;
/// A short tick on a busy machine is late more often than it is lost.
const STALE_MIN: Millis = Millis::secs(15);

/// The two versions of one service that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arms {
    pub canary: ReleaseId,
    /// `None` when the old version takes no traffic any more or never was.
    pub baseline: Option<ReleaseId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Both versions take traffic: a good canary may be promoted before the time is over.
    Compare,
    /// All traffic is the new version's: it passes at the end of the time, not before.
    Bake,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepTimer {
    pub(crate) started: Timestamp,
    pub(crate) pause: Millis,
    pub(crate) kind: StepKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    pub(crate) config: JudgeConfig,
    pub(crate) services: BTreeMap<ServiceName, ServiceState>,
    pub(crate) step: Option<StepTimer>,
    counter_epoch: Option<String>,
    seen_at: Option<Timestamp>,
    dark_since: Option<Timestamp>,
    failed: Option<Vec<Reason>>,
    incident: Vec<Reason>,
    /// One for each of the configuration's.
    gates: Vec<GateState>,
}

impl Judge {
    /// The services are fixed here: each gets its share of the capital before the first count is seen.
    pub fn new(config: JudgeConfig, services: impl IntoIterator<Item = (ServiceName, Traffic)>) -> Judge {
        let states = services.into_iter().map(|(name, traffic)| (name, ServiceState::new(&config, traffic)));
        Judge {
            services: states.collect(),
            gates: vec![GateState::default(); config.gates.len()],
            config,
            step: None,
            counter_epoch: None,
            seen_at: None,
            dark_since: None,
            failed: None,
            incident: Vec::new(),
        }
    }

    /// Begins a step's time. What was learned before stays.
    pub fn start_step(&mut self, now: Timestamp, pause: Millis, kind: StepKind) {
        self.step = Some(StepTimer { started: now, pause, kind });
        self.services.values_mut().for_each(|it| it.step_requests = (0, 0));
    }

    /// Moves the step's time on by as long as it stood still.
    pub fn postpone_step(&mut self, by: Millis) {
        if let Some(step) = &mut self.step {
            step.started = step.started.plus(by);
        }
    }

    /// Takes a reading of cumulative counters. Every service must be among `arms`, and its slots among `samples`;
    /// one that is not has no signal.
    pub fn observe(&mut self, now: Timestamp, samples: &Samples, arms: &BTreeMap<ServiceName, Arms>) {
        let restarted = self.counter_epoch.as_ref().is_some_and(|it| *it != samples.counter_epoch);
        self.counter_epoch = Some(samples.counter_epoch.clone());
        (self.seen_at, self.dark_since) = (Some(now), None);
        let mut trips = Vec::new();
        for (name, service) in &mut self.services {
            if restarted {
                service.restart_counters();
            }
            match look(now, &self.config, name, samples, arms) {
                Some(look) => trips.extend(service.observe(look)),
                None => service.miss(now),
            }
        }
        for (rule, state) in self.config.gates.iter().zip(&mut self.gates) {
            state.observe(now, samples.gates.get(&rule.name));
        }
        self.conclude(now, trips);
    }

    /// Asking for counts failed.
    pub fn no_signal(&mut self, now: Timestamp) {
        self.dark_since.get_or_insert(now);
    }

    pub fn verdict(&self, now: Timestamp) -> Verdict {
        if let Some(why) = &self.failed {
            return Verdict::Fail { why: why.clone() };
        }
        if let Some(no_signal) = self.missing_signal(now) {
            return no_signal;
        }
        if !self.incident.is_empty() {
            return Verdict::EnvironmentIncident { why: self.incident.clone() };
        }
        let Some(step) = self.step else { return Verdict::Pending { until: now } };
        if step.pause == Millis::ZERO {
            return Verdict::Pass { why: PassWhy::NoPause, idle: self.idle() };
        }
        let until = step.started.plus(step.pause);
        if now < until {
            let early = step.kind == StepKind::Compare && self.may_promote_early(now, step);
            let pass = Verdict::Pass { why: PassWhy::Early, idle: self.idle() };
            return if early { pass } else { Verdict::Pending { until } };
        }
        self.at_end(now, step)
    }

    fn at_end(&self, now: Timestamp, step: StepTimer) -> Verdict {
        // A bake only asks whether anything went wrong: a system that nobody uses is not held up by it.
        let why = match step.kind {
            StepKind::Compare => self.lacks(),
            StepKind::Bake => self.suspects(),
        };
        if why.is_empty() {
            return Verdict::Pass { why: PassWhy::TimeUp, idle: self.idle() };
        }
        let (have, need) = (self.canary_requests(), self.config.analysis.min_requests);
        let until = step.started.plus(self.config.analysis.max_time.max(step.pause));
        if now < until {
            Verdict::NotEnough { have, need, why, until }
        } else {
            Verdict::Undecided { have, need, why }
        }
    }

    pub(crate) fn canary_requests(&self) -> u64 {
        self.services.values().map(ServiceState::canary_requests).sum()
    }

    /// Services with requests of their own, each with its tests.
    pub(crate) fn terms(&self) -> Vec<(&ServiceName, Vec<Term>)> {
        let terms = self.services.iter().map(|(name, service)| (name, service.terms(&self.config)));
        terms.filter(|it| !it.1.is_empty()).collect()
    }

    /// The earliest time at which this step may pass by its evidence.
    pub(crate) fn early_from(&self, step: StepTimer) -> Timestamp {
        let warm = self.services.values().filter_map(|it| it.first_seen).max();
        let warm = warm.unwrap_or(step.started).plus(self.config.analysis.warmup);
        warm.max(step.started).plus(self.config.analysis.min_time)
    }

    fn missing_signal(&self, now: Timestamp) -> Option<Verdict> {
        if let Some(since) = self.dark_since {
            return Some(Verdict::NoSignal { since, services: Vec::new() });
        }
        let missing = || self.services.iter().filter_map(|(name, it)| Some((name, it.missing_since?)));
        if let Some(since) = missing().map(|it| it.1).min() {
            return Some(Verdict::NoSignal { since, services: missing().map(|it| it.0.clone()).collect() });
        }
        if let Some(since) = self.gates.iter().filter_map(|it| it.missing_since).min() {
            return Some(Verdict::NoSignal { since, services: Vec::new() });
        }
        // A step without a pause asks for no counts, so none are late.
        let step = self.step.filter(|it| it.pause != Millis::ZERO)?;
        let last = self.seen_at.map_or(step.started, |it| it.max(step.started));
        let patience = Millis(STALE_TICKS * self.config.analysis.tick.0).max(STALE_MIN);
        let stale = patience < now.since(last);
        stale.then_some(Verdict::NoSignal { since: last, services: Vec::new() })
    }

    fn may_promote_early(&self, now: Timestamp, step: StepTimer) -> bool {
        let analysis = &self.config.analysis;
        let ready = analysis.promote_early
            && self.early_from(step) <= now
            && self.services.values().any(|it| it.traffic == Traffic::Requests)
            && self.lacks().is_empty();
        let trusted = |it: &ServiceState| {
            it.is_idle() || (0 < it.step_requests.1 && self.config.ln_certify() <= it.ln_certificate())
        };
        let suspected = |it: &Term| !it.excused && SUSPICIOUS.ln() < it.ln_e;
        ready
            && self.services.values().all(trusted)
            && !self.terms().iter().flat_map(|it| &it.1).any(suspected)
    }

    fn idle(&self) -> Vec<ServiceName> {
        let takes = |it: &ServiceState| it.traffic == Traffic::Requests && it.is_idle();
        self.services.iter().filter(|it| takes(it.1)).map(|it| it.0.clone()).collect()
    }

    /// What a pass still lacks.
    fn lacks(&self) -> Vec<Lack> {
        let takers = || self.services.iter().filter(|it| it.1.traffic == Traffic::Requests);
        if takers().next().is_none() {
            return Vec::new();
        }
        let mut lacks = Vec::new();
        let (have, need) = (self.canary_requests(), self.config.analysis.min_requests);
        if have < need {
            lacks.push(Lack::Requests { have, need });
        }
        if takers().all(|it| it.1.is_idle()) {
            lacks.push(Lack::Quiet);
        }
        for (name, service) in takers() {
            if service.step_requests.0 == 0 && 0 < service.step_requests.1 {
                lacks.push(Lack::NoCanaryRequests { service: name.clone() });
            }
            let unmeasured = service.slos.iter().zip(&self.config.slos).filter(|it| it.0.unmeasured);
            lacks.extend(unmeasured.map(|it| Lack::Unmeasured { service: name.clone(), slo: *it.1 }));
        }
        lacks.extend(self.suspects());
        lacks
    }

    fn suspects(&self) -> Vec<Lack> {
        let all = self.terms();
        let merged = ln_merged(&all);
        let of = |terms: &[Term]| ln_average(terms.iter().map(|it| (it.weight, it.ln_e)));
        let leading = all.iter().map(|it| of(&it.1)).fold(f64::NEG_INFINITY, f64::max);
        let suspected =
            |ln_e: f64| SUSPICIOUS_SERVICE.ln() < ln_e || (SUSPICIOUS.ln() < merged && leading <= ln_e);
        let suspects = all.iter().map(|it| (it.0, of(&it.1))).filter(|it| suspected(it.1));
        suspects.map(|(name, ln_e)| Lack::Suspicious { service: name.clone(), odds: odds(ln_e) }).collect()
    }

    /// Makes what is final final.
    fn conclude(&mut self, now: Timestamp, trips: Vec<Reason>) {
        let mut guilty = trips;
        let mut incident = Vec::new();
        for (name, service) in &self.services {
            for (alert, lasted, excused) in service.literal_hits(&self.config, now) {
                let reason = Reason::Literal { service: name.clone(), alert, lasted };
                if excused { incident.push(reason) } else { guilty.push(reason) }
            }
        }
        for (rule, state) in self.config.gates.iter().zip(&self.gates) {
            let broken = state.broken(rule, now);
            guilty.extend(broken.map(|it| Reason::Gate {
                rule: rule.clone(),
                said: it.said,
                lasted: it.lasted,
            }));
        }
        let (ours, environments) = self.abort_reasons(now);
        guilty.splice(0..0, ours);
        incident.splice(0..0, environments);
        self.incident = incident;
        if self.failed.is_none() && !guilty.is_empty() {
            self.failed = Some(guilty);
        }
    }

    /// What the merged capital says: against the canary, and against the environment.
    fn abort_reasons(&self, now: Timestamp) -> (Vec<Reason>, Vec<Reason>) {
        let mut all = self.terms();
        if ln_merged(&all) < self.config.ln_abort() {
            return (Vec::new(), Vec::new());
        }
        let environments = self.attribute(now, &all);
        for term in all.iter_mut().flat_map(|it| &mut it.1).filter(|it| it.excused) {
            term.ln_e = f64::NEG_INFINITY;
        }
        if ln_merged(&all) < self.config.ln_abort() {
            return (Vec::new(), environments);
        }
        (self.attribute(now, &all), Vec::new())
    }

    /// Names the tests behind a merged capital beyond the threshold; at least the strongest.
    fn attribute(&self, now: Timestamp, all: &[(&ServiceName, Vec<Term>)]) -> Vec<Reason> {
        let flat: Vec<(&ServiceName, &Term)> =
            all.iter().flat_map(|it| it.1.iter().map(|term| (it.0, term))).collect();
        let ln_e: Vec<f64> = flat.iter().map(|it| it.1.ln_e).collect();
        let mut rejected = e_bh(&ln_e, self.config.analysis.alpha);
        if rejected.is_empty() {
            rejected.extend((0..flat.len()).max_by(|&a, &b| ln_e[a].total_cmp(&ln_e[b])));
        }
        rejected.into_iter().map(|idx| self.reason(now, flat[idx].0, flat[idx].1)).collect()
    }

    fn reason(&self, now: Timestamp, name: &ServiceName, term: &Term) -> Reason {
        let state = &self.services[name];
        let (service, odds, after) = (name.clone(), odds(term.ln_e), state.after(now));
        match term.rule {
            TermRule::Ratio => {
                let (canary, baseline) = (state.share(Bad::Error), state.baseline_share(Bad::Error));
                Reason::ErrorRatio {
                    service,
                    canary,
                    baseline,
                    odds,
                    after,
                    outlier: state.instances.outlier(),
                }
            }
            TermRule::Slo(slo) => Reason::Slo { service, slo, canary: state.share(slo.bad), odds, after },
        }
    }
}

/// The one number that all services are judged by.
pub(crate) fn ln_merged(all: &[(&ServiceName, Vec<Term>)]) -> f64 {
    if all.is_empty() {
        return 0.0;
    }
    let services = all.len() as f64;
    ln_average(all.iter().flat_map(|it| &it.1).map(|it| (it.weight / services, it.ln_e)))
}

/// Both slots of one service in a reading; `None` when one is missing.
fn look<'a>(
    now: Timestamp,
    config: &'a JudgeConfig,
    name: &'a ServiceName,
    samples: &'a Samples,
    arms: &BTreeMap<ServiceName, Arms>,
) -> Option<Look<'a>> {
    let arms = arms.get(name)?;
    let slot = |release| {
        let counts = samples.slots.get(&SlotRef { service: name.clone(), release })?;
        Some((release, counts))
    };
    let baseline = match arms.baseline {
        Some(release) => Some(slot(release)?),
        None => None,
    };
    let is_repeated = samples.repeated.contains(name);
    Some(Look { now, config, name, canary: slot(arms.canary)?, baseline, is_repeated })
}

/// Capital as odds against chance, in whole numbers.
fn odds(ln_e: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    let odds = ln_e.exp().round() as u64;
    odds
}
