//! A small world that counts requests, and a seeded generator to fill it.

use std::collections::BTreeMap;

use lockgate_analysis::{Arms, Judge, JudgeConfig, StepKind, Traffic};
use lockgate_model::{
    Analysis, Latency, Millis, ReleaseId, RollbackTrigger, Rollout, Samples, ServiceName, Slo, SloAlert,
    SloMetric, SloObjective, SloSeverity, SlotCounts, SlotRef, Step, Strategy, Timestamp, Weight,
};

pub(crate) const OLD: ReleaseId = ReleaseId(1);
pub(crate) const NEW: ReleaseId = ReleaseId(2);
pub(crate) const BOUNDS_MS: [u32; 3] = [100, 500, 1_000];
/// Judgements do not begin at the epoch.
pub(crate) const START: Timestamp = Timestamp(1_000_000_000);

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

pub(crate) fn rollout(analysis: Analysis) -> Rollout {
    let step = Step::new(Weight::from_basis_points(1_000).unwrap(), Millis::mins(60));
    let (rollback_on, bake) = (Vec::<RollbackTrigger>::new(), Millis::ZERO);
    Rollout {
        strategy: Strategy::Canary,
        steps: vec![step],
        rollback_on,
        bake,
        analysis,
        ..Rollout::default()
    }
}

pub(crate) fn slo(objective: Option<SloObjective>, alert: Option<(SloObjective, Millis)>) -> Slo {
    let alert = alert.map(|(limit, lasting)| SloAlert { limit, lasting });
    Slo { objective, alert, severity: SloSeverity::Critical, runbook: None }
}

pub(crate) fn percent(text: &str) -> SloObjective {
    SloObjective::ErrorRate(text.parse().unwrap())
}

pub(crate) fn config(analysis: Analysis, slos: impl IntoIterator<Item = (SloMetric, Slo)>) -> JudgeConfig {
    JudgeConfig::new(&rollout(analysis), &slos.into_iter().collect())
}

/// Requests of one tick.
#[derive(Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Slower than 500 ms, faster than 1 s.
    pub(crate) slow: u64,
}

pub(crate) fn served(requests: u64, errors: u64) -> Served {
    Served { requests, errors, slow: 0 }
}

/// Counters of all slots, the judge that reads them, and the time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) samples: Samples,
    pub(crate) arms: BTreeMap<ServiceName, Arms>,
    pub(crate) judge: Judge,
    pub(crate) tick: Millis,
}

impl World {
    pub(crate) fn new(config: JudgeConfig, services: &[&str]) -> World {
        let tick = config.analysis.tick;
        let judge = Judge::new(config, services.iter().map(|it| (name(it), Traffic::Requests)));
        let mut samples = Samples { counter_epoch: "a".to_owned(), ..Samples::default() };
        let mut arms = BTreeMap::new();
        for service in services {
            for release in [OLD, NEW] {
                let latency = Latency { bounds_ms: BOUNDS_MS.to_vec(), counts: vec![0; 4] };
                let counts = SlotCounts { ready: 2, wanted: 2, latency, ..SlotCounts::default() };
                samples.slots.insert(SlotRef { service: name(service), release }, counts);
            }
            arms.insert(name(service), Arms { canary: NEW, baseline: Some(OLD) });
        }
        World { now: START, samples, arms, judge, tick }
    }

    /// The usual beginning: one service, one hour to be judged in, and the point of reference taken.
    pub(crate) fn begun(config: JudgeConfig) -> World {
        let mut world = World::new(config, &["web"]);
        world.step(Millis::mins(60), StepKind::Compare);
        world.look();
        world
    }

    pub(crate) fn step(&mut self, pause: Millis, kind: StepKind) {
        self.judge.start_step(self.now, pause, kind);
    }

    pub(crate) fn slot(&mut self, service: &str, release: ReleaseId) -> &mut SlotCounts {
        self.samples.slots.get_mut(&SlotRef { service: name(service), release }).unwrap()
    }

    pub(crate) fn serve(&mut self, service: &str, release: ReleaseId, served: Served) {
        let slot = self.slot(service, release);
        slot.requests += served.requests;
        slot.errors += served.errors;
        slot.latency.counts[0] += served.requests - served.slow;
        slot.latency.counts[2] += served.slow;
    }

    pub(crate) fn look(&mut self) {
        self.judge.observe(self.now, &self.samples, &self.arms);
    }

    /// One tick of the service `web`.
    pub(crate) fn tick(&mut self, canary: Served, baseline: Served) {
        self.serve("web", NEW, canary);
        self.serve("web", OLD, baseline);
        self.pass_tick();
    }

    pub(crate) fn pass_tick(&mut self) {
        self.now = self.now.plus(self.tick);
        self.look();
    }

    pub(crate) fn elapsed(&self) -> Millis {
        self.now.since(START)
    }
}

/// `SplitMix64`: small, seeded, good enough to draw counts.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, neither of them.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// By multiplication of uniforms up to a mean of 30, by a rounded normal beyond.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 30.0 {
            let limit = (-mean).exp();
            let (mut product, mut count) = (self.unit(), 0);
            while limit < product {
                product *= self.unit();
                count += 1;
            }
            return count;
        }
        let normal = (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative by max")]
        let count = mean.sqrt().mul_add(normal, mean).round().max(0.0) as u64;
        count
    }

    /// Requests at a mean rate, of which independent shares fail and are slow.
    pub(crate) fn serve(&mut self, mean: f64, error_rate: f64, slow_rate: f64) -> Served {
        let errors = self.poisson(mean * error_rate);
        let slow = self.poisson(mean * slow_rate);
        let good = self.poisson(mean * (1.0 - error_rate - slow_rate));
        Served { requests: good + errors + slow, errors, slow }
    }
}
