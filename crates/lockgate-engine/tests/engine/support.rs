//! Small systems, and a walk through a release.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use lockgate_engine::{
    Action, Effect, Entry, Input, Kind, Outcome, Plan, PlanError, Rejected, Release, Request, TaskKey, plan,
};
use lockgate_model::{
    Analysis, DependsOn, EnvironmentName, Health, Latency, LocalTarget, Migrations, Millis, Observed,
    ObservedService, ObservedSlot, Port, PortName, Protocol, ReleaseId, Retry, Rollout, Samples, Service,
    ServiceName, SlotCounts, SmokeCheck, SmokeKind, Snapshot, Step, Stop, StopSignal, Strategy, System,
    SystemName, TargetKind, Timestamp, Version, Weight, Weights,
};

pub(crate) const OLD: ReleaseId = ReleaseId(1);
pub(crate) const NEW: ReleaseId = ReleaseId(2);

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// A service that says `text` and listens on `port`.
pub(crate) fn service(port: u16, text: &str, replicas: u16) -> Service {
    let http = Port::new(port, Protocol::Http);
    Service {
        ports: BTreeMap::from([(PortName::new("http").unwrap(), http)]),
        health: Health::Uptime { ready_after: Millis::secs(1) },
        replicas,
        stop: Stop { signal: StopSignal::Term, drain: Millis::secs(10), grace: Millis::secs(5) },
        ..Service::new(vec!["serve".to_owned(), text.to_owned()])
    }
}

pub(crate) fn worker(text: &str, replicas: u16) -> Service {
    Service { ports: BTreeMap::new(), ..service(1, text, replicas) }
}

pub(crate) fn needs(service: Service, other: &str) -> Service {
    let depends_on = BTreeMap::from([(other.to_owned(), DependsOn { variable: None })]);
    Service { depends_on, ..service }
}

pub(crate) fn snapshot(version: &str, services: &[(&str, Service)]) -> Snapshot {
    let weight = |points| Weight::from_basis_points(points).unwrap();
    let step = |points, secs| Step::new(weight(points), Millis::secs(secs));
    let system = System {
        services: services.iter().map(|(name, it)| (self::name(name), it.clone())).collect(),
        rollout: Rollout {
            strategy: Strategy::Canary,
            steps: vec![step(500, 60), step(5_000, 60), step(10_000, 0)],
            analysis: Analysis { min_requests: 100, max_time: Millis::mins(5), ..Analysis::default() },
            ..Rollout::default()
        },
        ..System::new(
            SystemName::new("shop").unwrap(),
            EnvironmentName::new("prod").unwrap(),
            TargetKind::Local(LocalTarget { bind: IpAddr::V4(Ipv4Addr::LOCALHOST) }),
        )
    };
    Snapshot::new(Version::new(version).unwrap(), system)
}

pub(crate) fn rolling(mut snapshot: Snapshot) -> Snapshot {
    snapshot.system.rollout =
        Rollout { strategy: Strategy::Rolling, steps: vec![], ..snapshot.system.rollout };
    snapshot
}

pub(crate) fn migrating(mut snapshot: Snapshot) -> Snapshot {
    snapshot.system.migrations = Some(Migrations {
        timeout: Millis::mins(5),
        retry: Retry { attempts: 2, initial: Millis::secs(2), max: Millis::secs(60), factor: 2 },
        ..Migrations::command(vec!["migrate".to_owned()])
    });
    snapshot
}

pub(crate) fn smoking(mut snapshot: Snapshot, service: &str) -> Snapshot {
    let check = |kind| SmokeCheck { service: name(service), kind, timeout: Millis::secs(5) };
    snapshot.system.smoke = vec![
        check(SmokeKind::get("/healthz", 200)),
        check(SmokeKind::Run { command: vec!["check".to_owned()] }),
    ];
    snapshot
}

/// What runs when a snapshot was released as [`OLD`].
pub(crate) fn observed(snapshot: &Snapshot) -> Observed {
    let request = Request::new(OLD, Kind::Deploy, snapshot.clone());
    let first = plan(&request, &Observed::default(), &BTreeMap::new()).unwrap();
    let services = first.slots.iter().map(|(slot, spec)| {
        let replicas = snapshot.system.services[&slot.service].replicas;
        let seen = ObservedSlot {
            version: spec.version.clone(),
            workload: spec.workload_digest(),
            wanted: replicas,
            ready: replicas,
            in_flight: 0,
            instances: vec![],
        };
        let weights = (!spec.ports.is_empty()).then(|| Weights::all_to(OLD));
        (
            slot.service.clone(),
            ObservedService { slots: BTreeMap::from([(OLD, seen)]), weights, ..Default::default() },
        )
    });
    Observed { services: services.collect() }
}

pub(crate) fn plan_on(
    observed: &Observed,
    old: &Snapshot,
    kind: Kind,
    new: &Snapshot,
) -> Result<Plan, PlanError> {
    let request = Request::new(NEW, kind, new.clone());
    plan(&request, observed, &BTreeMap::from([(OLD, old.clone())]))
}

pub(crate) fn deploy(old: &Snapshot, new: &Snapshot) -> Plan {
    plan_on(&observed(old), old, Kind::Deploy, new).unwrap()
}

pub(crate) fn first(new: &Snapshot) -> Plan {
    let request = Request::new(NEW, Kind::Deploy, new.clone());
    plan(&request, &Observed::default(), &BTreeMap::new()).unwrap()
}

/// The stages as text: name, then what is done and what takes it back.
pub(crate) fn outline(plan: &Plan) -> String {
    let mut text = String::new();
    for stage in &plan.stages {
        let tasks: Vec<String> = stage
            .tasks
            .iter()
            .map(|task| {
                let undo: Vec<String> = task.undo.iter().map(ToString::to_string).collect();
                let undo =
                    if undo.is_empty() { String::new() } else { format!(" (back: {})", undo.join(", ")) };
                format!("{}{undo}", task.action)
            })
            .collect();
        writeln!(text, "{}: {}", stage.name, tasks.join("; ")).unwrap();
    }
    text
}

/// Goes through a release, with a target that does as it is told.
pub(crate) struct Walk {
    pub(crate) release: Release,
    pub(crate) journal: Vec<Entry>,
    pub(crate) now: Timestamp,
    /// What was asked for, in order.
    pub(crate) asked: Vec<String>,
}

impl Walk {
    pub(crate) fn new(plan: Plan) -> Walk {
        let release = Release::new(plan);
        let mut walk = Walk { release, journal: vec![], now: Timestamp(1_000_000), asked: vec![] };
        walk.feed(&Input::Start).unwrap();
        walk
    }

    pub(crate) fn feed(&mut self, input: &Input) -> Result<usize, Rejected> {
        self.now.0 += 10;
        let entries = self.release.decide(self.now, input)?;
        for entry in &entries {
            self.release.apply(entry).unwrap();
            self.journal.push(entry.clone());
            let replayed = Release::replay(self.release.plan().clone(), &self.journal).unwrap();
            assert_eq!(replayed, self.release, "replay equals live after {entry:?}");
        }
        Ok(entries.len())
    }

    pub(crate) fn finish(&mut self, key: TaskKey, outcome: Outcome) {
        self.feed(&Input::Finished(key, outcome)).unwrap();
    }

    /// Goes on, gates by promotion, until an attempt at `what` has started; it is left running.
    pub(crate) fn until(&mut self, what: &str) -> TaskKey {
        for _ in 0..500 {
            for effect in self.release.wants(self.now) {
                if let Some(key) = self.work(&effect, what) {
                    return key;
                }
            }
            self.wait();
        }
        panic!("`{what}` never starts; asked for: {:#?}", self.asked);
    }

    /// Goes on until the release has ended.
    pub(crate) fn end(&mut self) -> lockgate_engine::End {
        for _ in 0..500 {
            if let Some(end) = self.release.ended() {
                return end.clone();
            }
            for effect in self.release.wants(self.now) {
                self.work(&effect, "nothing at all");
            }
            self.wait();
        }
        panic!("no end: {:#?}", self.release.status(self.now).waiting);
    }

    fn work(&mut self, effect: &Effect, stop_at: &str) -> Option<TaskKey> {
        let Effect::Run(key) = *effect else {
            if *effect == Effect::Sample {
                self.feed(&Input::Promote { by: "ann".to_owned() }).unwrap();
            }
            return None;
        };
        let task = self.release.task(key)?.clone();
        if !self.release.has_started(key) {
            self.feed(&Input::Starting(key)).unwrap();
            self.asked.push(task.action.to_string());
            return task.action.to_string().starts_with(stop_at).then_some(key);
        }
        if !matches!(task.action, Action::Gate { .. }) {
            self.finish(key, Outcome::Ok { note: None });
        }
        None
    }

    fn wait(&mut self) {
        if let Some((until, _)) = self.release.deadline() {
            self.now = self.now.max(until);
            self.feed(&Input::Tick).unwrap();
        }
    }
}

pub(crate) fn transient(why: &str) -> Outcome {
    Outcome::Transient { why: why.to_owned() }
}

pub(crate) fn fatal(why: &str) -> Outcome {
    Outcome::Fatal { why: why.to_owned() }
}

/// Counts of both slots of some services.
pub(crate) fn samples(plan: &Plan, requests: u64, errors: u64) -> Samples {
    let counts = |slot: &lockgate_model::SlotRef| {
        let bounds_ms = plan.slots[slot].latency_bounds_ms.clone();
        let mut counts = vec![0; bounds_ms.len() + 1];
        counts[0] = requests;
        let errors = if slot.release == plan.release { errors } else { 0 };
        SlotCounts {
            requests,
            errors,
            latency: Latency { bounds_ms, counts },
            ready: 1,
            wanted: 1,
            ..SlotCounts::default()
        }
    };
    let slots = plan.slots.keys().map(|it| (it.clone(), counts(it)));
    Samples { counter_epoch: "a".to_owned(), slots: slots.collect(), ..Samples::default() }
}
