//! Says which facts an input amounts to. Pure; changes nothing.

use lockgate_analysis::{PassWhy, Verdict};
use lockgate_model::{OnUndecided, Samples, Timestamp};

use super::{GateState, Position, Release, TaskPhase};
use crate::event::{Entry, Event, Input, Outcome, PassedBy, Rejected, Sighting, Why};
use crate::plan::{Plan, TaskKey};

impl Release {
    /// The journal entries that an input amounts to, none when it changes nothing.
    pub fn decide(&self, now: Timestamp, input: &Input) -> Result<Vec<Entry>, Rejected> {
        let events = self.events(now, input)?;
        let (seq, at) = (self.next_seq(), now.max(self.not_before()));
        let entry = |(idx, event)| Entry { seq: seq + idx, at: Timestamp(at.0 + idx), event };
        Ok((0..).zip(events).map(entry).collect())
    }

    fn events(&self, now: Timestamp, input: &Input) -> Result<Vec<Event>, Rejected> {
        let event = match input {
            Input::Start if self.position == Position::New => Event::Started,
            Input::Start => return Err(Rejected("it has started already".to_owned())),
            Input::Tick => return Ok(self.waits_over(now)),
            Input::Abort { by, reason } => self.abort(by, reason)?,
            Input::Pause { by } => self.pause(by)?,
            Input::Resume { by } if self.paused.is_some() => Event::Resumed { by: by.clone() },
            Input::Resume { .. } => return Err(Rejected("it is not paused".to_owned())),
            Input::Promote { by } if self.gate.is_some() => {
                Event::GatePassed { by: PassedBy::Operator { by: by.clone() } }
            }
            Input::Promote { .. } => return Err(Rejected("it is not at a gate".to_owned())),
            Input::Starting(key) => return Ok(self.starting(*key)),
            Input::Finished(key, outcome) => return Ok(self.finished(*key, outcome)),
            Input::Seen(key, sighting) => return Ok(self.seen(*key, sighting)),
            Input::Resolve { key, succeeded, by } => self.resolve(*key, *succeeded, by)?,
            Input::Sampled(samples) => return Ok(self.sampled(now, samples)),
        };
        Ok(vec![event])
    }

    fn waits_over(&self, now: Timestamp) -> Vec<Event> {
        let over = |key: &TaskKey| matches!(self.tasks[usize::from(key.task)].phase, TaskPhase::BackingOff { until } if until <= now);
        if self.is_turning() {
            return vec![];
        }
        let held = self.gate.as_ref().is_none_or(|it| it.held.is_some());
        if !held && !self.may_look() {
            let why = "the journal has no room for more looks".to_owned();
            return vec![Event::GateHeld { why }];
        }
        self.keys().filter(over).map(|key| Event::BackoffOver { key }).collect()
    }

    fn abort(&self, by: &str, reason: &str) -> Result<Event, Rejected> {
        if self.may_turn_back() {
            let why = Why::Aborted { by: clipped(by), reason: clipped(reason) };
            return Ok(Event::TurnedBack { why });
        }
        let refusal = match self.position {
            Position::Forward { .. } if self.is_clean_up() => {
                "it is past its point of no return; `lockgate rollback` puts the version before back"
            }
            Position::Ended { .. } => "it has ended already",
            Position::New | Position::Forward { .. } | Position::Back { .. } => "it is turning back already",
        };
        Err(Rejected(refusal.to_owned()))
    }

    fn pause(&self, by: &str) -> Result<Event, Rejected> {
        match self.position {
            _ if self.paused.is_some() => Err(Rejected("it is paused already".to_owned())),
            Position::New => Err(Rejected("it has not begun".to_owned())),
            Position::Forward { .. } if !self.is_turning() => Ok(Event::Paused { by: by.to_owned() }),
            Position::Forward { .. } | Position::Back { .. } => {
                Err(Rejected("it is turning back, which is not held up".to_owned()))
            }
            Position::Ended { .. } => Err(Rejected("it has ended already".to_owned())),
        }
    }

    fn starting(&self, key: TaskKey) -> Vec<Event> {
        let ready = self.keys().any(|it| it == key)
            && matches!(self.tasks[usize::from(key.task)].phase, TaskPhase::Ready)
            && !self.is_turning();
        if ready { vec![Event::TaskStarted { key }] } else { vec![] }
    }

    /// A late or foreign answer carries a key that is not current: no event.
    fn finished(&self, key: TaskKey, outcome: &Outcome) -> Vec<Event> {
        // A gate is passed by a verdict or an operator, never by an answer.
        let current = self.gate.is_none()
            && self.is_running(key)
            && !matches!(self.phase_of(key), TaskPhase::NeedsOperator);
        if current { vec![Event::TaskFinished { key, outcome: bounded(outcome) }] } else { vec![] }
    }

    fn seen(&self, key: TaskKey, sighting: &Sighting) -> Vec<Event> {
        if !self.is_running(key) || matches!(self.phase_of(key), TaskPhase::NeedsOperator) {
            return vec![];
        }
        let lost = || Outcome::Transient { why: "the last driver died before it was begun".to_owned() };
        let event = match sighting {
            Sighting::Ended(outcome) => Event::TaskFinished { key, outcome: bounded(outcome) },
            Sighting::NeverRan if self.is_turning() => Event::TaskFinished { key, outcome: lost() },
            // It never ran, so this attempt is still to be made.
            Sighting::NeverRan | Sighting::Running => Event::TaskFound { key },
            Sighting::Unknown => Event::TaskLost { key },
        };
        vec![event]
    }

    fn resolve(&self, key: TaskKey, succeeded: bool, by: &str) -> Result<Event, Rejected> {
        let waits = self.keys().any(|it| it == key) && matches!(self.phase_of(key), TaskPhase::NeedsOperator);
        if !waits {
            return Err(Rejected(format!("nothing waits to be resolved under {}", self.effect_key(key))));
        }
        let outcome = if succeeded {
            Outcome::Ok { note: Some(format!("{by} says that it succeeded")) }
        } else {
            Outcome::Fatal { why: format!("{by} says that it failed") }
        };
        Ok(Event::TaskFinished { key, outcome })
    }

    fn sampled(&self, now: Timestamp, samples: &Result<Samples, String>) -> Vec<Event> {
        let Some(gate) = &self.gate else { return vec![] };
        if self.is_turning() {
            return vec![];
        }
        let event = match samples {
            Ok(samples) => Event::Sampled { samples: without_bounds(&self.plan, samples) },
            Err(why) => Event::NoSignal { why: clipped(why) },
        };
        let mut after = self.clone();
        let entry = Entry { seq: after.next_seq(), at: now.max(after.not_before()), event: event.clone() };
        after.apply(&entry).expect("a gate takes samples");
        let judged = self.judged(gate, entry.at, &after.judge.verdict(entry.at));
        [Some(event), judged].into_iter().flatten().collect()
    }

    /// A paused release does not go on, but it is still taken back when it fails.
    fn judged(&self, gate: &GateState, at: Timestamp, verdict: &Verdict) -> Option<Event> {
        let analysis = &self.plan.judge.analysis;
        match verdict {
            Verdict::Fail { why } => Some(Event::TurnedBack { why: Why::Judged { reasons: why.clone() } }),
            _ if self.paused.is_some() => None,
            Verdict::Pending { .. } | Verdict::NotEnough { .. } => None,
            // One that is held goes on by an operator's word only.
            Verdict::Pass { .. } if gate.held.is_some() => None,
            Verdict::Pass { .. } if gate.approval => {
                held(gate, "nothing speaks against it; this step asks for approval".to_owned())
            }
            Verdict::Pass { why: PassWhy::Early, .. } => {
                Some(Event::GatePassed { by: PassedBy::EarlyEvidence })
            }
            Verdict::Pass { why: PassWhy::TimeUp | PassWhy::NoPause, .. } => {
                Some(Event::GatePassed { by: PassedBy::Time })
            }
            Verdict::EnvironmentIncident { why } => {
                let reasons = why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                held(
                    gate,
                    format!(
                        "the old version breaks the same limits, so it is not the new one's fault: {reasons}"
                    ),
                )
            }
            Verdict::NoSignal { since, .. } => {
                let over = analysis.max_time <= at.since(gate.since);
                let why = format!("no counts for {}", at.since(*since));
                // Missing data is never a pass, whatever the policy says.
                let policy = match analysis.on_undecided {
                    OnUndecided::Promote => OnUndecided::Hold,
                    policy @ (OnUndecided::Hold | OnUndecided::Rollback) => policy,
                };
                over.then(|| undecided(gate, policy, why)).flatten()
            }
            Verdict::Undecided { why, .. } => {
                let lacks: Vec<String> = why.iter().map(ToString::to_string).collect();
                let why = format!("the time is over without a verdict: {}", lacks.join("; "));
                undecided(gate, analysis.on_undecided, why)
            }
        }
    }

    fn phase_of(&self, key: TaskKey) -> &TaskPhase {
        &self.tasks[usize::from(key.task)].phase
    }
}

fn undecided(gate: &GateState, policy: OnUndecided, why: String) -> Option<Event> {
    match policy {
        OnUndecided::Hold => held(gate, why),
        OnUndecided::Promote => Some(Event::GatePassed { by: PassedBy::Policy }),
        OnUndecided::Rollback => Some(Event::TurnedBack { why: Why::Undecided { why } }),
    }
}

/// A gate is held once; what holds it may read differently at each look.
fn held(gate: &GateState, why: String) -> Option<Event> {
    gate.held.is_none().then_some(Event::GateHeld { why })
}

/// The buckets' bounds are in the plan, and the journal does not repeat them at every tick; but a target that
/// reads them from the instances has those of them that the instances have.
fn without_bounds(plan: &Plan, samples: &Samples) -> Samples {
    let mut samples = samples.clone();
    for (slot, counts) in &mut samples.slots {
        if counts.latency.bounds_ms == plan.bounds(slot) {
            counts.latency.bounds_ms.clear();
        }
        counts.last_crash = counts.last_crash.as_deref().map(|it| it.chars().take(CRASH_LEN_MAX).collect());
    }
    samples.gates.values_mut().for_each(|it| it.said = it.said.chars().take(CRASH_LEN_MAX).collect());
    samples.notes.truncate(NOTES_MAX);
    samples.notes.iter_mut().for_each(|it| *it = it.chars().take(CRASH_LEN_MAX).collect());
    samples
}

/// What a target says is kept, up to this many characters: the last lines of a log fit, a whole log does not.
const TEXT_LEN_MAX: usize = 4_000;
/// Of what could not be counted at a look. More of them say the same of more pods.
const NOTES_MAX: usize = 8;
/// Of what a crash said, which stands in every sample after it.
const CRASH_LEN_MAX: usize = 500;

fn clipped(text: &str) -> String {
    text.chars().take(TEXT_LEN_MAX).collect()
}

fn bounded(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Ok { note } => Outcome::Ok { note: note.as_deref().map(clipped) },
        Outcome::Transient { why } => Outcome::Transient { why: clipped(why) },
        Outcome::Fatal { why } => Outcome::Fatal { why: clipped(why) },
    }
}
