//! The target of the simulation, held to the same contract as the real ones: what releases are rehearsed on must
//! not be kinder than what they are carried out on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Trial;
use lockgate_model::{
    EffectKey, Fence, Fixtures, JobKind, JobSpec, Keep, Millis, Observed, ReleaseId, Samples, ServiceName,
    SlotCounts, SlotRef, SlotSpec, SmokeExpect, SmokeSpec, SmokeVia, Weight, Weights,
};
use lockgate_node::LogLine;
use lockgate_sim::{JobSeen, Refused, Twin};
use lockgate_targets::{Class, JobReport, Sighting, Target, TargetError};

use crate::suite::{self, Platform};
use crate::world::{World, job, service, web};

pub(crate) fn trials() -> Vec<Trial> {
    suite::of::<Simulated>("sim")
}

/// The world, and what a router in front of it has counted.
#[derive(Default)]
struct State {
    twin: Twin,
    reports: BTreeMap<EffectKey, JobReport>,
    requests: BTreeMap<SlotRef, u64>,
    /// Grows by one with each request; its place in the golden ratio's multiples picks the slot.
    picked: u32,
}

struct Simulated {
    state: Arc<Mutex<State>>,
    world: World,
}

impl Platform for Simulated {
    type Target = Client;

    fn new() -> Simulated {
        Simulated { state: Arc::default(), world: World::new() }
    }

    fn client(&self) -> Client {
        Client { state: Arc::clone(&self.state) }
    }

    fn slot(&self, release: u64) -> SlotSpec {
        self.world.slot(release)
    }

    fn job(&self, words: &[&str]) -> JobSpec {
        job(words)
    }

    fn path(&self, name: &str) -> String {
        self.world.path(name)
    }

    async fn marked(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    async fn mark(&self, path: &str) {
        std::fs::write(path, "").unwrap();
    }

    async fn request(&self) -> Option<String> {
        let mut state = self.state.lock().unwrap();
        let slot = state.pick()?;
        *state.requests.entry(slot.clone()).or_default() += 1;
        Some(slot.release.to_string())
    }

    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec {
        SmokeSpec {
            service: service(),
            port: self.world.port,
            path: path.to_owned(),
            status: 200,
            via,
            timeout: Millis::secs(5),
            expect: SmokeExpect::default(),
            bearer: None,
        }
    }
}

impl State {
    fn pick(&mut self) -> Option<SlotRef> {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let observed = self.twin.observed();
        let weights = observed.services.get(&service())?.weights.clone()?;
        self.picked += 1;
        let place = (f64::from(self.picked) * GOLDEN).fract();
        let mut below = 0.0;
        let total = f64::from(Weight::ALL.basis_points());
        let chosen = weights.iter().find(|(_, weight)| {
            below += f64::from(weight.basis_points()) / total;
            place < below
        });
        chosen.map(|it| web(it.0.0))
    }
}

struct Client {
    state: Arc<Mutex<State>>,
}

impl Client {
    fn twin<T>(&self, ask: impl FnOnce(&mut Twin) -> Result<T, Refused>) -> Result<T, TargetError> {
        ask(&mut self.state.lock().unwrap().twin).map_err(|it| match it {
            Refused::Fenced => TargetError::new(Class::Fenced, "a newer driver has taken over"),
            Refused::Impossible(why) => TargetError::new(Class::Fatal, why),
        })
    }

    fn report(&self, key: &EffectKey) -> Option<JobReport> {
        self.state.lock().unwrap().reports.get(key).cloned()
    }
}

impl Target for Client {
    async fn observe(&self) -> Result<Observed, TargetError> {
        let mut observed = self.state.lock().unwrap().twin.observed();
        for slot in observed.services.values_mut().flat_map(|it| it.slots.values_mut()) {
            slot.instances = (1..=slot.wanted).map(|it| format!("#{it}")).collect();
        }
        Ok(observed)
    }

    async fn prepare(&self, _: &Fence, _: &EffectKey, _: &Fixtures) -> Result<(), TargetError> {
        Ok(())
    }

    async fn prune(&self, _: &Fence, _: &EffectKey, _: &Keep) -> Result<(), TargetError> {
        Ok(())
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        self.twin(|it| it.ensure_slot(fence, key, slot, instances))
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        self.twin(|it| it.set_weights(fence, key, service, weights))
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        _: Millis,
    ) -> Result<(), TargetError> {
        self.twin(|it| it.drain(fence, key, slot))
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        self.twin(|it| it.remove_slot(fence, key, slot))
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        if self.twin(|it| it.run_job(fence, key, &job.name))? == JobSeen::NeverRan {
            let (state, key, job) = (Arc::clone(&self.state), key.clone(), job.clone());
            // The work goes on when the caller does not.
            tokio::spawn(async move {
                let report = work(&job).await;
                let mut state = state.lock().unwrap();
                state.twin.end_job(&key, report.exit_code == Some(0));
                state.reports.insert(key, report);
            });
        }
        loop {
            if let Some(report) = self.report(key) {
                return Ok(report);
            }
            // Slow on purpose: a breath between two looks, so that the looking does not take the cores it waits for.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        let slot = match &check.via {
            SmokeVia::Slot(slot) => Some(slot.clone()),
            SmokeVia::Route => self.state.lock().unwrap().pick(),
        };
        let release = slot.map_or(ReleaseId(0), |it| it.release);
        if check.path == format!("/of/{release}") {
            return Ok(());
        }
        Err(TargetError::new(Class::Fatal, format!("GET {} answered 404, expected 200", check.path)))
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        Ok(match self.twin(|it| it.look(fence, key))? {
            JobSeen::NeverRan => Sighting::NeverRan,
            JobSeen::Running => Sighting::Running,
            JobSeen::Ended => self.report(key).map_or(Sighting::Unknown, Sighting::Done),
        })
    }

    async fn logs(&self, _: &SlotRef, _: u16) -> Result<Vec<LogLine>, TargetError> {
        Ok(vec![])
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        let state = self.state.lock().unwrap();
        let observed = state.twin.observed();
        let slots =
            observed.services.iter().filter(|it| services.contains(it.0)).flat_map(|(name, service)| {
                let counted = service.slots.iter().map(|(&release, slot)| {
                    let of = SlotRef { service: name.clone(), release };
                    let requests = state.requests.get(&of).copied().unwrap_or(0);
                    let counts = SlotCounts {
                        requests,
                        ready: slot.ready,
                        wanted: slot.wanted,
                        ..SlotCounts::default()
                    };
                    (of, counts)
                });
                counted.collect::<Vec<_>>()
            });
        Ok(Samples { counter_epoch: "sim".to_owned(), slots: slots.collect(), ..Samples::default() })
    }
}

/// Between looks at a file that somebody else makes.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What the test's programs do, within the time that a job has.
async fn work(job: &JobSpec) -> JobReport {
    let JobKind::Command(command) = &job.kind else { panic!("the suite runs commands") };
    let words: Vec<&str> = command.iter().skip(2).map(String::as_str).collect();
    let report = |exit_code, tail: &[&str]| JobReport {
        exit_code,
        tail: tail.iter().map(|it| (*it).to_owned()).collect(),
    };
    match words.as_slice() {
        ["count", file] => {
            append(file);
            report(Some(0), &["counted"])
        }
        ["fail"] => report(Some(3), &["first line", "relation \"users\" does not exist"]),
        ["wait-for", file, marks] => {
            append(marks);
            while !PathBuf::from(file).exists() {
                // Slow on purpose: a breath between two looks, so that the looking does not take the cores it waits for.
                tokio::time::sleep(LOOK_EVERY).await;
            }
            report(Some(0), &[])
        }
        _ => {
            // Slow on purpose: it hangs for the time that it is given.
            tokio::time::sleep(job.timeout.to_std()).await;
            let ended = format!("ended by its timeout of {}", job.timeout);
            report(None, &["waiting for a lock", &ended])
        }
    }
}

fn append(path: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "ran").unwrap();
}
