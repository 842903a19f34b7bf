//! Random bytes decide what happens next.

use lockgate_engine::{Action, Effect, Input};

use crate::check::Violation;
use crate::driver::{CallPhase, Ending};
use crate::frng::{Frng, OutOfEntropy};
use crate::simulation::Simulation;
use crate::world::JobState;

/// Why a run of random events ends.
enum Stop {
    OutOfEntropy,
    Violation(Violation),
}

impl From<OutOfEntropy> for Stop {
    fn from(_: OutOfEntropy) -> Stop {
        Stop::OutOfEntropy
    }
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Stop {
        Stop::Violation(violation)
    }
}

impl Simulation {
    /// Random events until the entropy runs out.
    pub fn shake(&mut self, frng: &mut Frng<'_>) -> Result<(), Violation> {
        match self.shake_all(frng) {
            Ok(()) | Err(Stop::OutOfEntropy) => Ok(()),
            Err(Stop::Violation(violation)) => Err(violation),
        }
    }

    fn shake_all(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let mut weights = frng.swarm()?;
        // Some runs have no crashes at all, some no operator, and in most the work is what happens most.
        for weight in &mut weights[4..] {
            *weight /= [1, 4, 16, 64][usize::from(frng.upto(3)?)];
        }
        let mut endings = frng.swarm()?;
        // Most of what is asked for works, or no release would get anywhere.
        endings[0] = 255;
        for ending in &mut endings[1..] {
            *ending /= [1, 8, 32, 128][usize::from(frng.upto(3)?)];
        }
        self.feed(&Input::Start)?;
        loop {
            self.event(frng, &weights, endings)?;
            self.check()?;
        }
    }

    fn event(&mut self, frng: &mut Frng<'_>, weights: &[u8; 10], endings: [u8; 5]) -> Result<(), Stop> {
        match frng.weighted(weights)? {
            0 => self.shake_effect(frng),
            1 => self.shake_arrival(frng),
            2 => self.shake_finish(frng, endings),
            3 => self.shake_clock(frng),
            4 => Ok(self.crash()?),
            5 => self.shake_operator(frng),
            6 => self.shake_zombie(frng),
            7 => self.shake_instance(frng),
            8 => self.shake_job(frng),
            _ => self.shake_patience(frng),
        }
    }

    fn shake_effect(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let effects = self.driver.release.wants(self.now);
        let Some(idx) = frng.index(effects.len())? else { return Ok(()) };
        match &effects[idx] {
            Effect::Sample => self.shake_sample(frng),
            effect @ (Effect::Run(_) | Effect::Look(_)) => Ok(self.perform(effect)?),
        }
    }

    fn shake_sample(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        self.tears = frng.once_in(8)?;
        let samples = match frng.weighted(&[20, 2, 1, 1])? {
            0 => Ok(self.samples()),
            1 => Err("the data plane does not answer".to_owned()),
            2 => {
                self.traffic.restart();
                Ok(self.samples())
            }
            _ => {
                let mut samples = self.samples();
                if let Some(idx) = frng.index(samples.slots.len())? {
                    let slot = samples.slots.keys().nth(idx).cloned();
                    slot.map(|it| samples.slots.remove(&it));
                }
                Ok(samples)
            }
        };
        Ok(self.feed(&Input::Sampled(samples))?)
    }

    fn shake_arrival(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        match frng.index(self.calls.len())? {
            Some(idx) if self.calls[idx].phase == CallPhase::Sent => Ok(self.arrive(idx)?),
            Some(_) | None => Ok(()),
        }
    }

    fn shake_finish(&mut self, frng: &mut Frng<'_>, endings: [u8; 5]) -> Result<(), Stop> {
        let Some(idx) = frng.index(self.calls.len())? else { return Ok(()) };
        if self.calls[idx].phase != CallPhase::Working {
            return Ok(());
        }
        let ending = [Ending::Well, Ending::Transient, Ending::Fatal, Ending::Lost, Ending::Dropped]
            [frng.weighted(&endings)?];
        Ok(self.finish(idx, ending)?)
    }

    /// Time passes; sometimes clocks are set, backwards too.
    fn shake_clock(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        match frng.weighted(&[20, 20, 1, 1])? {
            0 => self.now.0 += u64::from(frng.byte()?) * 100,
            1 => {
                let deadline = self.driver.release.deadline();
                self.now = self.now.max(deadline.map_or(self.now, |it| it.0));
            }
            2 => self.now.0 += u64::from(frng.byte()?) * 60_000,
            _ => self.now.0 = self.now.0.saturating_sub(u64::from(frng.byte()?) * 60_000),
        }
        Ok(self.feed(&Input::Tick)?)
    }

    fn shake_operator(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        self.stats.operators += 1;
        let by = "somebody".to_owned();
        let input = match frng.weighted(&[1, 4, 8, 8, 8])? {
            0 => Input::Abort { by, reason: "as the test wants it".to_owned() },
            1 => Input::Pause { by },
            2 => Input::Resume { by },
            3 => Input::Promote { by },
            _ => return Ok(self.resolve()?),
        };
        Ok(self.feed(&input)?)
    }

    /// The lease is lost to another driver, and the old one goes on for a while.
    fn shake_zombie(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let Some(zombie) = self.zombie.take() else {
            self.zombie = Some(self.driver.clone());
            return Ok(self.crash()?);
        };
        let started: Vec<_> = zombie
            .release
            .wants(self.now)
            .into_iter()
            .filter_map(|it| match it {
                Effect::Run(key) => zombie.release.has_started(key).then_some(key),
                Effect::Look(_) | Effect::Sample => None,
            })
            .collect();
        if let Some(idx) = frng.index(started.len())? {
            self.send(&zombie, started[idx])?;
        }
        if !frng.once_in(4)? {
            self.zombie = Some(zombie);
        }
        Ok(())
    }

    /// An instance dies, or those that died are back.
    fn shake_instance(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let pick = frng.byte()?;
        let slots = self.world.services.values_mut().flat_map(|it| it.slots.values_mut());
        let mut slots: Vec<_> = slots.filter(|it| it.was_up).collect();
        if slots.is_empty() {
            return Ok(());
        }
        let idx = usize::from(pick) % slots.len();
        let slot = &mut *slots[idx];
        if slot.ready < slot.wanted {
            slot.ready = slot.wanted;
        } else if 0 < slot.ready {
            slot.ready -= 1;
            slot.crashes += 1;
        }
        Ok(())
    }

    /// A job's process is gone and left no result.
    fn shake_job(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let running = self.world.jobs.iter().find(|it| it.1.state == JobState::Running);
        if let Some(effect) = running.map(|it| it.0.clone()) {
            let state = match frng.upto(3)? {
                0 => JobState::Vanished { done: false },
                1 => JobState::Vanished { done: true },
                2 => JobState::Failed,
                _ => JobState::Succeeded,
            };
            self.world.end_job(&effect, state);
        }
        Ok(())
    }

    /// The driver has waited long enough for an answer; the request is still on its way or worked at.
    fn shake_patience(&mut self, frng: &mut Frng<'_>) -> Result<(), Stop> {
        let Some(idx) = frng.index(self.calls.len())? else { return Ok(()) };
        let call = self.calls[idx].clone();
        if matches!(call.action, Action::Gate { .. }) {
            return Ok(());
        }
        self.calls[idx].awaited = false;
        Ok(self.lose(&call)?)
    }
}
