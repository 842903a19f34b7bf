//! One release in a world: the driver's whole job, in steps that can be interrupted anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_engine::{
    Action, Effect, End, Entry, Event, Input, Outcome, Plan, Release, Repeat, Sighting, TaskKey,
};
use lockgate_model::{Fence, Observed, ReleaseId, Samples, ServiceName, SlotRef, SlotSpec, Timestamp};

use crate::check::Violation;
use crate::driver::{Call, CallPhase, Driver, Ending};
use crate::traffic::{Quality, Traffic};
use crate::world::{Admission, JobState, Look, Memory, Rules, World};

/// The slot and the size that each service has when the release is done.
pub type Goal = BTreeMap<ServiceName, (ReleaseId, u16)>;

/// What happened in a simulation, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub crashes: u64,
    pub calls: u64,
    /// Requests of dead or overtaken drivers that the target refused.
    pub fenced: u64,
    pub entries: u64,
    pub operators: u64,
}

impl Stats {
    #[must_use]
    pub fn plus(self, other: Stats) -> Stats {
        Stats {
            crashes: self.crashes + other.crashes,
            calls: self.calls + other.calls,
            fenced: self.fenced + other.fenced,
            entries: self.entries + other.entries,
            operators: self.operators + other.operators,
        }
    }
}

#[derive(Debug)]
pub struct Simulation {
    pub(crate) rules: Rules,
    plan: Arc<Plan>,
    pub(crate) goal: Goal,
    pub(crate) before: Observed,
    pub(crate) world: World,
    pub(crate) traffic: Traffic,
    pub(crate) now: Timestamp,
    /// What survives a crash of the driver.
    pub(crate) journal: Vec<Entry>,
    /// The state of somebody who has lived through the whole journal.
    pub(crate) ledger: Release,
    pub(crate) driver: Driver,
    /// A driver that lost its lease and does not know it yet.
    pub(crate) zombie: Option<Driver>,
    pub(crate) calls: Vec<Call>,
    /// The next batch of entries is cut off after its first.
    pub(crate) tears: bool,
    pub(crate) gates_passed: usize,
    pub(crate) stats: Stats,
}

impl Simulation {
    pub fn new(plan: Plan, before: Observed, goal: Goal, quality: Quality, rules: Rules) -> Simulation {
        let plan = Arc::new(plan);
        let release = Release::new(Arc::clone(&plan));
        Simulation {
            rules,
            plan,
            goal,
            world: World::new(rules, &before),
            traffic: Traffic::new(release.plan(), quality),
            before,
            now: Timestamp(1_000_000),
            journal: vec![],
            ledger: release.clone(),
            driver: Driver { epoch: 1, release, asked: BTreeSet::new() },
            zombie: None,
            calls: vec![],
            tears: false,
            gates_passed: 0,
            stats: Stats::default(),
        }
    }

    /// What runs now, as a target would tell it; `spec` says what is run in a slot.
    pub fn observed(&self, spec: impl Fn(&SlotRef) -> SlotSpec) -> Observed {
        self.world.observed(spec)
    }

    /// The next release in the same world, by a driver with a newer lease.
    #[must_use]
    pub fn next(self, plan: Plan, before: Observed, goal: Goal) -> Simulation {
        let mut next = Simulation::new(plan, before, goal, Quality::Good, self.rules);
        next.driver.epoch = self.driver.epoch + 1;
        (next.world, next.now) = (self.world, self.now);
        next
    }

    pub fn journal(&self) -> &[Entry] {
        &self.journal
    }

    pub fn ended(&self) -> Option<&End> {
        self.ledger.ended()
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decide, make durable, apply. What an operator may not do now is refused, and nothing happens.
    pub(crate) fn feed(&mut self, input: &Input) -> Result<(), Violation> {
        self.now.0 += 1;
        let Ok(entries) = self.driver.release.decide(self.now, input) else { return Ok(()) };
        let torn = self.tears && 1 < entries.len();
        let durable = if torn { 1 } else { entries.len() };
        for entry in entries.into_iter().take(durable) {
            let illegal = |it: lockgate_engine::IllegalTransition| Violation(it.to_string());
            self.ledger.apply(&entry).map_err(illegal)?;
            self.driver.release.apply(&entry).map_err(illegal)?;
            self.journal.push(entry);
            self.check_entry()?;
        }
        if torn {
            self.tears = false;
            self.crash()?;
        }
        Ok(())
    }

    /// Starts on one thing that the release wants.
    pub(crate) fn perform(&mut self, effect: &Effect) -> Result<(), Violation> {
        match *effect {
            Effect::Run(key) if !self.driver.release.has_started(key) => self.feed(&Input::Starting(key)),
            Effect::Run(key) if self.driver.asked.insert(key) => self.send(&self.driver.clone(), key),
            Effect::Run(_) => Ok(()),
            Effect::Look(key) => self.look(key),
            Effect::Sample => {
                let samples = self.samples();
                self.feed(&Input::Sampled(Ok(samples)))
            }
        }
    }

    pub(crate) fn samples(&mut self) -> Samples {
        self.traffic.flow(self.now, &self.world);
        self.traffic.samples(&self.world)
    }

    /// A driver asks the target, by an intent that must be durable.
    pub(crate) fn send(&mut self, driver: &Driver, key: TaskKey) -> Result<(), Violation> {
        let task = driver.release.task(key).expect("wanted tasks exist");
        if matches!(task.action, Action::Gate { .. }) {
            return Ok(());
        }
        let Some(seq) = self.intent(key) else {
            return Err(Violation(format!("`{}` is asked for and its intent is not durable", task.action)));
        };
        self.stats.calls += 1;
        self.calls.push(Call {
            key,
            effect: driver.release.effect_key(key),
            action: task.action.clone(),
            fence: self.fence(driver.epoch, seq),
            awaited: driver.epoch == self.driver.epoch,
            phase: CallPhase::Sent,
        });
        Ok(())
    }

    /// A request arrives at the target.
    pub(crate) fn arrive(&mut self, idx: usize) -> Result<(), Violation> {
        let call = &self.calls[idx];
        match self.world.begin(&call.fence, &call.effect, &call.action) {
            Admission::Working => self.calls[idx].phase = CallPhase::Working,
            Admission::Impossible(why) => {
                let call = self.calls.remove(idx);
                return self.answer(&call, Outcome::Fatal { why });
            }
            Admission::Fenced => {
                let call = self.calls.remove(idx);
                self.stats.fenced += 1;
                if call.awaited && self.driver.release.task_of(call.effect.as_str()).is_some() {
                    let text = format!("the newest driver is refused `{}`", call.action);
                    return Err(Violation(text));
                }
            }
        }
        Ok(())
    }

    /// The work at a request ends, and its sender hears of it if it still lives.
    pub(crate) fn finish(&mut self, idx: usize, ending: Ending) -> Result<(), Violation> {
        let call = self.calls.remove(idx);
        let job = self.world.jobs.get(&call.effect).map(|it| it.state);
        let why = || "as the test wants it".to_owned();
        match ending {
            Ending::Well | Ending::Lost => {
                if !self.world.end(&call.effect, &call.action) {
                    return Ok(());
                }
            }
            Ending::Transient | Ending::Fatal => {
                if job == Some(JobState::Running) {
                    self.world.end_job(&call.effect, JobState::Failed);
                }
            }
            Ending::Dropped => (),
        }
        match (ending, self.world.jobs.get(&call.effect).map(|it| it.state)) {
            (Ending::Lost | Ending::Dropped, _) | (_, Some(JobState::Vanished { .. })) => self.lose(&call),
            // A job's end is on record, whatever became of the request.
            (_, Some(JobState::Succeeded)) => self.answer(&call, Outcome::Ok { note: None }),
            (Ending::Transient, _) | (Ending::Well, Some(JobState::Failed)) => {
                self.answer(&call, Outcome::Transient { why: why() })
            }
            (Ending::Fatal, _) => self.answer(&call, Outcome::Fatal { why: why() }),
            (Ending::Well, _) => self.answer(&call, Outcome::Ok { note: None }),
        }
    }

    /// The driver hears nothing: it asks again, or looks before it does.
    pub(crate) fn lose(&mut self, call: &Call) -> Result<(), Violation> {
        if !call.awaited || self.driver.release.task_of(call.effect.as_str()).is_none() {
            return Ok(());
        }
        let repeat = self.driver.release.task(call.key).map(|it| it.repeat);
        match (repeat, self.rules.memory) {
            (Some(Repeat::Dangerous), Memory::LooksFirst) => self.look(call.key),
            (Some(Repeat::Harmless | Repeat::Dangerous) | None, _) => {
                self.answer(call, Outcome::Transient { why: "no answer".to_owned() })
            }
        }
    }

    fn answer(&mut self, call: &Call, outcome: Outcome) -> Result<(), Violation> {
        if call.awaited { self.feed(&Input::Finished(call.key, outcome)) } else { Ok(()) }
    }

    /// The look's fence is newer than that of the request whose answer was lost, even within an epoch: with an
    /// equal one, a request that is still on its way would run after it was said that it never ran.
    pub(crate) fn look(&mut self, key: TaskKey) -> Result<(), Violation> {
        let effect = self.driver.release.effect_key(key);
        let fence = self.fence(self.driver.epoch, self.driver.release.next_seq());
        let sighting = match self.world.look(&fence, &effect) {
            Look::Fenced => return Err(Violation(format!("the newest driver may not look at {effect}"))),
            Look::NeverRan => Sighting::NeverRan,
            Look::Found(JobState::Running) => Sighting::Running,
            Look::Found(JobState::Succeeded) => Sighting::Ended(Outcome::Ok { note: None }),
            Look::Found(JobState::Failed) => {
                Sighting::Ended(Outcome::Transient { why: "exit status 1".to_owned() })
            }
            Look::Found(JobState::Vanished { .. }) => Sighting::Unknown,
        };
        self.driver.asked.remove(&key);
        self.feed(&Input::Seen(key, sighting))
    }

    /// The driver dies and another one takes over.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        self.stats.crashes += 1;
        let mut release = Release::replay(Arc::clone(&self.plan), &self.journal)
            .map_err(|it| Violation(format!("on replay: {it}")))?;
        if release != self.ledger {
            return Err(Violation("what is replayed differs from what was lived through".to_owned()));
        }
        release.forget();
        self.driver = Driver { epoch: self.driver.epoch + 1, release, asked: BTreeSet::new() };
        self.calls.iter_mut().for_each(|it| it.awaited = false);
        match self.rules.memory {
            Memory::LooksFirst => Ok(()),
            Memory::Guesses => self.guess(),
        }
    }

    fn guess(&mut self) -> Result<(), Violation> {
        for effect in self.driver.release.wants(self.now) {
            if let Effect::Look(key) = effect {
                let outcome = Outcome::Transient { why: "the last driver died".to_owned() };
                self.feed(&Input::Finished(key, outcome))?;
            }
        }
        Ok(())
    }

    fn fence(&self, epoch: u64, seq: u64) -> Fence {
        Fence { scope: self.plan.scope.clone(), epoch, seq }
    }

    /// Where the journal says that this attempt is to be made.
    fn intent(&self, key: TaskKey) -> Option<u64> {
        let says = |it: &&Entry| matches!(&it.event, Event::TaskStarted { key: of } | Event::TaskFound { key: of } if *of == key);
        self.journal.iter().rev().find(says).map(|it| it.seq)
    }
}
