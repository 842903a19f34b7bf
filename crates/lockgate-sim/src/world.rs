//! The target: slots, traffic, jobs and fences, as a node keeps them. Nothing here knows of releases.

use std::collections::BTreeMap;

use lockgate_engine::Action;
use lockgate_model::{
    EffectKey, Fence, JobName, Observed, ObservedService, ObservedSlot, ReleaseId, ServiceName, SlotRef,
    SlotSpec, Weight, Weights,
};

/// What the world and the driver do by the rules. Each of them can be taken away, to see that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub fences: Fences,
    pub memory: Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fences {
    /// Targets refuse requests older than the newest that they have seen.
    Kept,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// After a lost answer and after a crash a driver looks before it repeats what is dangerous to repeat.
    LooksFirst,
    /// Attempts whose answers are lost are taken for attempts that failed.
    Guesses,
}

impl Rules {
    pub const REAL: Rules = Rules { fences: Fences::Kept, memory: Memory::LooksFirst };
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) wanted: u16,
    pub(crate) ready: u16,
    /// It was up at its size at least once.
    pub(crate) was_up: bool,
    pub(crate) crashes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) slots: BTreeMap<ReleaseId, Slot>,
    pub(crate) weights: Option<Weights>,
}

impl Service {
    pub(crate) fn weight_of(&self, release: ReleaseId) -> Weight {
        self.weights.as_ref().map_or(Weight::NONE, |it| it.of(release))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    Running,
    Succeeded,
    Failed,
    /// Its process is gone and left no result; whether its work was done by then.
    Vanished {
        done: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) name: JobName,
    pub(crate) state: JobState,
}

/// What a target says to a request at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A newer request was seen.
    Fenced,
    /// The work has begun.
    Working,
    /// It cannot be.
    Impossible(String),
}

/// What a target says to a look at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Fenced,
    NeverRan,
    Found(JobState),
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    rules: Rules,
    pub(crate) services: BTreeMap<ServiceName, Service>,
    pub(crate) jobs: BTreeMap<EffectKey, Job>,
    epoch: u64,
    seqs: BTreeMap<String, u64>,
    /// Times that each job's work was done.
    pub(crate) done: BTreeMap<JobName, u32>,
}

impl World {
    /// What runs now, as a target would tell it; `spec` says what is run in a slot.
    pub(crate) fn observed(&self, spec: impl Fn(&SlotRef) -> SlotSpec) -> Observed {
        let services = self.services.iter().map(|(name, service)| {
            let slots = service.slots.iter().map(|(&release, slot)| {
                let spec = spec(&SlotRef { service: name.clone(), release });
                let seen = ObservedSlot {
                    workload: spec.workload_digest(),
                    version: spec.version,
                    wanted: slot.wanted,
                    ready: slot.ready,
                    in_flight: 0,
                    instances: vec![],
                };
                (release, seen)
            });
            (
                name.clone(),
                ObservedService {
                    slots: slots.collect(),
                    weights: service.weights.clone(),
                    ..Default::default()
                },
            )
        });
        Observed { services: services.collect() }
    }

    pub(crate) fn new(rules: Rules, observed: &Observed) -> World {
        let services = observed.services.iter().map(|(name, service)| {
            let slots = service.slots.iter().map(|(&release, it)| {
                (release, Slot { wanted: it.wanted, ready: it.ready, was_up: true, crashes: 0 })
            });
            (name.clone(), Service { slots: slots.collect(), weights: service.weights.clone() })
        });
        World {
            rules,
            services: services.collect(),
            jobs: BTreeMap::new(),
            epoch: 0,
            seqs: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// A request arrives: it is refused, or its work begins.
    pub(crate) fn begin(&mut self, fence: &Fence, key: &EffectKey, action: &Action) -> Admission {
        if !self.admit(fence, &subjects(key, action)) {
            return Admission::Fenced;
        }
        match action {
            Action::EnsureSlot { slot, instances } => self.want(slot, *instances),
            Action::SetWeights { service, to } => return self.shift(service, to.weights()),
            Action::Drain { slot, .. } => {
                if Weight::NONE < self.weight_of(slot) {
                    return Admission::Impossible(format!("{slot} has traffic; it drains when it has none"));
                }
            }
            Action::RemoveSlot { slot } => return self.remove(slot),
            Action::RunJob { job } => {
                let fresh = || Job { name: job.clone(), state: JobState::Running };
                self.jobs.entry(key.clone()).or_insert_with(fresh);
            }
            Action::Prepare { .. } | Action::Prune | Action::Smoke { .. } | Action::Gate { .. } => (),
        }
        Admission::Working
    }

    /// The work of a request that was admitted is over, and went well; false when it was overtaken.
    pub(crate) fn end(&mut self, key: &EffectKey, action: &Action) -> bool {
        match action {
            Action::EnsureSlot { slot, instances } => {
                let Some(found) = self.slot_mut(slot) else { return false };
                if found.wanted != *instances {
                    return false;
                }
                found.ready = found.wanted;
                found.was_up = true;
            }
            Action::RunJob { .. } => {
                if self.jobs.get(key).is_some_and(|it| it.state == JobState::Running) {
                    self.end_job(key, JobState::Succeeded);
                }
            }
            Action::Prepare { .. }
            | Action::Prune
            | Action::SetWeights { .. }
            | Action::Drain { .. }
            | Action::RemoveSlot { .. }
            | Action::Smoke { .. }
            | Action::Gate { .. } => (),
        }
        true
    }

    pub(crate) fn end_job(&mut self, key: &EffectKey, state: JobState) {
        let job = self.jobs.get_mut(key).expect("only jobs that run end");
        job.state = state;
        if matches!(state, JobState::Succeeded | JobState::Vanished { done: true }) {
            *self.done.entry(job.name.clone()).or_default() += 1;
        }
    }

    /// What became of a job; no older request for it begins from now on.
    pub(crate) fn look(&mut self, fence: &Fence, key: &EffectKey) -> Look {
        if !self.admit(fence, &[format!("key/{key}")]) {
            return Look::Fenced;
        }
        self.jobs.get(key).map_or(Look::NeverRan, |it| Look::Found(it.state))
    }

    pub(crate) fn weight_of(&self, slot: &SlotRef) -> Weight {
        self.services.get(&slot.service).map_or(Weight::NONE, |it| it.weight_of(slot.release))
    }

    pub(crate) fn slot(&self, service: &ServiceName, release: ReleaseId) -> Option<&Slot> {
        self.services.get(service)?.slots.get(&release)
    }

    fn slot_mut(&mut self, slot: &SlotRef) -> Option<&mut Slot> {
        self.services.get_mut(&slot.service)?.slots.get_mut(&slot.release)
    }

    fn admit(&mut self, fence: &Fence, subjects: &[String]) -> bool {
        if self.rules.fences == Fences::Ignored {
            return true;
        }
        if fence.epoch < self.epoch {
            return false;
        }
        if self.epoch < fence.epoch {
            self.epoch = fence.epoch;
            self.seqs.clear();
        }
        if subjects.iter().any(|it| self.seqs.get(it).is_some_and(|&newest| fence.seq < newest)) {
            return false;
        }
        self.seqs.extend(subjects.iter().map(|it| (it.clone(), fence.seq)));
        true
    }

    fn want(&mut self, slot: &SlotRef, instances: u16) {
        let service = self.services.entry(slot.service.clone()).or_default();
        let fresh = Slot { wanted: 0, ready: 0, was_up: false, crashes: 0 };
        let slot = service.slots.entry(slot.release).or_insert(fresh);
        slot.wanted = instances;
        slot.ready = slot.ready.min(instances);
    }

    fn shift(&mut self, service: &ServiceName, weights: Option<Weights>) -> Admission {
        let found = self.services.get_mut(service);
        let (Some(found), Some(weights)) = (found, weights) else {
            return Admission::Impossible(format!("service {service} has no slots"));
        };
        if let Some((release, _)) = weights.iter().find(|it| !found.slots.contains_key(&it.0)) {
            return Admission::Impossible(format!(
                "{service}@{release} is to take traffic and does not exist"
            ));
        }
        found.weights = Some(weights);
        Admission::Working
    }

    fn remove(&mut self, slot: &SlotRef) -> Admission {
        let Some(service) = self.services.get_mut(&slot.service) else { return Admission::Working };
        let has_others = service.slots.keys().any(|it| *it != slot.release);
        if has_others && Weight::NONE < service.weight_of(slot.release) {
            return Admission::Impossible(format!("{slot} has traffic; give it to another slot first"));
        }
        service.slots.remove(&slot.release);
        if service.slots.is_empty() {
            self.services.remove(&slot.service);
        }
        Admission::Working
    }
}

/// What a fence's sequence number is compared for.
fn subjects(key: &EffectKey, action: &Action) -> Vec<String> {
    match action {
        Action::EnsureSlot { slot, .. } | Action::Drain { slot, .. } | Action::RemoveSlot { slot } => {
            vec![format!("service/{}", slot.service)]
        }
        Action::SetWeights { service, .. } => vec![format!("service/{service}")],
        Action::RunJob { job } => vec![format!("job/{job}"), format!("key/{key}")],
        Action::Prepare { .. } | Action::Prune => vec!["fixtures".to_owned()],
        Action::Smoke { .. } | Action::Gate { .. } => vec![],
    }
}
