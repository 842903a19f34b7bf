//! The simulated target as one that can be asked directly, so that it is held to the rules that real targets are.

use std::collections::BTreeMap;

use lockgate_engine::{Action, Split};
use lockgate_model::{EffectKey, Fence, JobName, Observed, ServiceName, SlotRef, SlotSpec, Weight, Weights};

use crate::world::{Admission, JobState, Look, Rules, World};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A newer request was seen.
    Fenced,
    Impossible(String),
}

/// What is known of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSeen {
    NeverRan,
    Running,
    Ended,
}

/// The world of the simulation, whose work is done as soon as it is asked for.
#[derive(Clone, Debug)]
pub struct Twin {
    world: World,
    specs: BTreeMap<SlotRef, SlotSpec>,
}

impl Default for Twin {
    fn default() -> Twin {
        Twin { world: World::new(Rules::REAL, &Observed::default()), specs: BTreeMap::new() }
    }
}

impl Twin {
    pub fn observed(&self) -> Observed {
        self.world.observed(|slot| self.specs[slot].clone())
    }

    pub fn ensure_slot(
        &mut self,
        fence: &Fence,
        key: &EffectKey,
        spec: &SlotSpec,
        instances: u16,
    ) -> Result<(), Refused> {
        self.perform(fence, key, &Action::EnsureSlot { slot: spec.slot.clone(), instances })?;
        self.specs.insert(spec.slot.clone(), spec.clone());
        Ok(())
    }

    pub fn set_weights(
        &mut self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), Refused> {
        let shares: Vec<_> = weights.iter().collect();
        let to = match shares.as_slice() {
            [(only, _)] => Split { old: None, new: Some(*only), weight: Weight::ALL },
            [(old, _), (new, weight)] => Split { old: Some(*old), new: Some(*new), weight: *weight },
            _ => return Err(Refused::Impossible(format!("{service} has at most two versions in traffic"))),
        };
        self.perform(fence, key, &Action::SetWeights { service: service.clone(), to })
    }

    pub fn drain(&mut self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), Refused> {
        let within = lockgate_model::Millis::ZERO;
        self.perform(fence, key, &Action::Drain { slot: slot.clone(), within })
    }

    pub fn remove_slot(&mut self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), Refused> {
        self.perform(fence, key, &Action::RemoveSlot { slot: slot.clone() })
    }

    /// Begins a job, unless it was begun before; says what is known of it now.
    pub fn run_job(&mut self, fence: &Fence, key: &EffectKey, job: &JobName) -> Result<JobSeen, Refused> {
        let before = self.world.jobs.get(key).map_or(JobSeen::NeverRan, |it| seen(it.state));
        self.begin(fence, key, &Action::RunJob { job: job.clone() })?;
        Ok(before)
    }

    pub fn end_job(&mut self, key: &EffectKey, succeeded: bool) {
        self.world.end_job(key, if succeeded { JobState::Succeeded } else { JobState::Failed });
    }

    pub fn look(&mut self, fence: &Fence, key: &EffectKey) -> Result<JobSeen, Refused> {
        match self.world.look(fence, key) {
            Look::Fenced => Err(Refused::Fenced),
            Look::NeverRan => Ok(JobSeen::NeverRan),
            Look::Found(state) => Ok(seen(state)),
        }
    }

    fn perform(&mut self, fence: &Fence, key: &EffectKey, action: &Action) -> Result<(), Refused> {
        self.begin(fence, key, action)?;
        self.world.end(key, action);
        Ok(())
    }

    fn begin(&mut self, fence: &Fence, key: &EffectKey, action: &Action) -> Result<(), Refused> {
        match self.world.begin(fence, key, action) {
            Admission::Working => Ok(()),
            Admission::Fenced => Err(Refused::Fenced),
            Admission::Impossible(why) => Err(Refused::Impossible(why)),
        }
    }
}

fn seen(state: JobState) -> JobSeen {
    match state {
        JobState::Running => JobSeen::Running,
        JobState::Succeeded | JobState::Failed | JobState::Vanished { .. } => JobSeen::Ended,
    }
}
