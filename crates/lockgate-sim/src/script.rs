//! One fault at one attempt of a release that goes well otherwise.

use lockgate_engine::Effect;

use crate::check::Violation;
use crate::driver::Ending;
use crate::simulation::Simulation;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Transient,
    Fatal,
    /// The request arrives twice, the second time after the answer.
    Repeated,
    AnswerLost,
    CrashBeforeIntent,
    CrashAfterIntent,
    CrashAfterCall,
    /// The answer has arrived and is not durable.
    CrashAfterAnswer,
    CrashAfterResult,
}

impl Fault {
    pub const ALL: [Fault; 9] = [
        Fault::Transient,
        Fault::Fatal,
        Fault::Repeated,
        Fault::AnswerLost,
        Fault::CrashBeforeIntent,
        Fault::CrashAfterIntent,
        Fault::CrashAfterCall,
        Fault::CrashAfterAnswer,
        Fault::CrashAfterResult,
    ];
}

/// Makes the attempt of this number fail, counted from 0 over the whole release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    fault: Option<(usize, Fault)>,
    /// The driver dies as soon as the journal has this many entries.
    dies_at: Option<usize>,
    intents: usize,
    answers: usize,
    happened: bool,
}

impl Script {
    pub fn new(nth: usize, fault: Fault) -> Script {
        Script { fault: Some((nth, fault)), ..Script::default() }
    }

    /// Makes the driver die when this many entries are durable.
    pub fn at_entry(len: usize) -> Script {
        Script { dies_at: Some(len), ..Script::default() }
    }

    /// Whether the release came as far as the fault.
    pub fn happened(&self) -> bool {
        self.happened
    }

    fn is_due(&self, count: usize, among: &[Fault]) -> Option<Fault> {
        self.fault.filter(|it| !self.happened && it.0 == count && among.contains(&it.1)).map(|it| it.1)
    }

    /// Before anything else is done; true when the driver died.
    pub(crate) fn dies(&mut self, sim: &mut Simulation) -> Result<bool, Violation> {
        let due = self.dies_at.is_some_and(|it| it <= sim.journal.len());
        if due {
            self.dies_at = None;
            self.happened = true;
            sim.crash()?;
        }
        Ok(due)
    }

    /// Before an effect is begun; true when the driver died of it.
    pub(crate) fn before(&mut self, sim: &mut Simulation, effect: &Effect) -> Result<bool, Violation> {
        let &Effect::Run(key) = effect else { return Ok(false) };
        if sim.driver.release.has_started(key) {
            return Ok(false);
        }
        let count = self.intents;
        self.intents += 1;
        match self.is_due(count, &[Fault::CrashBeforeIntent, Fault::CrashAfterIntent]) {
            None => Ok(false),
            Some(fault) => {
                self.happened = true;
                if fault == Fault::CrashAfterIntent {
                    sim.perform(effect)?;
                }
                sim.crash()?;
                Ok(true)
            }
        }
    }

    /// How the oldest call ends; `None` when the driver died instead.
    pub(crate) fn ending(&mut self, sim: &mut Simulation) -> Result<Option<Ending>, Violation> {
        let count = self.answers;
        self.answers += 1;
        let faults = [
            Fault::Transient,
            Fault::Fatal,
            Fault::Repeated,
            Fault::AnswerLost,
            Fault::CrashAfterCall,
            Fault::CrashAfterAnswer,
        ];
        let Some(fault) = self.is_due(count, &faults) else { return Ok(Some(Ending::Well)) };
        self.happened = true;
        match fault {
            Fault::Transient => Ok(Some(Ending::Transient)),
            Fault::Fatal => Ok(Some(Ending::Fatal)),
            Fault::AnswerLost => Ok(Some(Ending::Lost)),
            Fault::Repeated => {
                let again = crate::driver::Call {
                    awaited: false,
                    phase: crate::driver::CallPhase::Sent,
                    ..sim.calls[0].clone()
                };
                sim.calls.push(again);
                Ok(Some(Ending::Well))
            }
            Fault::CrashAfterCall => {
                sim.crash()?;
                Ok(None)
            }
            // The answer goes to a dead driver, which is the same as one that dies before it writes it down.
            Fault::CrashAfterAnswer => {
                sim.crash()?;
                sim.finish(0, Ending::Well)?;
                Ok(None)
            }
            Fault::CrashBeforeIntent | Fault::CrashAfterIntent | Fault::CrashAfterResult => {
                unreachable!("these are not about calls")
            }
        }
    }

    pub(crate) fn after(&mut self, sim: &mut Simulation) -> Result<(), Violation> {
        if self.is_due(self.answers - 1, &[Fault::CrashAfterResult]).is_some() {
            self.happened = true;
            sim.crash()?;
        }
        Ok(())
    }
}
