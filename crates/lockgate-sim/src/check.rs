//! What must hold after every event.

use std::fmt;

use lockgate_engine::{Action, End, Event, Outcome, PassedBy, StageKind};
use lockgate_model::{ObservedService, ReleaseId, ServiceName, SlotRef, Weight};

use crate::simulation::Simulation;
use crate::world::{JobState, Service};

/// Something that must hold does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::error::Error for Violation {}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

impl Simulation {
    /// Looks at what was just written down.
    pub(crate) fn check_entry(&mut self) -> Result<(), Violation> {
        self.stats.entries += 1;
        let Some((last, earlier)) = self.journal.split_last() else { return Ok(()) };
        let Event::GatePassed { by } = &last.event else { return Ok(()) };
        self.gates_passed += 1;
        if let PassedBy::Operator { .. } = by {
            return Ok(());
        }
        let Some(Event::Sampled { samples }) = earlier.last().map(|it| &it.event) else {
            return Err(Violation(format!("a gate was passed by {by:?} without counts")));
        };
        let plan = self.plan();
        let new = |it: &&ServiceName| {
            !samples.slots.contains_key(&SlotRef { service: (*it).clone(), release: plan.release })
        };
        match plan.judged.keys().find(new) {
            Some(missing) => Err(Violation(format!("a gate was passed without counts of {missing}"))),
            None => Ok(()),
        }
    }

    /// Looks at the world.
    pub(crate) fn check(&self) -> Result<(), Violation> {
        let allowed = self.allowed_share();
        for (name, service) in &self.world.services {
            self.check_traffic(name, service)?;
            let share = service.weight_of(self.plan().release);
            let was_there = self.before.services.contains_key(name);
            require(!was_there || share <= allowed, || {
                format!("{name} gives {share} to the new version, {allowed} is allowed")
            })?;
        }
        self.check_migration()?;
        if self.calls.is_empty() { self.check_end() } else { Ok(()) }
    }

    /// The largest share that the gates which have passed allow.
    fn allowed_share(&self) -> Weight {
        let mut gates = 0;
        let mut allowed = Weight::NONE;
        for task in self.plan().stages.iter().flat_map(|it| &it.tasks) {
            match &task.action {
                Action::Gate { .. } => gates += 1,
                Action::SetWeights { to, .. } if gates <= self.gates_passed && to.old.is_some() => {
                    allowed = allowed.max(to.weight);
                }
                Action::Prepare { .. }
                | Action::Prune
                | Action::EnsureSlot { .. }
                | Action::SetWeights { .. }
                | Action::Drain { .. }
                | Action::RemoveSlot { .. }
                | Action::RunJob { .. }
                | Action::Smoke { .. } => (),
            }
        }
        allowed
    }

    /// Traffic goes to the old and the new version only, and only to where enough instances are.
    fn check_traffic(&self, name: &ServiceName, service: &Service) -> Result<(), Violation> {
        let Some(weights) = &service.weights else { return Ok(()) };
        for (release, weight) in weights.iter().filter(|it| Weight::NONE < it.1) {
            let slot = SlotRef { service: name.clone(), release };
            let serves = release == self.plan().release || self.served_before(name, release);
            require(serves, || format!("{slot} serves, and is neither old nor new"))?;
            let Some(state) = service.slots.get(&release) else {
                return Err(Violation(format!("{weight} of the traffic goes to {slot}, which is not there")));
            };
            require(state.was_up, || format!("{weight} of the traffic goes to {slot}, which was never up"))?;
            // Two of three instances take 66.67 %, which is a little more than two thirds.
            let full = u32::from(self.full_size(name, release));
            let points = (full * u32::from(weight.basis_points())).saturating_sub(full);
            let needed = points.div_ceil(10_000);
            require(needed <= u32::from(state.wanted), || {
                format!(
                    "{slot} has {} instances for {weight} of the traffic, {needed} are needed",
                    state.wanted
                )
            })?;
        }
        Ok(())
    }

    fn served_before(&self, name: &ServiceName, release: ReleaseId) -> bool {
        let weights = self.before.services.get(name).and_then(|it| it.weights.as_ref());
        weights.is_some_and(|it| Weight::NONE < it.of(release))
    }

    /// Instances of a slot that takes all traffic; the smaller number while it is resized.
    fn full_size(&self, name: &ServiceName, release: ReleaseId) -> u16 {
        let before = self.before.services.get(name).and_then(|it| it.slots.get(&release)).map(|it| it.wanted);
        let after = self.goal.get(name).filter(|it| it.0 == release).map(|it| it.1);
        before.into_iter().chain(after).min().unwrap_or(0)
    }

    fn check_migration(&self) -> Result<(), Violation> {
        let times = self.world.done.iter().find(|it| it.0.as_str() == "migrate").map_or(0, |it| *it.1);
        require(times <= 1, || format!("migrated {times} times"))?;
        let jobs = self.world.jobs.values();
        let running =
            jobs.filter(|it| it.state == JobState::Running && it.name.as_str() == "migrate").count();
        require(running <= 1, || format!("{running} migrations run at the same time"))?;
        let over = self.ended().is_some();
        require(!over || running == 0, || "a migration runs after the end of its release".to_owned())
    }

    /// Nothing is on its way any more: what the release says is what is true.
    fn check_end(&self) -> Result<(), Violation> {
        match self.ended() {
            None => Ok(()),
            Some(End::Done { leftovers }) => self.check_done(leftovers),
            Some(End::RolledBack { .. } | End::Cancelled { .. }) => self.check_back(|_| false),
            Some(End::Stuck { what, .. }) => {
                let failed = self.journal.iter().any(|it| match &it.event {
                    Event::TaskFinished { key, outcome } => {
                        key.back && !matches!(outcome, Outcome::Ok { .. })
                    }
                    _ => false,
                });
                require(failed, || "stuck, and no undo has failed".to_owned())?;
                self.check_back(|it| what.contains(it.as_str()))
            }
        }
    }

    fn check_done(&self, leftovers: &[String]) -> Result<(), Violation> {
        let cleans = self.plan().stages.iter().any(|it| it.kind == StageKind::CleanUp);
        for (name, &(release, size)) in &self.goal {
            let slot = self.world.slot(name, release);
            let found = slot.map_or(0, |it| it.wanted);
            require(found == size, || format!("done, and {name}@{release} has {found} of {size} instances"))?;
            let service = &self.world.services[name];
            let share = service.weights.as_ref().map_or(Weight::ALL, |it| it.of(release));
            require(share == Weight::ALL, || {
                format!("done, and {name}@{release} has {share} of the traffic")
            })?;
        }
        for (name, service) in self.world.services.iter().filter(|_| cleans) {
            for &release in service.slots.keys().filter(|it| self.goal.get(name).map(|it| it.0) != Some(**it))
            {
                let slot = format!("{name}@{release}");
                require(leftovers.iter().any(|it| it.contains(&slot)), || {
                    format!("done, and {slot} is still there")
                })?;
            }
        }
        Ok(())
    }

    /// The world is as it was before, but for services that could not be brought back.
    fn check_back(&self, is_stuck: impl Fn(&ServiceName) -> bool) -> Result<(), Violation> {
        for (name, service) in self.world.services.iter().filter(|it| !is_stuck(it.0)) {
            let Some(before) = self.before.services.get(name) else {
                return Err(Violation(format!("back, and the new service {name} is still there")));
            };
            check_same(name, before, service)?;
        }
        let gone = self.before.services.keys().find(|it| !self.world.services.contains_key(*it));
        gone.map_or(Ok(()), |it| Err(Violation(format!("back, and the old service {it} is gone"))))
    }
}

fn check_same(name: &ServiceName, before: &ObservedService, now: &Service) -> Result<(), Violation> {
    for (release, slot) in &now.slots {
        let size = before.slots.get(release).map(|it| it.wanted);
        require(size == Some(slot.wanted), || {
            format!("back, and {name}@{release} has {} instances instead of {size:?}", slot.wanted)
        })?;
    }
    for &release in before.slots.keys() {
        require(now.slots.contains_key(&release), || format!("back, and {name}@{release} is gone"))?;
        let (was, is) = (before.weights.as_ref().map(|it| it.of(release)), now.weight_of(release));
        require(was.is_none_or(|it| it == is), || {
            format!("back, and {name}@{release} has {is} of the traffic")
        })?;
    }
    Ok(())
}
