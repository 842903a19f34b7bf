//! One release under way: decide, make durable, apply, and see that what should be under way is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockgate_engine::{Effect, End, Entry, Event, Input, Outcome, Plan, Release, Sighting, Task, TaskKey};
use lockgate_model::{EffectKey, Fence, Millis, ReleaseId, Samples, Timestamp};
use lockgate_targets::Target;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::measure;
use crate::perform::Performed;
use crate::store::{Command, Lease, Store, StoreError};
use crate::{clock, perform, record};

/// Between looks at what operators want. A look is one read of a local file.
const COMMANDS_EVERY: Duration = Duration::from_millis(100);
/// Between signs of life; a fraction of the time after which a silent holder is replaced.
pub(crate) const HEARTBEAT_EVERY: Millis = Millis::secs(3);
/// A target that does not give its counts within this is taken to be dark until the next look.
const SAMPLE_WITHIN: Duration = Duration::from_secs(5);
/// After a look that got no answer.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What an effect's task sends back.
enum Answer {
    Finished(TaskKey, Outcome),
    /// Whether it was done is not known, and it must not be done twice.
    Lost(TaskKey, String),
    Seen(TaskKey, Option<Sighting>),
    Sampled(Result<Samples, String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Do,
    Look,
}

pub(crate) struct Run<T> {
    store: Store,
    target: Arc<T>,
    lease: Lease,
    id: ReleaseId,
    release: Release,
    /// Effects that this process has under way. Dropping one ends the waiting, not what the target does.
    under_way: BTreeMap<Effect, JoinHandle<()>>,
    answers: mpsc::UnboundedReceiver<Answer>,
    answer_to: mpsc::UnboundedSender<Answer>,
    heard_at: Timestamp,
    /// Attempts that must be looked at before anything else, with what was said when their answer was lost.
    lost: BTreeMap<TaskKey, String>,
    /// How far the journal is ahead of this machine's clock: it was set back since the last driver died, and
    /// without this every wait would be as much longer.
    ahead: Millis,
}

impl<T: Target + 'static> Run<T> {
    pub(crate) fn new(store: Store, target: Arc<T>, lease: Lease, id: ReleaseId, release: Release) -> Run<T> {
        let (answer_to, answers) = mpsc::unbounded_channel();
        let (under_way, lost) = (BTreeMap::new(), BTreeMap::new());
        let heard_at = clock::now();
        let ahead = release.not_before().since(heard_at);
        Run { store, target, lease, id, release, under_way, answers, answer_to, heard_at, lost, ahead }
    }

    pub(crate) async fn finish(&mut self) -> Result<End, StoreError> {
        if self.release.next_seq() == 0 {
            drop(self.feed(&Input::Start).await?);
        }
        loop {
            self.obey().await?;
            drop(self.feed(&Input::Tick).await?);
            if let Some(end) = self.release.ended() {
                let end = end.clone();
                self.stop_all();
                return Ok(end);
            }
            self.dispatch().await?;
            self.heartbeat().await?;
            self.wait().await?;
        }
    }

    /// The release's time.
    fn now(&self) -> Timestamp {
        clock::now().plus(self.ahead)
    }

    /// The whole job for one input: decide, make durable, apply.
    async fn feed(&mut self, input: &Input) -> Result<Result<(), String>, StoreError> {
        let entries = match self.release.decide(self.now(), input) {
            Ok(entries) => entries,
            Err(rejected) => return Ok(Err(rejected.to_string())),
        };
        if entries.is_empty() {
            return Ok(Ok(()));
        }
        let rows: Vec<_> = entries.iter().map(record::row).collect();
        self.store.append(&self.lease, self.id, &rows).await?;
        for entry in &entries {
            self.apply(entry);
        }
        self.heard_at = clock::now();
        Ok(Ok(()))
    }

    fn apply(&mut self, entry: &Entry) {
        if !matches!(entry.event, Event::Sampled { .. }) {
            tracing::info!(release = %self.id, seq = entry.seq, event = ?entry.event, "journal");
        }
        self.release.apply(entry).expect("what was decided can be applied");
    }

    /// Takes operators' orders. They come before anything else that has happened.
    async fn obey(&mut self) -> Result<(), StoreError> {
        for pending in self.store.pending_commands(self.id).await? {
            let by = pending.by.clone();
            let answer = match pending.command {
                Command::Abort { reason } => self.feed(&Input::Abort { by, reason }).await?,
                Command::Pause => self.feed(&Input::Pause { by }).await?,
                Command::Resume => self.feed(&Input::Resume { by }).await?,
                Command::Promote => self.feed(&Input::Promote { by }).await?,
                Command::Resolve { key, succeeded } => match self.release.task_of(&key) {
                    Some(key) => self.feed(&Input::Resolve { key, succeeded, by }).await?,
                    None => Err(format!(
                        "no attempt is called {key} now; `lockgate status` names those that wait"
                    )),
                },
            };
            self.store.answer(pending.id, &answer).await?;
        }
        Ok(())
    }

    /// Starts what should be under way and is not, and lets go of what should not be any more.
    async fn dispatch(&mut self) -> Result<(), StoreError> {
        // Intents first: each makes its effect wanted with a durable start.
        for effect in self.release.wants(self.now()) {
            if let Effect::Run(key) = effect
                && !self.release.has_started(key)
            {
                drop(self.feed(&Input::Starting(key)).await?);
            }
        }
        let wanted = self.release.wants(self.now());
        let let_go: Vec<Effect> = self.under_way.keys().filter(|it| !wanted.contains(it)).cloned().collect();
        for effect in let_go {
            if let Some(task) = self.under_way.remove(&effect) {
                task.abort();
            }
        }
        for effect in wanted {
            let started = !matches!(effect, Effect::Run(key) if !self.release.has_started(key));
            if started && !self.under_way.contains_key(&effect) {
                let task = self.start(&effect);
                self.under_way.insert(effect, task);
            }
        }
        Ok(())
    }

    fn start(&self, effect: &Effect) -> JoinHandle<()> {
        let (target, to) = (Arc::clone(&self.target), self.answer_to.clone());
        match *effect {
            Effect::Sample => {
                let services: Vec<_> = self.release.arms().into_keys().collect();
                let plan = self.release.shared_plan();
                tokio::spawn(async move {
                    let samples = tokio::time::timeout(SAMPLE_WITHIN, target.samples(&services)).await;
                    let mut samples = match samples {
                        Ok(samples) => samples.map_err(|it| it.to_string()),
                        Err(_) => Err(format!("no answer within {} s", SAMPLE_WITHIN.as_secs())),
                    };
                    if let Ok(samples) = &mut samples {
                        samples.gates = measure::measured(&*target, &plan.judge.gates).await;
                        let missing = samples.gates.values().filter(|it| it.holds.is_none());
                        samples.notes.extend(missing.map(|it| it.said.clone()));
                    }
                    drop(to.send(Answer::Sampled(samples)));
                })
            }
            Effect::Run(key) if !self.lost.contains_key(&key) => {
                let (plan, task, fence, effect) = self.order(key, Order::Do);
                tokio::spawn(async move {
                    let answer = match perform::perform(&*target, &plan, &task, &fence, &effect).await {
                        Performed::Ended(outcome) => Answer::Finished(key, outcome),
                        Performed::Lost(why) => Answer::Lost(key, why),
                    };
                    drop(to.send(answer));
                })
            }
            Effect::Run(key) | Effect::Look(key) => {
                let (plan, task, fence, effect) = self.order(key, Order::Look);
                tokio::spawn(async move {
                    let sighting = perform::look(&*target, &plan, &task, &fence, &effect).await;
                    if sighting.is_none() {
                        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
                    }
                    drop(to.send(Answer::Seen(key, sighting)));
                })
            }
        }
    }

    /// What a task needs to be performed away from here. The fence is younger than every earlier order's, and a
    /// look is younger than the request it asks about.
    fn order(&self, key: TaskKey, order: Order) -> (Arc<Plan>, Task, Fence, EffectKey) {
        let task = self.release.task(key).expect("what is wanted is in the plan").clone();
        let seq = 2 * self.release.next_seq() + u64::from(order == Order::Look);
        let fence = Fence { scope: self.lease.scope.clone(), epoch: self.lease.epoch, seq };
        (self.release.shared_plan(), task, fence, self.release.effect_key(key))
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        let now = clock::now();
        if HEARTBEAT_EVERY <= now.since(self.heard_at) {
            self.store.heartbeat(&self.lease, now).await?;
            self.heard_at = now;
        }
        Ok(())
    }

    /// Until an answer comes, a deadline passes, or it is time to see what operators want.
    async fn wait(&mut self) -> Result<(), StoreError> {
        // What is due already is under way or waits for its turn; looking again at once would only spin.
        let until = self.release.deadline().map(|it| it.0.since(self.now())).filter(|it| *it != Millis::ZERO);
        let until = until.map_or(COMMANDS_EVERY, |it| it.to_std().min(COMMANDS_EVERY));
        let first = match tokio::time::timeout(until, self.answers.recv()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => unreachable!("this run holds a sender"),
            Err(_) => return Ok(()),
        };
        self.take(first).await?;
        while let Ok(answer) = self.answers.try_recv() {
            self.take(answer).await?;
        }
        Ok(())
    }

    async fn take(&mut self, answer: Answer) -> Result<(), StoreError> {
        let input = match answer {
            Answer::Finished(key, outcome) => {
                self.under_way.remove(&Effect::Run(key));
                Some(Input::Finished(key, outcome))
            }
            Answer::Lost(key, why) => {
                self.under_way.remove(&Effect::Run(key));
                self.lost.insert(key, why);
                None
            }
            Answer::Seen(key, sighting) => {
                self.under_way.remove(&Effect::Run(key));
                self.under_way.remove(&Effect::Look(key));
                sighting.map(|it| self.seen(key, it))
            }
            Answer::Sampled(samples) => {
                self.under_way.remove(&Effect::Sample);
                Some(Input::Sampled(samples))
            }
        };
        if let Some(input) = input {
            drop(self.feed(&input).await?);
        }
        Ok(())
    }

    /// An attempt that failed on the way and was never begun counts as one that failed.
    fn seen(&mut self, key: TaskKey, sighting: Sighting) -> Input {
        match (self.lost.remove(&key), sighting) {
            (Some(why), Sighting::NeverRan) => Input::Finished(key, Outcome::Transient { why }),
            (_, sighting) => Input::Seen(key, sighting),
        }
    }

    fn stop_all(&mut self) {
        for task in std::mem::take(&mut self.under_way).into_values() {
            task.abort();
        }
    }
}

/// A run that ends early lets go of its effects; the targets and the next driver know what to do.
impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        self.under_way.values().for_each(JoinHandle::abort);
    }
}
