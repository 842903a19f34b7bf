//! Everything works from now on: each release comes to an end.

use lockgate_engine::{End, Input};

use crate::check::Violation;
use crate::driver::CallPhase;
use crate::script::Script;
use crate::simulation::Simulation;
use crate::world::JobState;

/// A release has some 20 stages of a few attempts, and a gate some 40 looks.
const ROUNDS_MAX: usize = 3_000;

impl Simulation {
    /// Faults stop: calls arrive and are answered, time passes, and an operator helps where one is asked for.
    pub fn settle(&mut self) -> Result<End, Violation> {
        self.settle_with(&mut Script::default())
    }

    /// As [`Simulation::settle`], but for what the script makes fail.
    pub fn settle_with(&mut self, script: &mut Script) -> Result<End, Violation> {
        self.tears = false;
        for _ in 0..ROUNDS_MAX {
            let entries = self.journal.len();
            script.dies(self)?;
            self.work_off(script)?;
            if let (Some(end), true) = (self.ended(), self.calls.is_empty()) {
                return Ok(end.clone());
            }
            for effect in self.driver.release.wants(self.now) {
                if script.dies(self)? || script.before(self, &effect)? {
                    break;
                }
                self.perform(&effect)?;
                self.check()?;
            }
            if self.journal.len() == entries && self.calls.is_empty() {
                self.wait()?;
            }
        }
        let waiting = self.driver.release.status(self.now).waiting;
        Err(Violation(format!("no end in sight: {waiting:?}")))
    }

    /// What is on its way arrives, oldest first, and is answered.
    fn work_off(&mut self, script: &mut Script) -> Result<(), Violation> {
        while let Some(call) = self.calls.first() {
            let phase = call.phase;
            script.dies(self)?;
            match phase {
                CallPhase::Sent => self.arrive(0)?,
                CallPhase::Working => {
                    let ending = script.ending(self)?;
                    if let Some(ending) = ending {
                        self.finish(0, ending)?;
                        script.after(self)?;
                    }
                }
            }
            self.check()?;
        }
        Ok(())
    }

    /// Nothing is under way: time passes, or somebody is waited for.
    fn wait(&mut self) -> Result<(), Violation> {
        let entries = self.journal.len();
        if self.journal.is_empty() {
            return self.feed(&Input::Start);
        }
        self.help()?;
        if self.journal.len() == entries
            && let Some((until, _)) = self.driver.release.deadline()
        {
            self.now = self.now.max(until);
        }
        self.feed(&Input::Tick)?;
        self.check()
    }

    /// An operator does what the release asks for.
    fn help(&mut self) -> Result<(), Violation> {
        let by = || "somebody".to_owned();
        self.feed(&Input::Resume { by: by() })?;
        self.resolve()?;
        let commands = self.driver.release.status(self.now).waiting.into_iter().filter_map(|it| it.command);
        if commands.into_iter().any(|it| it.contains("promote")) {
            self.feed(&Input::Promote { by: by() })?;
        }
        Ok(())
    }

    /// An operator says truly what became of jobs that vanished.
    pub(crate) fn resolve(&mut self) -> Result<(), Violation> {
        let vanished: Vec<_> = self
            .world
            .jobs
            .iter()
            .filter_map(|(effect, job)| match job.state {
                JobState::Vanished { done } => Some((effect.clone(), done)),
                JobState::Running | JobState::Succeeded | JobState::Failed => None,
            })
            .collect();
        for (effect, succeeded) in vanished {
            if let Some(key) = self.driver.release.task_of(effect.as_str()) {
                self.feed(&Input::Resolve { key, succeeded, by: "somebody".to_owned() })?;
            }
        }
        Ok(())
    }
}
