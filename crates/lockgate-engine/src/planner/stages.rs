//! The stages of a release, in their fixed order.

use lockgate_model::{
    Fixtures, Health, JobName, Millis, Retry, SecretRef, SeedsRun, SlotRef, SmokeExpect, SmokeKind,
    SmokeSpec, SmokeVia, Step, StepGate, Strategy, System, Weight, When,
};

use super::changes::{Change, Changes};
use super::waves::waves;
use super::{MIGRATE, PlanError, Request, SEED, smoke_job};
use crate::plan::{Action, Gate, GateKind, Kind, Repeat, Split, Stage, StageKind, Task};

/// A node that is started again answers within seconds.
const TARGET_RETRY: Retry = Retry { attempts: 5, initial: Millis(500), max: Millis::secs(5), factor: 2 };
/// A first answer may come late; a version that fails three times does not work.
const SMOKE_RETRY: Retry = Retry { attempts: 3, initial: Millis(500), max: Millis::secs(2), factor: 2 };
/// What a target adds to the time that the work itself may take.
const SLACK: Millis = Millis::secs(30);
/// For a service that the spec does not have any more: nobody says how long its requests may take.
const GONE_TIMEOUT: Millis = Millis::mins(10);
/// A database that starts for the first time may take minutes; images are pulled before.
const PREPARE_TIMEOUT: Millis = Millis::mins(10);
/// A rolling release goes in at most this many rounds: beyond, the rounds are too small to see anything in.
const ROUNDS_MAX: u16 = 4;

pub(super) fn stages(request: &Request, changes: &Changes) -> Result<Vec<Stage>, PlanError> {
    let planner = Planner { request, changes, system: &request.snapshot.system };
    let mut stages = vec![];
    if planner.touches_nothing() {
        return Ok(stages);
    }
    stages.extend(planner.prepare());
    stages.extend(planner.migrate(When::BeforeRollout));
    stages.extend(planner.seed());
    stages.push(planner.resize());
    stages.push(planner.gather());
    match (request.kind, planner.system.rollout.strategy) {
        (Kind::Rollback, _) => planner.straight(&mut stages)?,
        (Kind::Deploy, Strategy::Canary | Strategy::BlueGreen) => planner.canary(&mut stages)?,
        (Kind::Deploy, Strategy::Rolling) => planner.rolling(&mut stages)?,
        (Kind::Deploy, Strategy::Recreate) => return Err(PlanError::Strategy { strategy: "recreate" }),
    }
    planner.workers(&mut stages);
    if request.kind == Kind::Deploy {
        stages.push(planner.smoke("smoke, as users", |_| SmokeVia::Route));
        stages.push(planner.smoke_jobs());
        stages.extend(planner.bake());
    }
    stages.extend(planner.clean_up());
    stages.retain(|it| !it.tasks.is_empty());
    Ok(stages)
}

struct Planner<'a> {
    request: &'a Request,
    changes: &'a Changes,
    system: &'a System,
}

impl Planner<'_> {
    fn touches_nothing(&self) -> bool {
        let Changes { changed, new, resized, strayed, removed, stale, .. } = self.changes;
        let same = changed.is_empty()
            && new.is_empty()
            && resized.is_empty()
            && strayed.is_empty()
            && removed.is_empty()
            && stale.is_empty();
        same && self.same_fixtures() && (self.changes.same_migrations || self.request.kind == Kind::Rollback)
    }

    fn same_fixtures(&self) -> bool {
        let before = self.changes.fixtures.as_ref().map_or(&Fixtures::None, |it| &it.1);
        *before == self.request.snapshot.fixtures
    }

    /// What stands beside the slots comes first: whatever starts may need it.
    fn prepare(&self) -> Option<Stage> {
        if self.request.snapshot.fixtures == Fixtures::None {
            return None;
        }
        let before =
            self.changes.fixtures.as_ref().filter(|it| it.1 != Fixtures::None && !self.same_fixtures());
        let task = Task {
            service: None,
            action: Action::Prepare { release: self.request.release },
            repeat: Repeat::Harmless,
            retry: TARGET_RETRY,
            timeout: PREPARE_TIMEOUT,
            undo: before.map(|it| Action::Prepare { release: it.0 }).into_iter().collect(),
        };
        Some(stage("prepare", vec![task]))
    }

    /// What is left over of older releases.
    fn prune(&self) -> Option<Stage> {
        let has_images = self.request.snapshot.images().next().is_some();
        if self.request.snapshot.fixtures == Fixtures::None && !has_images {
            return None;
        }
        let task = Task {
            service: None,
            action: Action::Prune,
            repeat: Repeat::Harmless,
            retry: TARGET_RETRY,
            timeout: PREPARE_TIMEOUT,
            undo: vec![],
        };
        Some(Stage { name: "prune".to_owned(), kind: StageKind::CleanUp, tasks: vec![task] })
    }

    /// A migration that takes away what only the old version needed comes when that version is gone.
    fn migrate(&self, when: When) -> Option<Stage> {
        let migrations = self.system.migrations.as_ref().filter(|_| self.request.kind == Kind::Deploy)?;
        let task = dangerous_job(MIGRATE, migrations.retry, migrations.timeout);
        let kind = match when {
            When::BeforeRollout => StageKind::Revocable,
            When::AfterRollout => StageKind::CleanUp,
        };
        let stage = Stage { name: MIGRATE.to_owned(), kind, tasks: vec![task] };
        (migrations.when == when).then_some(stage)
    }

    fn seed(&self) -> Option<Stage> {
        let seeds = self.system.seeds.as_ref().filter(|_| self.request.kind == Kind::Deploy)?;
        let due = match seeds.run {
            SeedsRun::Once => !self.request.seeded,
            SeedsRun::Always => true,
        };
        due.then(|| stage(SEED, vec![dangerous_job(SEED, seeds.retry, seeds.timeout)]))
    }

    fn resize(&self) -> Stage {
        let tasks = self.changes.resized.iter().map(|(slot, before, after)| {
            let action = |instances| Action::EnsureSlot { slot: slot.clone(), instances };
            Task { undo: vec![action(*before)], ..self.task(&change_of(slot), action(*after)) }
        });
        stage("resize", tasks.collect())
    }

    /// All traffic of an unchanged service to the slot that it keeps; on the way back it stays there.
    fn gather(&self) -> Stage {
        let tasks = self.changes.strayed.iter().map(|slot| {
            let to = Split { old: Some(slot.release), new: None, weight: Weight::ALL };
            let action = Action::SetWeights { service: slot.service.clone(), to };
            Task { undo: vec![action.clone()], ..self.task(&change_of(slot), action) }
        });
        stage("gather", tasks.collect())
    }

    /// Starts the new slots, in waves; `instances` says how many of each.
    fn start(&self, stages: &mut Vec<Stage>, instances: impl Fn(&Change) -> u16) -> Result<(), PlanError> {
        let waves = waves(&self.request.snapshot, self.changes.routed())?;
        let count = waves.len();
        for (idx, wave) in waves.into_iter().enumerate() {
            let name = if count == 1 { "start".to_owned() } else { format!("start {}/{count}", idx + 1) };
            let tasks = wave.into_iter().map(|it| self.ensure_new(it, instances(it))).collect();
            stages.push(Stage { name, kind: StageKind::Revocable, tasks });
        }
        Ok(())
    }

    fn canary(&self, stages: &mut Vec<Stage>) -> Result<(), PlanError> {
        let steps: Vec<Step> =
            self.system.rollout.steps.iter().copied().filter(|it| it.weight < Weight::ALL).collect();
        let first = steps.first().map_or(Weight::ALL, |it| it.weight);
        self.start(stages, |it| if it.old.is_some() { share(it.replicas, first) } else { it.replicas })?;
        stages.push(self.smoke("smoke", |it| SmokeVia::Slot(it.slot.clone())));
        stages.push(self.open_new());
        if !self.changes.changed.iter().any(|it| !it.is_worker) {
            return Ok(());
        }
        let mut before = first;
        for step in steps {
            let (from, to) = (before, step.weight);
            stages.push(self.scale(&format!("scale for {to}"), |it| share(it, from), |it| share(it, to)));
            stages.push(self.shift(&format!("canary {}", step.weight), step.weight));
            let approval = step.gate == StepGate::Approval;
            stages.push(gate(&format!("judge {}", step.weight), GateKind::Step, step.pause, approval));
            before = step.weight;
        }
        stages.push(self.scale("scale to full size", |it| share(it, before), |it| it));
        stages.push(self.shift("all traffic", Weight::ALL));
        Ok(())
    }

    fn rolling(&self, stages: &mut Vec<Stage>) -> Result<(), PlanError> {
        let largest = self.changes.changed.iter().filter(|it| !it.is_worker).map(|it| it.replicas).max();
        let rounds = largest.unwrap_or(1).clamp(1, ROUNDS_MAX);
        let round = |number| Round { number, of: rounds };
        self.start(stages, |it| if it.old.is_some() { round(1).of(it.replicas) } else { it.replicas })?;
        stages.push(self.smoke("smoke", |it| SmokeVia::Slot(it.slot.clone())));
        stages.push(self.open_new());
        for number in 1..=rounds {
            let (now, before) = (round(number), round(number - 1));
            let weight = now.weight();
            if 1 < number {
                let name = format!("start round {number}/{rounds}");
                stages.push(self.scale(&name, |it| before.of(it), |it| now.of(it)));
            }
            stages.push(self.shift(&format!("shift {weight}"), weight));
            if number < rounds {
                stages.push(gate(&format!("look at {weight}"), GateKind::Step, Millis::ZERO, false));
                stages.push(self.shrink(&format!("stop round {number}/{rounds}"), now));
            }
        }
        Ok(())
    }

    /// All at once, as a rollback goes.
    fn straight(&self, stages: &mut Vec<Stage>) -> Result<(), PlanError> {
        self.start(stages, |it| it.replicas)?;
        stages.push(self.open_new());
        stages.push(self.shift("all traffic", Weight::ALL));
        Ok(())
    }

    /// Traffic for services that are there for the first time.
    fn open_new(&self) -> Stage {
        let new = self.changes.new.iter().filter(|it| !it.is_worker);
        let tasks = new.map(|it| {
            let to = Split { old: None, new: Some(it.slot.release), weight: Weight::ALL };
            self.task(it, Action::SetWeights { service: it.slot.service.clone(), to })
        });
        stage("open", tasks.collect())
    }

    /// More instances of the new version; `before` and `after` say how many of so many replicas.
    fn scale(&self, name: &str, before: impl Fn(u16) -> u16, after: impl Fn(u16) -> u16) -> Stage {
        let growing = self.routed_changed().filter(|it| before(it.replicas) < after(it.replicas));
        stage(name, growing.map(|it| self.ensure_new(it, after(it.replicas))).collect())
    }

    /// Stops the instances of the old version that a rolling release does not need any more.
    fn shrink(&self, name: &str, round: Round) -> Stage {
        let tasks = self.routed_changed().filter_map(|it| {
            let old = it.old.as_ref()?;
            let keep = round.left(old.replicas);
            let action = |instances| Action::EnsureSlot { slot: old.slot.clone(), instances };
            (keep < old.replicas)
                .then(|| Task { undo: vec![action(old.replicas)], ..self.task(it, action(keep)) })
        });
        stage(name, tasks.collect())
    }

    fn shift(&self, name: &str, weight: Weight) -> Stage {
        let tasks = self.routed_changed().map(|it| {
            let old = it.old.as_ref().map(|it| it.slot.release);
            let split = |weight| Action::SetWeights {
                service: it.slot.service.clone(),
                to: Split { old, new: Some(it.slot.release), weight },
            };
            Task { undo: vec![split(Weight::NONE)], ..self.task(it, split(weight)) }
        });
        stage(name, tasks.collect())
    }

    fn bake(&self) -> Option<Stage> {
        let pause = self.system.rollout.bake;
        let judged = self.changes.routed().next().is_some();
        (judged && Millis::ZERO < pause).then(|| gate("bake", GateKind::Bake, pause, false))
    }

    fn smoke(&self, name: &str, via: impl Fn(&Change) -> SmokeVia) -> Stage {
        let mut tasks = vec![];
        for check in &self.system.smoke {
            let SmokeKind::Get { path, status, expect } = &check.kind else { continue };
            let Some(change) = self.changes.routed().find(|it| it.slot.service == check.service) else {
                continue;
            };
            let Some((_, port)) = self.system.services[&check.service].main_port() else { continue };
            let check = SmokeSpec {
                service: check.service.clone(),
                port: port.number,
                path: path.clone(),
                status: *status,
                via: via(change),
                timeout: check.timeout,
                expect: expect.clone(),
                bearer: self.bearer(expect),
            };
            let timeout = Millis(check.timeout.0 + SLACK.0);
            let task = self.task(change, Action::Smoke { check });
            tasks.push(Task { retry: SMOKE_RETRY, timeout, ..task });
        }
        stage(name, tasks)
    }

    /// The token may be a secret of any service, or of the release itself.
    fn bearer(&self, expect: &SmokeExpect) -> Option<SecretRef> {
        let wanted = expect.bearer.as_ref()?;
        self.request.snapshot.all_secrets().find(|it| it.0 == wanted).map(|it| it.1.clone())
    }

    fn smoke_jobs(&self) -> Stage {
        let jobs = self.system.smoke.iter().enumerate().filter_map(|(idx, check)| match check.kind {
            SmokeKind::Run { .. } => Some(Task {
                service: None,
                action: Action::RunJob { job: smoke_job(idx) },
                repeat: Repeat::Harmless,
                retry: SMOKE_RETRY,
                timeout: Millis(check.timeout.0 + SLACK.0),
                undo: vec![],
            }),
            SmokeKind::Get { .. } | SmokeKind::Mail { .. } => None,
        });
        stage("smoke jobs", jobs.collect())
    }

    /// Workers are replaced when everything else is: the new ones are up before the old ones stop.
    fn workers(&self, stages: &mut Vec<Stage>) {
        let start = self.changes.workers().map(|it| self.ensure_new(it, it.replicas));
        stages.push(stage("start workers", start.collect()));
        let stop = self.changes.workers().filter_map(|it| {
            let old = it.old.as_ref()?;
            let action = |instances| Action::EnsureSlot { slot: old.slot.clone(), instances };
            Some(Task { undo: vec![action(old.replicas)], ..self.task(it, action(0)) })
        });
        stages.push(stage("stop old workers", stop.collect()));
    }

    fn clean_up(&self) -> Vec<Stage> {
        let routed = self.routed_changed().filter_map(|it| it.old.as_ref().map(|old| (it, old)));
        let drains = routed.map(|(it, old)| {
            let within = self.system.services[&it.slot.service].stop.drain;
            let action = Action::Drain { slot: old.slot.clone(), within };
            Task { timeout: Millis(within.0 + SLACK.0), ..self.task(it, action) }
        });
        let drain = Stage { name: "drain".to_owned(), kind: StageKind::CleanUp, tasks: drains.collect() };
        let rounds = self.removals();
        let count = rounds.len();
        let removals = rounds.into_iter().enumerate().map(|(idx, slots)| {
            let name = if count == 1 { "remove".to_owned() } else { format!("remove {}/{count}", idx + 1) };
            let task = |it: &SlotRef| self.task(&change_of(it), Action::RemoveSlot { slot: it.clone() });
            Stage { name, kind: StageKind::CleanUp, tasks: slots.into_iter().map(task).collect() }
        });
        let migrate = self.migrate(When::AfterRollout);
        [drain].into_iter().chain(removals).chain(migrate).chain(self.prune()).collect()
    }

    /// Slots that go, in rounds with at most one slot of a service, that which has traffic last: targets take
    /// the requests for a service in their order only.
    fn removals(&self) -> Vec<Vec<&SlotRef>> {
        let old = self.changes.changed.iter().filter_map(|it| it.old.as_ref()).map(|it| &it.slot);
        let mut rounds: Vec<Vec<&SlotRef>> = vec![];
        for slot in old.chain(&self.changes.removed).chain(&self.changes.stale) {
            let is_free = |it: &&mut Vec<&SlotRef>| it.iter().all(|it| it.service != slot.service);
            match rounds.iter_mut().find(is_free) {
                Some(round) => round.push(slot),
                None => rounds.push(vec![slot]),
            }
        }
        rounds
    }

    fn routed_changed(&self) -> impl Iterator<Item = &Change> {
        self.changes.changed.iter().filter(|it| !it.is_worker)
    }

    fn ensure_new(&self, change: &Change, instances: u16) -> Task {
        let action = Action::EnsureSlot { slot: change.slot.clone(), instances };
        let remove = Action::RemoveSlot { slot: change.slot.clone() };
        let drain = || {
            let within = self.system.services[&change.slot.service].stop.drain;
            Action::Drain { slot: change.slot.clone(), within }
        };
        // Without an old version the traffic has nowhere to go back to, and the slot is removed as it is.
        let routed = change.old.is_some() && !change.is_worker;
        let undo = if routed { vec![drain(), remove] } else { vec![remove] };
        Task { undo, ..self.task(change, action) }
    }

    fn task(&self, change: &Change, action: Action) -> Task {
        let service = self.system.services.get(&change.slot.service);
        let ready = service.map_or(Millis::ZERO, |it| match it.health {
            Health::Http { ready_within, .. } => ready_within,
            Health::Uptime { ready_after } => ready_after,
        });
        let stop = service.map_or(GONE_TIMEOUT, |it| Millis(it.stop.drain.0 + it.stop.grace.0));
        Task {
            service: Some(change.slot.service.clone()),
            action,
            repeat: Repeat::Harmless,
            retry: TARGET_RETRY,
            timeout: Millis(ready.0 + stop.0 + SLACK.0),
            undo: vec![],
        }
    }
}

fn dangerous_job(name: &str, retry: Retry, timeout: Millis) -> Task {
    Task {
        service: None,
        action: Action::RunJob { job: JobName::new(name).expect("it is a name") },
        repeat: Repeat::Dangerous,
        retry,
        timeout: Millis(timeout.0 + SLACK.0),
        undo: vec![],
    }
}

/// A stand-in for a service that keeps its slot, to take names and times from.
fn change_of(slot: &SlotRef) -> Change {
    Change { slot: slot.clone(), replicas: 0, is_worker: false, old: None }
}

fn gate(name: &str, kind: GateKind, pause: Millis, approval: bool) -> Stage {
    let action = Action::Gate { gate: Gate { kind, pause, approval } };
    let task = Task {
        service: None,
        action,
        repeat: Repeat::Harmless,
        retry: Retry::ONCE,
        timeout: Millis::ZERO,
        undo: vec![],
    };
    stage(name, vec![task])
}

/// One of the rounds that a rolling release goes in.
#[derive(Clone, Copy)]
struct Round {
    number: u16,
    of: u16,
}

impl Round {
    fn weight(self) -> Weight {
        let points = u32::from(Weight::ALL.basis_points()) * u32::from(self.number) / u32::from(self.of);
        Weight::from_basis_points(u16::try_from(points).expect("at most all")).expect("at most all")
    }

    /// Instances of the new version after this round: with up to four replicas one more at a time.
    fn of(self, replicas: u16) -> u16 {
        let instances = (u32::from(replicas) * u32::from(self.number)).div_ceil(u32::from(self.of));
        u16::try_from(instances).expect("at most all")
    }

    /// Instances that the old version needs for the traffic that is left to it.
    fn left(self, replicas: u16) -> u16 {
        Round { number: self.of - self.number, of: self.of }.of(replicas)
    }
}

fn stage(name: &str, tasks: Vec<Task>) -> Stage {
    Stage { name: name.to_owned(), kind: StageKind::Revocable, tasks }
}

/// Instances that serve a share of the traffic: at least one, at most all.
pub(super) fn share(replicas: u16, weight: Weight) -> u16 {
    let points = u32::from(replicas) * u32::from(weight.basis_points());
    let instances = points.div_ceil(u32::from(Weight::ALL.basis_points()));
    u16::try_from(instances).expect("at most all").clamp(1, replicas.max(1))
}
